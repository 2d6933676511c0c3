"""What machine code is made of: names of the contents of its sources, and of what compiles it.

Numba itself looks at the file of a kernel only, at its size and time: it would go on using a
kernel whose helper in another file has changed, and would compile anew what a fresh clone holds.
Here counts what stands in the file of a kernel and in all that it imports, as far as kernels are
in it; kernels take constants from such files only.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import sys
from pathlib import Path

__all__ = ["is_source", "machine_stamp", "source_stamp"]

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
_PACKAGE = _ROOT.name
_MARK = re.compile(rb"^from skyseries\.jit import .*\b(kernel|Emitted)\b", re.MULTILINE)
"""What makes a file a source of kernels."""
_IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([\w.]+)|\"(skyseries\.[\w.]+)\"", re.MULTILINE)
"""Modules that a source imports, or names for `Emitted`."""
_MAKERS = ("compiling.py", "signatures.py")
"""Files of this package that machine code depends on."""
_SWITCHES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT", "NUMBA_ENABLE_AVX")
"""Environment variables of Numba's that machine code depends on."""
_OTHERS = frozenset({*sys.stdlib_module_names, "numpy", "numba"})


@functools.cache
def source_stamp(module: str) -> str | None:
    """Return a name for the state of the sources of the kernels of a module; None without any."""
    seen: dict[str, bytes] = {}
    ahead = [module]
    while ahead:
        name = ahead.pop()
        text = None if name in seen else _text_of(name)
        if text is None or (name != module and not is_source(text)):
            continue
        seen[name] = text
        ahead += [(a or b).decode() for a, b in _IMPORT.findall(text)]
    return _digest(*(part for name in sorted(seen) for part in (name.encode(), seen[name])))[:24]


def is_source(text: bytes) -> bool:
    """Return whether there are kernels in a file."""
    return _MARK.search(text) is not None


@functools.cache
def _text_of(module: str) -> bytes | None:
    parts = module.split(".")
    if parts[0] in _OTHERS or module.startswith(__package__):
        return None
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None and parts[0] == _PACKAGE:
        beside = _ROOT.joinpath(*parts[1:])
        path = str(beside / "__init__.py" if beside.is_dir() else beside.with_suffix(".py"))
    if path is None or not path.endswith(".py"):
        return None
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


@functools.cache
def machine_stamp(numba: Path) -> str:
    """Return a name for the processor, the versions, and our own way to compile."""
    import llvmlite
    import llvmlite.binding as llvm
    import numpy as np

    switches = sorted((k, v) for k, v in os.environ.items() if k in _SWITCHES)
    parts = (
        switches, llvm.get_process_triple(), llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
        platform.python_implementation(), sys.version_info[:3], np.__version__,
        llvmlite.__version__,
    )  # fmt: skip
    makers = [(_HERE / name).read_bytes() for name in _MAKERS]
    return _digest(repr(parts).encode(), (numba / "_version.py").read_bytes(), *makers)[:16]


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d\n" % len(part))
        digest.update(part)
    return digest.hexdigest()
