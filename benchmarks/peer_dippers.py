"""The dipper filter of ``examples/dippers.py`` as one would write it with NumPy, row by row.

The twin of the compiled one in its tests, and what that is compared with in `bench_dippers`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.stats import biweight_location, biweight_scale

__all__ = ["dip"]

Array = np.ndarray[Any, Any]


def dip(time: Array, mag: Array, err: Array, band: Array) -> tuple[Any, ...] | None:
    """Return what ``dippers.dip`` does."""
    best = None
    for one in dict.fromkeys(band.tolist()):
        found = dip_of_band(*cleaned(time, mag, err, band == one))
        if found is not None and (best is None or found[7] > best[8]):
            best = (*found[:6], one, *found[6:])
    return best


def cleaned(time: Array, mag: Array, err: Array, own: Array) -> tuple[Array, Array, Array]:
    """Return the good points of a band in the order of time."""
    good = own & np.isfinite(time) & np.isfinite(mag) & np.isfinite(err) & (err > 0)
    order = np.argsort(time[good], kind="stable")
    t, m, e = (values[good][order].astype(float) for values in (time, mag, err))
    kept: list[int] = []
    for i in range(len(t)):
        if not kept or t[i] - t[kept[-1]] >= 1e-5:
            kept.append(i)
    return t[kept], m[kept], e[kept]


def reference(time: Array, mag: Array) -> tuple[float, float] | None:
    """Return location and scale of the first points of the nights."""
    _, first = np.unique(np.floor(time), return_index=True)
    if len(first) < 5:
        return None
    return float(biweight_location(mag[first])), float(biweight_scale(mag[first]))


def longest_run(faint: Array) -> tuple[int, int]:
    """Return first and last + 1 of the longest run."""
    edges = np.diff(np.concatenate([[0], faint.astype(int), [0]]))
    begin, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(begin):
        return 0, 0
    longest = np.argmax(end - begin)
    return int(begin[longest]), int(end[longest])


def dip_of_band(t: Array, m: Array, e: Array) -> tuple[Any, ...] | None:
    """Return the numbers of the dip of a clean band."""
    if len(t) < 20:
        return None
    outside = np.ones(len(t), bool)
    for _ in range(2):
        found = reference(t[outside], m[outside])
        if found is None:
            return None
        location, scale = found
        noise = np.sqrt(e**2 + scale**2)
        pull = (m - location) / noise
        begin, end = longest_run(pull > 3)
        if end - begin < 3:
            return None
        pad = max(5.0, t[end - 1] - t[begin])
        outside = (t < t[begin] - pad) | (t > t[end - 1] + pad)
    significance = np.sqrt((pull[begin:end] ** 2).sum())
    if significance < 5:
        return None
    below = m - location
    depth = below[begin:end].max()
    ratio = np.sqrt((below[begin:end] ** 2).mean() / (below[outside] ** 2).mean())
    deep = begin + np.flatnonzero(below[begin:end] >= 0.9 * depth)
    window = np.flatnonzero(~outside)
    left = np.arange(window[0], deep[0] + 1)
    right = np.arange(deep[-1], window[-1] + 1)
    areas = [np.trapezoid(below[part], t[part]) for part in (left, right)]
    variance = sum((weights(t[part]) ** 2 * noise[part] ** 2).sum() for part in (left, right))
    skew = skew_significance = 0.0
    if variance > 0 and sum(areas) > 0:
        skew = (areas[1] - areas[0]) / sum(areas)
        skew_significance = abs(areas[1] - areas[0]) / np.sqrt(variance)
    nights = len(set(np.floor(t[begin:end])))
    return (
        float(significance), float(t[begin]), float(t[end - 1]), float(depth), end - begin, nights,
        float(skew), float(skew_significance), float(ratio), float((m > 20).mean()),
    )  # fmt: skip


def weights(time: Array) -> Array:
    """Return the weight of each point in the trapezoid rule."""
    steps = np.diff(time)
    return (np.append(0, steps) + np.append(steps, 0)) / 2
