"""What is known of the rows of a table that matter, once those that they are joined with are there.

Rows are looked for by the values of a column of the other table, or near its positions, if these
are few: so that partitions and row groups can be chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from skyseries import adql
from skyseries.adql.expressions import Column, Compare, Constant, Expr, OneOf, Operation, written
from skyseries.adql.geometry import point
from skyseries.adql.types import Type
from skyseries.arrow import floats
from skyseries.catalog.plan.node import Area
from skyseries.catalog.plan.scan import widened
from skyseries.query.database import Database
from skyseries.query.skyjoins import reach_arcsec
from skyseries.spatial.healpix import radec_to_hpx

__all__ = ["Nearby", "Restriction", "SameValue"]

MOST_VALUES = 50_000
"""The rows of a table are looked for by the values of another one, if these are not more."""
MOST_PLACES = 5_000
MOST_ARCSEC = 20 * 3600.0


@dataclass(frozen=True)
class SameValue:
    """Rows matter only where their value of a column is one of another table."""

    column: Column
    """Of a table in FROM."""
    table: str
    other: str

    def condition(self, database: Database) -> Expr | None:
        """Return what the rows that matter fulfil; None if there are too many values."""
        sql = (
            f"SELECT DISTINCT {self.other} FROM {self.table} "  # noqa: S608 - no user text
            f"WHERE {self.other} IS NOT NULL LIMIT {MOST_VALUES + 1}"
        )
        values = [value for table in database.stream(sql) for value in table.column(0).to_pylist()]
        return None if len(values) > MOST_VALUES else OneOf(self.column, tuple(values))

    def describe(self) -> str:
        """Return which rows are read."""
        return f"{written(self.column.path)} in {self.table}"


@dataclass(frozen=True)
class Nearby:
    """Rows matter only near the positions of another table.

    Parameters
    ----------
    position : (Column, Column)
        Right ascension and declination, degrees, of a table in FROM.
    table : str
    others : tuple of Expr
        Right ascension, declination and radius, degrees, over the columns of the other table.
    columns : mapping of path to str
        What these columns are called in the database.
    """

    position: tuple[Column, Column]
    table: str
    others: tuple[Expr, Expr, Expr]
    columns: Mapping[adql.Path, str] = field(repr=False)

    def condition(self, database: Database) -> Expr | None:
        """Return what the rows that matter fulfil; None if there are too many positions."""
        names = ", ".join(self.columns.values())
        sql = f"SELECT {names} FROM {self.table} LIMIT {MOST_PLACES + 1}"  # noqa: S608
        values = adql.Values(self.others)
        parts = []
        for table in database.stream(sql):
            columns = {path: table.column(name) for path, name in self.columns.items()}
            parts.append([floats(array) for array in values(columns, table.num_rows)])
        ra, dec, radius = map(np.concatenate, zip(*parts, strict=True))
        reach = reach_arcsec(radius)
        known = np.isfinite(ra) & (np.abs(dec) <= 90.0) & np.isfinite(reach)
        if len(ra) > MOST_PLACES or np.max(reach, initial=0.0, where=known) > MOST_ARCSEC:
            return None
        if not known.any():
            return OneOf(self.position[0], ())
        cells = np.unique(radec_to_hpx(ra[known], dec[known]))
        area = widened(Area(cells, cells + 1, float(reach[known].max())))
        ranges = " ".join(f"{a}-{b - 1}" for a, b in zip(area.start, area.stop, strict=True))
        place = point(*self.position), Constant(f"29/{ranges}", Type.MOC)
        inside = Operation("CONTAINS", place, Type.INTEGER, "", kernel="relations.contains")
        return Compare("=", inside, Constant(1, Type.INTEGER))

    def describe(self) -> str:
        """Return which rows are read."""
        return f"positions near those in {self.table}"


Restriction: TypeAlias = SameValue | Nearby
