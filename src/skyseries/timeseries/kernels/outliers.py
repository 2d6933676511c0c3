"""Single epochs that are off, told from eclipses and outbursts by the epochs beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.jit import kernel
from skyseries.timeseries.kernels.quantiles import quantile
from skyseries.timeseries.kernels.sorting import order_of, sort_row

__all__ = ["MIN_EPOCHS", "NEIGHBOURS", "clip_outliers"]

MIN_EPOCHS = 5
"""A band with fewer epochs has no scatter by which one of them could be judged."""

NEIGHBOURS = 2
"""So many epochs before and after one, of any band, can confirm it."""

_ENOUGH, _PART = 0.5, 0.1
"""Share of the limit, and of how far an epoch is off, beyond which another one confirms it."""
_PASSES = 10
_WITHIN = 0.6826894921370859
"""Share of normal deviates within one standard deviation.

Not half of them, as for the median absolute deviation: the brighter epochs of a star that is faint
for half of the time would be off.
"""


@kernel
def clip_outliers(
    offsets: NDArray[np.int64],
    t: NDArray[np.float64],
    bright: NDArray[np.float64],
    e: NDArray[np.float64],
    code: NDArray[np.int32],
    n_bands: int,
    limit: float,
    keep: NDArray[np.bool_],
) -> None:
    """Mark the epochs of each light curve that are off and that nothing confirms.

    Parameters
    ----------
    offsets : (n + 1,) array
    t, bright : (m,) arrays
        Times; brightness, which grows upwards also where it is a magnitude.
    e : (m,) array
        Errors; zeros where there are none.
    code : (m,) array
        Band; -1: not looked at.
    n_bands : int
    limit : float
        Deviations from the median of the band, in its scatter (within which 68 % of the epochs
        are) or the epoch's error, whichever is larger, beyond which an epoch is off.
    keep : (m,) array
        All true; becomes false where an epoch goes.
    """
    for i in range(offsets.size - 1):
        lo, hi = offsets[i], offsets[i + 1]
        order = _usable_in_time(t[lo:hi], bright[lo:hi], code[lo:hi])
        if order.size >= MIN_EPOCHS:
            _clip(
                t[lo:hi], bright[lo:hi], e[lo:hi], code[lo:hi], order, n_bands, limit, keep[lo:hi]
            )


@kernel
def _usable_in_time(
    t: NDArray[np.float64], y: NDArray[np.float64], code: NDArray[np.int32]
) -> NDArray[np.int64]:
    used = np.flatnonzero(code >= 0)
    return used[order_of(t[used], y[used])]


@kernel
def _clip(
    t: NDArray[np.float64],
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    code: NDArray[np.int32],
    order: NDArray[np.int64],
    n_bands: int,
    limit: float,
    keep: NDArray[np.bool_],
) -> None:
    off = np.zeros(t.size)
    going = np.empty(order.size, np.bool_)
    for _ in range(_PASSES):
        _deviations(y, e, code, n_bands, keep, off)
        n_faint = 0
        for j in order:
            n_faint += int(off[j] < -limit)  # those that went before count: one at most ever goes
        n_going = 0
        for k in range(order.size):
            j = order[k]
            going[k] = (
                keep[j]
                and abs(off[j]) > limit
                and not (off[j] < 0 and n_faint > 1)
                and not _is_confirmed(t, code, order, keep, off, k, limit)
            )
            n_going += int(going[k])
        if n_going == 0:
            return
        for k in range(order.size):
            if going[k]:
                keep[order[k]] = False


@kernel
def _deviations(
    y: NDArray[np.float64],
    e: NDArray[np.float64],
    code: NDArray[np.int32],
    n_bands: int,
    keep: NDArray[np.bool_],
    off: NDArray[np.float64],
) -> None:
    for b in range(n_bands):
        mine = np.flatnonzero(code == b)
        kept = y[mine[keep[mine]]]
        if kept.size < MIN_EPOCHS:
            off[mine] = 0.0
            continue
        sort_row(kept)
        median = quantile(kept, 0.5)
        distance = np.abs(kept - median)
        sort_row(distance)
        scatter = quantile(distance, _WITHIN)
        for j in mine:
            scale = max(scatter, e[j])
            off[j] = (y[j] - median) / scale if scale > 0 else 0.0


@kernel
def _is_confirmed(
    t: NDArray[np.float64],
    code: NDArray[np.int32],
    order: NDArray[np.int64],
    keep: NDArray[np.bool_],
    off: NDArray[np.float64],
    k: int,
    limit: float,
) -> bool:
    """Return whether an epoch near in time is off to the same side."""
    j = order[k]
    enough = max(_ENOUGH * limit, _PART * abs(off[j]))
    side = 1.0 if off[j] > 0 else -1.0
    for step in (-1, 1):
        seen, place = 0, k + step
        while seen < NEIGHBOURS and 0 <= place < order.size:
            other = order[place]
            is_same_exposure = t[other] == t[j] and code[other] == code[j]
            if keep[other] and not is_same_exposure:
                if side * off[other] > enough:
                    return True
                seen += 1
            place += step
    return False
