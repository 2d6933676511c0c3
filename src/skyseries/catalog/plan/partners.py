"""The other side of a join: how the rows with some keys are found, wherever they are filed.

What tasks need is made by the `stages` of partners, once for all tasks.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.keyindex import INDEX_KEY, index_stage
from skyseries.catalog.plan.node import Area, Hints, Node
from skyseries.catalog.plan.rows import Rows, TableRows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import Runner, Stage
from skyseries.config import tuning
from skyseries.hats.idindex import open_index
from skyseries.hats.keys import KeyTable, plain
from skyseries.lazy import pc
from skyseries.spatial.coverage import normalise
from skyseries.spatial.order import run_lengths
from skyseries.store.files import Location

__all__ = [
    "Awaited",
    "Broadcast",
    "Everything",
    "Indexed",
    "Nearby",
    "OfPlan",
    "Partners",
    "Sent",
    "cells_of",
    "table_rows",
]


class Partners(abc.ABC):
    """Finds the right rows that may have the keys of some left rows; frozen and picklable.

    Attributes
    ----------
    node : Node or None
        The right side; None for a table in memory.
    schema : pyarrow.Schema
    """

    node: Node | None
    schema: pa.Schema

    @abc.abstractmethod
    def near(self, keys: pa.Array, hpx: Ints, hints: Hints) -> tuple[Rows, KeyTable]:
        """Return all right rows that have the keys, perhaps with others, and the keys of these.

        Parameters
        ----------
        keys : Array
            Of the left rows.
        hpx : ndarray of int64
            The cells that the left rows are filed under.
        hints : Hints
            What may be left out.
        """

    def stages(self) -> tuple[Stage[Any], ...]:
        """Return what must be made before the first task."""
        return ()

    def for_tasks(self) -> Partners:
        """Return the same with no more than tasks need, where that has been made."""
        return self

    @abc.abstractmethod
    def describe(self) -> str:
        """Return a few words on how the rows are found."""

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        """Yield what is read for columns of the right side, the keys with them."""
        if self.node is not None:
            yield from self.node.demand(list(dict.fromkeys([*paths, *self.keys()])))

    def keys(self) -> list[str]:
        """Return the columns of the right side that are always read."""
        return []


class OfPlan(Partners):
    """The rows of a plan, which are found by one of its columns."""

    node: Node
    key: str

    @property
    def schema(self) -> pa.Schema:
        return self.node.schema

    def keys(self) -> list[str]:
        return [self.key]


class Awaited(Partners):
    """Partners that a stage finds: tasks get what it has made."""

    sent: Stage[Any]

    def stages(self) -> tuple[Stage[Any], ...]:
        return (self.sent,)

    def for_tasks(self) -> Partners:
        return self.sent.value if self.sent.is_done else self

    def near(self, keys: pa.Array, hpx: Ints, hints: Hints) -> tuple[Rows, KeyTable]:
        found: tuple[Rows, KeyTable] = self.sent.value.near(keys, hpx, hints)
        return found


def table_rows(table: pa.Table) -> Rows:
    """Return a table as rows whose positions do not matter."""
    nowhere = np.full(table.num_rows, np.nan)
    return TableRows(table, nowhere, nowhere, np.full(table.num_rows, -1, np.int64))


def cells_of(hpx: Ints) -> Area:
    """Return the cells of some rows as an area."""
    cells, _ = run_lengths(np.sort(hpx))
    return Area(*normalise(cells, cells + 1))


@dataclass(frozen=True, eq=False)
class Sent(Partners):
    """All rows of the right side, in memory or in a file."""

    data: pa.Table | str = field(repr=False)
    """The table, or the path of an Arrow file."""
    schema: pa.Schema
    key: str
    name: str
    rows: int
    node: None = None

    @classmethod
    def of(cls, table: pa.Table, key: str, name: str, folder: Path | None = None) -> Sent:
        """Return a table; with a folder, written to a file if it is large."""
        data: pa.Table | str = table
        if folder is not None and table.nbytes > tuning().sent_bytes:
            data = str(folder / "rows.arrow")
            with pa.OSFile(data, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        return cls(data, table.schema, key, name, table.num_rows)

    def near(self, keys: pa.Array, hpx: Ints, hints: Hints) -> tuple[Rows, KeyTable]:
        if isinstance(self.data, str):
            return _from_file(self.data, self.key, Location(self.data).stamp())
        return table_rows(self.data), self._keys()

    def _keys(self) -> KeyTable:
        known = self.__dict__.get("_known")
        if known is None:
            known = KeyTable(self.data.column(self.key))  # type: ignore[union-attr]
            object.__setattr__(self, "_known", known)
        return known

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_known"}

    def describe(self) -> str:
        return f"the {self.rows:,} rows of {self.name} are given to every task"


@lru_cache(maxsize=4)
def _from_file(path: str, key: str, stamp: tuple[int, ...]) -> tuple[Rows, KeyTable]:
    table = pa.ipc.open_file(pa.memory_map(path)).read_all()
    return table_rows(table), KeyTable(table.column(key))


@dataclass(frozen=True, eq=False)
class Broadcast(Awaited, OfPlan):
    """A right side that is small: read once, and given to every task."""

    node: Node
    key: str
    name: str
    sent: Stage[Sent] = field(repr=False)

    @classmethod
    def of(cls, node: Node, key: str, name: str) -> Broadcast:
        """Return the partners; nothing is read."""
        read = Stage(f"all rows of {name}", partial(_read_all, node, key, name), node)
        return cls(node, key, name, read)

    def describe(self) -> str:
        return f"{self.name} is small: read once, and given to every task"


def _written(table: pa.Table, key: str, name: str, folder: Path, run: Runner) -> Sent:
    return Sent.of(table, key, name, folder)


def _read_all(node: Node, key: str, name: str, folder: Path, run: Runner) -> Sent:
    tables = (table for _, table in run(node, Node.read, stage=f"rows of {name}", ordered=True))
    table = pa.concat_tables([node.schema.empty_table(), *tables])
    return Sent.of(table.combine_chunks(), key, name, folder)


@dataclass(frozen=True, eq=False)
class Everything(Awaited):
    """A table of the user's, written to a file for the tasks if it is large."""

    table: pa.Table = field(repr=False)
    key: str
    name: str
    sent: Stage[Sent] = field(repr=False)
    node: None = None

    @classmethod
    def of(cls, table: pa.Table, key: str, name: str) -> Everything:
        """Return the partners."""
        return cls(
            table, key, name, Stage(f"a file of {name}", partial(_written, table, key, name))
        )

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    def describe(self) -> str:
        return f"the {self.table.num_rows:,} rows of {self.name} are given to every task"


