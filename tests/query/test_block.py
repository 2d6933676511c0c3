"""Array work in SELECT: stages one after the other, and what stays in the queries of conditions."""

from __future__ import annotations

import pyarrow as pa
import pytest

import skyseries as sky

TABLES = {
    "a": pa.table({"i": [1, 2, 3], "ra": [10.0, 20.0, 30.0], "dec": [0.0, 0.0, 0.0]}),
    "b": pa.table({"j": [1, 2, 3], "ra": [10.1, 20.1, 70.0], "dec": [0.0, 0.0, 0.0]}),
}
NEAR = "DISTANCE(b.ra, b.dec, a.ra, a.dec) < 1"
CONSTANT = "CONTAINS(POINT(10, 0), CIRCLE(POINT(11, 0), 2)) = 1"


def ids(condition):
    statement = f"SELECT i FROM a WHERE {condition} ORDER BY i"  # noqa: S608
    return sky.sql(statement, TABLES).to_arrow()["i"].to_pylist()


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("DISTANCE(10 * (SELECT MAX(j) FROM b WHERE NEAR), 0, ra, 0) < 1", [1, 2]),
        (
            "DISTANCE((SELECT MAX(ra) FROM b WHERE DISTANCE(0, 0, a.ra, 0) < 10 * j), 0, ra, 0) "
            "< 45",
            [3],
        ),
        (
            "DISTANCE((SELECT MAX(ra) FROM b WHERE DISTANCE(b.ra, 0, (SELECT AVG(ra) FROM b "
            "WHERE NEAR), 0) < 11), 0, ra, 0) < 1",
            [2],
        ),
        ("DISTANCE(CASE WHEN EXISTS (SELECT j FROM b WHERE NEAR) THEN 9 END, 0, 9, 0) = 0", [1, 2]),
        (
            "DISTANCE(CASE WHEN 2 <> ALL (SELECT j FROM b WHERE NEAR) THEN 9 END, 0, 9, 0) = 0",
            [1, 3],
        ),
        ("DISTANCE(CASE WHEN i NOT IN (SELECT j + 1 FROM b) THEN 9 END, ra, 9, ra) = 0", [1]),
    ],
)
def test_queries_inside_of_array_work_come_first(condition, wanted):
    assert ids(condition.replace("NEAR", NEAR)) == wanted


@pytest.mark.parametrize("kind", ["LEFT", "RIGHT", "FULL"])
def test_constants_stay_in_the_queries_that_they_stand_in(kind):
    matched = f"b {kind} JOIN a AS o ON DISTANCE(b.ra, b.dec, o.ra, o.dec) < 1 AND {CONSTANT}"
    inside = f"i IN (SELECT o.i FROM {matched} WHERE j < 9)"  # noqa: S608
    assert ids(inside) == [1, 2]
    assert ids(f"{inside} AND {CONSTANT} AND (SELECT COUNT(*) FROM b) = 3") == [1, 2]  # noqa: S608


def test_what_is_known_outside_decides_in_an_outer_join():
    on = "DISTANCE(b.ra, b.dec, o.ra, o.dec) < 1 AND DISTANCE(a.ra, a.dec, 10, 0) < 15"
    inside = f"SELECT o.i FROM b RIGHT JOIN a AS o ON {on} WHERE o.i = a.i AND b.j IS NULL"  # noqa: S608
    assert ids(f"EXISTS ({inside})") == [3]
    assert ids(f"EXISTS ({inside.replace('< 15', '< 5')})") == [2, 3]


def test_constants_of_a_query_of_with_stay_in_it():
    statement = (
        f"WITH w AS (SELECT i, POINT(1, 2) AS p FROM a WHERE {CONSTANT}) SELECT o.i, "  # noqa: S608
        "(SELECT COUNT(*) FROM w WHERE w.i >= o.i) AS n FROM w AS o JOIN b ON b.j = o.i ORDER BY i"
    )
    assert sky.sql(statement, TABLES).to_arrow()["n"].to_pylist() == [3, 2, 1]
