"""The typed tree: names are looked up, every value has a type, a unit where known, and a level.

The level says how many values an expression has: None is one per object (per row of the
catalog), and the name of a nested column, such as ``lc``, is one per epoch of that light curve.
A value per object beside values per epoch counts for each of its epochs.

An expression is data: frozen, comparable, picklable, free of text that a user wrote except in
constants and names of columns.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import pyarrow as pa

from skyseries.adql.types import Type, arrow_type, from_arrow

if TYPE_CHECKING:
    from skyseries.adql.relations import Query

__all__ = [
    "Aggregate",
    "And",
    "Choice",
    "Column",
    "Compare",
    "Constant",
    "ConstantValue",
    "Convert",
    "CurveValue",
    "Expr",
    "IsNull",
    "Matches",
    "Not",
    "OneOf",
    "Operation",
    "Or",
    "Path",
    "Subquery",
    "Truth",
    "written",
]

Path: TypeAlias = tuple[str, ...]
"""A column: ``("ra",)``, or a field of a nested or structured one: ``("lc", "mjd")``."""


def written(path: Path) -> str:
    """Return a path as it is written, with double quotes where a name needs them."""
    parts = without_id(path)
    return ".".join(part if re.fullmatch(r"\w+", part) else f'"{part}"' for part in parts)


def without_id(path: Path) -> Path:
    """Return the path of a column of a statement without the id of its table (`relations`)."""
    return path[1:] if len(path) > 1 and path[0].startswith("#") else path


ConstantValue: TypeAlias = int | float | Decimal | str | bool | datetime | tuple[float, ...] | None


@dataclass(frozen=True)
class Expr:
    """What all expressions have."""

    _below: ClassVar[tuple[str, ...]] = ()
    """The fields that hold one expression each (or None), or ``arguments``, which holds several."""

    @property
    def children(self) -> tuple[Expr, ...]:
        """The expressions directly below."""
        if self._below == ("arguments",):
            return self.arguments  # type: ignore[attr-defined,no-any-return]
        return tuple(child for name in self._below if (child := getattr(self, name)) is not None)

    def with_children(self, children: tuple[Expr, ...]) -> Expr:
        """Return the same expression over other children, as many as it has."""
        if self._below == ("arguments",):
            return replace(self, arguments=children)  # type: ignore[call-arg]
        return replace(self, **dict(zip(self._below, children, strict=False)))

    @property
    def type(self) -> Type:
        """The type of its values."""
        return Type.BOOLEAN

    @property
    def unit(self) -> str | None:
        """The unit; an empty text for a plain number, None where it is not known."""
        return None

    @cached_property
    def level(self) -> str | None:
        """None: a value per object; the name of a nested column: a value per epoch."""
        return next((c.level for c in self.children if c.level is not None), None)

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type in which values are computed."""
        return arrow_type(self.type)


@dataclass(frozen=True)
class Column(Expr):
    """A column of the table, or a field of a nested one."""

    path: Path
    kind: Type
    column_unit: str | None = None
    nested: str | None = None
    """The nested column whose epochs have a value each."""
    arrow: pa.DataType | None = None
    table: Path = field(default=(), compare=False)
    """The name of the table that it is of, in a statement; empty: of a query, or not known."""

    @property
    def type(self) -> Type:
        """The type of its values."""
        return self.kind

    @property
    def unit(self) -> str | None:
        """The unit, None where the table does not say."""
        return self.column_unit

    @cached_property
    def level(self) -> str | None:
        """The nested column that it is a field of."""
        return self.nested

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column itself."""
        return arrow_type(self.kind) if self.arrow is None else self.arrow


@dataclass(frozen=True)
class Constant(Expr):
    """A number, text, truth value, time or geometry; a number with a point is a Decimal.

    A geometry is the numbers of its form in DALI, degrees; a coverage map its text.
    """

    value: ConstantValue
    kind: Type

    @property
    def type(self) -> Type:
        """The type of the value."""
        return self.kind


@dataclass(frozen=True)
class Operation(Expr):
    """An operator or function of values."""

    _below = ("arguments",)

    name: str
    arguments: tuple[Expr, ...]
    result: Type
    sql: str
    """DuckDB's text with ``{0}``, ``{1}`` for the arguments."""
    compute: str | None = None
    """The function of `pyarrow.compute` with the same values, if there is one."""
    result_unit: str | None = None
    kernel: str | None = None
    """``module.function`` of `adql.kernels`, which alone calculates it, from arrays."""
    ucd: str = ""
    """What kind of quantity it is (IVOA UCD), where the function says it."""

    @property
    def type(self) -> Type:
        """The type of the result."""
        return self.result

    @property
    def unit(self) -> str | None:
        """The unit of the result, None where it is not known."""
        return self.result_unit


