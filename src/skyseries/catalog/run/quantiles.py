"""Exact quantiles of all rows, with bounded memory.

Numbers are mapped to 64-bit integers of the same order. A first pass counts them by their leading
16 bits; each further one looks only at those that share the leading bits of a wanted rank, and
counts these by the next 16 bits, until so few are left that they can be collected and sorted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries import adql
from skyseries.arrow import to_numpy
from skyseries.catalog.plan.node import Node, Unit
from skyseries.catalog.run.inputs import lifted, values_of
from skyseries.catalog.run.parts import fixed_units
from skyseries.catalog.run.run import run_units
from skyseries.config import tuning

__all__ = ["quantiles"]

Codes = NDArray[np.uint64]

_STEP = 16
_SIGN = np.uint64(1 << 63)


class _Bracket(NamedTuple):
    """The values of a column with the same leading bits."""

    column: int
    prefix: int
    bits: int
    below: int
    """How many values are less."""
    collect: bool


@dataclass
class _Search:
    """What is known of one column."""

    q: Sequence[float]
    count: int | None = None
    ranks: dict[int, int] = field(default_factory=dict)
    """Codes of the values at ranks."""
    wanted: dict[_Bracket, list[int]] = field(default_factory=dict)


def quantiles(
    node: Node, expressions: Sequence[adql.Expr], q: Sequence[float]
) -> list[list[float | None]]:
    """Return quantiles of numbers; null and NaN are skipped.

    Parameters
    ----------
    node : Node
    expressions : sequence of Expr
        A number for each object.
    q : sequence of float
        From 0 to 1.

    Returns
    -------
    list of list
        For each expression, for each q; interpolated linearly, as `numpy.quantile` does. None
        where there is no value.
    """
    node, plain = lifted(node, expressions)
    units = fixed_units(node)
    few = sum(unit.weight for unit in units) * len(plain) <= tuning().sorted_values
    searches = [_Search(q, wanted={_Bracket(i, 0, 0, 0, few): []}) for i in range(len(plain))]
    while brackets := [bracket for search in searches for bracket in search.wanted]:
        totals: list[Any] = [
            [] if bracket.collect else np.zeros(1 << _STEP, np.int64) for bracket in brackets
        ]
        for _, parts in run_units(node, partial(_look, tuple(plain), tuple(brackets)), units):
            for total, part in zip(totals, parts, strict=True):
                if isinstance(part, tuple):
                    total[part[0]] += part[1]
                else:
                    total.append(part)
        for bracket, total in zip(brackets, totals, strict=True):
            _learn(
                searches[bracket.column], bracket, total, tuning().sorted_values // len(brackets)
            )
    return [
        _interpolated(search, expression.arrow_type)
        for search, expression in zip(searches, plain, strict=True)
    ]


def _look(
    expressions: tuple[adql.Expr, ...], brackets: tuple[_Bracket, ...], node: Node, unit: Unit
) -> list[Codes | tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return, for each bracket, its values in a unit, or how many of them are where."""
    used = sorted({bracket.column for bracket in brackets})
    arrays = values_of(node, unit, [expressions[i] for i in used])
    codes = {i: _codes(array) for i, array in zip(used, arrays, strict=True)}
    found: list[Codes | tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for column, prefix, bits, _, collect in brackets:
        inside = codes[column]
        if bits:
            inside = inside[inside >> np.uint64(64 - bits) == np.uint64(prefix)]
        if collect:
            found.append(inside)
            continue
        next_bits = inside >> np.uint64(64 - bits - _STEP)
        counts = np.bincount((next_bits & np.uint64(0xFFFF)).astype(np.int64))
        there = np.flatnonzero(counts)
        found.append((there, counts[there]))
    return found


def _learn(
    search: _Search, bracket: _Bracket, total: list[Codes] | NDArray[np.int64], few: int
) -> None:
    """Take what a pass has found of a bracket."""
    ranks = search.wanted.pop(bracket)
    if isinstance(total, list):
        values = np.sort(np.concatenate([np.empty(0, np.uint64), *total]))
        ranks = ranks if bracket.bits else _ranks(search, len(values))
        search.ranks |= {rank: int(values[rank - bracket.below]) for rank in ranks}
        return
    ranks = ranks if bracket.bits else _ranks(search, int(total.sum()))
    ends = np.cumsum(total)
    bits = bracket.bits + _STEP
    for rank in ranks:
        i = int(np.searchsorted(ends, rank - bracket.below, side="right"))
        prefix = bracket.prefix << _STEP | i
        if bits == 64:
            search.ranks[rank] = prefix
            continue
        below = bracket.below + int(ends[i] - total[i])
        inner = _Bracket(bracket.column, prefix, bits, below, bool(total[i] <= few))
        search.wanted.setdefault(inner, []).append(rank)


def _ranks(search: _Search, count: int) -> list[int]:
    """Return the ranks of the values that the quantiles lie between."""
    search.count = count
    if not count:
        return []
    places = [q * (count - 1) for q in search.q]
    return sorted({rank for p in places for rank in (math.floor(p), math.ceil(p))})


def _interpolated(search: _Search, kind: pa.DataType) -> list[float | None]:
    if not search.count:
        return [None] * len(search.q)
    result: list[float | None] = []
    for q in search.q:
        place = q * (search.count - 1)
        low, high = (
            _number(search.ranks[rank], kind) for rank in (math.floor(place), math.ceil(place))
        )
        t = place - math.floor(place)
        # the two forms meet the ends exactly, as numpy.quantile does
        between = high - (high - low) * (1 - t) if t >= 0.5 else low + (high - low) * t
        result.append(float(low if low == high else between))
    return result


def _codes(array: pa.Array) -> Codes:
    """Return integers in the order of the numbers, without null and NaN."""
    if not pa.types.is_integer(array.type):
        array = array.cast(pa.float64(), safe=False)
    values = to_numpy(array.drop_null())
    if values.dtype.kind == "u":
        return values.astype(np.uint64)
    if values.dtype.kind != "f":
        return values.astype(np.int64).view(np.uint64) ^ _SIGN
    values = values[~np.isnan(values)].astype(np.float64) + 0.0  # -0.0 is 0.0
    bits = values.view(np.uint64)
    codes: Codes = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return codes


def _number(code: int, kind: pa.DataType) -> float | int:
    if pa.types.is_unsigned_integer(kind):
        return code
    if pa.types.is_integer(kind):
        return code - (1 << 63)
    bits = code - (1 << 63) if code >> 63 else code ^ (1 << 64) - 1
    return float(np.array([bits], np.uint64).view(np.float64)[0])
