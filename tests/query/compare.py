"""Rows of a result beside those of the oracle: equal up to the rounding of functions."""

from __future__ import annotations

import math

import numpy as np

from skyseries.adql import tree
from tests.query.oracle import missing


def assert_same(table, wanted, query):
    """Compare rows: in their order, as far as the statement leaves none open."""
    found = [tuple(row) for row in zip(*(c.to_pylist() for c in table.columns), strict=True)]
    assert len(found) == len(wanted)
    if query.order_by and all_same(found, wanted):
        return
    assert query.order_by or not query.body.top, "which rows are the first is not said"
    assert not (query.order_by and (query.body.top or query.offset)), "not the first rows"
    assert_matched(found, wanted)
    if query.order_by:  # rows that are equal in all terms are in any order
        for place in _ordered_by(query):
            assert all(same(a[place], b[place]) for a, b in zip(found, wanted, strict=True))
            if len({repr(row[place]) for row in found}) < len(found):
                break


def assert_same_rows(one, other):
    """Compare two results, rows in any order."""
    rows = [zip(*(c.to_pylist() for c in table.columns), strict=True) for table in (one, other)]
    assert_matched(*(list(map(tuple, part)) for part in rows))


def assert_matched(one, other):
    """Pair the rows of two results: in a common order, else (values differ slightly) each."""
    assert len(one) == len(other)
    one, other = (sorted(rows, key=_sortable) for rows in (one, other))
    if all_same(one, other):
        return
    left = list(other)
    for row in one:
        place = next((i for i, wanted in enumerate(left) if all(map(same, row, wanted))), None)
        assert place is not None, f"{row} is not among {left[:5]}"
        del left[place]


def all_same(found, wanted):
    return all(all(map(same, one, two)) for one, two in zip(found, wanted, strict=True))


def _ordered_by(query):
    """Yield the columns of the result that rows are ordered by, as far as they are such."""
    names = [item.alias.text for item in query.body.items]
    for term in query.order_by:
        if isinstance(term.value, tree.Literal):
            yield term.value.value - 1
        elif isinstance(term.value, tree.ColumnRef) and term.value.parts[0].text in names:
            yield names.index(term.value.parts[0].text)
        else:
            return


def same(a, b):
    """Return whether two values are equal; NULL and NaN are."""
    if missing(a) or missing(b):
        return missing(a) and missing(b)
    if isinstance(a, list):
        return _same_shape(a, b)
    numbers = all(isinstance(x, int | float | np.floating) for x in (a, b))
    if not numbers or isinstance(a, bool) or (isinstance(a, int) and isinstance(b, int)):
        return a == b
    return float(a) == float(b) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or (
        math.isclose(a, b, rel_tol=3e-7) and type(b).__name__ == "float32"
    )  # fmt: skip


def _same_shape(one, other):
    """Compare lists: of positions, right ascensions count less beside a pole, and 360 is 0."""
    if len(one) != len(other):
        return False
    for place, (a, b) in enumerate(zip(one, other, strict=True)):
        scale = math.cos(math.radians(one[place + 1])) if one[place + 1 :] else 1.0
        if not (same(a, b) or abs((a - b + 180.0) % 360.0 - 180.0) * scale < 1e-11):
            return False
    return True


def _sortable(row):
    """Return a key that does not depend on the last digits, but where all before are equal."""
    rough = [_rank(v, lambda x: float(f"{x:.5g}") if not isinstance(x, int) else x) for v in row]
    return rough + [_rank(v, lambda x: x) for v in row]


def _rank(value, number):
    if missing(value):
        return (2, 0, "")
    if isinstance(value, list):
        return (1, 0, repr([float(f"{x:.5g}") for x in value]))
    numeric = isinstance(value, int | float | np.floating)
    return (0, number(value), "") if numeric else (1, 0, str(value))
