"""The slow obvious way of what nodes do to rows: one row, one pair, one epoch at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.nodes.world import CURVE, Row

__all__ = ["changed", "distances", "epochs", "hashes", "known", "nearest", "number", "ordinals"]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def known(value: Any) -> bool:
    """Tell whether a value is there: not null and not NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def number(value: Any, otherwise: float = math.nan) -> float:
    """Return a number, or what stands for none."""
    return float(value) if known(value) else otherwise


def epochs(curve: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return a light curve as one dictionary for each epoch."""
    return [dict(zip(curve, epoch, strict=True)) for epoch in zip(*curve.values(), strict=True)]


def changed(
    rows: Iterable[Row],
    change: Callable[[list[dict[str, Any]], dict[str, Any]], list[dict[str, Any]]],
    fields: Sequence[str] | None = None,
) -> list[Row]:
    """Return rows with other epochs: ``change(epochs, values of the object)``."""
    found = []
    for row in rows:
        curve = row.values[CURVE]
        names = list(curve) if fields is None else fields
        mine = change(epochs(curve), row.values)
        found.append(row.having(**{CURVE: {name: [e[name] for e in mine] for name in names}}))
    return found


def distances(rows: Sequence[Row], others: Sequence[Row]) -> np.ndarray:
    """Return the distances of rows from others, arcsec, shape (rows, others)."""
    ra1, dec1, ra2, dec2 = (
        np.array([getattr(row, name) for row in some])
        for some in (rows, others)
        for name in ("ra", "dec")
    )
    return np.asarray(separation_arcsec(ra1[:, None], dec1[:, None], ra2, dec2))


def nearest(
    left: Sequence[Row], right: Sequence[Row], radius: Callable[[Row], float], n: int | None = 1
) -> list[list[tuple[int, float]]]:
    """Return for each left row the numbers of its partners and their distances, nearest first."""
    found = []
    for row, d in zip(left, distances(left, right), strict=True):
        near = np.flatnonzero(d <= radius(row))
        near = near[np.argsort(d[near], kind="stable")][:n]
        found.append([(int(i), float(d[i])) for i in near])
    return found


def ordinals(rows: Iterable[Row]) -> list[int]:
    """Return the number of each row among those of its cell."""
    seen: Counter[int] = Counter()
    found = []
    for row in rows:
        found.append(seen[row.cell])
        seen[row.cell] += 1
    return found


def hashes(rows: Sequence[Row], seed: int) -> list[int]:
    """Return the random number of each row: SplitMix64 of its cell, number and the seed."""
    start = _mixed(seed & _MASK)
    return [
        _mixed(_mixed(row.cell & _MASK ^ start) + i * _GOLDEN)
        for row, i in zip(rows, ordinals(rows), strict=True)
    ]


def _mixed(x: int) -> int:
    x = (x + _GOLDEN) & _MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return x ^ x >> 31
