"""Box least squares as a method of the registry, and the box of a frequency."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays import numbers
from skyseries.errors import InputError
from skyseries.timeseries.curve import Curve, CurveData
from skyseries.timeseries.given import is_single, lengths_of
from skyseries.timeseries.kernels.boxes import best_box, box_power
from skyseries.timeseries.methods.registry import (
    Floats,
    Method,
    Option,
    Options,
    positive_integer,
    register_method,
)

__all__ = ["BOXES", "Box", "box_at"]

_DIPS = {"faint": -1, "down": -1, "up": 1, "both": 0}
_DEPTHS = ("band", "shared")
_UNITS = ("fraction", "time")


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
    """From the errors that were given, with the error floor."""
    signal_to_noise: float
    """Square root of the chi2 that the box takes away."""


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
        if not isinstance(value, str) or value not in known:
            raise InputError(f"{name} must be one of {tuple(known)}, not {value!r}")
        return value

    return check


def _terms(options: Options) -> tuple[Floats, bool, int, int, bool]:
    in_time = options["duration_unit"] == "time"
    row = np.array(options["durations"])
    if not in_time and row.max() > 0.5:
        raise InputError(f"durations must be at most 0.5 of the period, not {row.max()}")
    shared = options["depths"] == "shared"
    return row, in_time, options["bins_per_duration"], _DIPS[options["dips"]], shared


def _fill(curve: Curve, options: Options, f0: float, df: float, power: Floats) -> None:
    box_power(*curve.arrays, *_terms(options), f0, df, power)


def _oversampling(options: Options) -> float:
    shortest = min(options["durations"])
    return max(5.0, 1.0 / shortest) if options["duration_unit"] == "fraction" else 50.0


def box_at(curve: Curve, data: CurveData, options: Options, f: float) -> Box:
    """Return the best box of one frequency."""
    begin, length = best_box(*curve.arrays, *_terms(options), f)
    inside = _in_box(f * (data.time - data.origin), begin, length)
    _, depth = _levels(data, options, inside)
    depth = depth if options["dips"] == "up" else -depth
    weight = np.zeros((len(data.names), 2))
    np.add.at(weight, (data.code, inside.astype(np.int64)), data.weight)
    error = np.full(len(data.names), np.nan)
    told = np.all(weight > 0, axis=1)
    error[told] = np.sqrt(np.sum(1.0 / weight[told], axis=1))
    if options["depths"] == "shared":
        error[told] = np.sum(error[told] ** -2.0) ** -0.5
    depth[~told] = np.nan
    return Box(
        period=1.0 / f,
        transit_time=float(data.origin + ((begin + 0.5 * length) % 1.0) / f),
        duration=length / f,
        depth=dict(zip(data.names, depth.tolist(), strict=True)),
        depth_error=dict(zip(data.names, error.tolist(), strict=True)),
        signal_to_noise=math.sqrt(float(np.nansum((depth / error) ** 2)))
        if options["depths"] == "band"
        else float(np.nanmax(np.abs(depth / error), initial=0.0)),
    )


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
    begin, length = best_box(*curve.arrays, *_terms(options), f)
    inside = _in_box(f * (data.time - data.origin), begin, length)
    beside, depth = _levels(data, options, inside)
    result: Floats = beside[wanted] + depth[wanted] * _in_box(f * times, begin, length)
    return result


BOXES = register_method(
    Method(
        name="bls",
        title="box least squares",
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
    )
)  # fmt: skip