@dataclass(frozen=True, eq=False)
class Indexed(OfPlan):
    """A right side with an index of the keys: only the cells that hold them are read.

    Parameters
    ----------
    node : Node
    key : str
        Its column of the keys.
    name : str
    index : Location or Stage
        A stage: the index is made for this plan.
    column : str
        The keys as the index has them.
    """

    node: Node
    key: str
    name: str
    index: Location | Stage[Location]
    column: str = INDEX_KEY

    @classmethod
    def temporary(cls, node: Node, key: str, name: str) -> Indexed:
        """Return the partners by an index that is made for this plan."""
        return cls(node, key, name, index_stage(node, key, name))

    def stages(self) -> tuple[Stage[Any], ...]:
        return () if isinstance(self.index, Location) else (self.index,)

    def near(self, keys: pa.Array, hpx: Ints, hints: Hints) -> tuple[Rows, KeyTable]:
        index = self.index if isinstance(self.index, Location) else self.index.value
        places = open_index(index, self.column).find_many(pc.unique(plain(keys)))
        rows = self.node.rows(Area(*normalise(places.start, places.stop)), hints)
        return rows, KeyTable(rows.fetch([self.key]).column(0))

    def describe(self) -> str:
        whose = "the id index" if isinstance(self.index, Location) else "a temporary index"
        return f"through {whose} of {self.key} in {self.name}"


@dataclass(frozen=True, eq=False)
class Nearby(OfPlan):
    """A right side whose rows are near the left ones that have their keys."""

    node: Node
    key: str
    name: str
    within_arcsec: float

    def near(self, keys: pa.Array, hpx: Ints, hints: Hints) -> tuple[Rows, KeyTable]:
        area = cells_of(hpx[hpx >= 0])
        span = Area.of(int(area.start[0]), int(area.stop[-1])) if len(area.start) else area
        rows = self.node.rows(span.around(self.within_arcsec), hints)
        return rows, KeyTable(rows.fetch([self.key]).column(0))

    def describe(self) -> str:
        return f"among the rows of {self.name} within {self.within_arcsec:g} arcsec"
