"""What was found in a simulated survey, beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from skyseries.arrow import floats
from skyseries.photometry import UGRIZY
from skyseries.timeseries.simulate.classes import CLASSES

__all__ = [
    "VARIABLE_REDUCED_CHI2",
    "ClassRecovery",
    "FoundObject",
    "find_excess",
    "format_recovery",
    "found_objects",
    "reduced_chi2",
    "summarise",
]

VARIABLE_REDUCED_CHI2 = 2.0
"""An object is called variable if the fluxes of two bands have a larger reduced chi2 than this."""

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
    believed: int | None
    """How many have a period flagged ok; None: none was searched."""
    caught: int | None
    """Events whose brightest epoch lies within their duration; None: not a class of events."""
    rise: float = float("nan")
    """Median brightening of the caught events, nJy."""
    days: float = float("nan")
    """Median time from the first to the last epoch that is far too bright, days."""


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
        chi2 = floats(features[f"{band}_{flux}ReducedChi2"])
        count = floats(features[f"{band}_{flux}Ndata"])
        good = np.isfinite(chi2) & (count >= _MIN_EPOCHS)
        values[good, b] = chi2[good]
    second = np.sort(values, axis=1)[:, -2]
    return np.where(np.isfinite(second), second, np.nan)


class Excess(NamedTuple):
    """The epochs at which an object was far brighter than usual."""

    time: NDArray[np.float64]
    """The most significant first."""
    flux: NDArray[np.float64]
    """Above the usual flux in the same band."""


def find_excess(
    time: NDArray[np.float64],
    flux: NDArray[np.float64],
    flux_err: NDArray[np.float64],
    band: NDArray[np.str_],
) -> Excess:
    """Return the epochs at which an object is far brighter than it usually is.

    Usual is the median of the band; far is five times the error and the scatter about it
    (1.4826 times the median absolute deviation), added in quadrature.
    """
    above, sigma = np.empty(flux.size), np.empty(flux.size)
    for name in np.unique(band):
        here = band == name
        middle = np.median(flux[here])
        above[here] = flux[here] - middle
        scatter = 1.4826 * np.median(np.abs(above[here]))
        sigma[here] = np.hypot(flux_err[here], scatter)
    significance = above / sigma
    order = np.argsort(-significance, kind="stable")
    order = order[significance[order] > _EXCESS_SIGMA]
    return Excess(time[order], above[order])


@dataclass(frozen=True)
class FoundObject:
    """One object that was called variable: what was measured, and what is true."""

    truth: dict[str, Any]
    """The object's row of the truth: objectId, class, period, ..."""
    time: NDArray[np.float64]
    flux: NDArray[np.float64]
    flux_err: NDArray[np.float64]
    band: NDArray[np.str_]
    peaks: NDArray[np.float64]
    """The period and its alternatives, days, best first."""
    flag: str | None = None
    """What is suspected of the period."""
    epoch_max: float = float("nan")
    """Time of maximum light."""
    epoch_min: float = float("nan")

    @cached_property
    def excess(self) -> Excess:
        """The epochs at which it was far brighter than usual."""
        return find_excess(self.time, self.flux, self.flux_err, self.band)

    @property
    def event_time(self) -> float:
        """The most significant of these epochs; NaN: there is none."""
        return float(self.excess.time[0]) if self.excess.time.size else float("nan")

    def rank_of(self, period: float, span: float) -> int | None:
        """Return the place of a period among the candidates (|f - f0| < 1/span), from 0."""
        near = np.abs(1.0 / self.peaks - 1.0 / period) < 1.0 / span
        return int(np.argmax(near)) if near.any() else None

    @property
    def is_caught(self) -> bool:
        """Whether the brightest epoch lies within the duration of the true event."""
        off = abs(self.event_time - self.truth["event_time"])
        return bool(off < self.truth["event_duration"])


