"""Objects by their ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arrow import to_numpy
from skyseries.cache import kept
from skyseries.catalog.plan.ids import ids_array
from skyseries.catalog.plan.lineage import known_index
from skyseries.catalog.plan.node import Hints, RowStep
from skyseries.catalog.plan.rows import Rows
from skyseries.catalog.plan.stage import Runner, Stage
from skyseries.hats.keys import plain
from skyseries.lazy import pc
from skyseries.store.files import Location

__all__ = ["IdSearch", "Ids"]

_CARRIED = 1_000
"""So many ids go with each task; more are written to a file that each process reads once."""
_ID_BYTES = 40
"""What an id takes in memory."""


@dataclass(frozen=True)
class Ids:
    """Ids as their column has them; many of them do not go with tasks, but their file's name.

    Parameters
    ----------
    values : tuple
        Whole numbers, or text.
    """

    values: tuple[Any, ...] = field(repr=False)
    file: Stage[Location] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        many = len(self.values) > _CARRIED
        text = f"a file of {len(self.values):,} ids"
        stage = Stage(text, partial(_write, self.values)) if many else None
        object.__setattr__(self, "file", stage)

    def __reduce__(self) -> tuple[Callable[..., Ids], tuple[Any, ...]]:
        if self.file is None or not self.file.is_done:
            return Ids, (self.values,)
        return _read, (self.file.value, self.file.value.stamp())

    @property
    def nbytes(self) -> int:
        """About what they hold."""
        return _ID_BYTES * len(self.values)

    @cached_property
    def array(self) -> pa.Array:
        """The same for Arrow."""
        return ids_array(self.values)


def _write(ids: tuple[Any, ...], folder: Path, run: Runner) -> Location:
    path = folder / "ids.arrow"
    table = pa.table([ids_array(ids)], ["id"])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return Location(str(path))


@kept
def _read(file: Location, stamp: tuple[int, ...]) -> Ids:
    table = pa.ipc.open_file(pa.memory_map(str(file))).read_all()
    return Ids(tuple(table.column("id").to_pylist()))


@dataclass(frozen=True)
class IdSearch(RowStep):
    """Keep the objects with some ids.

    Parameters
    ----------
    column : str
    ids : Ids
    """

    column: str
    ids: Ids

    @property
    def filters(self) -> bool:
        return True

    def needs(self, paths: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*paths, self.column]))

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, 1

    def stages(self) -> tuple[Stage[Any], ...]:
        return () if self.ids.file is None else (self.ids.file,)

    def hints(self, hints: Hints) -> Hints:
        return hints.also(conditions=[adql.one_of(self.column, self.ids.values)])

    def apply(self, rows: Rows) -> Rows:
        if not len(rows):
            return rows
        column = plain(rows.fetch([self.column]).column(0))
        wanted = self.ids.array.cast(column.type)
        if len(wanted) > len(column):  # the set is the smaller of the two
            wanted = wanted.filter(pc.is_in(wanted, column))
        same = to_numpy(pc.is_in(column, wanted))
        return rows.take(np.flatnonzero(same))

    def describe(self) -> str:
        ids = self.ids.values
        some = ", ".join(map(repr, ids[:3])) + (", ..." if len(ids) > 3 else "")
        indexed = known_index(self, self.column) is not None
        how = "through the id index" if indexed else "without an index"
        return f"{len(ids)} ids of {self.column} ({some}), {how}"
