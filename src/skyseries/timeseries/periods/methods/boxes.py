"""Box least squares as a method of the registry, and the box of a frequency."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays import check_choice, numbers
from skyseries.arrays.containers import is_single
from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.timeseries.curve import Curve, CurveData
from skyseries.timeseries.given import lengths_of
from skyseries.timeseries.kernels.boxes import best_box, box_power
from skyseries.timeseries.kernels.evidence import NARROW
from skyseries.timeseries.periods.methods.registry import (
    Method,
    Option,
    Options,
    positive_integer,
    register_method,
)
from skyseries.warn import warn_user

__all__ = ["BOXES", "Box", "box_at", "settle_dips"]

_DIPS = {"faint": -1, "down": -1, "up": 1, "both": 0}
_DEPTHS = ("band", "shared")
_UNITS = ("fraction", "time")
_MAY_BE_MAGNITUDES = (5.0, 30.0)


@dataclass(frozen=True)
class Box:
    """The box of one frequency: an eclipse or a transit."""

    period: float
    transit_time: float
    """Middle of the first box from the first epoch on, in the unit and origin of the times."""
    duration: float
    """In the unit of the times."""
    depth: dict[Any, float]
    """For each band (None: the only one): mean beside the box minus mean in it; with dips="up"
    the other way round. NaN where there are no epochs in it or none beside it."""
    depth_error: dict[Any, float]
    """From the errors that were given, with the error floor; where none were, from the scatter of
    the residuals of the band."""
    signal_to_noise: float
    """Square root of the chi2 that the box takes away, with these errors."""
    depth_odd: dict[Any, float]
    """As `depth`, of the first box from the first epoch on, the third, the fifth, ..."""
    depth_even: dict[Any, float]
    """As `depth`, of the second box, the fourth, ..."""
    depth_odd_error: dict[Any, float]
    depth_even_error: dict[Any, float]
    odd_even_sigma: float
    """How many errors the mean difference of the two is, over the bands that have both: about 1 for
    a transit, large for a binary found at half its orbit. NaN where no band has both."""
    looked_for: str
    """In words: dips or brightenings, where it is known which of the two lower values are."""


def _arrange(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return durations that say a unit of time in days, and that they are times."""
    durations = given.get("durations")
    days = lengths_of(durations, "durations")
    if days is None:
        return given
    if given.get("duration_unit", "time") != "time":
        raise InputError(
            f"durations are times, {durations!s:.40}, but duration_unit={given['duration_unit']!r}"
        )
    return {**given, "durations": days, "duration_unit": "time"}


def _durations(name: str, value: Any) -> tuple[float, ...]:
    row = tuple(numbers(np.atleast_1d(value) if is_single(value) else value, "", name).tolist())
    if not row or not all(math.isfinite(d) and d > 0 for d in row):
        raise InputError(f"{name} must be finite numbers above zero, not {value!r}")
    return row


def _one_of(known: Any) -> Any:
    def check(name: str, value: Any) -> str:
        check_choice(value, name, known)
        return str(value)

    return check


def _check_periods(options: Options, longest: float) -> None:
    """Raise InputError for boxes longer than half the period, or of all periods up to one."""
    row = options["durations"]
    if options["duration_unit"] == "fraction":
        if max(row) > 0.5:
            raise InputError(f"durations must be at most 0.5 of the period, not {max(row)}")
    elif min(row) > 0.5 * longest * (1 + 1e-9):
        raise InputError(
            f"durations must be at most half a period: {min(row):.6g} d is more than half of the "
            f"longest one, {longest:.6g} d"
        )


def settle_dips(options: dict[str, Any], is_magnitude: bool | None, value: Floats) -> None:
    """Say whether faint is up or down, where that is known of the values.

    Warns
    -----
    UserWarning
        Where it is not known, and the values may be magnitudes.
    """
    if options.get("dips") != "faint":
        return
    if is_magnitude is not None:
        options["dips"] = "up" if is_magnitude else "down"
    elif _MAY_BE_MAGNITUDES[0] < np.median(value) < _MAY_BE_MAGNITUDES[1]:
        warn_user(
            f"the values, about {np.median(value):.4g} and without a unit, may be magnitudes: "
            "lower values are looked for, which are brightenings then; say dips='up' for dips of "
            "magnitudes, dips='down' for dips of fluxes"
        )


