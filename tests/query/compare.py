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
    if query.order_by and _all_same(found, wanted):
        return
    assert query.order_by or not query.body.top, "which rows are the first is not said"
    assert not (query.order_by and (query.body.top or query.offset)), "not the first rows"
    assert _all_same(sorted(found, key=_sortable), sorted(wanted, key=_sortable))
    if query.order_by:  # rows that are equal in all terms are in any order
        for place in _ordered_by(query):
            assert all(same(a[place], b[place]) for a, b in zip(found, wanted, strict=True))
            if len({repr(row[place]) for row in found}) < len(found):
                break


def _all_same(found, wanted):
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
    numbers = all(isinstance(x, int | float | np.floating) for x in (a, b))
    if not numbers or isinstance(a, bool) or (isinstance(a, int) and isinstance(b, int)):
        return a == b
    return float(a) == float(b) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) or (
        math.isclose(a, b, rel_tol=3e-7) and type(b).__name__ == "float32"
    )  # fmt: skip


def _sortable(row):
    """Return a key that does not depend on the last digits, but where all before are equal."""
    rough = [_rank(v, lambda x: float(f"{x:.5g}") if not isinstance(x, int) else x) for v in row]
    return rough + [_rank(v, lambda x: x) for v in row]


def _rank(value, number):
    if missing(value):
        return (2, 0, "")
    return (1, 0, value) if isinstance(value, str) else (0, number(value), "")
