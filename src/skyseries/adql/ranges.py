"""What a condition demands of single columns: to leave out row groups, files and partitions.

From the condition as it is (negations carried down to the comparisons) a smaller one is derived
that is true wherever the condition can be true, and that looks at single columns only. Row groups
whose smallest and largest values cannot fulfil it hold no row that does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skyseries.adql.expressions import (
    And,
    Column,
    Compare,
    Constant,
    Expr,
    IsNull,
    Matches,
    Not,
    OneOf,
    Or,
    Path,
    Truth,
)
from skyseries.adql.sql import NEGATED
from skyseries.adql.statistics import Statistics, compare_with

__all__ = ["Bounds", "bounds", "one_of"]

_MANY = 64
"""From so many values of IN on, only the smallest and largest are compared with a row group."""


@dataclass(frozen=True)
class _Interval:
    """A column lies between two values; None: open. `empty`: no value does."""

    path: Path
    low: Any = None
    high: Any = None
    strict_low: bool = False
    strict_high: bool = False

    def may_match(self, statistics: Statistics) -> NDArray[np.bool_]:
        matches = ~statistics.all_missing()
        if self.low is not None:
            matches &= compare_with(statistics.max, self.low, ">" if self.strict_low else ">=")
        if self.high is not None:
            matches &= compare_with(statistics.min, self.high, "<" if self.strict_high else "<=")
        return matches


@dataclass(frozen=True)
class _Values:
    """A column has one of some values."""

    path: Path
    values: tuple[Any, ...]

    def may_match(self, statistics: Statistics) -> NDArray[np.bool_]:
        if not self.values:
            return np.zeros(len(statistics), bool)
        values = self.values
        if len(values) > _MANY:
            return _Interval(self.path, min(values), max(values)).may_match(statistics)
        matches = np.zeros(len(statistics), bool)
        for value in values:
            matches |= _Interval(self.path, value, value).may_match(statistics)
        return matches


@dataclass(frozen=True)
class _Missing:
    """A column is NULL; floating ones can be NaN, which no statistics tell."""

    path: Path
    floating: bool

    def may_match(self, statistics: Statistics) -> NDArray[np.bool_]:
        return np.ones(len(statistics), bool) if self.floating else ~statistics.none_missing()


@dataclass(frozen=True)
class _All:
    parts: tuple[_Demand, ...]


@dataclass(frozen=True)
class _Any:
    parts: tuple[_Demand, ...]


_Leaf: TypeAlias = _Interval | _Values | _Missing
_Demand: TypeAlias = _Interval | _Values | _Missing | _All | _Any


@dataclass(frozen=True)
class Bounds:
    """Demands on single columns that hold wherever a condition is true."""

    _demand: _Demand | None

    @property
    def paths(self) -> frozenset[Path]:
        """The columns whose statistics can tell something."""
        return frozenset(leaf.path for leaf in _leaves(self._demand))

    def may_match(self, statistics: Mapping[Path, Statistics], n: int) -> NDArray[np.bool_]:
        """Return for each row group whether it may hold rows that fulfil the condition.

        Parameters
        ----------
        statistics : mapping of path to Statistics
            Of `paths`, as far as known; each over the same n row groups.
        n : int
            How many row groups there are.
        """
        if self._demand is None:
            return np.ones(n, bool)
        return _may_match(self._demand, statistics, n)

    def values(self, path: Path) -> tuple[Any, ...] | None:
        """Return the only values that a column can have, from ``=`` and IN; None: not limited.

        None of them: the condition is never true.
        """
        return _values(self._demand, path)

    def renamed(self, old: Mapping[str, str]) -> Bounds:
        """Return what is demanded of columns under other names; of those without one, nothing.

        Parameters
        ----------
        old : mapping
            From the names in these demands to those in the result.
        """
        return self.moved(lambda path: (old[path[0]], *path[1:]) if path[0] in old else None)

    def moved(self, path: Callable[[Path], Path | None]) -> Bounds:
        """Return what is demanded of columns that stand elsewhere.

        Parameters
        ----------
        path : callable
            From a column in these demands to that in the result; None: nothing is demanded of it.
        """
        return Bounds(None if self._demand is None else _moved(self._demand, path))


def one_of(column: str, values: Sequence[Any]) -> Bounds:
    """Return the demand that a column has one of some values."""
    return Bounds(_Values((column,), tuple(values)))


def bounds(condition: Expr) -> Bounds:
    """Return what a condition demands of single columns.

    Parameters
    ----------
    condition : Expr
        From `resolve_condition`. Aggregates and calculated values are passed over.
    """
    return Bounds(_demand(condition, False))


def _demand(condition: Expr, negated: bool) -> _Demand | None:
    """Return what must hold where a condition (or its opposite) is true; None: nothing known."""
    match condition:
        case Not():
            return _demand(condition.argument, not negated)
        case And() | Or():
            parts = [_demand(argument, negated) for argument in condition.arguments]
            known = tuple(part for part in parts if part is not None)
            if isinstance(condition, And) is not negated:
                return _All(known) if known else None
            return _Any(known) if len(known) == len(parts) else None
        case Compare(left=Column() as column, right=Constant() as constant):
            operator = NEGATED[condition.operator] if negated else condition.operator
            return _of_comparison(column, operator, constant)
        case OneOf(argument=Column() as column) if not negated:
            return _Values(column.path, tuple(map(_plain, condition.values)))
        case IsNull(argument=Column() as column):
            if negated:
                return _Interval(column.path)
            return _Missing(column.path, column.type.is_floating)
        case Truth(argument=Column() as column):
            return _Values(column.path, (not negated,))
        case Matches(argument=Column() as column, pattern=Constant() as pattern):
            if negated or condition.insensitive or pattern.value is None:
                return _Interval(column.path)
            return _of_pattern(column.path, str(pattern.value))
        case _:
            return None


def _of_comparison(column: Column, operator: str, constant: Constant) -> _Demand | None:
    if constant.value is None:
        return _Values(column.path, ())
    value = _plain(constant.value)
    match operator:
        case "=":
            return _Values(column.path, (value,))
        case "<" | "<=":
            return _Interval(column.path, high=value, strict_high=operator == "<")
        case ">" | ">=":
            return _Interval(column.path, low=value, strict_low=operator == ">")
        case _:
            return _Interval(column.path)


def _of_pattern(path: Path, pattern: str) -> _Demand:
    """Return the interval of the texts that begin as a pattern does."""
    fixed = pattern
    for wildcard in "%_":
        fixed = fixed.split(wildcard)[0]
    if fixed == pattern:
        return _Values(path, (pattern,))
    if not fixed:
        return _Interval(path)
    return _Interval(path, low=fixed, high=_after(fixed), strict_high=True)


def _after(prefix: str) -> str | None:
    """Return a text behind all that begin with a prefix; None if there is none."""
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1]) + 1
        if 0xD800 <= code <= 0xDFFF:
            code = 0xE000
        if code <= 0x10FFFF:
            return prefix[: end - 1] + chr(code)
    return None


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _may_match(demand: _Demand, statistics: Mapping[Path, Statistics], n: int) -> NDArray[np.bool_]:
    if isinstance(demand, _All):
        parts = [_may_match(part, statistics, n) for part in demand.parts]
        return np.asarray(np.logical_and.reduce(parts))
    if isinstance(demand, _Any):
        parts = [_may_match(part, statistics, n) for part in demand.parts]
        return np.asarray(np.logical_or.reduce(parts))
    known = statistics.get(demand.path)
    return np.ones(n, bool) if known is None else demand.may_match(known)


def _moved(demand: _Demand, path: Callable[[Path], Path | None]) -> _Demand | None:
    if isinstance(demand, _All | _Any):
        parts = [_moved(part, path) for part in demand.parts]
        known = tuple(part for part in parts if part is not None)
        if isinstance(demand, _All):
            return _All(known) if known else None
        return _Any(known) if len(known) == len(parts) else None
    new = path(demand.path)
    return None if new is None else replace(demand, path=new)


def _leaves(demand: _Demand | None) -> list[_Leaf]:
    if demand is None:
        return []
    if isinstance(demand, _All | _Any):
        return [leaf for part in demand.parts for leaf in _leaves(part)]
    return [demand]


def _values(demand: _Demand | None, path: Path) -> tuple[Any, ...] | None:
    """Return the values that a demand leaves to a column; None: not limited."""
    match demand:
        case _Values() if demand.path == path:
            return demand.values
        case _All():
            found = [v for part in demand.parts if (v := _values(part, path)) is not None]
            if not found:
                return None
            others = [set(other) for other in found[1:]]
            return tuple(v for v in found[0] if all(v in other for other in others))
        case _Any():
            parts = [_values(part, path) for part in demand.parts]
            if any(part is None for part in parts):
                return None
            return tuple(dict.fromkeys(v for part in parts if part is not None for v in part))
        case _:
            return None
