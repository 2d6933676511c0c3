"""A piece of the sky, assembled: the objects of a range of cells with their light curves."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.errors import InputError
from skyseries.hats.build.runs import Run, Runs, Slices
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.sizes import take
from skyseries.lazy import pc
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.pipelines.import_.spill import RANK_COLUMN
from skyseries.spatial.order import argsort, group_order

__all__ = ["Piece", "PieceReader", "in_sky_order", "split"]


def split(
    start: int, stop: int, weigh: Callable[[Ints], NDArray[np.float64]], limit: float
) -> list[tuple[int, int]]:
    """Divide a range of keys so that each part weighs at most `limit`, if its keys differ.

    Parameters
    ----------
    start, stop : int
    weigh : callable
        Takes ascending bounds, returns the weight between each two.
    limit : float
    """
    if stop - start == 1 or weigh(np.array([start, stop])).sum() <= limit:
        return [(start, stop)]
    bounds = np.array(sorted({start + (stop - start) * i // 8 for i in range(9)}))
    parts: list[tuple[int, int]] = []
    held = 0.0
    for a, b, weight in zip(
        bounds[:-1].tolist(), bounds[1:].tolist(), weigh(bounds).tolist(), strict=True
    ):
        if weight > limit:
            parts += split(a, b, weigh, limit)
            held = np.inf
        elif held + weight <= limit and parts:
            parts[-1] = (parts[-1][0], b)
            held += weight
        else:
            parts.append((a, b))
            held = weight
    return parts


def in_sky_order(table: pa.Table, id_column: str | None) -> pa.Table:
    """Sort by cell; in one cell by id, and rows of equal ids in the order they were read."""
    table = table.combine_chunks()
    hpx = table.column(HPX_COLUMN).to_numpy()
    order = argsort(hpx)
    if id_column is not None and bool((np.diff(hpx[order]) == 0).any()):
        ties = table.select([HPX_COLUMN, id_column])
        keys = [(HPX_COLUMN, "ascending"), (id_column, "ascending")]
        order = pc.sort_indices(ties, sort_keys=keys).to_numpy()
    return take(table, order)


@dataclass(frozen=True)
class Piece:
    """Rows of a leaf, in its schema."""

    table: pa.Table
    hpx: Ints
    epochs: Ints | None
    """How many epochs each row has; None without light curves."""
    repeated: int = 0
    """Epochs of the same object, time and band as another (dropped or kept, as asked)."""


class PieceReader:
    """Assembles pieces from the runs of an import.

    Parameters
    ----------
    plan : ImportPlan
    objects, sources : sequence of Run
    route : Path
        The folder with the sorted cells of all objects, where there are light curves.
    """

    def __init__(
        self, plan: ImportPlan, objects: Sequence[Run], sources: Sequence[Run], route: Path
    ) -> None:
        self._plan = plan
        self._objects: Runs | Slices = Runs(objects, HPX_COLUMN)
        self._sources: Runs | Slices = Runs(sources, RANK_COLUMN)
        self._sky: Ints | None = None
        if plan.has_lightcurves:
            self._sky = np.load(route / "hpx.npy", mmap_mode="r")

    def within(self, start: int, stop: int) -> PieceReader:
        """Return a reader of this range of cells only, its part of the runs mapped."""
        reader = copy.copy(self)
        assert isinstance(self._objects, Runs)  # noqa: S101 - ranges are not nested
        assert isinstance(self._sources, Runs)  # noqa: S101 - as above
        reader._objects = self._objects.within(start, stop)
        if self._sky is not None:
            reader._sources = self._sources.within(*np.searchsorted(self._sky, [start, stop]))
        return reader

    def ranges(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Divide a range of cells into pieces that fit into the memory of one task."""
        return split(start, stop, self._weigh, self._plan.budget.piece_bytes)

    def loads(self, bounds: Ints) -> NDArray[np.float64]:
        """Return rows, bytes and epochs between each two bounds, shape (n, 3)."""
        loads = self._objects.loads(bounds)
        if self._sky is not None:
            loads[:, 1:] += self._sources.loads(np.searchsorted(self._sky, bounds))[:, 1:]
        return loads

    def _weigh(self, bounds: Ints) -> NDArray[np.float64]:
        return self.loads(bounds)[:, 1]

    def read(self, start: int, stop: int) -> Piece | None:
        """Return the rows with start <= cell < stop; None if there are none."""
        found = self._objects.take(start, stop)
        if found is None:
            return None
        table = in_sky_order(found, self._plan.id if self._plan.has_lightcurves else None)
        hpx = table.column(HPX_COLUMN).to_numpy()
        if self._sky is None:
            return Piece(table.cast(self._plan.leaf_schema), hpx, None)
        first = int(np.searchsorted(self._sky, start))
        found = self._sources.take(first, first + len(hpx))
        lists, offsets, repeated = self._light_curves(found, first, len(hpx))
        schema = self._plan.leaf_schema
        nested = pa.StructArray.from_arrays(lists, fields=list(schema.field(-1).type))
        table = pa.Table.from_arrays([*table.columns, nested], schema=schema)
        return Piece(table, hpx, np.diff(offsets), repeated)

    def _light_curves(
        self, found: pa.Table | None, first: int, n: int
    ) -> tuple[list[pa.Array], Ints, int]:
        """Return one list array for each field: the epochs of each object in order of time."""
        plan = self._plan
        assert plan.lightcurve is not None  # noqa: S101 - only called with light curves
        repeated = 0
        if found is None:
            offsets = np.zeros(n + 1, np.int64)
            epochs = plan.epoch_schema.empty_table()
        else:
            found = _one_dictionary(found).combine_chunks()
            group = found.column(RANK_COLUMN).to_numpy() - first
            time = found.column(plan.lightcurve.time).cast(pa.float64()).to_numpy()
            order, offsets = group_order(group, n, time)
            epochs = found.drop_columns([RANK_COLUMN]).take(order).cast(plan.epoch_schema)
            again = self._repeats(epochs, offsets)
            repeated = int(again.sum())
            if repeated and plan.on_duplicate_epoch == "drop":
                epochs = epochs.filter(pa.array(~again))
                offsets = np.concatenate([[0], np.cumsum(~again)])[offsets]
        starts = pa.array(offsets, pa.int32())
        lists = [
            pa.ListArray.from_arrays(starts, column.combine_chunks(), type=field.type)
            for column, field in zip(epochs.columns, plan.leaf_schema.field(-1).type, strict=True)
        ]
        return lists, offsets, repeated

    def _repeats(self, epochs: pa.Table, offsets: Ints) -> NDArray[np.bool_]:
        """Tell which epochs have the object, time and band of an earlier one."""
        plan = self._plan
        assert plan.lightcurve is not None  # noqa: S101 - only called with light curves
        time = epochs.column(plan.lightcurve.time).cast(pa.float64()).to_numpy()
        again = np.zeros(len(time), np.bool_)
        again[1:] = time[1:] == time[:-1]
        again[offsets[:-1][offsets[:-1] < len(time)]] = False
        if again.any() and plan.lightcurve.band is not None:
            again = _same_band_too(again, epochs.column(plan.lightcurve.band))
        if again.any() and plan.on_duplicate_epoch == "error":
            i = int(np.flatnonzero(again)[0])
            raise InputError(
                f"{int(again.sum())} epochs are repeated, the first at "
                f"{plan.lightcurve.time} = {float(time[i])}; keep them with "
                "on_duplicate_epoch='keep', or 'drop' them"
            )
        return again


def _same_band_too(again: NDArray[np.bool_], band: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Keep those marks whose band occurs before among the epochs of the same object and time."""
    rows = np.flatnonzero(again | np.append(again[1:], False))
    moment = np.cumsum(~again)[rows]
    codes = band.take(rows).combine_chunks().dictionary_encode(null_encoding="encode").indices
    code = codes.to_numpy()
    order = np.lexsort((code, moment))
    same = (np.diff(moment[order]) == 0) & (np.diff(code[order]) == 0)
    result = np.zeros_like(again)
    result[rows[order[1:][same]]] = True
    return result


def _one_dictionary(table: pa.Table) -> pa.Table:
    """Let all chunks of a coded text column share one dictionary, or none if it gets too large."""
    for i, column in enumerate(table.columns):
        if not pa.types.is_dictionary(column.type):
            continue
        words = sum(len(chunk.dictionary) for chunk in column.chunks)
        if words > np.iinfo(column.type.index_type.to_pandas_dtype()).max:
            table = table.set_column(i, table.field(i).name, column.cast(column.type.value_type))
    return table.unify_dictionaries()
