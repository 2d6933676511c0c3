"""Steps inside light curves: epochs filtered, sorted, cut, computed; every object stays."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from skyseries import adql
from skyseries.catalog.plan.names import fields_of
from skyseries.catalog.plan.node import Hints, RowStep, Source, column_of
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.catalog.plan.steps import Wrapped, together
from skyseries.lazy import pc
from skyseries.nested import Nested

__all__ = [
    "AssignEpochs",
    "EpochStep",
    "FilterEpochs",
    "SliceEpochs",
    "SortEpochs",
    "flat_columns",
    "nested_of",
    "without_aggregates",
]

Flat = dict[tuple[str, ...], pa.Array]


def nested_of(rows: Rows, column: str, fields: Sequence[str], index: Index = None) -> Nested:
    """Return some fields of the light curves of rows."""
    paths = [f"{column}.{name}" for name in fields]
    table = rows.fetch(paths, index)
    lists = [table.column(path).combine_chunks() for path in paths]
    types = [pa.field(name, values.type) for name, values in zip(fields, lists, strict=True)]
    return Nested.from_arrow(together(lists, types))


def flat_columns(nested: Nested, column: str, fields: Sequence[str], objects: pa.Table) -> Flat:
    """Return the epochs' values by path, and those of the objects repeated for each epoch."""
    flat: Flat = {(column, name): nested.values(name) for name in fields}
    for name in objects.column_names:
        repeated = nested.broadcast(objects.column(name).combine_chunks())
        # a dot may be part of the name, or stand before the field of a struct
        flat[(name,)] = flat[tuple(name.split("."))] = repeated
    return flat


def without_aggregates(
    expression: adql.Expr, nested: Nested, column: str, fields: Sequence[str], objects: pa.Table
) -> tuple[adql.Expr, Flat]:
    """Return an expression of epochs in which aggregates are columns, and all its columns.

    An aggregate of the light curve counts for each epoch of its object.
    """
    inner, outer = adql.split_aggregates(expression)
    flat = flat_columns(nested, column, fields, objects)
    if inner:
        found = adql.EpochAggregates(inner)(flat, nested.offsets)
        for i, values in enumerate(found):
            flat[(adql.aggregate_name(i),)] = nested.broadcast(values)
    return outer, flat


@dataclass(frozen=True)
class EpochStep(RowStep):
    """A step that changes one light-curve column."""

    column: str

    @abc.abstractmethod
    def uses(self) -> list[str]:
        """Return the fields that the step looks at, whichever are wanted."""

    def objects(self) -> list[str]:
        """Return the columns of the objects that the step looks at."""
        return []

    @abc.abstractmethod
    def change(self, nested: Nested, objects: pa.Table) -> Nested:
        """Return the light curves as this step leaves them."""

    def new_fields(self) -> list[str]:
        """Return the fields that the step makes."""
        return []

    @property
    def whole(self) -> bool:
        """Whether light curves have all their epochs and fields as they were."""
        return False

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        if column_of(path, self.schema) != self.column:
            return (Source(0, path),)
        if path in [f"{self.column}.{name}" for name in self.new_fields()]:
            return None
        return (Source(0, path, self.whole),)

    def hints(self, hints: Hints) -> Hints:
        return hints.without([self.column])

    def needs(self, paths: Sequence[str]) -> list[str]:
        mine = [p for p in paths if p == self.column or p.startswith(f"{self.column}.")]
        if not mine:
            return list(paths)
        made = {f"{self.column}.{name}" for name in self.new_fields()}
        used = [] if self.column in mine else [f"{self.column}.{name}" for name in self.uses()]
        kept = [path for path in paths if path not in made]
        return list(dict.fromkeys([*kept, *used, *self.objects()]))

    def apply(self, rows: Rows) -> Rows:
        return _ChangedRows(rows, self)


class _ChangedRows(Wrapped):
    """Rows whose light curves are changed when they are fetched."""

    def __init__(self, rows: Rows, step: EpochStep) -> None:
        super().__init__(rows)
        self._step = step

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        column = self._step.column
        mine = [p for p in paths if p == column or p.startswith(f"{column}.")]
        rest = [path for path in paths if path not in mine]
        if not mine:
            return self._rows.fetch(rest, index)
        nested = self._changed(mine, index)
        other = self._rows.fetch(rest, index) if rest else None
        columns = [
            _part(nested, path, column) if path in mine else _of(other, path) for path in paths
        ]
        return pa.table(columns, list(paths))

    def _changed(self, mine: list[str], index: Index) -> Nested:
        step = self._step
        if step.column in mine:
            whole = self._rows.fetch([step.column], index).column(0).combine_chunks()
            nested = Nested.from_arrow(whole)
        else:
            made = step.new_fields()
            wanted = [path.split(".", 1)[1] for path in mine]
            fields = list(dict.fromkeys([*(f for f in wanted if f not in made), *step.uses()]))
            nested = nested_of(self._rows, step.column, fields, index)
        objects = step.objects()
        return step.change(nested, self._rows.fetch(objects, index) if objects else pa.table({}))


