"""What was found in a simulated survey, beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skyseries.photometry import UGRIZY
from skyseries.timeseries.simulate.classes import CLASSES

__all__ = [
    "VARIABLE_REDUCED_CHI2",
    "ClassRecovery",
    "excess_epochs",
    "format_recovery",
    "reduced_chi2",
    "summarise",
]

VARIABLE_REDUCED_CHI2 = 2.0
"""An object is called variable if the fluxes of two bands scatter this much more than their errors."""

_MIN_EPOCHS = 8
_EXCESS_SIGMA = 5.0


@dataclass(frozen=True)
class ClassRecovery:
    """The outcome for one class of objects."""

    name: str
    n: int
    variable: int
    """How many were called variable."""
    reduced_chi2: float
    """Median over the class, of the second most variable band."""
    first: int | None
    """True period is the best one found (|f - f0| < 1/T); None: not a periodic class."""
    listed: int | None
    """True period is one of the candidates."""
    halved: int | None
    """The best period is half the true one: binaries whose two minima are alike."""
    caught: int | None
    """Events whose maximum was found within their duration; None: not a class of events."""


def reduced_chi2(features: pa.Table, flux: str = "psfFlux") -> NDArray[np.float64]:
    """Return for each object the reduced chi2 of its second most variable band.

    The second, so that one bad measurement does not make a variable star.

    Parameters
    ----------
    features : pyarrow.Table
        With ``{band}_{flux}ReducedChi2`` and ``{band}_{flux}Ndata``.
    """
    values = np.full((features.num_rows, len(UGRIZY)), -np.inf)
    for b, band in enumerate(UGRIZY):
        chi2 = _floats(features, f"{band}_{flux}ReducedChi2")
        count = _floats(features, f"{band}_{flux}Ndata")
        good = np.isfinite(chi2) & (count >= _MIN_EPOCHS)
        values[good, b] = chi2[good]
    second = np.sort(values, axis=1)[:, -2]
    return np.where(np.isfinite(second), second, np.nan)


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    column = pc.fill_null(table[name].cast(pa.float64()), float("nan"))
    return np.asarray(column.to_numpy(), np.float64)


def excess_epochs(
    time: NDArray[np.float64],
    flux: NDArray[np.float64],
    flux_err: NDArray[np.float64],
    band: Sequence[str] | NDArray[np.str_],
) -> NDArray[np.float64]:
    """Return the times at which an object is far brighter than it usually is, the brightest first.

    Usual is the median of the band; far is five times the error and the scatter about it
    (1.4826 times the median absolute deviation).
    """
    band = np.asarray(band)
    times, excesses = [], []
    for name in np.unique(band):
        here = band == name
        middle = np.median(flux[here])
        scatter = 1.4826 * np.median(np.abs(flux[here] - middle))
        excess = (flux[here] - middle) / np.hypot(flux_err[here], scatter)
        times.append(time[here][excess > _EXCESS_SIGMA])
        excesses.append(excess[excess > _EXCESS_SIGMA])
    if not times:
        return np.empty(0)
    order = np.argsort(-np.concatenate(excesses), kind="stable")
    return np.asarray(np.concatenate(times)[order])


def summarise(
    truth: pa.Table,
    chi2: NDArray[np.float64],
    peaks: dict[int, list[float]],
    time_span: float,
    event_times: dict[int, float],
) -> list[ClassRecovery]:
    """Compare what was found with the truth, class by class.

    Parameters
    ----------
    truth : pyarrow.Table
        As `simulate_survey` gives it.
    chi2 : ndarray, shape (n,)
        Of each row of `truth` (`reduced_chi2`).
    peaks : dict
        Candidate periods (days, best first) by objectId, for the objects that were searched.
    time_span : float
        T, days: a frequency is right if it is within 1/T of the true one.
    event_times : dict
        Time of the largest excess by objectId, for the objects that have one.
    """
    rows = truth.to_pylist()
    result = []
    for name, kind in CLASSES.items():
        members = [(row, chi2[i]) for i, row in enumerate(rows) if row["class"] == name]
        if not members:
            continue
        found = [_compare(row, peaks.get(row["objectId"], []), time_span) for row, _ in members]
        first, listed, halved = (sum(column) for column in zip(*found, strict=True))
        is_event = np.isfinite(members[0][0]["event_time"])
        caught = sum(
            abs(event_times.get(row["objectId"], np.inf) - row["event_time"])
            < row["event_duration"]
            for row, _ in members
        )
        values = np.array([value for _, value in members])
        result.append(
            ClassRecovery(
                name=name,
                n=len(members),
                variable=int(np.count_nonzero(values > VARIABLE_REDUCED_CHI2)),
                reduced_chi2=float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan,
                first=first if kind.is_periodic else None,
                listed=listed if kind.is_periodic else None,
                halved=halved if kind.is_periodic else None,
                caught=caught if is_event else None,
            )
        )
    return result


def _compare(row: dict[str, float], peaks: list[float], span: float) -> tuple[bool, bool, bool]:
    """Return whether the true period comes first, is listed, or its half comes first."""
    if not peaks or not np.isfinite(row["period"]):
        return False, False, False
    frequency = 1.0 / np.array(peaks)
    true = 1.0 / row["period"]
    right = np.abs(frequency - true) < 1.0 / span
    half = np.abs(frequency - 2.0 * true) < 1.0 / span
    return bool(right[0]), bool(right.any()), bool(half[0] and not right[0])


def format_recovery(classes: Sequence[ClassRecovery]) -> str:
    """Return the comparison as a table for a terminal."""
    header = (
        "class", "objects", "variable", "median chi2/dof", "period right", "among five",
        "half of it", "event caught",
    )  # fmt: skip
    lines = [header]
    for c in classes:
        chi2 = f"{c.reduced_chi2:.1f}" if c.reduced_chi2 < 1000 else f"{c.reduced_chi2:,.0f}"
        counts = (c.first, c.listed, c.halved, c.caught)
        shares = ["-" if count is None else f"{count / c.n:.0%}" for count in counts]
        lines.append((c.name.replace("_", " "), f"{c.n:,}", f"{c.variable:,}", chi2, *shares))
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([text[0], "  ".join("-" * width for width in widths), *text[1:]])