@dataclass(frozen=True)
class _Single(Expr):
    """An expression of one other."""

    _below: ClassVar[tuple[str, ...]] = ("argument",)

    argument: Expr


@dataclass(frozen=True)
class Convert(_Single):
    """A value in another type."""

    target: Type
    length: int | None = None
    """Of a text: cut to so many characters."""
    attempt: bool = False
    """TRY_CAST: a value that does not fit is NULL, not an error."""

    @property
    def type(self) -> Type:
        """The type that it is converted to."""
        return self.target

    @property
    def unit(self) -> str | None:
        """The unit of the argument."""
        return self.argument.unit


@dataclass(frozen=True)
class Aggregate(Expr):
    """One value of many: of the epochs of an object, or of the objects of a group."""

    _below = ("argument",)

    name: str
    argument: Expr | None
    """None: COUNT(*)."""
    result: Type
    distinct: bool = False
    over: str | None = None
    """The nested column whose epochs are aggregated for each object; None: rows of a group."""
    result_unit: str | None = None
    parameters: tuple[ConstantValue, ...] = ()
    """What it takes beside the values: the percent of a percentile."""

    @property
    def type(self) -> Type:
        """The type of the result."""
        return self.result

    @property
    def unit(self) -> str | None:
        """The unit of the result, None where it is not known."""
        return self.result_unit

    @cached_property
    def level(self) -> str | None:
        """None: an aggregate is a value per object, or per group."""
        return None


@dataclass(frozen=True)
class CurveValue(_Single):
    """A value per object that is calculated of its light curve as a whole, ahead of all else."""

    argument: Column
    name: str
    """Of the function."""
    call: Hashable
    """What is calculated, for those who do it."""
    column: pa.Field
    """Its type, unit and description."""
    known_unit: str | None = None

    @property
    def type(self) -> Type:
        """The type of the result."""
        return from_arrow(self.column.type)

    @property
    def unit(self) -> str | None:
        """The unit of the result, None where it is not known."""
        return self.known_unit

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type that it is calculated in."""
        return self.column.type


@dataclass(frozen=True)
class Choice(Expr):
    """CASE: the value behind the first condition that is true."""

    _below = ("arguments",)

    arguments: tuple[Expr, ...]
    """Conditions and values by turns, and at last the value where no condition is true."""
    result: Type

    @property
    def type(self) -> Type:
        """The type of all the values."""
        return self.result

    @property
    def unit(self) -> str | None:
        """The unit of the first value that has one."""
        values = (*self.arguments[1::2], self.arguments[-1])
        return next((value.unit for value in values if value.unit is not None), None)


@dataclass(frozen=True)
class Subquery(Expr):
    """A value or a condition made of the rows of a query."""

    _below = ("argument",)

    form: str
    """``scalar``, ``exists``, ``in``, ``all`` or ``any``."""
    query: Query
    argument: Expr | None = None
    operator: str = "="

    @property
    def type(self) -> Type:
        """Boolean, but for ``scalar``."""
        return (
            from_arrow(self.query.schema.field(0).type) if self.form == "scalar" else Type.BOOLEAN
        )

    @property
    def arrow_type(self) -> pa.DataType:
        """That of the query's one column."""
        return self.query.schema.field(0).type if self.form == "scalar" else pa.bool_()


@dataclass(frozen=True)
class Compare(Expr):
    """``= <> < <= > >=``; never true for NULL and NaN."""

    _below = ("left", "right")

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class _Several(Expr):
    """Conditions joined by one word."""

    _below = ("arguments",)

    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class And(_Several):
    """All are true."""


@dataclass(frozen=True)
class Or(_Several):
    """At least one is true."""


@dataclass(frozen=True)
class Not(_Single):
    """The condition is false (not: unknown)."""


@dataclass(frozen=True)
class IsNull(_Single):
    """The value is missing: NULL, or NaN."""


@dataclass(frozen=True)
class Truth(_Single):
    """A boolean value is true."""


@dataclass(frozen=True)
class OneOf(_Single):
    """The value is one of some constants, which have its type."""

    values: tuple[ConstantValue, ...]


@dataclass(frozen=True)
class Matches(_Single):
    """A text is like a pattern: ``%`` is any text, ``_`` any one character."""

    _below = ("argument", "pattern")

    pattern: Expr
    insensitive: bool = False
