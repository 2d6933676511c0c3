"""Rows of a result beside those of the oracle: equal up to the rounding of functions."""

from __future__ import annotations

import math

from tests.query.oracle import missing


def assert_same(table, wanted, query):
    """Compare rows: in their order, where the statement says one that leaves none open."""
    found = [tuple(row) for row in zip(*(c.to_pylist() for c in table.columns), strict=True)]
    assert len(found) == len(wanted)
    if not query.order_by:
        found, wanted = sorted(found, key=_sortable), sorted(wanted, key=_sortable)
    for one, two in zip(found, wanted, strict=True):
        assert all(map(same, one, two)), (one, two)


def same(a, b):
    """Return whether two values are equal; NULL and NaN are."""
    if missing(a) or missing(b):
        return missing(a) and missing(b)
    if isinstance(a, str | bool) or (isinstance(a, int) and isinstance(b, int)):
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
