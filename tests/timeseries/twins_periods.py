"""Slow and obvious twins of the period-finding methods: the power at one frequency."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

Array = np.ndarray


def phases(t: Array, f: float) -> Array:
    return f * (t - t.min()) % 1.0


def weighted_mean(y: Array, e: Array) -> float:
    return float(np.sum(y / e**2) / np.sum(1 / e**2))


def scatter(y: Array, e: Array) -> float:
    return float(np.sum(((y - weighted_mean(y, e)) / e) ** 2)) if y.size else 0.0


def pdm(t: Array, y: Array, e: Array, band: Array, f: float, n_bins: int, n_covers: int) -> float:
    phase = phases(t, f)
    within, free, whole, whole_free = 0.0, 0, 0.0, 0
    for b in np.unique(band):
        own = band == b
        whole += scatter(y[own], e[own])
        whole_free += own.sum() - 1
        for cover in range(n_covers):
            shifted = (phase[own] - cover / (n_bins * n_covers)) % 1.0
            for j in range(n_bins):
                inside = np.floor(shifted * n_bins) == j
                if inside.any():
                    within += scatter(y[own][inside], e[own][inside])
                    free += inside.sum() - 1
    return 1 - within / free / (whole / whole_free) if free else 0.0


def ce(t: Array, y: Array, e: Array, band: Array, f: float, n_phases: int, n_levels: int) -> float:
    phase = phases(t, f)
    conditional, marginal = 0.0, 0.0
    for b in np.unique(band):
        own = band == b
        share = own.mean()
        level = (y[own] - y[own].min()) / (np.ptp(y[own]) or 1.0) * n_levels
        level = np.minimum(level.astype(int), n_levels - 1)
        cell = (phase[own] * n_phases).astype(int)
        p = np.zeros((n_levels, n_phases))
        np.add.at(p, (level, cell), 1 / own.sum())
        for i in range(n_levels):
            if p[i].sum() > 0:
                marginal -= share * p[i].sum() * np.log(p[i].sum())
            for j in range(n_phases):
                if p[i, j] > 0:
                    conditional += share * p[i, j] * np.log(p[:, j].sum() / p[i, j])
    return 1 - conditional / marginal


def string(t: Array, y: Array, e: Array, band: Array, f: float, kind: str, weighted: bool) -> float:
    phase = phases(t, f)
    steps, weights, variance, weight, length = 0.0, 0.0, 0.0, 0.0, 0.0
    for b in np.unique(band):
        own = band == b
        order = np.argsort(phase[own])
        v, s = y[own][order], e[own][order]
        p = phase[own][order]
        if not weighted:
            s = np.ones(s.size)
        variance += scatter(v, s)
        weight += np.sum(s**-2.0)
        scaled = ((v - v.min()) / np.ptp(v) - 0.5) / 2
        for i, j in pairwise([*range(v.size), 0]):
            w = 1 / (s[i] ** 2 + s[j] ** 2)
            steps += w * (v[i] - v[j]) ** 2
            weights += w
            along = p[j] - p[i] + (1 if j == 0 else 0)
            length += np.hypot(along, scaled[j] - scaled[i])
    if kind == "dworetsky":
        return -length / t.size
    return 1 - 0.5 * (steps / weights) / (variance / weight)


def aov(t: Array, y: Array, e: Array, band: Array, f: float, nterms: int) -> float:
    phase = phases(t, f)
    model, rest, free_model, free_rest = 0.0, 0.0, 0, 0
    for b in np.unique(band):
        own = band == b
        n = own.sum()
        if n < 2 * nterms + 2:
            continue
        angle = 2 * np.pi * np.outer(phase[own], np.arange(1, nterms + 1))
        design = np.hstack([np.ones((n, 1)), np.cos(angle), np.sin(angle)]) / e[own, None]
        solution = np.linalg.lstsq(design, y[own] / e[own], rcond=None)[0]
        left = np.sum((y[own] / e[own] - design @ solution) ** 2)
        rest += left
        model += scatter(y[own], e[own]) - left
        free_model += 2 * nterms
        free_rest += n - 2 * nterms - 1
    return model / free_model / (rest / free_rest)


def bls(
    t: Array,
    y: Array,
    e: Array,
    band: Array,
    f: float,
    durations: tuple[float, ...],
    bins_per_duration: int,
    dips: str,
    depths: str,
) -> float:
    phase = phases(t, f)
    n_bins = max(int(np.ceil(bins_per_duration / min(durations) - 1e-9)), 2 * bins_per_duration)
    cell = np.floor(phase * n_bins)
    best = 0.0
    sign = {"down": -1, "up": 1, "both": 0}[dips]
    bands = np.unique(band)
    for duration in durations:
        width = int(np.floor(duration * n_bins + 0.5))
        for begin in range(n_bins):
            inside = (cell - begin) % n_bins < width
            if depths == "shared":
                gain = _shared_box(y, e, band, inside, sign)
            else:
                gain = sum(_own_box(y[band == b], e[band == b], inside[band == b], sign)
                           for b in bands)  # fmt: skip
            best = max(best, gain)
    return best / sum(scatter(y[band == b], e[band == b]) for b in bands)


def _own_box(y: Array, e: Array, inside: Array, sign: int) -> float:
    if inside.all() or not inside.any():
        return 0.0
    step = weighted_mean(y[inside], e[inside]) - weighted_mean(y[~inside], e[~inside])
    if sign * step < 0:
        return 0.0
    return scatter(y, e) - scatter(y[inside], e[inside]) - scatter(y[~inside], e[~inside])


def _shared_box(y: Array, e: Array, band: Array, inside: Array, sign: int) -> float:
    bands = np.unique(band)
    means = (band[:, None] == bands).astype(float)
    told = means.T @ inside * (means.T @ ~inside) > 0
    if not told.any():
        return 0.0
    design = np.hstack([means, (inside)[:, None]]) / e[:, None]
    solution = np.linalg.lstsq(design, y / e, rcond=None)[0]
    if sign * solution[-1] < 0:
        return 0.0
    left = np.sum((y / e - design @ solution) ** 2)
    return sum(scatter(y[band == b], e[band == b]) for b in bands) - left
