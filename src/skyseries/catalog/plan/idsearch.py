"""Objects by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skyseries import adql
from skyseries.catalog.plan.lineage import known_index
from skyseries.catalog.plan.node import Hints, RowStep
from skyseries.catalog.plan.rows import Rows

__all__ = ["IdSearch"]


@dataclass(frozen=True)
class IdSearch(RowStep):
    """Keep the objects with some ids.

    Parameters
    ----------
    column : str
    ids : tuple
        As the column has them.
    """

    column: str
    ids: tuple[Any, ...] = field(repr=False)

    @property
    def filters(self) -> bool:
        return True

    def needs(self, paths: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*paths, self.column]))

    @property
    def gives(self) -> tuple[int, int | None]:
        return 0, 1

    def hints(self, hints: Hints) -> Hints:
        return hints.also(conditions=[adql.one_of(self.column, self.ids)])

    def apply(self, rows: Rows) -> Rows:
        if not len(rows):
            return rows
        column = rows.fetch([self.column]).column(0)
        type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        same = pc.is_in(column, pa.array(self.ids, type_)).to_numpy()
        return rows.take(np.flatnonzero(same))

    def describe(self) -> str:
        some = ", ".join(map(repr, self.ids[:3])) + (", ..." if len(self.ids) > 3 else "")
        indexed = known_index(self, self.column) is not None
        how = "through the id index" if indexed else "without an index"
        return f"{len(self.ids)} ids of {self.column} ({some}), {how}"
