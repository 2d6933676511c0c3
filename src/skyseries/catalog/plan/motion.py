"""Proper motions: where the rows of a catalog are at another epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Floats
from skyseries.catalog.plan.rows import Rows
from skyseries.errors import InputError
from skyseries.spatial.sphere import apply_proper_motion

__all__ = ["FASTEST_STAR", "EpochColumn", "Motion"]

FASTEST_STAR = 11.0
"""Arcsec per year; the fastest star known (Barnard's) moves by 10.4."""


@dataclass(frozen=True)
class EpochColumn:
    """A column of epochs: its values times `slope` plus `zero` are Julian years."""

    name: str
    slope: float = 1.0
    zero: float = 0.0


@dataclass(frozen=True)
class Motion:
    """From the epoch of a catalog to that of the match.

    Parameters
    ----------
    pmra, pmdec : str
        Columns of the proper motion, pmra with the factor cos(dec). Where it is null or NaN the
        row does not move.
    epoch : float or EpochColumn
        Julian year of the positions, or a column of it.
    to_epoch : float
    to_mas_yr : pair of float
        By what the columns of the proper motion are multiplied to be in mas/yr.
    fastest : float
        Bound of the total motion, arcsec/yr; what is filed further away is not looked for.
    years : float
        Bound of the time between the epochs.
    """

    pmra: str
    pmdec: str
    epoch: float | EpochColumn
    to_epoch: float
    to_mas_yr: tuple[float, float] = (1.0, 1.0)
    fastest: float = FASTEST_STAR
    years: float = 0.0

    def columns(self) -> list[str]:
        """Return the columns that are read."""
        own = [self.epoch.name] if isinstance(self.epoch, EpochColumn) else []
        return [self.pmra, self.pmdec, *own]

    @property
    def reach_arcsec(self) -> float:
        """How far a row may have moved from where it is filed."""
        return self.fastest * self.years

    def bounded(self, years: float) -> Motion:
        """Return the motion with a bound of the time."""
        return replace(self, years=years)

    def moved(self, rows: Rows, ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
        """Return the positions of rows at the epoch of the match."""
        table = rows.fetch(list(dict.fromkeys(self.columns())))
        pmra = _floats(table.column(self.pmra), self.to_mas_yr[0])
        pmdec = _floats(table.column(self.pmdec), self.to_mas_yr[1])
        epoch: float | Floats
        if isinstance(self.epoch, EpochColumn):
            epoch = _floats(table.column(self.epoch.name), self.epoch.slope) + self.epoch.zero
        else:
            epoch = self.epoch
        pmra, pmdec = np.nan_to_num(pmra), np.nan_to_num(pmdec)
        self._check_reach(np.hypot(pmra, pmdec), epoch)
        return apply_proper_motion(ra, dec, pmra, pmdec, epoch, self.to_epoch)

    def _check_reach(self, speed: Floats, epoch: float | Floats) -> None:
        """Raise InputError if a row moves farther than it is looked for."""
        lost = speed * np.abs(self.to_epoch - epoch) > 1e3 * self.reach_arcsec * (1 + 1e-9)
        if lost.any():
            raise InputError(
                f"a proper motion ({self.pmra}, {self.pmdec}) of {speed[lost][0] / 1e3:.6g} "
                f"arcsec/yr is faster than any star's (up to {self.fastest:g}): is it in the unit "
                "that its columns say (none: mas/yr), or a stand-in for a missing value? Leave "
                "such rows out with query()"
            )


def _floats(column: pa.ChunkedArray, factor: float) -> Floats:
    values = np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
    return values if factor == 1.0 else values * factor
