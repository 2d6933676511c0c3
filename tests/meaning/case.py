"""How an entry is called with a value of one meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.meaning.arrays import ARRAYS, REFUSED_ARRAYS
from tests.meaning.containers import Container
from tests.meaning.dates import DATES, INTERVALS, LENGTHS, MOMENTS, YEARS
from tests.meaning.files import FILES
from tests.meaning.kinds import PERIOD, POSITION, RADIUS, TIME, YEAR, Kind
from tests.meaning.nested import NESTED
from tests.meaning.scalars import ANGLES, COORDINATES, PAIRS, REFUSED_SCALARS, SCALARS, TEXT
from tests.meaning.tables import TABLES

__all__ = ["EXPRESSION", "Case"]

Call = Callable[[Any, Any, bool], Any]
"""From the world, what is given, and whether it says a unit; to numbers."""


EXPRESSION = ("text",)
"""Excluded where text is an expression, or the name of a column."""


@dataclass(frozen=True)
class Case:
    """One parameter of one entry, with the meaning that a value has there."""

    entry: str
    parameter: str
    kind: Kind
    form: str
    """array, scalar, pair, coordinate, table, column, nested, file, text."""
    values: Any
    """What is given, in the needed unit; of tables by column."""
    call: Call
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """The other columns of a table."""
    refuses: bool = False
    """Whether another unit may be refused: the entry says so."""
    scale_free: bool = False
    """Whether the answer is the same for numbers of any size: only the kind of unit counts."""
    misses: bool = True
    """Whether one of the values may be missing."""
    excludes: tuple[str, ...] = ()
    """Containers in which a value means something else here."""
    dates: bool = True
    """Whether times may be dates: not where the zero of the others is not known."""

    @property
    def name(self) -> str:
        """Return a name for people."""
        what = f"{'+'.join(self.values)} " if isinstance(self.values, dict) else ""
        return f"{self.entry}({self.parameter}) {what}{self.kind.name} {self.form}"

    def containers(self) -> tuple[Container, ...]:
        """Return what the value may come in."""
        holds = self.kind.holds
        found = _FORMS[self.form]
        if self.form == "array":
            found = tuple(c for c in found if holds in c.holds)
            if self.kind is TIME:
                dates = (replace(c, refused=c.refused or not self.dates) for c in DATES)
                found = (*(c for c in found if c.name != "dates"), *dates, *INTERVALS)
        if self.form == "scalar":
            found += {
                POSITION: ANGLES, RADIUS: ANGLES, PERIOD: LENGTHS, TIME: MOMENTS, YEAR: YEARS,
            }.get(self.kind, ())  # fmt: skip
            if holds == "i":
                found = tuple(c for c in found if c.name not in _NO_IDS)
        if isinstance(self.values, dict) and "ra" not in {*self.values, *self.fixed}:
            found = tuple(c for c in found if "SkyCoord" not in c.name)
        return tuple(c for c in found if c.name not in self.excludes)

    def units(self, container: Container) -> tuple[str | None, ...]:
        """Return in which units the value may come in a container."""
        if container.refused or container.says == "never":
            return (None,)
        every = self.kind.units() if self.kind.holds == "n" else (None,)
        given = tuple(u for u in every if u is not None)
        given = given if container.any_unit else given[:-1]
        given = given[:-1] if container.name == "Angle" else given
        return given if container.says == "must" else (None, *given)

    def rounded(self, container: Container) -> Any:
        """Return the values that a container can hold, in the needed unit."""
        if isinstance(self.values, dict):
            return self.values
        return container.rounded(np.asarray(self.values))


_FORMS: dict[str, tuple[Container, ...]] = {
    "array": (*ARRAYS, *REFUSED_ARRAYS),
    "scalar": (*SCALARS, *REFUSED_SCALARS),
    "pair": PAIRS,
    "coordinate": COORDINATES,
    "table": TABLES,
    "column": (*TABLES, *FILES),
    "nested": NESTED,
    "file": FILES,
    "text": TEXT,
}
_NO_IDS = {
    "float",
    "np.float64",
    "np.float32",
    "Decimal",
    "Fraction",
    "Quantity",
    "Masked Quantity",
}
