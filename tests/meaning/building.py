"""Short ways to say several cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.meaning.case import Case
from tests.meaning.kinds import Kind

__all__ = ["place", "scalars"]


def scalars(
    entry: str, kind: Kind, values: dict[str, float], call: Callable[..., Any]
) -> list[Case]:
    """Return a case for each of several parameters of one kind, given by their names."""
    return [
        Case(entry, name, kind, "scalar", value, _calling(call, name))
        for name, value in values.items()
    ]


def _calling(call: Callable[..., Any], name: str) -> Any:
    return lambda w, v, s: call(w, **{name: v})


def place(v: Any) -> dict[str, Any]:
    """Return a position as arguments: two numbers, or a SkyCoord in the place of ra."""
    return {"ra": v[0], "dec": v[1]} if isinstance(v, tuple) else {"ra": v, "dec": None}
