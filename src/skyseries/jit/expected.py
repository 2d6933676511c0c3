"""What is known to be called together, so that it is compiled side by side before it is called.

``expected.json`` names, for each occasion, the kernels and the types of their arguments;
``benchmarks/learn_kernels.py`` writes it by trying each. What it does not name is compiled when it
is called.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyseries.errors import StorageError
from skyseries.jit import builders, native, store
from skyseries.jit.kernels import Kernel
from skyseries.jit.signatures import portable
from skyseries.jit.wanted import Wanted

__all__ = ["PATH", "Warmed", "compile_for", "known_kernels", "warm_all"]

PATH = Path(__file__).with_suffix(".json")


def compile_for(occasions: Iterable[str]) -> None:
    """Compile what some occasions are known to call, where that has not been done yet.

    An occasion that nobody knows is no fault: what it calls is compiled then.
    """
    with contextlib.suppress(OSError, native.Unavailable):  # each kernel finds its own way
        builders.build(known_kernels(occasions))


@dataclass(frozen=True)
class Warmed:
    """What `warm_all` has done."""

    folder: str
    compiled: int
    found: int
    """Kernels that were there before."""
    seconds: float
    troubles: tuple[str, ...]

    def text(self) -> str:
        """Say it."""
        done = f"{self.compiled} kernels compiled in {self.seconds:.1f} s"
        return f"{done}, {self.found} were there: {self.folder}"


def warm_all() -> Warmed:
    """Compile all that is known, into the first folder of `skyseries.jit.store.folders`.

    Raises
    ------
    StorageError
        If that folder cannot be written to.
    """
    began = time.monotonic()
    folder = store.folders()[0]
    try:
        store.made(folder)
        wanted = known_kernels(_known()["occasions"])
        missing = [each for each in wanted if store.kept(each.name, [folder]) is None]
        elsewhere = {each: store.kept(each.name) for each in missing}
        for each, compiled in elsewhere.items():
            if compiled is not None:
                store.keep(each.name, compiled)
        troubles = builders.build(each for each in missing if elsewhere[each] is None)
    except (OSError, native.Unavailable) as error:
        raise StorageError(f"{folder}: kernels cannot be compiled ahead: {error}") from error
    told = tuple(f"{each.module}.{each.qualname}: {why}" for each, why in troubles.items())
    made, spent = len(missing) - len(troubles), time.monotonic() - began
    return Warmed(str(folder), made, len(wanted) - len(missing), spent, told)


def known_kernels(occasions: Iterable[str]) -> list[Wanted]:
    """Return the kernels that are called on some occasions."""
    known = _known()
    numbers = {n for name in occasions for n in known["occasions"].get(name, ())}
    found = []
    for number in sorted(numbers):
        module, name, key = known["kernels"][number]
        kernel: Kernel = getattr(importlib.import_module(module), name)
        found.append(kernel.wanted(portable(key)))
    return [wanted for wanted in found if wanted is not None]


@functools.cache
def _known() -> dict[str, Any]:
    try:
        return json.loads(PATH.read_bytes())  # type: ignore[no-any-return]
    except FileNotFoundError:
        return {"kernels": [], "occasions": {}}
