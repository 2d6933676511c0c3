"""Draw one light curve, against time or folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skyseries.errors import MissingDependencyError
from skyseries.photometry import band_order

__all__ = ["plot_lightcurve"]

_COLORS = {
    "u": "#56b4e9", "g": "#009e73", "r": "#e69f00",
    "i": "#cc79a7", "z": "#d55e00", "y": "#0072b2",
}  # fmt: skip
"""Colours that stay apart for colour-blind readers (Okabe & Ito 2008)."""


def plot_lightcurve(
    time: ArrayLike,
    value: ArrayLike,
    error: ArrayLike | None = None,
    band: Sequence[Any] | ArrayLike | None = None,
    *,
    is_magnitude: bool,
    labels: Mapping[str, str] | None = None,
    ax: Any = None,
    phase: ArrayLike | None = None,
) -> Any:
    """Draw the epochs with their errors, a colour for each band.

    Parameters
    ----------
    time, value : (n,) array_like
    error : (n,) array_like, optional
    band : (n,) sequence, optional
        Text or numbers.
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
    """
    ax = _axes(ax)
    x, y = np.asarray(time if phase is None else phase), np.asarray(value)
    names = np.asarray([None] * y.size if band is None else band, dtype=object)
    bars = None if error is None else np.asarray(error)
    present = [None] if band is None else band_order([b for b in set(names) if b is not None])
    for number, name in enumerate(present):
        here = np.ones(y.size, bool) if name is None else names == name
        for cycle in (0,) if phase is None else (0, 1):
            ax.errorbar(
                x[here] + cycle, y[here], None if bars is None else bars[here],
                fmt="o", markersize=3, linewidth=0.8, color=_COLORS.get(str(name), f"C{number}"),
                label=None if name is None or cycle else str(name),
            )  # fmt: skip
    _annotate(ax, dict(labels or {}), is_magnitude, phase is not None)
    if band is not None and present:
        ax.legend(frameon=False, ncols=len(present))
    return ax


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "plot") from error
    return plt.gca()


def _annotate(ax: Any, labels: dict[str, str], is_magnitude: bool, is_folded: bool) -> None:
    ax.set_xlabel(labels.get("x", "phase" if is_folded else "time [d]"))
    ax.set_ylabel(labels.get("y", "magnitude" if is_magnitude else "flux"))
    if "title" in labels:
        ax.set_title(labels["title"])
    if is_magnitude and not ax.yaxis_inverted():
        ax.invert_yaxis()
