"""Histograms of numbers and of the sky, counted unit by unit.

Numbers are counted as float64, by `numpy.histogram` itself: what falls on an edge falls on the
same side as there. Null and NaN are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries import adql
from skyseries.arrays import numbers, pair, whole
from skyseries.arraytypes import Floats, Ints
from skyseries.arrow import floats
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.run.inputs import lifted, values_from, values_of
from skyseries.catalog.run.parts import merged
from skyseries.errors import InputError
from skyseries.spatial.healpix import HPX_ORDER

__all__ = ["Bins", "edges_of", "histogram", "histogram2d", "is_count", "sky_counts"]

Bins = int | Sequence[float] | Floats
Range = tuple[float, float] | None


def edges_of(
    node: Node,
    expressions: Sequence[adql.Expr],
    bins: Sequence[Bins],
    ranges: Sequence[Range],
) -> list[Floats]:
    """Return the edges of bins, as numpy.histogram makes them.

    Raises
    ------
    InputError
        If bins or ranges are not usable, or values are not finite where a range is not given.
    """
    units = [expression.unit or "" for expression in expressions]
    bins = [_bins(given, unit) for given, unit in zip(bins, units, strict=True)]
    ranges = [
        None if given is None else pair(given, unit, "range")
        for given, unit in zip(ranges, units, strict=True)
    ]
    open_ = [i for i, (b, r) in enumerate(zip(bins, ranges, strict=True)) if _is_open(b, r)]
    found: dict[int, Range] = {}
    if open_:
        node, plain = lifted(node, [expressions[i] for i in open_])
        extents = merged(node, partial(_extent, tuple(plain)), partial(_wider, len(open_)))
        found = dict(zip(open_, extents, strict=True))
    edges = []
    for i, (count, range_) in enumerate(zip(bins, ranges, strict=True)):
        try:
            sample = np.array(found[i] or (), np.float64) if i in found else np.empty(0)
            kept = range_ if isinstance(count, int | np.integer) else None
            edges.append(np.histogram_bin_edges(sample, count, kept).astype(np.float64))
        except (TypeError, ValueError) as error:
            raise InputError(f"bins={count!r}, range={range_!r}: {error}") from error
    return edges


def _bins(given: Any, unit: str) -> Bins:
    """Return a number of bins, or their edges in the unit of the values."""
    if isinstance(given, str) or given is None:
        raise InputError(f"bins is a number of bins or their edges, not {given!r}")
    if is_count(given):
        return whole(given, "bins")
    edges = numbers(given, unit, "bins")
    if not np.isfinite(edges).all():
        raise InputError(f"the edges of bins must be finite numbers, not {given!r:.80}")
    return edges


def is_count(bins: Any) -> bool:
    """Return whether it is said how many bins there are, not where their edges are."""
    return not isinstance(bins, list | tuple) and np.ndim(bins) == 0


def _is_open(bins: Bins, range_: Range) -> bool:
    return isinstance(bins, int | np.integer) and range_ is None


def histogram(node: Node, value: adql.Expr, edges: Floats, uniform: bool) -> Ints:
    """Return how many values are in each bin; the last one has both its edges."""
    node, plain = lifted(node, [value])
    part = partial(_counts, plain[0], edges, uniform)
    return merged(node, part, partial(_sum, (len(edges) - 1,)))


def histogram2d(node: Node, x: adql.Expr, y: adql.Expr, edges: tuple[Floats, Floats]) -> Ints:
    """Return how many pairs of values are in each bin, shape (bins of x, bins of y)."""
    node, plain = lifted(node, [x, y])
    part = partial(_counts2d, tuple(plain), edges)
    return merged(node, part, partial(_sum, (len(edges[0]) - 1, len(edges[1]) - 1)))


def sky_counts(node: Node, order: int, weight: adql.Expr | None) -> tuple[Ints, Ints | Floats]:
    """Return the HEALPix cells (nested) that have rows, ascending, and how many they have.

    Rows without a position are left out.
    """
    weights: list[adql.Expr] = []
    if weight is not None:
        node, weights = lifted(node, [weight])
    kind = np.int64 if weight is None else np.float64
    part = partial(_cells, order, tuple(weights))
    found: tuple[Ints, Ints | Floats] = merged(node, part, partial(_cells_sum, kind))
    return found


def _extent(expressions: tuple[adql.Expr, ...], node: Node, unit: Unit) -> list[Range]:
    extents: list[Range] = []
    for array in values_of(node, unit, expressions):
        values = floats(array)
        values = values[~np.isnan(values)]
        extents.append((float(values.min()), float(values.max())) if len(values) else None)
    return extents


def _wider(n: int, parts: Sequence[list[Range]]) -> list[Range]:
    merged_: list[Range] = []
    for i in range(n):
        there = [extent for part in parts if (extent := part[i]) is not None]
        merged_.append((min(t[0] for t in there), max(t[1] for t in there)) if there else None)
    return merged_


def _counts(value: adql.Expr, edges: Floats, uniform: bool, node: Node, unit: Unit) -> Ints:
    values = floats(values_of(node, unit, [value])[0])
    if uniform:
        limits = float(edges[0]), float(edges[-1])
        counts, _ = np.histogram(values, len(edges) - 1, limits)
    else:
        counts, _ = np.histogram(values[~np.isnan(values)], edges)
    found: Ints = counts.astype(np.int64)
    return found


def _counts2d(
    expressions: tuple[adql.Expr, ...], edges: tuple[Floats, Floats], node: Node, unit: Unit
) -> Ints:
    x, y = (floats(array) for array in values_of(node, unit, expressions))
    there = ~(np.isnan(x) | np.isnan(y))
    counts, *_ = np.histogram2d(x[there], y[there], list(edges))
    found: Ints = counts.astype(np.int64)
    return found


def _cells(
    order: int, weights: tuple[adql.Expr, ...], node: Node, unit: Unit
) -> tuple[Ints, NDArray[np.float64] | Ints]:
    rows = node.rows(unit.area, Hints())
    hpx = rows.hpx()
    placed = hpx >= 0
    cell, where = np.unique(hpx[placed] >> 2 * (HPX_ORDER - order), return_inverse=True)
    if not weights:
        return cell, np.bincount(where, minlength=len(cell)).astype(np.int64)
    values = floats(values_from(rows, weights)[0])[placed]
    sums = np.bincount(where, np.where(np.isnan(values), 0.0, values), len(cell))
    return cell, sums.astype(np.float64)


def _cells_sum(
    kind: type, parts: Sequence[tuple[Ints, Floats | Ints]]
) -> tuple[Ints, Ints | Floats]:
    if not parts:
        return np.empty(0, np.int64), np.empty(0, kind)
    cell, where = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
    values = np.concatenate([part[1] for part in parts])
    total: Ints | Floats = np.zeros(len(cell), kind)
    np.add.at(total, where, values)
    return cell, total


def _sum(shape: tuple[int, ...], parts: Sequence[Ints]) -> Ints:
    total: Ints = np.sum([np.zeros(shape, np.int64), *parts], axis=0)
    return total
