"""Conditions and computed columns: SQL expressions with one value for each object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.catalog.plan.epochs import flat_columns, nested_of
from skyseries.catalog.plan.node import Hints, RowStep
from skyseries.catalog.plan.rows import Index, Rows
from skyseries.catalog.plan.steps import ComputedRows, made_column, structs_of

if TYPE_CHECKING:
    from skyseries.spatial.regions import Region

__all__ = ["Assign", "Filter", "input_table", "paths_of"]


def paths_of(expression: adql.Expr) -> list[str]:
    """Return the paths of all columns and fields in an expression."""
    return sorted(".".join(path) for path in adql.columns(expression))


def input_table(
    expression: adql.Expr, rows: Rows, index: Index = None
) -> tuple[adql.Expr, pa.Table]:
    """Return an expression over plain columns, and a table of these.

    Aggregates of light curves (``COUNT(lc.mjd)``) are computed, each over the epochs of its
    object, and stand in the table as columns.
    """
    inner, outer = adql.split_aggregates(expression)
    names = [adql.aggregate_name(i) for i in range(len(inner))]
    plain = [path for path in paths_of(outer) if path not in names]
    columns = dict(zip(plain, rows.fetch(plain, index).columns, strict=True)) if plain else {}
    columns |= zip(names, _aggregated(inner, rows, index), strict=True)
    if not columns:  # a constant: the number of rows has to come from somewhere
        columns["_row"] = pa.nulls(len(rows) if index is None else len(index))
    return outer, pa.table(columns)


def _aggregated(aggregates: Sequence[adql.Aggregate], rows: Rows, index: Index) -> list[pa.Array]:
    """Return aggregates of the light curve of each object."""
    if len({aggregate.over for aggregate in aggregates}) > 1:
        return [_aggregated([aggregate], rows, index)[0] for aggregate in aggregates]
    if not aggregates:
        return []
    column = aggregates[0].over
    assert column is not None  # noqa: S101 - it is one of a light curve
    paths = {path for aggregate in aggregates for path in adql.columns(aggregate)}
    paths -= {(adql.aggregate_name(i),) for i in range(len(aggregates))}
    fields = sorted(path[1] for path in paths if path[0] == column)
    objects = sorted(".".join(path) for path in paths if path[0] != column)
    nested = nested_of(rows, column, fields, index)
    table = rows.fetch(objects, index) if objects else pa.table({})
    flat = flat_columns(nested, column, fields, table)
    return adql.EpochAggregates(aggregates)(flat, nested.offsets)


@dataclass(frozen=True)
class Filter(RowStep):
    """Keep rows of which a condition is true."""

    condition: adql.Expr
    text: str = ""

    @property
    def filters(self) -> bool:
        return True

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, 1

    def conditions(self) -> tuple[adql.Expr, ...] | None:
        return None if adql.has_aggregates(self.condition) else (self.condition,)

    def needs(self, paths: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*paths, *paths_of(self.condition)]))

    def hints(self, hints: Hints) -> Hints:
        return hints.also(region=self._region(), conditions=[adql.bounds(self.condition)])

    def _region(self) -> Region | None:
        """Return where the positions of all rows that are kept lie."""
        names = self.child.position
        if names is None:
            return None
        ra, dec = names
        return adql.regions(self.condition).get(((ra,), (dec,)))

    def apply(self, rows: Rows) -> Rows:
        if not len(rows):
            return rows
        condition, table = input_table(self.condition, rows)
        keep = adql.Mask(condition)(table).to_numpy(zero_copy_only=False)
        return rows if keep.all() else rows.take(np.flatnonzero(keep))

    def describe(self) -> str:
        return f"where {self.text}"


@dataclass(frozen=True)
class Assign(RowStep):
    """Add columns, or replace some, by expressions."""

    columns: tuple[pa.Field, ...]
    expressions: tuple[adql.Expr, ...]
    texts: tuple[str, ...] = ()

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        new: Mapping[str, pa.Field] = {field.name: field for field in self.columns}
        kept = [new.get(field.name, field) for field in before]
        added = [field for field in self.columns if field.name not in before.names]
        return pa.schema([*kept, *added], before.metadata)

    @property
    def position(self) -> tuple[str, str] | None:
        names = self.child.position
        return None if names is None or set(self.makes()) & set(names) else names

    def makes(self) -> list[str]:
        return [field.name for field in self.columns]

    def hints(self, hints: Hints) -> Hints:
        return hints.without(self.makes())

    def _made(self) -> dict[str, adql.Expr]:
        return dict(zip(self.makes(), self.expressions, strict=True))

    def needs(self, paths: Sequence[str]) -> list[str]:
        found: list[str] = []
        made = self._made()
        for path in paths:
            name = made_column(path, made, structs_of(self.columns))
            found += [path] if name is None else paths_of(made[name])
        return list(dict.fromkeys(found))

    def apply(self, rows: Rows) -> Rows:
        return ComputedRows(rows, list(self._made()), self._compute, structs_of(self.columns))

    def _compute(self, rows: Rows, wanted: list[str], index: Index) -> pa.Table:
        made = self._made()
        arrays = [_value(made[name], rows, index) for name in wanted]
        return pa.table(arrays, wanted)

    def describe(self) -> str:
        parts = [f"{f.name} = {t}" for f, t in zip(self.columns, self.texts, strict=True)]
        return f"assign {', '.join(parts)}"


def _value(expression: adql.Expr, rows: Rows, index: Index) -> pa.Array:
    outer, table = input_table(expression, rows, index)
    return adql.Values([outer])(table)[0]
