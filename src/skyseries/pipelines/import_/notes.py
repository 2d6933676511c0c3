"""What an import tells of its light curves when all of them are there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from skyseries.arrays.times import TOO_COARSE
from skyseries.hats.build.journal import Outcome, gathered
from skyseries.pipelines.import_.oddities import odd_notes
from skyseries.pipelines.import_.plan import ImportPlan
from skyseries.schema.times import doubt_about

__all__ = ["lightcurve_notes"]


def lightcurve_notes(
    plan: ImportPlan, leaves: Iterable[Outcome], odd: Iterable[Outcome]
) -> list[str]:
    """Return what is not known of the light curves, and what cannot be right or was lost.

    Parameters
    ----------
    leaves : iterable of dict
        What the tasks that wrote leaves have reported.
    odd : iterable of dict
        What those that read sources have counted (`Oddities`).
    """
    fields = plan.lightcurve
    if fields is None:
        return []
    notes = []
    curves = [leaf["curves"] for leaf in gathered(leaves, "leaves") if leaf["rows"]]
    ranges = [found[plan.lightcurve_name]["time_range"] for found in curves]
    known = [found for found in ranges if found is not None]
    if known:
        low, high = min(r[0] for r in known), max(r[1] for r in known)
        if (doubt := doubt_about(low, high, fields.time_format)) is not None:
            notes.append(doubt)
        if (coarse := _coarse(plan, low, high)) is not None:
            notes.append(coarse)
    notes += odd_notes(odd)
    if fields.time_format is None:
        notes.append("the format of the times is not known; give time_format=")
    if fields.time_scale is None:
        notes.append("the time scale is not known; give time_scale=")
    return notes


def _coarse(plan: ImportPlan, low: float, high: float) -> str | None:
    """Return what is to be said of times whose type has too few digits for them."""
    assert plan.lightcurve is not None  # noqa: S101 - asked by the caller
    name = plan.lightcurve.time
    type_ = plan.epoch_schema.field(name).type.to_pandas_dtype()
    if not np.issubdtype(type_, np.floating):
        return None
    largest = max(abs(low), abs(high))
    step = float(np.spacing(type_(largest)))
    if step <= TOO_COARSE:
        return None
    return (
        f"the times in {name!r} are {np.dtype(type_)}: at {largest:.1f} they are rounded to "
        f"{step:.3g} d, and what was rounded cannot be had back; take them from a float64 column"
    )