def _terms(options: Options) -> tuple[Floats, bool, int, int, bool]:
    in_time = options["duration_unit"] == "time"
    row = np.array(options["durations"])
    shared = options["depths"] == "shared"
    return row, in_time, options["bins_per_duration"], _DIPS[options["dips"]], shared


def _fill(curve: Curve, options: Options, f0: float, df: float, power: Floats) -> None:
    box_power(*curve.arrays, *_terms(options), f0, df, power)


def _oversampling(options: Options) -> float:
    shortest = min(options["durations"])
    return max(5.0, 1.0 / shortest) if options["duration_unit"] == "fraction" else 50.0


def box_at(curve: Curve, data: CurveData, options: Options, f: float) -> Box:
    """Return the best box of one frequency."""
    _check_periods(options, 1.0 / f)
    begin, length = best_box(*curve.arrays, *_terms(options), f)
    cycles = f * (data.time - data.origin)
    inside = _in_box(cycles, begin, length)
    middle = (begin + 0.5 * length) % 1.0
    number = np.floor(cycles - middle + 0.5).astype(np.int64)
    parts = _Parts.of(data, np.where(inside, 1 + number % 2, 0))
    sign = 1.0 if options["dips"] == "up" else -1.0
    depth, error = sign * _levels(data, options, inside)[1], parts.depth_errors(options)
    depth[np.isnan(error)] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.abs(depth / error)
    shared = options["depths"] == "shared"
    odd, even = (sign * (parts.mean[:, k] - parts.mean[:, 0]) for k in (1, 2))

    def by_band(values: Floats) -> dict[Any, float]:
        return dict(zip(data.names, values.tolist(), strict=True))

    return Box(
        period=1.0 / f,
        transit_time=float(data.origin + middle / f),
        duration=length / f,
        depth=by_band(depth),
        depth_error=by_band(error),
        signal_to_noise=float(
            np.nanmax(each, initial=0.0) if shared else np.sqrt(np.nansum(each**2))
        ),
        depth_odd=by_band(odd),
        depth_even=by_band(even),
        depth_odd_error=by_band(parts.error_between(0, 1)),
        depth_even_error=by_band(parts.error_between(0, 2)),
        odd_even_sigma=_mean_in_errors(odd - even, parts.error_between(1, 2)),
        looked_for=_looked_for(options["dips"], data.is_magnitude),
    )


@dataclass(frozen=True)
class _Parts:
    """What is known of each band beside the boxes, in the odd and in the even ones."""

    weight: Floats
    """(n_bands, 3) sums of the weights."""
    mean: Floats
    """(n_bands, 3); NaN where there are no epochs."""
    scatter: Floats
    """(n_bands,) variance of values of weight 1: 1 where errors were given, else that of the
    residuals, NaN where there are none to spare."""

    @classmethod
    def of(cls, data: CurveData, part: NDArray[np.int64]) -> _Parts:
        """Return the sums over the epochs, of which it is known what part each one is in."""
        code, n_bands, first = data.code, len(data.names), data.value[0]
        weight, value = np.zeros((n_bands, 3)), np.zeros((n_bands, 3))
        np.add.at(weight, (code, part), data.weight)
        np.add.at(value, (code, part), data.weight * (data.value - first))
        with np.errstate(invalid="ignore"):
            mean = first + value / weight
        if data.has_errors:
            return cls(weight, mean, np.ones(n_bands))
        chi2 = np.bincount(code, (data.value - mean[code, part]) ** 2, n_bands)
        spare = np.bincount(code, minlength=n_bands) - np.count_nonzero(weight, axis=1)
        return cls(weight, mean, np.where(spare > 0, chi2 / np.maximum(spare, 1), np.nan))

    def error_between(self, one: int, other: int) -> Floats:
        """Return (n_bands,) errors of the difference of two means; NaN where one is not there."""
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(
                self.scatter * (1.0 / self.weight[:, one] + 1.0 / self.weight[:, other])
            )
        return np.where(np.isfinite(error), error, np.nan)

    def depth_errors(self, options: Options) -> Floats:
        """Return (n_bands,) errors of the depths; NaN where there is nothing in or beside a box."""
        within = self.weight[:, 1] + self.weight[:, 2]
        rest = self.weight[:, 0] * within / self.weight.sum(axis=1)
        variance, told = np.full(rest.size, np.nan), rest > 0
        variance[told] = self.scatter[told] / rest[told]
        if options["depths"] == "shared":
            variance[told] = np.sum(rest[told] * self.scatter[told]) / np.sum(rest[told]) ** 2
        return np.sqrt(variance)


