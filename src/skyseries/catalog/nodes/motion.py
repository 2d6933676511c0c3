"""Proper motions: where the rows of a catalog are at another epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from skyseries.catalog.rows import Floats, Rows
from skyseries.spatial.sphere import apply_proper_motion

__all__ = ["FASTEST_STAR", "Motion"]

FASTEST_STAR = 11.0
"""Arcsec per year; the fastest star known (Barnard's) moves by 10.4."""


@dataclass(frozen=True)
class Motion:
    """From the epoch of a catalog to that of the match.

    Parameters
    ----------
    pmra, pmdec : str
        Columns of the proper motion, mas/yr, pmra with the factor cos(dec). Where it is null or
        NaN the row does not move.
    epoch : float or str
        Julian year of the positions, or a column of it.
    to_epoch : float
    fastest : float
        Bound of the total motion, arcsec/yr; what is filed further away is not looked for.
    years : float
        Bound of the time between the epochs.
    """

    pmra: str
    pmdec: str
    epoch: float | str
    to_epoch: float
    fastest: float = FASTEST_STAR
    years: float = 0.0

    def columns(self) -> list[str]:
        """Return the columns that are read."""
        return [self.pmra, self.pmdec, *([self.epoch] if isinstance(self.epoch, str) else [])]

    @property
    def reach_arcsec(self) -> float:
        """How far a row may have moved from where it is filed."""
        return self.fastest * self.years

    def bounded(self, years: float) -> Motion:
        """Return the motion with a bound of the time."""
        return replace(self, years=years)

    def moved(self, rows: Rows, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return the positions of rows at the epoch of the match."""
        table = rows.fetch(self.columns())
        pmra, pmdec = (np.nan_to_num(_floats(table.column(i))) for i in (0, 1))
        epoch = self.epoch if not isinstance(self.epoch, str) else _floats(table.column(2))
        return apply_proper_motion(ra, dec, pmra, pmdec, epoch, self.to_epoch)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