def _of(table: pa.Table | None, path: str) -> pa.ChunkedArray:
    assert table is not None  # noqa: S101 - it was fetched because this path is not ours
    return table.column(path)


def _part(nested: Nested, path: str, column: str) -> pa.Array:
    struct = nested.to_arrow()
    # unlike StructArray.field, this keeps null light curves null
    return struct if path == column else pc.struct_field(struct, path.split(".", 1)[1])


@dataclass(frozen=True)
class FilterEpochs(EpochStep):
    """Keep epochs of which a condition is true; an object may be left without any."""

    condition: adql.Expr
    text: str = ""

    @property
    def filters(self) -> bool:
        return self.child.filters

    def uses(self) -> list[str]:
        return sorted(p[1] for p in adql.columns(self.condition) if p[0] == self.column)

    def objects(self) -> list[str]:
        paths = adql.columns(self.condition)
        return sorted(".".join(path) for path in paths if path[0] != self.column)

    def change(self, nested: Nested, objects: pa.Table) -> Nested:
        outer, flat = without_aggregates(self.condition, nested, self.column, self.uses(), objects)
        return nested.filter(adql.Mask(outer)(flat))

    def describe(self) -> str:
        return f"epochs of {self.column} where {self.text}"


@dataclass(frozen=True)
class AssignEpochs(EpochStep):
    """Add a field to the light curves, or replace one, by an expression."""

    field: pa.Field
    """Name, type of an element, unit."""
    expression: adql.Expr
    text: str = ""

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        old = before.field(self.column)
        large = any(pa.types.is_large_list(child.type) for child in old.type)
        kind = (pa.large_list if large else pa.list_)(self.field.type)
        new = self.field.with_type(kind)
        inner = [new if child.name == new.name else child for child in old.type]
        if new.name not in fields_of(before, self.column):
            inner.append(new)
        place = before.get_field_index(self.column)
        return before.set(place, old.with_type(pa.struct(inner)))

    def new_fields(self) -> list[str]:
        return [self.field.name]

    def uses(self) -> list[str]:
        found = sorted(p[1] for p in adql.columns(self.expression) if p[0] == self.column)
        # the times, or whatever comes first, tell how many epochs there are
        return found or fields_of(self.child.schema, self.column)[:1]

    def objects(self) -> list[str]:
        paths = adql.columns(self.expression)
        return sorted(".".join(path) for path in paths if path[0] != self.column)

    def change(self, nested: Nested, objects: pa.Table) -> Nested:
        outer, flat = without_aggregates(self.expression, nested, self.column, self.uses(), objects)
        return nested.with_field(self.field.name, adql.Values([outer])(flat)[0])

    def describe(self) -> str:
        return f"assign {self.column}.{self.field.name} = {self.text}"


@dataclass(frozen=True)
class SortEpochs(EpochStep):
    """Sort each light curve."""

    by: tuple[tuple[str, bool], ...]
    """Pairs of field and whether it ascends."""

    @property
    def whole(self) -> bool:
        return True

    def uses(self) -> list[str]:
        return [name for name, _ in self.by]

    def change(self, nested: Nested, objects: pa.Table) -> Nested:
        return nested.sort(list(self.by))

    def describe(self) -> str:
        names = [name if ascending else f"{name} DESC" for name, ascending in self.by]
        return f"sort {self.column} by {', '.join(names)}"


@dataclass(frozen=True)
class SliceEpochs(EpochStep):
    """Keep a slice of each light curve."""

    start: int | None = None
    stop: int | None = None
    step: int = 1

    def uses(self) -> list[str]:
        return []

    def change(self, nested: Nested, objects: pa.Table) -> Nested:
        return nested.slice(self.start, self.stop, self.step)

    def describe(self) -> str:
        return f"slice {self.column} [{self.start}:{self.stop}:{self.step}]"
