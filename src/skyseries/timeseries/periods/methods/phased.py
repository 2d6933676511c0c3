"""Methods that need no model, only that values of like phase are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays import check_choice, true_or_false
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.timeseries.curve import Curve, CurveData
from skyseries.timeseries.kernels.dispersion import dispersion_power
from skyseries.timeseries.kernels.entropy import entropy_power
from skyseries.timeseries.kernels.strings import string_power
from skyseries.timeseries.periods.methods.registry import (
    Method,
    Option,
    Options,
    positive_integer,
    register_method,
)

__all__ = ["CONDITIONAL_ENTROPY", "DISPERSION", "STRING_LENGTH"]

_KINDS = ("lafler-kinman", "dworetsky")


def _bins(name: str, value: Any) -> int:
    if not 2 <= positive_integer(name, value) <= 1000:
        raise InputError(f"{name} must be from 2 to 1000, not {value!r}")
    return int(value)


def _covers(name: str, value: Any) -> int:
    if positive_integer(name, value) > 20:
        raise InputError(f"{name} must be from 1 to 20, not {value!r}")
    return int(value)


def _kind(name: str, value: Any) -> str:
    check_choice(value, name, _KINDS)
    return str(value)


def _flag(name: str, value: Any) -> bool:
    return true_or_false(value, name)


def _fill_dispersion(curve: Curve, options: Options, f0: float, df: float, power: Floats) -> None:
    dispersion_power(*curve.arrays, options["n_bins"], options["n_covers"], f0, df, power)


def _fill_entropy(curve: Curve, options: Options, f0: float, df: float, power: Floats) -> None:
    entropy_power(*curve.arrays, options["n_phases"], options["n_levels"], f0, df, power)


def _fill_string(curve: Curve, options: Options, f0: float, df: float, power: Floats) -> None:
    is_geometric = options["kind"] == "dworetsky"
    string_power(*curve.arrays, is_geometric, options["weighted"], f0, df, power)


def _bin_means(
    curve: Curve,
    data: CurveData,
    options: Options,
    f: float,
    times: Floats,
    wanted: NDArray[np.int64],
) -> Floats:
    """Return the mean of the bin in which a time lies; NaN where a band has no epoch there."""
    n_bins, n_bands = options["n_bins"], len(data.names)
    cell = data.code * n_bins + _bin(f * (data.time - data.origin), n_bins)
    size = n_bins * n_bands
    weight = np.bincount(cell, data.weight, size)
    shift = np.bincount(cell, data.weight * (data.value - data.value[0]), size)
    means = np.full(size, np.nan)
    np.divide(shift, weight, out=means, where=weight > 0)
    result: Floats = data.value[0] + means[wanted * n_bins + _bin(f * times, n_bins)]
    return result


def _bin(cycles: Floats, n_bins: int) -> NDArray[np.int64]:
    part = ((cycles - np.floor(cycles)) * n_bins).astype(np.int64)
    return np.minimum(part, n_bins - 1)


DISPERSION = register_method(
    Method(
        name="pdm",
        title="phase dispersion minimisation",
        reference="Stellingwerf 1978, ApJ 224, 953",
        use="any shape that many epochs cover: eclipses, two unequal minima",
        power="1 - theta, theta the variance within bins of phase over the whole variance; "
        "about 0 for noise, 1 at best",
        multiband="bins and mean of its own for each band; sums of squares and degrees of "
        "freedom are added",
        options=(
            Option("n_bins", 10, "bins of phase", _bins),
            Option("n_covers", 2, "sets of bins, each shifted against the one before", _covers),
        ),
        fill=_fill_dispersion,
        oversampling=lambda options: float(options["n_bins"]),
        spare=lambda options: 4,
        model=_bin_means,
    )
)

CONDITIONAL_ENTROPY = register_method(
    Method(
        name="ce",
        title="conditional entropy",
        reference="Graham et al. 2013, MNRAS 434, 2629",
        use="any shape, many epochs; scarcely drawn to 1/day; outliers and errors are not known "
        "to it",
        power="share of the entropy of the values that the phase takes away, 0 to 1",
        multiband="levels of its own for each band; the entropies are averaged by the number of "
        "epochs",
        options=(
            Option("n_phases", 10, "bins of phase", _bins),
            Option("n_levels", 5, "bins from the lowest value of a band to the highest", _bins),
        ),
        fill=_fill_entropy,
        oversampling=lambda options: float(options["n_phases"]),
        spare=lambda options: 4,
    )
)

STRING_LENGTH = register_method(
    Method(
        name="stringlength",
        title="string length",
        reference="Lafler & Kinman 1965, ApJS 11, 216; Dworetsky 1983, MNRAS 203, 917",
        use="few epochs with small errors: sharp rises of RR Lyrae, eccentric orbits",
        power="1 - theta / 2, theta the mean square step from epoch to epoch in phase over the "
        "variance; about 0 for noise, 1 at best. Dworetsky: minus the mean length of a step",
        multiband="a string for each band; squares of steps and variances are added (Dworetsky: "
        "lengths)",
        options=(
            Option("kind", "lafler-kinman", "that, or 'dworetsky'", _kind),
            Option(
                "weighted", True,
                "weigh each step by 1 / (e_i^2 + e_j^2); not for 'dworetsky'", _flag,
            ),
        ),
        fill=_fill_string,
        oversampling=lambda options: 10.0,
        spare=lambda options: 4,
    )
)  # fmt: skip
