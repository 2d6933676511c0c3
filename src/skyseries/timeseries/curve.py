"""One light curve, given as plain arrays, as the period searches want it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays import labels, number
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.timeseries.given import given_epochs
from skyseries.timeseries.kernels.harmonics import prepare
from skyseries.warn import warn_user

__all__ = ["FLOOR_SCATTER_FRACTION", "Curve", "CurveData", "floor_terms", "prepare_curve"]


FLOOR_SCATTER_FRACTION = 0.25
"""The default error floor as a fraction of the standard deviation of the values of each band."""

_ALL_WEIGHT = 1 - 1e-6
"""Share of one epoch in the weights beyond which its error is doubted."""


@dataclass(frozen=True)
class Curve:
    """A weighed and centred light curve, as `kernels.harmonics.prepare` leaves it."""

    times: Floats
    weights: Floats
    values: Floats
    start: NDArray[np.int64]
    n_bands: int
    chi2: float

    @property
    def n_epochs(self) -> int:
        """Epochs in bands with two or more."""
        return int(self.start[self.n_bands])

    @property
    def span(self) -> float:
        """Time from the first epoch to the last."""
        return float(self.times[: self.n_epochs].max())

    @property
    def arrays(self) -> tuple[Floats, Floats, Floats, NDArray[np.int64], int]:
        """What every kernel of a period search begins with."""
        return self.times, self.weights, self.values, self.start, self.n_bands


@dataclass(frozen=True)
class CurveData:
    """What was given, as needed for a model: one entry for each epoch that is used."""

    time: Floats
    value: Floats
    weight: Floats
    """1 / variance, with the error floor."""
    band: NDArray[Any] | None
    origin: float
    """The first time of a band with two epochs or more: the phase there is 0."""
    clock: str | None = None
    """What the times were told by, if by dates: see `skyseries.arrays.clock_of`."""
    is_magnitude: bool | None = None
    """None: not known."""
    has_errors: bool = True
    """Whether errors were given; else the weights are ones."""

    @property
    def names(self) -> list[Any]:
        """The bands in order; [None] without."""
        return _band_codes(self.band, self.time.size)[0]

    @property
    def code(self) -> NDArray[np.int64]:
        """(n,) place of each epoch's band in `names`."""
        return _band_codes(self.band, self.time.size)[1]

    def find_bands(self, band: Any, size: int) -> NDArray[np.int64]:
        """Return the place in `names` of one band, or of each of a sequence."""
        names = self.names
        if names == [None]:
            return np.zeros(size, np.int64)
        if band is None:
            raise InputError(f"the model differs between bands: give band=, of {names}")
        places = {name: place for place, name in enumerate(names)}
        found, there = labels(band, "band", size)
        if found.shape != (size,):
            raise InputError(f"there are {found.size} bands for {size} times")
        pairs = zip(found.tolist(), there, strict=True)
        wanted = [name if ok else None for name, ok in pairs]
        if unknown := [name for name in wanted if name not in places]:
            raise InputError(f"the light curve has no band {unknown[0]!r}; it has {names}")
        return np.array([places[name] for name in wanted], np.int64)


def floor_terms(error_floor: Any, unit: str = "") -> tuple[float, float]:
    """Return the floor in the unit of the values, and as a fraction of each band's scatter."""
    if error_floor is None:
        return 0.0, FLOOR_SCATTER_FRACTION
    floor = number(error_floor, unit, "error_floor")
    if not (math.isfinite(floor) and floor >= 0):
        raise InputError(f"error_floor must be a finite number from 0 on, not {floor}")
    return floor, 0.0


def prepare_curve(
    t: Any, y: Any = None, dy: Any = None, band: Any = None, error_floor: Any = 0.0
) -> tuple[Curve, CurveData]:
    """Leave out what cannot be used, weigh and centre the rest.

    Parameters
    ----------
    t, y, dy, band, error_floor
        As for `periodogram`; without errors there is no floor.

    Raises
    ------
    InputError
        For arrays of unequal length, or without two epochs at different times in a band, or
        without any variation.
    """
    given = given_epochs(t, y, dy, band)
    floor = floor_terms(error_floor, given.unit)
    floor = floor if given.has_error else (0.0, 0.0)
    usable = np.isfinite(given.time) & np.isfinite(given.value) & np.isfinite(given.error)
    usable &= given.error > 0
    if given.has_band is not None:
        usable &= given.has_band
    time, value, error = given.time[usable], given.value[usable], given.error[usable]
    labels = None if given.band is None else given.band[usable]
    names, code = _band_codes(labels, time.size)
    n = time.size
    order, offsets = _by_band(names, code)
    times, weights, values = np.empty(n), np.empty(n), np.empty(n)
    start = np.empty(offsets.size, np.int64)
    arrays = (time[order], value[order], error[order])
    n_bands, chi2 = prepare(*arrays, offsets, *floor, times, weights, values, start)
    curve = Curve(times, weights, values, start, n_bands, chi2)
    if not (chi2 > 0 and math.isfinite(chi2)) or not curve.span > 0:
        raise InputError(_why_not(value, error, curve))
    if curve.n_epochs > 2 and weights[: curve.n_epochs].max() > _ALL_WEIGHT:
        warn_user(
            f"the smallest error, {error.min():.3g}, gives one epoch all the weight, so that every "
            "model goes through it; look for a wrong dy"
        )
    spread = np.empty(n)
    spread[order] = _variances(arrays[1], arrays[2], offsets, floor)
    in_pairs = time if labels is None else time[(np.diff(offsets) >= 2)[code]]
    origin = float(in_pairs.min())
    told = given.clock, given.is_magnitude, given.has_error
    return curve, CurveData(time, value, 1.0 / spread, labels, origin, *told)


def _by_band(
    names: list[Any], code: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | slice, NDArray[np.int64]]:
    """Return the order in which the epochs of each band are together, and where each begins."""
    if names == [None]:
        return slice(None), np.array([0, code.size])
    order = np.argsort(code, kind="stable")
    return order, np.searchsorted(code[order], np.arange(len(names) + 1))


def _why_not(value: Floats, error: Floats, curve: Curve) -> str:
    n = value.size
    if n and curve.n_bands and not math.isfinite(curve.chi2):
        return (
            f"the squares of the values, up to {np.abs(value).max():.3g}, over those of the "
            f"errors, down to {error.min():.3g}, are too large for numbers of 64 bits: scale them"
        )
    return (
        f"no periodogram of {n} usable epochs: two or more at different times in one "
        "band, and values that vary, are needed"
    )


def _variances(
    value: Floats, error: Floats, offsets: NDArray[np.int64], floor: tuple[float, float]
) -> Floats:
    result = error**2 + floor[0] ** 2
    for lo, hi in pairwise(offsets):
        if floor[1] > 0 and hi - lo >= 2:
            result[lo:hi] += (floor[1] * value[lo:hi].std(ddof=1)) ** 2
    return result


def _band_codes(band: NDArray[Any] | None, size: int) -> tuple[list[Any], NDArray[np.int64]]:
    if band is None:
        return [None], np.zeros(size, np.int64)
    names, code = np.unique(band, return_inverse=True)
    return names.tolist(), code.reshape(-1)
