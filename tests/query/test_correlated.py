"""Queries with columns from outside of them: in groups, in FROM, and in what is made of arrays."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import QueryError

TABLES = {
    "a": pa.table({"id": [1, 2, 3], "ra": [10.0, 20.0, 30.0], "dec": [0.0, 0.0, 0.0]}),
    "b": pa.table(
        {
            "id": [2, 3, 3, 7],
            "y": [10, 20, 40, 80],
            "ra": [20.0, 29.0, 31.0, 70.0],
            "dec": [0.5, 0.0, 0.0, 0.0],
        }
    ),
    "c": pa.table({"id": [3, 7]}),
}


def rows(statement):
    columns = sky.sql(statement, TABLES).to_arrow().columns
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("EXISTS (SELECT b.id FROM b WHERE b.id = a.id GROUP BY b.id HAVING COUNT(*) > 1)", [3]),
        ("EXISTS (SELECT 1 FROM b WHERE b.id = a.id HAVING COUNT(*) = 0)", [1]),
        ("EXISTS (SELECT b.id FROM b GROUP BY b.id HAVING b.id = a.id)", [2, 3]),
        ("EXISTS (SELECT b.id FROM b GROUP BY b.id HAVING MAX(y) < 10 * a.id)", [2, 3]),
        ("25 < ALL (SELECT AVG(y) + 1 FROM b WHERE b.id = a.id GROUP BY b.id)", [1, 3]),
        ("20 = (SELECT MAX(y) - MIN(y) FROM b WHERE b.id = a.id)", [3]),
        ("12 = (SELECT MAX(y) + a.id FROM b WHERE b.id = a.id)", [2]),
        ("EXISTS (SELECT q.id FROM (SELECT id FROM b WHERE b.id = a.id) AS q)", [2, 3]),
        ("1 < (SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM b WHERE b.id = a.id) AS q)", [3]),
        (
            "EXISTS (SELECT q.id FROM (SELECT DISTINCT id FROM b WHERE b.id > a.id) AS q "
            "JOIN c ON c.id = q.id AND c.id < 7)",
            [1, 2],
        ),
    ],
)
def test_groups_and_queries_in_from(condition, ids):
    assert rows(f"SELECT id FROM a WHERE {condition} ORDER BY id") == [(i,) for i in ids]  # noqa: S608


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("DISTANCE(AVG(b.ra), MAX(b.dec), 30, 0)", {1: None, 2: 10.01, 3: 0.0}),
        ("DISTANCE(AVG(b.ra), MAX(b.dec), a.ra, a.dec)", {1: None, 2: 0.5, 3: 0.0}),
        ("COUNT(*) + DISTANCE(30, 2 * MAX(b.dec), 30, a.dec)", {1: None, 2: 2.0, 3: 2.0}),
    ],
)
def test_array_work_on_aggregates(value, wanted):
    found = rows(f"SELECT id, (SELECT {value} FROM b WHERE b.id = a.id) AS v FROM a")  # noqa: S608
    assert dict(found) == {key: pytest.approx(v, abs=0.003) for key, v in wanted.items()}


def test_what_a_row_outside_has_is_there_where_no_row_is_near():
    near = "(SELECT COUNT(*) + 10 * a.id FROM b WHERE DISTANCE(b.ra, b.dec, a.ra, a.dec) < 2)"
    assert Counter(rows(f"SELECT {near} AS v FROM a")) == Counter([(10,), (21,), (32,)])  # noqa: S608


NEAR = "DISTANCE(b.ra, b.dec, a.ra, a.dec) < 2"


@pytest.mark.parametrize(
    ("inside", "ids"),
    [
        ("SELECT b.id FROM b WHERE NEAR GROUP BY b.id HAVING COUNT(*) < a.id", [2, 3]),
        ("SELECT 1 FROM b WHERE NEAR HAVING COUNT(*) = a.id - 1", [1, 2, 3]),
        ("SELECT a.id FROM b WHERE NEAR GROUP BY a.id HAVING MAX(b.y) > 13 * a.id", [3]),
        (
            "SELECT 1 FROM b WHERE NEAR GROUP BY b.id "
            "HAVING COUNT(*) = (SELECT COUNT(*) FROM c WHERE c.id >= a.id)",
            [3],
        ),
        ("SELECT 1 FROM b, c WHERE b.id > 2 * a.id", [1, 2, 3]),
    ],
)
def test_groups_of_neighbours_are_chosen_by_what_is_outside(inside, ids):
    inside = inside.replace("NEAR", NEAR)
    found = rows(f"SELECT id FROM a WHERE EXISTS ({inside}) ORDER BY id")  # noqa: S608
    assert found == [(i,) for i in ids]


@pytest.mark.parametrize(
    "inside",
    [
        "SELECT DISTANCE(AVG(b.ra), 0, 30, 0) FROM b WHERE b.id = a.id GROUP BY b.id",
        "SELECT COUNT(*) FROM (SELECT DISTINCT id FROM b WHERE b.id > a.id) AS q, c",
        "SELECT COUNT(*) FROM b JOIN c ON b.id > a.id "
        "LEFT JOIN a AS o ON DISTANCE(o.ra, o.dec, b.ra, b.dec) < 1",
        "SELECT COUNT(*) FROM b LEFT JOIN c ON b.id = c.id AND b.id > a.id "
        "JOIN a AS o ON DISTANCE(o.ra, o.dec, b.ra, b.dec) < 1",
        "SELECT MAX(y) FROM b WHERE id = a.id HAVING DISTANCE(AVG(ra), 0, a.ra, a.dec) < 1",
    ],
)
def test_what_has_to_be_done_before_takes_nothing_from_outside(inside):
    with pytest.raises(QueryError, match=r"^(id is|DISTANCE takes something) .*query outside"):
        rows(f"SELECT ({inside}) AS v FROM a")  # noqa: S608


@pytest.mark.parametrize("kind", ["LEFT", "FULL"])
def test_queries_compared_with_queries_in_outer_joins(kind):
    found = rows(
        f"SELECT a.id, b.y FROM a {kind} JOIN b ON a.id = b.id "  # noqa: S608
        "AND (SELECT MAX(id) FROM c) * b.y > ANY (SELECT 10 * c.id FROM c WHERE c.id = a.id)"
    )
    missing = [(None, 10), (None, 80)] if kind == "FULL" else []
    assert Counter(found) == Counter([(1, None), (2, None), (3, 20), (3, 40), *missing])
