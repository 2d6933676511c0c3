"""Rows of several catalogs with the same columns, along the sky."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, Source
from skyseries.catalog.plan.rows import Index, Joined, Rows, pick
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.steps import Wrapped
from skyseries.errors import SchemaError
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Partitions, merged
from skyseries.schema import (
    ColumnMeta,
    as_type,
    column_meta,
    common_fields,
    common_type,
    with_column_meta,
)
from skyseries.spatial.order import argsort
from skyseries.units import same_unit

__all__ = ["Concat"]


@dataclass(frozen=True)
class Concat(Node):
    """The rows of all parts; those of one cell in the order of the parts.

    Raises
    ------
    SchemaError
        If the parts differ in the names, kinds or units of their columns or of what is in them,
        or in where the positions are.
    """

    parts: tuple[Node, ...]

    def __post_init__(self) -> None:
        for i, part in enumerate(self.parts[1:], 2):
            _check(self.parts[0].schema, part.schema, i)
            if part.position != self.parts[0].position:
                raise SchemaError(
                    f"catalog {i} has its positions in {part.position}, the first in "
                    f"{self.parts[0].position}; bring them to one name with rename()"
                )

    @cached_property
    def schema(self) -> pa.Schema:
        first, *others = (part.schema for part in self.parts)
        parts = [[there.field(name) for name in first.names] for there in others]
        fields = common_fields(first, *parts)
        told = [_told(*same) for same in zip(fields, *parts, strict=True)]
        return pa.schema(told, first.metadata)

    @property
    def position(self) -> tuple[str, str] | None:
        return self.parts[0].position

    @property
    def children(self) -> tuple[Node, ...]:
        return self.parts

    @property
    def filters(self) -> bool:
        return True

    @property
    def refiles(self) -> bool:
        return True

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return tuple(Source(i, path) for i in range(len(self.parts)))

    def row_limits(self, said: Callable[[Dataset], int | None]) -> tuple[int, int | None]:
        least, most = zip(*(part.row_limits(said) for part in self.parts), strict=True)
        return sum(least), None if None in most else sum(n or 0 for n in most)

    def describe(self) -> str:
        return f"concat {len(self.parts)} catalogs"

    def cuts(self) -> Ints:
        return np.unique(np.concatenate([part.cuts() for part in self.parts]))

    def cells(self) -> Partitions | None:
        known = [cells for part in self.parts if (cells := part.cells()) is not None]
        return merged(known) if len(known) == len(self.parts) else None

    def pieces(self, hints: Hints) -> list[Pieces]:
        sides = [part.pieces(hints) for part in self.parts]
        return [_together([side[0] for side in sides]), *(p for side in sides for p in side)]

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        for part in self.parts:
            yield from part.demand(paths)

    def narrow(self, area: Area) -> Node:
        return replace(self, parts=tuple(part.narrow(area) for part in self.parts))

    def rows(self, area: Area, hints: Hints) -> Rows:
        found = [rows for part in self.parts if len(rows := self._alike(part, area, hints))]
        if len(found) < 2:
            return found[0] if found else self._alike(self.parts[0], area, hints)
        rows = Joined(found)
        hpx = rows.hpx()
        return rows if (np.diff(hpx) >= 0).all() else rows.take(argsort(hpx))

    def _alike(self, part: Node, area: Area, hints: Hints) -> Rows:
        """Return the rows of a part, what is inside of its columns in the types of the result."""
        rows = part.rows(area, hints)
        types = self.schema.types
        same = types == [part.schema.field(name).type for name in self.schema.names]
        plain = same and not any(type_.num_fields for type_ in types)
        return rows if plain else _Loosened(rows, self.schema)


class _Loosened(Wrapped):
    """Rows whose light curves may be null in all their parts."""

    def __init__(self, rows: Rows, schema: pa.Schema) -> None:
        super().__init__(rows)
        self._schema = schema

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        table = self._rows.fetch(paths, index)
        empty = self._schema.empty_table()
        types = [pick(empty, path).type for path in paths]
        columns = [as_type(column, t) for column, t in zip(table.columns, types, strict=True)]
        return pa.table(columns, list(paths))


def _together(sides: list[Pieces]) -> Pieces:
    """Return where any side has pieces, cut where any is cut; the sides have the weights."""
    start = np.concatenate([side.start for side in sides])
    stop = np.concatenate([side.stop for side in sides])
    edges = np.unique(np.concatenate([start, stop]))
    if not len(edges):
        return Pieces.none()
    begun = np.searchsorted(np.sort(start), edges[:-1], side="right")
    ended = np.searchsorted(np.sort(stop), edges[:-1], side="right")
    there = begun > ended
    return Pieces(edges[:-1][there], edges[1:][there], np.zeros(int(there.sum())))


def _check(first: pa.Schema, other: pa.Schema, number: int) -> None:
    lacking = [name for name in first.names if name not in other.names]
    more = [name for name in other.names if name not in first.names]
    if lacking or more:
        raise SchemaError(
            f"catalog {number} has other columns than the first:"
            + (f" it lacks {', '.join(lacking)}" if lacking else "")
            + (" and" if lacking and more else "")
            + (f" it has {', '.join(more)} besides" if more else "")
            + "; select the same ones first"
        )
    for field in first:
        there = other.field(field.name)
        if common_type(field.type, there.type) is None:
            raise SchemaError(
                f"column {field.name!r} is {there.type} in catalog {number} and {field.type} in "
                "the first; assign(CAST(...)) makes them alike"
            )
        _check_meaning(field.name, field, there, number)


def _check_meaning(path: str, field: pa.Field, there: pa.Field, number: int) -> None:
    """Raise SchemaError if a column, or a field of a light curve, says something else."""
    units = column_meta(field).unit, column_meta(there).unit
    if all(units) and not same_unit(*units):
        raise SchemaError(
            f"column {path!r} is in {units[1]} in catalog {number} and in {units[0]} in "
            f"the first; convert one of them first, as by IN_UNIT({path}, '{units[0]}')"
        )
    for key in ("time_format", "time_scale"):
        words = [(f.metadata or {}).get(key.encode(), b"").decode() for f in (field, there)]
        if all(words) and words[0] != words[1]:
            raise SchemaError(
                f"the times {path!r} are {words[1]} in catalog {number} and {words[0]} in the "
                "first; make both catalogs of times that are alike"
            )
    for inner, other in _inside(field, there):
        _check_meaning(f"{path}.{inner.name}", inner, other, number)


def _inside(field: pa.Field, there: pa.Field) -> Iterator[tuple[pa.Field, pa.Field]]:
    """Yield the fields of a light curve beside each other."""
    if pa.types.is_struct(field.type) and pa.types.is_struct(there.type):
        yield from zip(field.type, there.type, strict=True)


def _told(field: pa.Field, *others: pa.Field) -> pa.Field:
    """Return a field, and those in it, with the unit that any of the others says."""
    for other in others:
        if inner := [_told(*pair) for pair in _inside(field, other)]:
            field = field.with_type(pa.struct(inner))
        meta = column_meta(other)
        if meta.unit and not column_meta(field).unit:
            field = with_column_meta(field, ColumnMeta(unit=meta.unit))
    return field
