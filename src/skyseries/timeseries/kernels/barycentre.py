"""Times of an observatory on the Earth to times at the solar-system barycentre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel

__all__ = ["COLUMNS", "barycentre"]

COLUMNS = 18
"""Of the table: one row for each day at 0h. 0-2: the Earth's centre from the barycentre, km;
3-5: its velocity, km/d; 6-14: rows of the matrix from ICRS to the mean equator of date; 15:
TDB - TT, s; 16: mean sidereal time at Greenwich at 0h UT, rad; 17: TAI - UTC, s."""

_TT_TAI = 32.184
_DAY = 86400.0
_TURN = 6.300388098984893
"""By how much the Earth turns in a day of UT1, rad (2 pi times 1.00273781191135448)."""
_LIGHT = 299792.458 * _DAY
"""Speed of light, km/d."""


@kernel
def barycentre(
    time: NDArray[np.float64],
    offsets: NDArray[np.int64],
    direction: NDArray[np.float64],
    table: NDArray[np.float64],
    first: int,
    scale: int,
    site: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Add what light takes from the barycentre to the observatory, for objects far away.

    Parameters
    ----------
    time : (m,) array
        MJD.
    offsets : (n + 1,) array
        Where the times of each object begin.
    direction : (n, 3) array
        Unit vectors to the objects, ICRS.
    table : (k, COLUMNS) array
    first : int
        MJD of its first row.
    scale : {0, 1, 2, 3}
        The times are UTC, TAI, TT, TDB.
    site : (3,) array
        Of the observatory: distance from the Earth's axis and height above the equator's plane,
        km, and longitude, rad.
    out : (m,) array
        Filled with MJD in TDB; NaN beyond the table.
    """
    last = first + table.shape[0] - 2
    for i in range(offsets.size - 1):
        for j in range(offsets[i], offsets[i + 1]):
            t = time[j]
            if not (t >= first + 1 and t < last - 1):
                out[j] = np.nan
                continue
            day = int(np.floor(t))
            if scale == 0:  # within a day that has a leap second, UTC runs slower
                k, x = day - first, t - day
                t += (table[k, 17] + x * (table[k + 1, 17] - table[k, 17]) + _TT_TAI) / _DAY
            elif scale == 1:
                t += _TT_TAI / _DAY
            day = int(np.floor(t))
            k, x = day - first, t - day
            tdb = t
            if scale < 3:
                tdb += (table[k, 15] + x * (table[k + 1, 15] - table[k, 15])) / _DAY
            turn = table[k, 16] + site[2] + _TURN * (x - (table[k, 17] + _TT_TAI) / _DAY)
            a, b = site[0] * np.cos(turn), site[0] * np.sin(turn)
            x2, x3 = x * x, x * x * x
            along = 0.0
            for c in range(3):
                p = (2 * x3 - 3 * x2 + 1) * table[k, c] + (3 * x2 - 2 * x3) * table[k + 1, c]
                p += (x3 - 2 * x2 + x) * table[k, 3 + c] + (x3 - x2) * table[k + 1, 3 + c]
                p += a * table[k, 6 + c] + b * table[k, 9 + c] + site[1] * table[k, 12 + c]
                along += p * direction[i, c]
            out[j] = tdb + along / _LIGHT
