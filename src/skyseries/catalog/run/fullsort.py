"""All rows of a catalog in an order, with bounded memory.

Units are sorted as they come, and kept on disk where they do not fit into memory. Keys that are
picked from them divide the whole into ranges that do; each is then gathered from all units.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.rows import gather
from skyseries.catalog.run.inputs import lifted, values_from
from skyseries.catalog.run.parts import fixed_units
from skyseries.catalog.run.run import run_units
from skyseries.catalog.run.sorting import order_of
from skyseries.config import settings
from skyseries.schema import as_schema
from skyseries.store.scratch import scratch

__all__ = ["iter_sorted"]

_SAMPLES = 32
"""Keys picked for each range: its size differs from the mean by a fifth or so."""


def iter_sorted(
    node: Node,
    keys: Sequence[adql.Expr],
    ascending: Sequence[bool],
    memory: int | None = None,
) -> Iterator[pa.Table]:
    """Yield all rows in an order, piece by piece.

    Parameters
    ----------
    node : Node
    keys : sequence of Expr
        One value for each object.
    ascending : sequence of bool
    memory : int, optional
        Bytes that may be held here; by default a quarter of what `skyseries.config` says.
    """
    memory = settings().memory // 4 if memory is None else memory
    wide, plain = lifted(node, keys)
    names = node.schema.names
    part = partial(_sorted_unit, tuple(plain), tuple(ascending), tuple(names))
    with ExitStack() as stack:
        runs = _collected(wide, part, memory, stack)
        for cuts in _ranges(runs, len(keys), ascending, memory):
            slices = [run.cut(a, b) for run, (a, b) in zip(runs, cuts, strict=True) if b > a]
            if slices:
                table = pa.concat_tables(slices).combine_chunks()
                order = order_of(table.columns[len(names) :], ascending)
                rows = gather(table.select(range(len(names))), order)
                yield as_schema(rows, node.schema)


def _sorted_unit(
    keys: tuple[adql.Expr, ...],
    ascending: tuple[bool, ...],
    names: tuple[str, ...],
    node: Node,
    unit: Unit,
) -> pa.Table:
    """Return the rows of a unit in the order, the keys in further columns."""
    rows = node.rows(unit.area, Hints())
    arrays = values_from(rows, keys)
    table = node.table(rows).select(list(names))
    for i, array in enumerate(arrays):
        table = table.append_column(f"#key{i}", array)
    return gather(table, order_of(arrays, ascending)).combine_chunks()


@dataclass(frozen=True)
class _Run:
    """A sorted unit, in memory or in a file."""

    rows: int
    nbytes: int
    held: pa.Table | Path

    def table(self) -> pa.Table:
        """Return it; of a file, what is read of it takes memory for as long as the table lives."""
        if isinstance(self.held, Path):
            return pa.ipc.open_file(pa.memory_map(str(self.held))).read_all()
        return self.held

    def cut(self, start: int, stop: int) -> pa.Table:
        """Return some rows; of a file, a copy of them."""
        if isinstance(self.held, Path):
            return self.table().take(pa.array(np.arange(start, stop)))
        return self.held.slice(start, stop - start)


def _collected(node: Node, part: Any, memory: int, stack: ExitStack) -> list[_Run]:
    """Return the sorted units in the order of the sky; beyond `memory`, on disk."""
    units = fixed_units(node)
    runs: list[Any] = [None] * len(units)
    held = 0
    folder: Path | None = None
    for place, table in run_units(node, part, units):
        if held + table.nbytes > memory // 2:
            if folder is None:
                folder = stack.enter_context(scratch("sort"))
            path = folder / f"{place}.arrow"
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
            runs[place] = _Run(table.num_rows, table.nbytes, path)
        else:
            held += table.nbytes
            runs[place] = _Run(table.num_rows, table.nbytes, table)
    return runs


def _ranges(
    runs: list[_Run], n_keys: int, ascending: Sequence[bool], memory: int
) -> Iterator[list[tuple[int, int]]]:
    """Yield, for each range of keys, which rows of each run are in it."""
    total = sum(run.nbytes for run in runs)
    count = max(math.ceil(total / max(memory // 8, 1)), 1)
    rows = sum(run.rows for run in runs)
    picked = []
    for keys in _key_lists(runs, n_keys, ascending):
        some = max(math.ceil(_SAMPLES * count * len(keys) / rows), 1) if len(keys) else 0
        picked += [keys[int(row)] for row in np.linspace(0, len(keys) - 1, some, dtype=int)]
    picked.sort()
    before = [0] * len(runs)
    for i in range(1, count):
        if picked:
            bound = picked[i * len(picked) // count]
            lists = _key_lists(runs, n_keys, ascending)
            after = [bisect.bisect_left(keys, bound) for keys in lists]
            yield list(zip(before, after, strict=True))
            before = after
    yield list(zip(before, (run.rows for run in runs), strict=True))


def _key_lists(runs: list[_Run], n_keys: int, ascending: Sequence[bool]) -> Iterator[_Keys]:
    """Yield the keys of each run, of which but one is open at a time."""
    return (_Keys(i, run.table(), n_keys, ascending) for i, run in enumerate(runs))


class _Keys(Sequence[Any]):
    """The keys of a sorted run, as something that Python can compare; unique by their place."""

    def __init__(self, run: int, table: pa.Table, n_keys: int, ascending: Sequence[bool]) -> None:
        self._run, self._ascending, self._rows = run, ascending, table.num_rows
        self._columns = table.columns[-n_keys:]

    def __len__(self) -> int:
        return int(self._rows)

    def __getitem__(self, row: Any) -> Any:
        values = [
            _comparable(column[row].as_py(), up)
            for column, up in zip(self._columns, self._ascending, strict=True)
        ]
        return (*values, self._run, int(row))


def _comparable(value: Any, ascending: bool) -> tuple[int, Any]:
    if value is None:
        return 2, 0
    if value != value:
        return 1, 0
    return 0, value if ascending else _Descending(value)


class _Descending:
    """A value that is less where it is greater."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)
