"""A user's function for each partition, as a node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import floats
from skyseries.catalog.answers import Rule, fitted
from skyseries.catalog.plan.calls import (
    ERROR_COLUMN,
    bounds_of,
    cell_of,
    error_text,
    failure,
    partition_text,
)
from skyseries.catalog.plan.names import check_new
from skyseries.catalog.plan.node import Area, Hints, Node, Pieces, Source
from skyseries.catalog.plan.pruning import in_regions
from skyseries.catalog.plan.rows import Joined, Rows, TableRows
from skyseries.catalog.plan.scan import Scan, widened
from skyseries.errors import Cancelled, SchemaError
from skyseries.hats.partitions import Cell
from skyseries.schema import column_meta
from skyseries.schema.conversion import to_unit
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.units import factor_to, plain_unit, same_unit

__all__ = ["MapPartitions", "TableFunction"]


class TableFunction(Protocol):
    """A function of the user's, and how tables are handed to it and taken from it."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def __call__(self, table: pa.Table, cell: Cell | None) -> Any:
        """Return its answer; raises what it raises."""

    def table(self, answer: Any) -> pa.Table:
        """Return an answer as a table of pyarrow; SchemaError if it is none."""


@dataclass(frozen=True, eq=False)
class MapPartitions(Node):
    """What a function gives for the rows of each partition of the first catalog.

    The function always sees a whole partition, as far as the steps before have left it,
    whatever part of the sky is asked for: its answers do not depend on how work is divided. It
    is not called for partitions without rows.

    Where the answers have the columns of the position, their rows are filed by these, and must
    be in the partition. Others have no positions; they are filed where the partition begins.

    Parameters
    ----------
    child : Node
    function : TableFunction
        Picklable by cloudpickle, where the engine is not in this process.
    answers : pyarrow.Schema
    rule : Rule
        What the answers' columns may become.
    collect : bool
        A partition that fails gives one row of nulls with the reason in `ERROR_COLUMN`.
    """

    child: Node
    function: TableFunction
    answers: pa.Schema
    rule: Rule = "same kind"
    collect: bool = False

    def __post_init__(self) -> None:
        if self.collect:
            check_new([ERROR_COLUMN], self.answers)

    @cached_property
    def schema(self) -> pa.Schema:
        if not self.collect:
            return self.answers
        return self.answers.append(pa.field(ERROR_COLUMN, pa.string()))

    @property
    def position(self) -> tuple[str, str] | None:
        names = self.child.position
        if names is None or not set(names) <= set(self.answers.names):
            return None
        before = self.child.schema
        same = all(self.answers.field(n).type == before.field(n).type for n in names)
        return names if same else None

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    @property
    def filters(self) -> bool:
        return True

    @property
    def refiles(self) -> bool:
        return True

    def inherits(self, path: str) -> tuple[Source, ...] | None:
        return None

    def child_hints(self, child: int, hints: Hints) -> Hints:
        return Hints()

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        return self.child.demand(self.child.schema.names)

    def describe(self) -> str:
        gives = ", ".join(self.schema.names[:5]) + (", ..." if len(self.schema) > 5 else "")
        return f"map_partitions: {self.function.name} gives {gives}"

    @cached_property
    def bounds(self) -> tuple[Ints, Ints]:
        """Where partitions begin and end; of a narrowed node, those that it is for."""
        return bounds_of(self.child)

    def pieces(self, hints: Hints) -> list[Pieces]:
        """Return whole partitions; those outside of a region that is asked for are left out."""
        left, *others = self.child.pieces(Hints())
        start, stop = self.bounds
        part = np.searchsorted(stop, left.start, side="right")
        keep = np.bincount(part, minlength=len(start)) > 0
        if self.position is not None:
            keep &= in_regions(np.maximum(start, 0), stop, hints)
        weight = np.bincount(part, left.weight, len(start)).astype(np.float64)
        return [Pieces(start[keep], stop[keep], weight[keep]), *others]

    def narrow(self, area: Area) -> Node:
        start, stop = self.bounds
        mine = _touched(widened(area), start, stop)
        narrowed = replace(self, child=self.child.narrow(Area(start[mine], stop[mine])))
        narrowed.__dict__["bounds"] = (start[mine], stop[mine])
        return narrowed

    def rows(self, area: Area, hints: Hints) -> Rows:
        start, stop = self.bounds
        wide = widened(area)
        mine = _touched(wide, start, stop)
        if self.position is None:  # all rows of a partition are filed where it begins
            mine = mine[wide.holds(start[mine])]
        else:
            mine = mine[in_regions(np.maximum(start[mine], 0), stop[mine], hints)]
        parts = [self._partition(int(start[i]), int(stop[i])) for i in mine]
        parts = [part for part in parts if len(part)]
        if not parts:
            none = np.empty(0)
            return self._filed(self.schema.empty_table(), none, none, np.empty(0, np.int64))
        rows = Joined.of(parts)
        if area.halo_arcsec or self.position is None:
            return rows
        keep = area.holds(rows.hpx())
        return rows if keep.all() else rows.take(np.flatnonzero(keep))

    def _partition(self, start: int, stop: int) -> Rows:
        """Return what the function gives for a partition."""
        rows = self.child.rows(Area.of(start, stop), Hints())
        if not len(rows):
            return rows
        table = self.child.table(rows)
        where = partition_text(start, stop)
        try:
            result = self.function(table, cell_of(start, stop))
        except Cancelled:
            raise
        except Exception as error:
            if not self.collect:
                raise failure("map_partitions", self.function.name, where, error) from error
            return self._failed(start, f"{where}: {error_text(error)}")
        answer = self._checked(self.function.table(result), where)
        if self.position is None:
            hpx = np.full(answer.num_rows, start, np.int64)
            return self._filed(answer, np.empty(0), np.empty(0), hpx)
        ra, dec = (floats(answer.column(name)) for name in self.position)
        hpx = _filed_by(rows, ra, dec)
        hpx = np.where(hpx < 0, start, hpx)  # without a position, but still of this partition
        self._check_inside(hpx, ra, dec, (start, stop))
        return self._filed(answer, ra, dec, hpx)

    def _failed(self, start: int, text: str) -> Rows:
        """Return the one row of a partition that failed."""
        arrays = [pa.nulls(1, column.type) for column in self.answers]
        table = pa.Table.from_arrays([*arrays, pa.array([text])], schema=self.schema)
        nowhere = np.full(1, np.nan)
        return self._filed(table, nowhere, nowhere, np.array([start]))

    def _checked(self, table: pa.Table, where: str) -> pa.Table:
        """Return an answer in the columns and types of all of them."""
        name = self.function.name
        missing = [n for n in self.answers.names if n not in table.column_names]
        more = [n for n in table.column_names if n not in self.answers.names]
        if missing or more:
            what = f"has no column {missing[0]!r}" if missing else f"has a column {more[0]!r} more"
            raise SchemaError(
                f"map_partitions: the answer of {name} for {where} {what}; "
                f"its columns should be {', '.join(self.answers.names)}"
            )
        columns = []
        for wanted in self.answers:
            column = table.column(wanted.name).combine_chunks()
            try:
                columns.append(_in_unit_of(wanted, fitted(column, wanted.type, self.rule), table))
            except (pa.ArrowException, TypeError) as error:
                raise SchemaError(
                    f"map_partitions: column {wanted.name!r} of the answer of {name} for {where} "
                    f"is {column.type}, but should be {wanted.type} ({error}); give schema= with "
                    "types that hold all answers"
                ) from None
        if self.collect:
            columns.append(pa.nulls(table.num_rows, pa.string()))
        return pa.Table.from_arrays(columns, schema=self.schema)

    def _check_inside(self, hpx: Ints, ra: Floats, dec: Floats, bounds: tuple[int, int]) -> None:
        out = np.flatnonzero((hpx < bounds[0]) | (hpx >= bounds[1]))
        if len(out) and self.position is not None:
            i = int(out[0])
            raise SchemaError(
                f"map_partitions: {self.function.name} moved {len(out)} rows out of "
                f"{partition_text(*bounds)}, for instance to {self.position[0]} = {ra[i]}, "
                f"{self.position[1]} = {dec[i]}; a catalog is filed by these columns: give the new "
                "positions other names"
            )

    def _filed(self, table: pa.Table, ra: Floats, dec: Floats, hpx: Ints) -> Rows:
        if self.position is None:
            return _Unplaced(table, hpx, self._no_positions())
        return TableRows(table, ra, dec, hpx)

    def _no_positions(self) -> str:
        names = self.child.position
        columns = "" if names is None else f" ({names[0]}, {names[1]})"
        return (
            f"the answer of {self.function.name} (map_partitions) has no positions: it "
            f"leaves out or changes the columns of the position{columns}; search and match first, "
            "or keep them"
        )


