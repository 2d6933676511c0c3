"""Draw one light curve, against time or folded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skyseries.arrays import days, measured, numbers
from skyseries.arrays import labels as bands_of
from skyseries.errors import InputError, MissingDependencyError
from skyseries.photometry import band_order

__all__ = ["axes", "plot_lightcurve"]

_COLORS = {
    "u": "#56b4e9", "g": "#009e73", "r": "#e69f00",
    "i": "#cc79a7", "z": "#d55e00", "y": "#0072b2",
}  # fmt: skip
"""Colours that stay apart for colour-blind readers (Okabe & Ito 2008)."""


def plot_lightcurve(
    time: Any,
    value: Any,
    error: Any = None,
    band: Any = None,
    *,
    is_magnitude: bool,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    phase: Any = None,
) -> Any:
    """Draw the epochs with their errors, a colour for each band.

    Parameters
    ----------
    time, value : (n,) arrays of any library, or sequences
        What says a unit is converted: times to days, magnitudes to mag; a flux keeps it.
    error : (n,) array, optional
        In the unit of the values.
    band : (n,) sequence, optional
        Text or whole numbers; epochs whose band is missing are left out.
    is_magnitude : bool
        The axis of values then points down.
    labels : mapping, optional
        Texts for ``x``, ``y`` and ``title``.
    ax : matplotlib Axes, optional
        Where to draw; None: the current axes.
    phase : (n,) array_like, optional
        Phases from 0 to 1; if given, two cycles are drawn against them instead of the times.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    InputError
        For what are no times, numbers or bands, or units that cannot be converted.
    """
    ax = axes(ax)
    x = days(time, "time") if phase is None else numbers(phase, "", "phase")
    y, unit = measured(value, "value")
    if is_magnitude:
        y, unit = numbers(value, "mag", "value"), "mag"
    bars = None if error is None else numbers(error, unit, "error")
    names, there = (None, None) if band is None else bands_of(band, "band", y.size)
    present = [None] if names is None else band_order(set(names[there].tolist()))
    for number, name in enumerate(present):
        here = np.ones(y.size, bool) if names is None else there & (names == name)
        for cycle in (0,) if phase is None else (0, 1):
            ax.errorbar(
                x[here] + cycle, y[here], None if bars is None else bars[here],
                fmt="o", markersize=3, linewidth=0.8, color=_COLORS.get(str(name), f"C{number}"),
                label=None if name is None or cycle else str(name),
            )  # fmt: skip
    what = "magnitude" if is_magnitude else "flux"
    plain = {
        "x": "time [d]" if phase is None else "phase",
        "y": f"{what} [{unit}]" if unit else what,
    }
    _annotate(ax, {**plain, **(labels or {})}, is_magnitude)
    if band is not None and present:
        ax.legend(frameon=False, ncols=len(present))
    return ax


def axes(ax: Any) -> Any:
    """Return where to draw: the current axes for None."""
    if ax is not None:
        if not hasattr(ax, "errorbar"):
            raise InputError(f"ax must be the Axes of matplotlib, or None, not {ax!r:.60}")
        return ax
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "plot") from error
    return plt.gca()


def _annotate(ax: Any, labels: Mapping[str, str], is_magnitude: bool) -> None:
    ax.set_xlabel(labels["x"])
    ax.set_ylabel(labels["y"])
    if "title" in labels:
        ax.set_title(labels["title"])
    if is_magnitude and not ax.yaxis_inverted():
        ax.invert_yaxis()
