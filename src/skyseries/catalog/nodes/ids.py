"""Objects by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyseries.catalog.ids import areas_of
from skyseries.catalog.node import Hints, RowStep
from skyseries.catalog.rows import Rows
from skyseries.hats.files import Location
from skyseries.spatial.regions import Moc

__all__ = ["IdSearch"]


@dataclass(frozen=True)
class IdSearch(RowStep):
    """Keep the objects with some ids.

    Parameters
    ----------
    column : str
    ids : tuple
        As the column has them.
    index : Location, optional
        The id index; without one the whole column is read.
    """

    column: str
    ids: tuple[Any, ...] = field(repr=False)
    index: Location | None = None
    indexed: str | None = None
    """What the index calls the column, if it has another name there."""

    @property
    def filters(self) -> bool:
        return True

    def needs(self, paths: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*paths, self.column]))

    def hints(self, hints: Hints) -> Hints:
        if self.index is None:
            return hints
        return hints.also(region=_found(self.index, self.indexed or self.column, self.ids))

    def apply(self, rows: Rows) -> Rows:
        if not len(rows):
            return rows
        column = rows.fetch([self.column]).column(0)
        type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        same = pc.is_in(column, pa.array(self.ids, type_)).to_numpy()
        return rows.take(np.flatnonzero(same))

    def describe(self) -> str:
        some = ", ".join(map(repr, self.ids[:3])) + (", ..." if len(self.ids) > 3 else "")
        how = "through the id index" if self.index else "without an index"
        return f"{len(self.ids)} ids of {self.column} ({some}), {how}"


@lru_cache(maxsize=64)
def _found(index: Location, column: str, ids: tuple[Any, ...]) -> Moc:
    area = areas_of(index, column, ids)
    return Moc(area.start, area.stop)
