"""Steps on rows: columns chosen, regions of the sky, functions of a light curve."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arraytypes import Floats, Ints
from skyseries.catalog.plan.names import check_columns, check_new, fields_of, split_path
from skyseries.catalog.plan.node import Hints, RowStep, Source
from skyseries.catalog.plan.rows import Index, Rows, pick
from skyseries.errors import SchemaError
from skyseries.lazy import pc
from skyseries.spatial import regions

__all__ = [
    "Append",
    "ComputedRows",
    "Search",
    "Select",
    "Wrapped",
    "made_column",
    "struct_of",
    "structs_of",
    "together",
]


class Wrapped(Rows):
    """The rows of others, with columns that differ."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        return self._rows.fetch(paths, index)

    def positions(self) -> tuple[Floats, Floats]:
        return self._rows.positions()

    def hpx(self) -> Ints:
        return self._rows.hpx()


@dataclass(frozen=True)
class Select(RowStep):
    """Keep some columns, or some fields of a light curve, in this order."""

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        check_columns(self.columns, self.child.schema)
        if again := [name for name in self.columns if self.columns.count(name) > 1]:
            raise SchemaError(f"column {again[0]!r} is named more than once")
        whole = [n for n in self.columns if any(p.startswith(f"{n}.") for p in self._field_paths)]
        if whole:
            raise SchemaError(f"{whole[0]!r} is named as a whole and by its fields")

    @cached_property
    def _field_paths(self) -> list[str]:
        known = set(self.child.schema.names)
        return [path for path in self.columns if path not in known and "." in path]

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        kept: dict[str, pa.Field] = {}
        for path in self.columns:
            column, field = split_path(path, before)
            if field is None:
                kept[column] = before.field(column)
            elif column not in kept:
                names = [split_path(p, before)[1] for p in self._paths_of(column)]
                inner = [before.field(column).type.field(name) for name in names]
                kept[column] = before.field(column).with_type(pa.struct(inner))
        return pa.schema(list(kept.values()), before.metadata)

    @property
    def position(self) -> tuple[str, str] | None:
        names = self.child.position
        return names if names is not None and set(names) <= set(self.columns) else None

    def _paths_of(self, column: str) -> list[str]:
        return [path for path in self._field_paths if path.startswith(f"{column}.")]

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return (Source(0, path, whole=not self._paths_of(path)),)

    def conditions(self) -> tuple[adql.Expr, ...] | None:
        return None if self._field_paths else ()

    def needs(self, paths: Sequence[str]) -> list[str]:
        found: list[str] = []
        for path in paths:
            found += self._paths_of(path) or [path]
        return list(dict.fromkeys(found))

    def apply(self, rows: Rows) -> Rows:
        partial = {path: self._paths_of(path) for path in self.schema.names}
        partial = {column: paths for column, paths in partial.items() if paths}
        return _PartialRows(rows, self.schema, partial) if partial else rows

    def describe(self) -> str:
        return f"select {', '.join(self.columns)}"


class _PartialRows(Wrapped):
    """Rows whose light curves have some of their fields."""

    def __init__(self, rows: Rows, schema: pa.Schema, partial: dict[str, list[str]]) -> None:
        super().__init__(rows)
        self._schema, self._partial = schema, partial

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        wanted: list[str] = []
        for path in paths:
            wanted += self._partial.get(path, [path])
        table = self._rows.fetch(list(dict.fromkeys(wanted)), index)
        columns = [
            struct_of(table, path, self._schema.field(path).type)
            if path in self._partial
            else table.column(path)
            for path in paths
        ]
        return pa.table(columns, list(paths))


def struct_of(table: pa.Table, column: str, type_: pa.StructType) -> pa.ChunkedArray:
    """Return fields that were fetched as columns of lists as one light-curve column."""
    lists = [table.column(f"{column}.{field.name}").combine_chunks() for field in type_]
    return pa.chunked_array([together(lists, list(type_))], type_)


def together(lists: Sequence[pa.Array], fields: Sequence[pa.Field]) -> pa.StructArray:
    """Return lists as light curves; those of which every field is null are null."""
    null = lists[0].is_null() if all(values.null_count for values in lists) else None
    for values in lists[1:] if null is not None else ():
        null = pc.and_(null, values.is_null())
    return pa.StructArray.from_arrays(lists, fields=list(fields), mask=null)


