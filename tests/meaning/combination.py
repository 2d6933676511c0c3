"""One value of a case: in one container and one unit, with a gap or without; what it must give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import InputError
from tests.meaning import files
from tests.meaning.case import Case
from tests.meaning.containers import Container, Gone, plain
from tests.meaning.kinds import parsed
from tests.meaning.nested import NESTED
from tests.meaning.tables import Given, as_arrow
from tests.meaning.world import ROW_GONE, World, plainly, wide_name

__all__ = ["Combination", "Outcome", "Refusal", "every", "gap_of", "outcome_of"]


@dataclass(frozen=True)
class Refusal:
    """An error of the right class, and what it says."""

    message: str


Outcome = NDArray[np.float64] | Refusal


@dataclass(frozen=True, eq=False)
class Combination:
    """What is tried once."""

    case: Case
    container: Container
    unit: str | None
    gap: bool
    """Whether a value is missing."""

    def __str__(self) -> str:
        words = [self.case.name, self.container.name, self.unit or "unsaid"]
        return " | ".join([*words, *(["gap"] if self.gap else [])]).replace("/", " per ")

    @property
    def said(self) -> bool:
        """Whether the value says a unit."""
        return self.unit is not None

    @property
    def must_refuse(self) -> bool:
        """Whether there is no meaning in what is given."""
        return self.container.refused or self.case.kind.is_refused(self.unit)

    @property
    def can_miss(self) -> bool:
        """Whether one of the values may be missing."""
        floats = self.case.kind.holds == "i" and self.container.name in _FLOATS_ONLY
        return self.case.misses and self.container.misses and not (self.must_refuse or floats)

    def outcome(self, world: World) -> Outcome:
        """Return what the entry answers to the value in its container and unit."""
        return outcome_of(self.case, world, self.given(world), self.said)

    def wanted(self, world: World) -> Outcome:
        """Return what it answers to plain float64 numbers in the unit that is needed."""
        return _plain_outcome(self.case, world, self.container.type, self.gap, self.said)

    def given(self, world: World) -> Any:
        """Return the value in its container."""
        case, kind = self.case, self.case.kind
        if isinstance(case.values, dict):
            return self._table(world)
        values = case.rounded(self.container)
        if kind.needed and self.unit is not None:
            values = kind.stated(np.asarray(values, np.float64), self.unit)
        gone = gap_of(values) if self.gap else None
        return self.container.make(values, gone, self.unit)

    def _table(self, world: World) -> Any:
        """Return a table, or the catalog of a file, and the names of the columns in it."""
        case, names = self.case, list(self.case.values)
        columns = {n: self._column(v) for n, v in case.values.items()}
        if case.form == "column" and self.container.holds == "F":
            gone = ROW_GONE if self.gap else None
            found = [wide_name(n, case.kind, self.unit, gone) for n in names]
            return world.wide(self.container.name), found
        whole = plainly(case.fixed) | columns
        if case.form == "file":
            return files.write(whole, self.container.name, world.fresh()), names
        return self.container.make(whole, None, None), names

    def _column(self, values: NDArray[Any]) -> Given:
        gone = gap_of(values) if self.gap else None
        return Given(self.case.kind.stated(values, self.unit), gone, self.unit)


def gap_of(values: NDArray[Any]) -> Gone:
    """Return where a value is missing: in the second row of a table, else in the fourth."""
    place = 1 if len(values) <= 4 else 3
    gone = np.zeros(np.shape(values), bool)
    gone[place] = True
    return gone


def outcome_of(case: Case, world: World, given: Any, said: bool) -> Outcome:
    """Return the answer of an entry, or its refusal; every other error is one of the test."""
    try:
        found = case.call(world, given, said)
    except InputError as error:
        return Refusal(str(error))
    return np.asarray(found, np.float64).ravel()


_known: dict[Any, Outcome] = {}


def _plain_outcome(case: Case, world: World, type_: Any, gap: bool, said: bool) -> Outcome:
    key = case.name, str(type_), gap, said
    if key not in _known:
        given = _plain_value(case, world, type_, gap, said)
        _known[key] = outcome_of(case, world, given, said)
    return _known[key]


def _plain_value(case: Case, world: World, type_: Any, gap: bool, said: bool) -> Any:
    """Return the value in the plainest way there is."""
    kind, needed = case.kind, case.kind.needed or None
    unit = needed if said else None
    if isinstance(case.values, dict):
        return _plain_table(case, world, unit, gap)
    if case.form == "coordinate":
        return case.values
    values = Container("plain", plain, type=type_).rounded(np.asarray(case.values))
    if case.form == "text":
        return f"{float(values):.17g}"
    gone = gap_of(values) if gap else None
    if case.form == "scalar":
        value = int(values) if kind.holds == "i" else float(values)
        return value if unit is None else value * parsed(unit)
    if case.form == "pair":
        rows = values.tolist()
        return rows if unit is None else rows * parsed(unit)
    found = plain(values, gone)
    return found if unit is None or kind.holds != "n" else found * parsed(unit)


def _plain_table(case: Case, world: World, unit: str | None, gap: bool) -> Any:
    columns: Mapping[str, Given] = {
        n: Given(v, gap_of(v) if gap else None, unit) for n, v in case.values.items()
    }
    whole = {**plainly(case.fixed), **columns}
    if case.form == "nested":
        return NESTED[0].make(whole, None, None), list(columns)
    if case.form == "file":
        return files.write(whole, "Parquet", world.fresh()), list(columns)
    return as_arrow(whole), list(columns)


_FLOATS_ONLY = ("structured array", "FITS rows")
"""Where whole numbers cannot be missing."""


def every(cases: tuple[Case, ...]) -> Iterator[Combination]:
    """Yield all combinations."""
    for case in cases:
        for container in case.containers():
            for unit in case.units(container):
                whole = Combination(case, container, unit, gap=False)
                yield whole
                if whole.can_miss:
                    yield Combination(case, container, unit, gap=True)
