"""Draw a periodogram with its highest peaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.plot.lightcurve import axes

__all__ = ["plot_periodogram"]

_BINS = 4000
"""Places along the axis: more than a screen has."""


def plot_periodogram(
    frequency: NDArray[np.float64],
    power: NDArray[np.float64],
    peaks: Sequence[tuple[float, float, str]] = (),
    *,
    x: str = "period",
    labels: tuple[str, str] = ("d", "power"),
    ax: Any = None,
) -> Any:
    """Draw power against period or frequency.

    Parameters
    ----------
    frequency, power : (m,) arrays
        1/d, and any power; of more points than a screen has, the lowest and highest are drawn.
    peaks : sequence of (frequency, power, text)
        What is marked, the highest first; the texts stand in the legend.
    x : {"period", "frequency"}
        The axis of periods is logarithmic.
    labels : (str, str)
        Unit of the periods, and what the power is.
    ax : matplotlib Axes, optional
        Where to draw; None: the current axes.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    InputError
        For another axis.
    """
    if x not in ("period", "frequency"):
        raise InputError(f"x must be 'period' or 'frequency', not {x!r}")
    ax = axes(ax)
    order = np.argsort(frequency, kind="stable")
    f, p = frequency[order], power[order]
    place = f if x == "frequency" else np.log(f)
    ax.plot(*_thinned(_along(f, x), p, place), color="0.35", linewidth=0.7, zorder=1)
    for number, (peak, height, text) in enumerate(peaks):
        ax.plot(
            _along(peak, x), height, marker="v", markersize=6, linestyle="none",
            color=f"C{number}", label=text, zorder=2,
        )  # fmt: skip
    if x == "period":
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
    unit, what = labels
    ax.set_xlabel(f"period [{unit}]" if x == "period" else f"frequency [1/{unit}]")
    ax.set_ylabel(what)
    if peaks:
        ax.legend(frameon=False, fontsize="small")
    return ax


def _along(frequency: Any, x: str) -> Any:
    return frequency if x == "frequency" else 1.0 / frequency


def _thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], place: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest point of each bin of the axis, in their order."""
    if x.size <= 2 * _BINS:
        return x, y
    edges = np.linspace(place[0], place[-1], _BINS + 1)[:-1]
    starts = np.unique(np.searchsorted(place, edges))
    ends = np.append(starts[1:], x.size)
    kept = [
        (a + int(np.argmin(y[a:b])), a + int(np.argmax(y[a:b])))
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    chosen = np.unique(kept)
    return x[chosen], y[chosen]
