"""A right side that is brought to the left rows: each of its rows is filed where the left row is.

All right rows are read once. The index of the left side tells where the left row of each is
filed, and the row is set aside under that cell, in scratch files that are sorted by it. A unit of
the left side then takes its range out of them. Nothing depends on how far apart the rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.keyindex import INDEX_KEY, build_key_index
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.orphans import OnOrphans, report_orphans
from skyseries.catalog.plan.partners import Awaited, OfPlan, Partners, cells_of, table_rows
from skyseries.catalog.plan.rows import Rows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import Runner, Stage
from skyseries.catalog.plan.steps import Select
from skyseries.hats.build.runs import Run, Runs, write_run
from skyseries.hats.idindex import open_index
from skyseries.hats.keys import KeyTable, plain
from skyseries.schema import as_schema
from skyseries.spatial.order import argsort, run_lengths
from skyseries.store.files import Location

__all__ = ["Shuffled", "Spilled"]

_CELL = "#cell"
_FEW_RANGES = 64


class _Spill(NamedTuple):
    run: Run | None
    first: int
    last: int
    orphans: int


class _FiledKeys(KeyTable):
    """Keys of right rows that count only for the left rows under whose cell they were set aside.

    Left rows of one key in different cells have each their own copies of the right rows.

    Parameters
    ----------
    keys : ChunkedArray
    cells : ndarray of int64
        Where each right row was set aside.
    hpx : ndarray of int64
        Where each left row is filed.
    """

    def __init__(self, keys: pa.ChunkedArray, cells: Ints, hpx: Ints) -> None:
        super().__init__(keys)
        self._cells, self._hpx = cells, hpx

    def match(self, keys: pa.Array | pa.ChunkedArray) -> tuple[Ints, Ints]:
        asked, rows = super().match(keys)
        same = self._cells[rows] == self._hpx[asked]
        return asked[same], rows[same]


@dataclass(frozen=True, eq=False)
class Spilled(Partners):
    """Right rows set aside under the cells of the left ones."""

    schema: pa.Schema
    key: str
    name: str
    spills: tuple[_Spill, ...] = field(repr=False)
    node: None = None

    def near(self, keys: pa.Array, hpx: Ints, hints: Hints) -> tuple[Rows, KeyTable]:
        area = cells_of(hpx)
        if len(area.start) > _FEW_RANGES:
            area = area._replace(start=area.start[:1], stop=area.stop[-1:])
        parts = [self.schema.append(pa.field(_CELL, pa.int64())).empty_table()]
        for start, stop in zip(area.start.tolist(), area.stop.tolist(), strict=True):
            runs = [s.run for s in self.spills if s.run and s.first < stop and s.last >= start]
            found = Runs(runs, _CELL).take(start, stop)
            if found is not None:
                parts.append(as_schema(found, parts[0].schema))
        table = pa.concat_tables(parts)
        cells = table.column(_CELL).to_numpy()
        return table_rows(table.drop_columns([_CELL])), _FiledKeys(
            table.column(self.key), cells, hpx
        )

    def describe(self) -> str:
        return f"the rows of {self.name} are brought to those that have their {self.key}"


@dataclass(frozen=True, eq=False)
class Shuffled(Awaited, OfPlan):
    """Right rows that are to be set aside under the cells of the left ones.

    Parameters
    ----------
    node : Node
        The right side; its columns are all that is set aside.
    key : str
    name : str
    sent : Stage
    """

    node: Node
    key: str
    name: str
    sent: Stage[Spilled] = field(repr=False)

    @classmethod
    def of(
        cls,
        node: Node,
        key: str,
        name: str,
        left: tuple[Node, str],
        index: tuple[Location, str] | None,
        orphans: OnOrphans,
    ) -> Shuffled:
        """Return the partners; nothing is read.

        Parameters
        ----------
        node : Node
        key : str
        name : str
        left : Node and str
            The left side and its column of the keys.
        index : Location and str, optional
            An index of the left keys with their cells; by default one is made.
        orphans : {"warn", "ignore", "raise"}
            What to do about rows whose key the index does not have.
        """
        make = partial(_spill, node, key, name, left, index, orphans)
        plans = [node] if index else [Select(left[0], (left[1],)), node]
        said = f"the rows of {name} set aside where those with their {key} are filed"
        return cls(node, key, name, Stage(said, make, *plans))

    def describe(self) -> str:
        return f"all rows of {self.name} are read once and brought to those with their {self.key}"

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        yield from self.node.demand(self.schema.names)


def _spill(
    node: Node,
    key: str,
    name: str,
    left: tuple[Node, str],
    index: tuple[Location, str] | None,
    orphans: OnOrphans,
    folder: Path,
    run: Runner,
) -> Spilled:
    where = index or (build_key_index(*left, folder / "left", run), INDEX_KEY)
    part = partial(_spill_unit, key=key, index=where, wanted=_wanted(left[0]), folder=folder)
    spills = tuple(spill for _, spill in sorted(run(node, part, stage=f"rows of {name}")))
    lost = sum(spill.orphans for spill in spills)
    report_orphans(lost, name, key, orphans)
    return Spilled(node.schema, key, name, spills)


def _wanted(left: Node) -> tuple[Ints, Ints]:
    """Return the ranges of cells where the left side may have rows."""
    pieces = left.pieces(Hints())[0]
    return pieces.start, pieces.stop


def _spill_unit(
    node: Node,
    unit: Unit,
    *,
    key: str,
    index: tuple[Location, str],
    wanted: tuple[Ints, Ints],
    folder: Path,
) -> _Spill:
    rows = node.rows(unit.area, Hints())
    keys = plain(rows.fetch([key]).column(0))
    places = open_index(*index).find_many(keys)
    orphans = len(rows) - len(run_lengths(places.asked)[0])
    inside = _inside(places.start, *wanted)
    cells, index_of_row = places.start[inside], places.asked[inside]
    if not len(cells):
        return _Spill(None, 0, -1, orphans)
    order = argsort(cells)  # a row stays before those that come later
    order = order[_first_copies(cells[order], index_of_row[order])]
    table = node.table(rows.take(index_of_row[order])).append_column(_CELL, pa.array(cells[order]))
    run = write_run(folder / f"spill{unit.start}.arrow", table, _CELL)
    return _Spill(run, int(cells[order[0]]), int(cells[order[-1]]), orphans)


def _first_copies(cells: Ints, rows: Ints) -> NDArray[np.bool_]:
    """Tell which pairs do not follow an equal one: a key may be there twice in one cell."""
    return np.concatenate([[True], (cells[1:] != cells[:-1]) | (rows[1:] != rows[:-1])])


def _inside(cells: Ints, start: Ints, stop: Ints) -> NDArray[np.bool_]:
    if not len(start):
        return np.zeros(len(cells), np.bool_)
    i = np.searchsorted(start, cells, side="right") - 1
    return (i >= 0) & (cells < np.maximum.accumulate(stop)[np.maximum(i, 0)])