@dataclass(frozen=True)
class Search(RowStep):
    """Keep rows in a region of the sky."""

    region: regions.Region

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, 1

    def hints(self, hints: Hints) -> Hints:
        return hints.also(region=self.region)

    def apply(self, rows: Rows) -> Rows:
        inside = self.region.contains(*rows.positions())
        return rows if inside.all() else rows.take(np.flatnonzero(inside))

    def describe(self) -> str:
        return f"in {self.region}"


class ComputedRows(Wrapped):
    """Rows with more columns, computed when they are fetched.

    Parameters
    ----------
    rows : Rows
    names : sequence of str
        The new columns.
    compute : callable
        ``compute(rows, wanted, index)`` gives a table of those that are wanted.
    structs : collection of str, optional
        New columns that have fields: paths into them are taken from them.
    """

    def __init__(
        self,
        rows: Rows,
        names: Sequence[str],
        compute: Callable[[Rows, list[str], Index], pa.Table],
        structs: Collection[str] = (),
    ) -> None:
        super().__init__(rows)
        self._names, self._compute, self._structs = set(names), compute, structs

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        made = {p: name for p in paths if (name := made_column(p, self._names, self._structs))}
        old = [path for path in paths if path not in made]
        if not made:
            return self._rows.fetch(old, index)
        computed = self._compute(self._rows, list(dict.fromkeys(made.values())), index)
        fetched = self._rows.fetch(old, index) if old else computed
        columns = [pick(computed if p in made else fetched, p) for p in paths]
        return pa.table(columns, list(paths))


def made_column(path: str, made: Collection[str], structs: Collection[str]) -> str | None:
    """Return which of the columns that a step makes a path is, or goes into; None if it is old."""
    if path in made:
        return path
    column = path.partition(".")[0]
    return column if column in structs else None


def structs_of(fields: Iterable[pa.Field]) -> list[str]:
    """Return the names of the columns that have fields."""
    return [field.name for field in fields if pa.types.is_struct(field.type)]


@dataclass(frozen=True)
class Append(RowStep):
    """Add columns computed from the light curves, row by row."""

    source: str
    fields: tuple[str, ...]
    """The fields of the light curve that the function looks at."""
    function: Callable[..., pa.Table]
    columns: pa.Schema
    positions: bool = False
    """Whether the function takes the positions of the objects too, ``ra=`` and ``dec=``."""
    said: str = ""
    """JSON of the verb and its parameters, for the provenance of what is written."""
    beside: tuple[str, ...] = ()
    """Other columns, or fields of other light curves, that the function takes as a table,
    ``beside=``."""
    calls: tuple[str, ...] = ()
    """Occasions of `skyseries.jit.expect` that the function is."""

    def __post_init__(self) -> None:
        check_columns([self.source, *self.beside], self.child.schema)
        check_new(self.columns.names, self.child.schema, "prefix= or suffix=")

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        return pa.schema([*before, *self.columns], before.metadata)

    def _type(self) -> pa.StructType:
        type_ = self.child.schema.field(self.source).type
        known = fields_of(self.child.schema, self.source)
        return pa.struct([type_.field(name) for name in self.fields if name in known])

    def needs(self, paths: Sequence[str]) -> list[str]:
        old = [path for path in paths if path not in self.columns.names]
        new = [f"{self.source}.{f.name}" for f in self._type()] if len(old) < len(paths) else []
        new += self.beside if new else ()
        if new and self.positions:
            new += self.child.position or ()
        return list(dict.fromkeys([*old, *new]))

    @property
    def occasions(self) -> tuple[str, ...]:
        return *super().occasions, *self.calls

    def makes(self) -> list[str]:
        return list(self.columns.names)

    def hints(self, hints: Hints) -> Hints:
        return hints.without(self.columns.names)

    def apply(self, rows: Rows) -> Rows:
        return ComputedRows(rows, self.columns.names, self._compute)

    def _compute(self, rows: Rows, wanted: list[str], index: Index) -> pa.Table:
        type_ = self._type()
        lists = rows.fetch([f"{self.source}.{field.name}" for field in type_], index)
        more: dict[str, Floats | pa.Table] = {}
        if self.beside:
            more["beside"] = rows.fetch(self.beside, index)
        if self.positions:
            places = [x if index is None else x[index] for x in rows.positions()]
            more |= zip(("ra", "dec"), places, strict=True)
        added = self.function(struct_of(lists, self.source, type_), **more)
        return pa.table({n: added.column(n).cast(self.columns.field(n).type) for n in wanted})

    def describe(self) -> str:
        more = ", ..." if len(self.columns) > 3 else ""
        return f"add {', '.join(self.columns.names[:3])}{more} from {self.source}"
