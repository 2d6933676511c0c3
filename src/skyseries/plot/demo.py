"""The figure of the demo: folded light curves of a few objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import MissingDependencyError
from skyseries.photometry import UGRIZY
from skyseries.plot.lightcurve import plot_lightcurve

__all__ = ["Panel", "draw_panels"]

_COLUMNS = 3
_INK = "#2b2d33"
_PALE = "#8a8f98"
_HEAD = 0.6
"""Height of the headline, inches."""


@dataclass(frozen=True)
class Panel:
    """One light curve of the figure."""

    title: str
    subtitle: str
    """For instance the true and the found period."""
    time: NDArray[np.float64]
    value: NDArray[np.float64]
    error: NDArray[np.float64]
    band: NDArray[np.str_]
    is_magnitude: bool
    period: float | None = None
    """Days: the light curve is folded and drawn over two cycles; None: drawn against time."""
    origin: float = 0.0
    """Time of phase 0, or the time from which days are counted."""


def draw_panels(panels: Sequence[Panel], path: str | Path, *, title: str) -> None:
    """Draw light curves side by side and save the figure as PNG.

    Parameters
    ----------
    panels : sequence of Panel
        Epochs that are not finite (magnitudes of negative fluxes) are left out.
    path : path
    title : str

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "plot") from error

    rows = max(-(-len(panels) // _COLUMNS), 1)
    with rc_context(_style()):
        height = _HEAD + 3.4 * rows
        layout = ConstrainedLayoutEngine(
            w_pad=0.12, h_pad=0.14, rect=(0.0, 0.0, 1.0, 1.0 - _HEAD / height)
        )
        figure = Figure(figsize=(13.0, height), layout=layout, dpi=140)
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        handles: dict[str, Any] = {}
        for panel, ax in zip(panels, axes, strict=False):
            _draw(panel, ax, handles)
        for ax in axes[len(panels) :]:
            ax.remove()
        _head(figure, title, handles)
        figure.savefig(path, format="png")


def _style() -> dict[str, Any]:
    return {
        "font.family": "DejaVu Sans", "font.size": 9.5, "axes.edgecolor": _PALE,
        "axes.labelcolor": _INK, "axes.linewidth": 0.8, "axes.spines.top": False,
        "axes.spines.right": False, "text.color": _INK, "xtick.color": _PALE,
        "ytick.color": _PALE, "xtick.labelcolor": _INK, "ytick.labelcolor": _INK,
        "axes.grid": True, "grid.color": "#eceef1", "grid.linewidth": 0.8, "axes.axisbelow": True,
    }  # fmt: skip


def _draw(panel: Panel, ax: Any, handles: dict[str, Any]) -> None:
    good = np.isfinite(panel.value) & np.isfinite(panel.error)
    days = panel.time[good] - panel.origin
    phase = None if panel.period is None else np.mod(days / panel.period, 1.0)
    plot_lightcurve(
        days, panel.value[good], panel.error[good], panel.band[good],
        is_magnitude=panel.is_magnitude, phase=phase, ax=ax,
        labels={
            "x": "phase" if panel.period else "time from maximum [d]",
            "y": "AB magnitude [mag]" if panel.is_magnitude else "flux [µJy]",
        },
    )  # fmt: skip
    for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
        handles.setdefault(label, handle)
    if (legend := ax.get_legend()) is not None:
        legend.remove()
    if panel.period:
        ax.set_xlim(0.0, 2.0)
        ax.set_xticks([0.0, 0.5, 1.0, 1.5, 2.0])
    ax.set_title(panel.title, loc="left", fontsize=11, fontweight="bold", pad=20)
    ax.text(0.0, 1.03, panel.subtitle, transform=ax.transAxes, fontsize=8.8, color="#5b606a")
    ax.tick_params(length=0)


def _head(figure: Any, title: str, handles: dict[str, Any]) -> None:
    figure.text(0.012, 0.985, title, fontsize=15, fontweight="bold", va="top")
    names = [band for band in UGRIZY if band in handles]
    if names:
        figure.legend(
            [handles[name] for name in names], names, loc="upper right", ncols=len(names),
            frameon=False, bbox_to_anchor=(0.995, 0.995), handletextpad=0.1, columnspacing=1.2,
            markerscale=1.8, fontsize=11,
        )  # fmt: skip
