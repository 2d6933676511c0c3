"""Queries in conditions over pairs, where FULL JOIN has rows without a partner."""

from __future__ import annotations

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import QueryError

TABLES = {
    "a": pa.table({"i": [1, 2, 3], "ra": [10.0, 20.0, 30.0]}),
    "b": pa.table({"j": [1, 2, 3], "ra": [10.1, 20.1, 70.0]}),
    "c": pa.table({"k": [1, 2], "ra": [10.0, 20.0]}),
}
FULL = "b FULL JOIN c ON DISTANCE(b.ra, 0, c.ra, 0) < 1 AND c.k < a.i"


def values(query):
    query = query.replace("BOTH", FULL)
    statement = f"SELECT i, ({query}) AS v FROM a ORDER BY i"  # noqa: S608
    return sky.sql(statement, TABLES).to_arrow()["v"].to_pylist()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("SELECT COUNT(*) FROM BOTH", [5, 4, 3]),
        ("SELECT COUNT(*) FROM BOTH WHERE b.j IS NULL AND c.k >= a.i", [2, 1, 0]),
        ("SELECT SUM(10 * a.i + c.k) FROM BOTH", [23, 43, 63]),
        ("SELECT TOP 1 a.i + c.k FROM BOTH ORDER BY a.i * c.k DESC", [3, 4, 5]),
        ("SELECT COUNT(*) FROM (BOTH) FULL JOIN a AS o ON o.i = c.k AND o.i < a.i", [8, 6, 4]),
        ("SELECT COUNT(*) FROM a AS o FULL JOIN (BOTH) ON o.i = c.k AND o.i < a.i", [8, 6, 4]),
        (
            "SELECT COUNT(o.i) FROM (BOTH) LEFT JOIN a AS o ON o.i = c.k AND o.i < a.i",
            [0, 1, 2],
        ),
        ("SELECT COUNT(o.i) FROM a AS o RIGHT JOIN (BOTH) ON o.i = c.k + a.i", [2, 1, 0]),
        ("SELECT COUNT(*) FROM BOTH UNION SELECT COUNT(*) FROM BOTH", [5, 4, 3]),
    ],
)
def test_rows_of_both_sides_know_the_row_outside(query, wanted):
    assert values(query) == wanted


def test_a_position_outside_is_not_taken_into_a_full_join():
    with pytest.raises(QueryError, match="a point from outside cannot be taken"):
        values("SELECT TOP 1 POINT(a.ra, 0) FROM BOTH")
