"""The highest peaks of light curves without a period, made by drawing the epochs anew."""

from __future__ import annotations

import numpy as np

from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.timeseries.curve import CurveData, prepare_curve
from skyseries.timeseries.periods.methods import Method
from skyseries.timeseries.periods.methods.registry import Options

__all__ = ["bootstrap_maxima"]


def bootstrap_maxima(
    method: Method,
    options: Options,
    data: CurveData,
    frequency: Floats,
    step: float | None,
    n_bootstrap: int,
    seed: int,
) -> Floats:
    """Return the highest power of each resampled light curve.

    Values with their errors are drawn with replacement within each band; the times stay, and so
    does the window function.

    Parameters
    ----------
    frequency : (m,) array
    step : float or None
        Of the frequencies, where they are a regular grid.
    n_bootstrap : int
    seed : int

    Returns
    -------
    (n_bootstrap,) array
        -inf where a draw does not vary.
    """
    if n_bootstrap < 1:
        raise InputError(f"n_bootstrap must be 1 or more, not {n_bootstrap}")
    rng = np.random.default_rng(seed)
    bands = [np.flatnonzero(data.code == b) for b in range(len(data.names))]
    error = data.weight**-0.5
    power = np.empty(frequency.size)
    result = np.full(n_bootstrap, -np.inf)
    for draw in range(n_bootstrap):
        source = np.arange(data.time.size)
        for own in bands:
            source[own] = own[rng.integers(0, own.size, own.size)]
        try:
            curve, _ = prepare_curve(data.time, data.value[source], error[source], data.band)
        except InputError:
            continue
        if step is not None:
            method.fill(curve, options, float(frequency[0]), step, power)
        else:
            power = method.powers(curve, options, frequency)
        result[draw] = power.max()
    return result