def found_objects(table: pa.Table, truth: pa.Table, lightcurve: str) -> list[FoundObject]:
    """Return the objects of a catalog of variables, each with its row of the truth.

    Parameters
    ----------
    table : pyarrow.Table
        With objectId, the columns of `Catalog.periods` and the light curves under Rubin's names.
    truth : pyarrow.Table
        As `simulate_survey` gives it.
    lightcurve : str
        The nested column.
    """
    true = {row["objectId"]: row for row in truth.to_pylist()}
    found = []
    own = [f"period_{name}" for name in ("peaks", "flag", "epoch_max", "epoch_min")]
    for row in table.select(["objectId", *own, lightcurve]).to_pylist():
        curve = row[lightcurve]
        found.append(
            FoundObject(
                truth=true[row["objectId"]],
                time=np.array(curve["midpointMjdTai"]),
                flux=np.array(curve["psfFlux"]),
                flux_err=np.array(curve["psfFluxErr"]),
                band=np.array(curve["band"]),
                peaks=np.array(row["period_peaks"] or [], np.float64),
                flag=row["period_flag"],
                epoch_max=float(row["period_epoch_max"] or "nan"),
                epoch_min=float(row["period_epoch_min"] or "nan"),
            )
        )
    return found


def summarise(
    truth: pa.Table, chi2: NDArray[np.float64], found: Sequence[FoundObject], time_span: float
) -> list[ClassRecovery]:
    """Compare what was found with the truth, class by class.

    Parameters
    ----------
    truth : pyarrow.Table
        As `simulate_survey` gives it.
    chi2 : ndarray, shape (n,)
        Of each row of `truth` (`reduced_chi2`).
    found : sequence of FoundObject
        The objects that were searched for periods and events.
    time_span : float
        T, days: a frequency is right if it is within 1/T of the true one.
    """
    names = np.array(truth["class"].to_pylist())
    return [
        _summarise_class(name, chi2[names == name], found, time_span)
        for name in CLASSES
        if name in names
    ]


def _summarise_class(
    name: str, chi2: NDArray[np.float64], found: Sequence[FoundObject], span: float
) -> ClassRecovery:
    members = [one for one in found if one.truth["class"] == name]
    is_periodic, is_event = CLASSES[name].is_periodic, CLASSES[name].is_event
    ranks = [one.rank_of(one.truth["period"], span) for one in members if is_periodic]
    events = [one for one in members if is_event and one.is_caught]
    return ClassRecovery(
        name=name,
        n=chi2.size,
        variable=int(np.count_nonzero(chi2 > VARIABLE_REDUCED_CHI2)),
        reduced_chi2=_median(chi2[np.isfinite(chi2)]),
        first=sum(rank == 0 for rank in ranks) if is_periodic else None,
        listed=sum(rank is not None for rank in ranks) if is_periodic else None,
        believed=sum(one.flag == "ok" for one in members) if members else None,
        caught=len(events) if is_event else None,
        rise=_median([one.excess.flux.max() for one in events]),
        days=_median([np.ptp(one.excess.time) for one in events]),
    )


def _median(values: ArrayLike) -> float:
    array = np.asarray(values, np.float64)
    return float(np.median(array)) if array.size else float("nan")


def format_recovery(classes: Sequence[ClassRecovery]) -> str:
    """Return the comparison as two tables for a terminal: periods, and events."""
    periods: list[tuple[str, ...]] = [
        ("class", "objects", "variable", "chi2/dof", "period right", "in first 5", "flag ok")
    ]
    events: list[tuple[str, ...]] = [("events", "caught", "brightening", "far too bright for")]
    for c in classes:
        name, chi2 = c.name.replace("_", " "), f"{c.reduced_chi2:,.1f}"
        shares = ("" if k is None else f"{k / c.n:.0%}" for k in (c.first, c.listed, c.believed))
        periods.append((name, f"{c.n:,}", f"{c.variable:,}", chi2, *shares))
        if c.caught is not None:
            caught = f"{c.caught} of {c.n}"
            events.append((name, caught, f"{c.rise / 1000.0:,.1f} µJy", f"{c.days:.0f} d"))
    tables = [periods, events] if len(events) > 1 else [periods]
    return "\n\n".join(_align(table) for table in tables)


def _align(lines: Sequence[Sequence[str]]) -> str:
    """Return a table with its first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    ]
    rows.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(row.rstrip() for row in rows)
