"""What is known to be called together, so that it is compiled side by side before it is called.

``expected.json`` names, for each occasion, the kernels and the types of their arguments;
``benchmarks/learn_kernels.py`` writes it by trying each. What it does not name is compiled when it
is called.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skyseries.jit import builders, native
from skyseries.jit.signatures import portable
from skyseries.jit.wanted import Wanted, wanted_of

__all__ = ["PATH", "expect", "known_kernels", "occasions"]

PATH = Path(__file__).with_suffix(".json")

_met: set[str] = set()


def expect(*occasions: str) -> None:
    """Compile what some occasions are known to call, where that has not been done yet.

    An occasion that nobody knows is no fault: what it calls is compiled then.
    """
    if _met.issuperset(occasions):
        return
    with contextlib.suppress(OSError, native.Unavailable):  # each kernel finds its own way
        builders.build(known_kernels(occasions))
    _met.update(occasions)


def occasions() -> tuple[str, ...]:
    """Return all occasions that are known."""
    return tuple(_known()["occasions"])


def known_kernels(occasions: Iterable[str]) -> list[Wanted]:
    """Return the kernels that are called on some occasions."""
    known = _known()
    numbers = {n for name in occasions for n in known["occasions"].get(name, ())}
    wanted = (wanted_of(*portable(known["kernels"][n])) for n in sorted(numbers))
    return [each for each in wanted if each is not None]


@functools.cache
def _known() -> dict[str, Any]:
    try:
        return json.loads(PATH.read_bytes())  # type: ignore[no-any-return]
    except FileNotFoundError:
        return {"kernels": [], "occasions": {}}