def _mean_in_errors(values: Floats, errors: Floats) -> float:
    """Return how far the weighed mean of some values is from zero; NaN if there are none."""
    told = np.isfinite(values) & np.isfinite(errors)
    if not told.any():
        return math.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = errors[told] ** -2.0
        return float(abs(np.sum(weight * values[told])) / np.sqrt(np.sum(weight)))


def _looked_for(dips: str, is_magnitude: bool | None) -> str:
    if dips == "both":
        return "dips and brightenings"
    level, is_up = ("higher values", True) if dips == "up" else ("lower values", False)
    if is_magnitude is not None:
        return f"{'dips' if is_up == is_magnitude else 'brightenings'} ({level})"
    kinds = ("magnitudes", "fluxes") if is_up else ("fluxes", "magnitudes")
    return f"{level}: dips of {kinds[0]}, brightenings of {kinds[1]}"


def _in_box(cycles: Floats, begin: float, length: float) -> NDArray[np.bool_]:
    since = cycles - begin
    return (since - np.floor(since)) < length


def _levels(data: CurveData, options: Options, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return (n_bands,) means beside the box, and how much higher the values in it are."""
    code, n_bands = data.code, len(data.names)
    weight, value = np.zeros((n_bands, 2)), np.zeros((n_bands, 2))
    first = data.value[0]
    np.add.at(weight, (code, inside.astype(np.int64)), data.weight)
    np.add.at(value, (code, inside.astype(np.int64)), data.weight * (data.value - first))
    total = weight.sum(axis=1)
    mean: Floats = value.sum(axis=1) / total
    step = value[:, 1] - mean * weight[:, 1]
    rest = weight[:, 0] * weight[:, 1] / total
    told = rest > 0
    sign = _DIPS[options["dips"]]
    if options["depths"] == "shared":
        depth = np.full(n_bands, step.sum() / rest.sum() if told.any() else 0.0)
    else:
        depth = np.divide(step, rest, out=np.zeros(n_bands), where=told)
        depth = np.where(sign * depth >= 0, depth, 0.0)
    beside = mean - depth * weight[:, 1] / total
    return first + beside, depth


def _model(
    curve: Curve,
    data: CurveData,
    options: Options,
    f: float,
    times: Floats,
    wanted: NDArray[np.int64],
) -> Floats:
    _check_periods(options, 1.0 / f)
    begin, length = best_box(*curve.arrays, *_terms(options), f)
    inside = _in_box(f * (data.time - data.origin), begin, length)
    beside, depth = _levels(data, options, inside)
    result: Floats = beside[wanted] + depth[wanted] * _in_box(f * times, begin, length)
    return result


BOXES = register_method(
    Method(
        name="bls",
        title="box least squares",
        shape=NARROW,
        reference="Kovacs, Zucker & Mazeh 2002, A&A 391, 369",
        use="transits and detached eclipses: flat, with short dips",
        power="share of chi2 that the box takes away, 0 to 1 (times chi2: the square of the "
        "signal to noise of the depth)",
        multiband="one phase and duration, a mean for each band, and a depth for each that may "
        "not have the wrong sign; depths='shared': one depth in the unit of the values",
        options=(
            Option(
                "durations", (0.02, 0.05, 0.1),
                "of the box: shares of the period, or times (days, or with a unit)", _durations,
            ),
            Option("duration_unit", "fraction", "that, or 'time'", _one_of(_UNITS)),
            Option("bins_per_duration", 3, "bins of phase in the shortest", positive_integer),
            Option(
                "dips", "faint",
                "values in the box are 'down', 'up' or 'both'; 'faint': up where they are known "
                "to be magnitudes, else down", _one_of(_DIPS),
            ),
            Option("depths", "band", "that: one for each band, or 'shared'", _one_of(_DEPTHS)),
        ),
        fill=_fill,
        oversampling=_oversampling,
        spare=lambda options: 5,
        is_share=True,
        model=_model,
        arrange=_arrange,
        check_periods=_check_periods,
    )
)  # fmt: skip