class _Unplaced(TableRows):
    """Rows without positions."""

    def __init__(self, table: pa.Table, hpx: Ints, text: str) -> None:
        super().__init__(table, np.empty(0), np.empty(0), hpx)
        self._text = text

    def positions(self) -> tuple[Floats, Floats]:
        raise SchemaError(self._text)


def _touched(area: Area, start: Ints, stop: Ints) -> Ints:
    """Return which of the (many, ascending) ranges overlap those of an area."""
    first = np.searchsorted(stop, area.start, side="right")
    last = np.searchsorted(start, area.stop, side="left")
    runs = [np.arange(i, j) for i, j in zip(first.tolist(), last.tolist(), strict=True) if j > i]
    return np.unique(np.concatenate([np.empty(0, np.int64), *runs]))


def _in_unit_of(wanted: pa.Field, column: pa.Array, table: pa.Table) -> pa.Array:
    """Return the column of an answer in the unit that the column of all answers has."""
    said = column_meta(table.schema.field(wanted.name)).unit
    needed = plain_unit(column_meta(wanted).unit)
    if not said or not needed or same_unit(said, needed):
        return column
    factor = factor_to(said, needed, f"map_partitions: column {wanted.name!r} of an answer")
    return to_unit(column, factor).cast(wanted.type)


def _filed_by(rows: Rows, ra: Floats, dec: Floats) -> Ints:
    """Return the cells of rows of an answer: where their position is one of before, that row's.

    A catalog may be filed by positions of more digits than it shows; these cells are right.
    """
    old_ra, old_dec = rows.positions()
    pairs = ((ra, old_ra), (dec, old_dec))
    if all(np.array_equal(new, old, equal_nan=True) for new, old in pairs):
        return rows.hpx()
    hpx = radec_to_hpx(ra, dec)
    known = old_ra + 1j * old_dec
    order = np.argsort(known)
    wanted = ra + 1j * dec
    at = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    found = known[order[at]] == wanted
    hpx[found] = rows.hpx()[order[at[found]]]
    return hpx
