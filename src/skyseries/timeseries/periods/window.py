"""The window function: the periodogram of the times of observation themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arrays import days, numbers
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.timeseries.given import given_epochs
from skyseries.timeseries.intake import holds_all
from skyseries.timeseries.kernels.window import window_power

__all__ = ["window_function"]


def window_function(t: Any, frequency: ArrayLike) -> Floats:
    """Return the spectral window |sum exp(2 pi i f t)|^2 / n^2 (Deeming 1975, ApSS 36, 137).

    Parameters
    ----------
    t : (n,) array of any library, or sequence
        Times, as for `periodogram`; those that are missing or not finite are left out. Or an
        object that holds a whole light curve (`as_lightcurve`): the flagged epochs are left out.
    frequency : (m,) array_like
        In the inverse of the unit of the times: 1/d, or with a unit.

    Returns
    -------
    (m,) ndarray
        1 at frequency 0 and wherever all times have one phase; a signal at f has aliases at f
        plus and minus the frequencies of its peaks. NaN without times.
    """
    if holds_all(t):
        t = given_epochs(t).time
    times = np.atleast_1d(days(t, "t", warn=True))
    f = np.atleast_1d(numbers(frequency, "1/d", "frequency"))
    if times.ndim != 1 or f.ndim != 1:
        raise InputError(f"t and frequency must be rows, not of shapes {times.shape}, {f.shape}")
    times = times[np.isfinite(times)]
    power = np.full(f.size, np.nan)
    if times.size:
        window_power(times - times.min(), f, power)
    return power
