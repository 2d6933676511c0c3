"""Names of what machine code is made of: of a kernel, as it is in memory, and of what compiles it.

Numba itself looks at the file of a kernel only, at its size and time: it would go on using a
kernel whose helper in another file has changed, and would compile anew what a fresh clone holds.
Here counts what the kernel is: its bytecode, the kernels that it calls, the constants that it takes
from its globals. What a name stands for is not asked of any file, so it cannot be out of date.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
from pathlib import Path
from types import BuiltinFunctionType, CodeType, ModuleType
from typing import Any

import numpy as np

__all__ = ["Unknown", "digest_of", "machine_stamp"]

_HERE = Path(__file__).parent
_MAKERS = ("compiling.py", "signatures.py")
"""Files of this package that machine code depends on."""
_HARMLESS = frozenset({
    "NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBA_WARNINGS",
    "NUMBA_DISABLE_PERFORMANCE_WARNINGS", "NUMBA_COLOR_SCHEME", "NUMBA_DISABLE_JIT",
})  # fmt: skip
"""Environment variables of Numba's that machine code does not depend on."""


class Unknown(TypeError):
    """A kernel refers to something of which it is not known when it is the same."""


def digest_of(function: Any, options: dict[str, Any]) -> str:
    """Return a name for what a kernel is.

    Parameters
    ----------
    function : function
        Of plain Python.
    options : dict
        How it is compiled.

    Raises
    ------
    Unknown
        If it refers to what can be anything.
    """
    said = {name: sorted(o) if isinstance(o, set) else o for name, o in options.items()}
    held = function.__globals__
    names = _names(function.__code__)
    globals_ = [(name, _of(held[name], names)) for name in names if name in held]
    return _hash(repr((_of_code(function.__code__), globals_, said)).encode())[:32]


def _of_code(code: CodeType) -> Any:
    constants = [_of_code(c) if isinstance(c, CodeType) else (type(c).__name__, repr(c))
                 for c in code.co_consts]  # fmt: skip
    return (
        code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars,
        code.co_argcount, code.co_kwonlyargcount, code.co_flags,
    )  # fmt: skip


def _names(code: CodeType) -> list[str]:
    """Return the names of globals and attributes that code, and code in it, refers to."""
    inside = (c for c in code.co_consts if isinstance(c, CodeType))
    return sorted({*code.co_names, *(name for c in inside for name in _names(c))})


def _of(value: Any, names: list[str]) -> Any:
    """Return what is equal for the same values only; `names` are those of attributes too."""
    if hasattr(value, "__skyseries_digest__"):
        return value.__skyseries_digest__
    if isinstance(value, ModuleType):
        if value.__name__.split(".")[0] in ("numpy", "math", "cmath"):
            return value.__name__
        return [(name, _of(getattr(value, name), names)) for name in names if hasattr(value, name)]
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return type(value).__name__, repr(value)
    if isinstance(value, tuple):
        return _of(type(value), names), [_of(part, names) for part in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcmM":
        return value.dtype.str, value.shape, value.strides, _hash(value.tobytes())
    if isinstance(value, type):
        return value.__module__, value.__qualname__, getattr(value, "_fields", ())
    if isinstance(value, (BuiltinFunctionType, np.ufunc)) or _is_of_numpy(value):
        return type(value).__name__, getattr(value, "__module__", ""), value.__name__
    raise Unknown(f"{value!r} can be anything")


def _is_of_numpy(value: Any) -> bool:
    return callable(value) and str(getattr(value, "__module__", "")).split(".")[0] == "numpy"


@functools.cache
def machine_stamp(numba: Path) -> str:
    """Return a name for the processor, the versions, and our own way to compile.

    Raises
    ------
    OSError
        If the files of Numba or of this package cannot be read.
    """
    import llvmlite
    import llvmlite.binding as llvm

    switches = {k: v for k, v in os.environ.items() if k.startswith("NUMBA_")}
    parts = (
        sorted((k, v) for k, v in switches.items() if k not in _HARMLESS),
        llvm.get_process_triple(), llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(), platform.python_implementation(),
        sys.version_info[:3], np.__version__, llvmlite.__version__,
    )  # fmt: skip
    makers = [(_HERE / name).read_bytes() for name in _MAKERS]
    return _hash(repr(parts).encode(), (numba / "_version.py").read_bytes(), *makers)[:16]


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d\n" % len(part))
        digest.update(part)
    return digest.hexdigest()
