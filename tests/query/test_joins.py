"""Statements over several small tables, with answers written by hand."""

from __future__ import annotations

import math
from collections import Counter

import pyarrow as pa
import pytest

import skyseries as sky

NAN = math.nan

TABLES = {
    "l": pa.table(
        {
            "k": pa.array([1, 2, 2, None, 5], pa.int64()),
            "f": pa.array([1.0, NAN, 2.0, None, 5.0]),
            "v": ["p", "q", "r", "s", "t"],
        }
    ),
    "r": pa.table(
        {
            "k": pa.array([2, 2, 3, None], pa.int64()),
            "f": pa.array([NAN, 2.0, 3.0, None]),
            "w": ["A", "B", "C", "D"],
        }
    ),
    "none": pa.table({"k": pa.array([], pa.int64()), "f": pa.array([], pa.float64())}),
}


def rows(statement, tables=TABLES):
    """Return the rows of a statement as tuples, NaN as text."""
    columns = sky.sql(statement, tables).to_arrow().columns
    values = ([_value(v) for v in column.to_pylist()] for column in columns)
    return list(zip(*values, strict=True))


def _value(value):
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def check(statement, wanted, tables=TABLES):
    assert Counter(rows(statement, tables)) == Counter(wanted)


PAIRS = [("q", "A"), ("q", "B"), ("r", "A"), ("r", "B")]
LEFT = [("p", None), ("s", None), ("t", None)]
RIGHT = [(None, "C"), (None, "D")]
KINDS = {
    "l JOIN r ON l.k = r.k": PAIRS,
    "l INNER JOIN r ON r.k = l.k": PAIRS,
    "l JOIN r USING (k)": PAIRS,
    "l, r WHERE l.k = r.k": PAIRS,
    "l LEFT JOIN r ON l.k = r.k": PAIRS + LEFT,
    "l LEFT OUTER JOIN r USING (k)": PAIRS + LEFT,
    "r RIGHT JOIN l ON l.k = r.k": PAIRS + LEFT,
    "l RIGHT JOIN r ON l.k = r.k": PAIRS + RIGHT,
    "l FULL JOIN r ON l.k = r.k": PAIRS + LEFT + RIGHT,
    "l FULL OUTER JOIN r USING (k)": PAIRS + LEFT + RIGHT,
    # NaN is equal to nothing, as NULL
    "l JOIN r ON l.f = r.f": [("r", "B")],
    "l NATURAL JOIN r": [("r", "B")],
    "l LEFT JOIN r ON l.f = r.f": [("r", "B"), *LEFT, ("q", None)],
    "l FULL JOIN r ON l.f = r.f": [("r", "B"), *LEFT, ("q", None), (None, "A"), *RIGHT],
    "l JOIN r ON l.k = r.f": [("q", "B"), ("r", "B")],
    "l JOIN r ON l.k < r.k": [("p", "A"), ("p", "B"), ("p", "C"), ("q", "C"), ("r", "C")],
    "l LEFT JOIN r ON l.k = r.k AND l.v = 'q'": PAIRS[:2] + LEFT + [("r", None)],
    "l LEFT JOIN r ON l.k = r.k AND r.w = 'A'": [PAIRS[0], PAIRS[2], *LEFT],
    "l LEFT JOIN r ON l.k = r.k WHERE r.w = 'A'": [PAIRS[0], PAIRS[2]],
    "l LEFT JOIN r ON l.k = r.k WHERE r.k IS NULL": LEFT,
    "l LEFT JOIN r ON 1 = 0": [(v, None) for v in "pqrst"],
    "l, r WHERE l.v = 'p'": [("p", w) for w in "ABCD"],
    "l JOIN none AS n ON 1 = 1 LEFT JOIN r ON 1 = 1": [],
    "(l LEFT JOIN none AS n ON l.k = n.k) JOIN r ON r.k = l.k": PAIRS,
    "(l LEFT JOIN none AS n ON l.k = n.k) JOIN r ON r.k = n.k": [],
    "l LEFT JOIN (r JOIN none AS n ON r.k = n.k) ON l.k = r.k": [(v, None) for v in "pqrst"],
}  # fmt: skip


@pytest.mark.parametrize("source", KINDS)
def test_joins_of_every_kind(source):
    check(f"SELECT l.v, r.w FROM {source}", KINDS[source])  # noqa: S608


def test_columns_of_using_are_of_the_side_that_has_them():
    check(
        "SELECT k, v, w FROM l FULL JOIN r USING (k) WHERE k IS NULL OR k > 2",
        [(None, "s", None), (None, None, "D"), (5, "t", None), (3, None, "C")],
    )
    assert sky.sql("SELECT * FROM l JOIN r USING (k)", TABLES).columns == [
        "k",
        "f",
        "v",
        "f_2",
        "w",
    ]


# conditions on l, and the values of v that fulfil them
CONDITIONS = {
    "k IN (SELECT k FROM r)": "qr",
    "k NOT IN (SELECT k FROM r)": "",
    "k NOT IN (SELECT k FROM r WHERE k IS NOT NULL)": "pt",
    "k IN (SELECT k FROM none)": "",
    "k NOT IN (SELECT k FROM none)": "pqrst",  # of NULL too: there is nothing to compare with
    "NOT (k IN (SELECT k FROM r))": "",
    "f IN (SELECT f FROM r)": "r",
    "f NOT IN (SELECT f FROM r)": "",
    "f NOT IN (SELECT f FROM r WHERE w IN ('B', 'C'))": "pt",
    "k IN (SELECT f FROM r)": "qr",
    "k > ALL (SELECT k FROM r)": "",
    "k > ALL (SELECT k FROM r WHERE w <> 'D')": "t",
    "k > ALL (SELECT k FROM none)": "pqrst",
    "k = ANY (SELECT k FROM r)": "qr",
    "k < SOME (SELECT k FROM r)": "pqr",
    "k > ANY (SELECT k FROM none)": "",
    "NOT k > ALL (SELECT k FROM none)": "",
    "NOT k > ANY (SELECT k FROM none)": "pqrst",
    "k <> ALL (SELECT k FROM r WHERE w = 'C')": "pqrt",
    "NOT k <> ALL (SELECT k FROM r)": "qr",
    "f >= ALL (SELECT f FROM r WHERE w IN ('B', 'C'))": "t",
    "EXISTS (SELECT * FROM r WHERE r.k = l.k)": "qr",
    "NOT EXISTS (SELECT * FROM r WHERE r.k = l.k)": "pst",
    "NOT EXISTS (SELECT * FROM r WHERE r.f = l.f)": "pqst",
    "EXISTS (SELECT * FROM none)": "",
    "EXISTS (SELECT COUNT(*) FROM none)": "pqrst",
    "k = (SELECT MIN(k) FROM r)": "qr",
    "k > (SELECT k FROM none)": "",
    "COALESCE((SELECT MAX(k) FROM none), 7) = 7": "pqrst",
    "k > (SELECT AVG(r.k) FROM r WHERE r.k < l.k)": "t",
    "(SELECT COUNT(*) FROM r WHERE r.k = l.k) = 0": "pst",
    "(SELECT COUNT(*) FROM r WHERE r.k > l.k) >= 2": "p",
    "1 < (SELECT COUNT(*) FROM l AS m WHERE m.k = l.k)": "qr",
    "EXISTS (SELECT * FROM r WHERE r.k = l.k AND r.f IN (SELECT f FROM l AS m WHERE m.v = l.v))": (
        "r"
    ),
    "k IN (SELECT r.k FROM r WHERE r.w = (SELECT MIN(s.w) FROM r AS s WHERE s.k = l.k))": "qr",
    "k IN (SELECT k FROM r UNION SELECT 5 FROM r)": "qrt",
    "k IN (SELECT k FROM l AS m EXCEPT SELECT k FROM r)": "pt",
    "k IN (SELECT TOP 1 k FROM r ORDER BY k)": "qr",
    "k IN (SELECT k FROM r GROUP BY k HAVING COUNT(*) > 1)": "qr",
    "v IN (SELECT LOWER(w) FROM r) OR k = 1": "p",
}  # fmt: skip


def test_queries_in_conditions():
    texts = list(CONDITIONS)
    both = " UNION ALL ".join(
        f"SELECT {i} AS i, v FROM l WHERE {text}"  # noqa: S608
        for i, text in enumerate(texts)
    )
    found = dict.fromkeys(texts, "")
    for i, value in sorted(rows(both)):
        found[texts[i]] += value
    assert found == CONDITIONS


def test_different_rows_of_an_outer_join_on_a_query():
    source = "l FULL JOIN r ON EXISTS (SELECT k FROM none) AND l.k = r.k"
    check(f"SELECT DISTINCT l.k FROM {source} WHERE l.v < 'r'", [(1,), (2,)])  # noqa: S608


def test_scalars_are_values_everywhere():
    check(
        "SELECT v, (SELECT COUNT(*) FROM r WHERE r.k = l.k) AS n, (SELECT w FROM r WHERE r.k = 3 "
        "AND l.k = 5) AS w FROM l",
        [("p", 0, None), ("q", 2, None), ("r", 2, None), ("s", 0, None), ("t", 0, "C")],
    )
    check(
        "SELECT k, COUNT(*) AS n FROM l GROUP BY k HAVING COUNT(*) >= "
        "(SELECT COUNT(*) FROM r WHERE r.k = l.k)",
        [(1, 1), (2, 2), (None, 1), (5, 1)],
    )
    assert rows("SELECT v FROM l ORDER BY (SELECT COUNT(*) FROM r WHERE r.k = l.k) DESC, v DESC")[
        :3
    ] == [("r",), ("q",), ("t",)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT v FROM l WHERE k = (SELECT k FROM r WHERE w < 'C')",
        "SELECT v, (SELECT w FROM r WHERE r.k = l.k) AS w FROM l",
    ],
)
def test_a_scalar_of_two_rows_is_an_error(statement):
    result = sky.sql(statement, TABLES)
    with pytest.raises(sky.QueryError, match="one value gives several rows"):
        result.to_arrow()


SETS = {
    "SELECT k FROM l UNION SELECT k FROM r": [1, 2, 3, 5, None],
    "SELECT k FROM l UNION ALL SELECT k FROM r": [1, 2, 2, None, 5, 2, 2, 3, None],
    "SELECT k FROM l INTERSECT SELECT k FROM r": [2, None],
    "SELECT k FROM l INTERSECT ALL SELECT k FROM r": [2, 2, None],
    "SELECT k FROM l EXCEPT SELECT k FROM r": [1, 5],
    "SELECT k FROM r EXCEPT ALL SELECT k FROM l WHERE v <> 'q'": [2, 3],
    "SELECT k FROM l UNION SELECT k FROM none EXCEPT SELECT k FROM r": [1, 5],
    "SELECT k FROM l EXCEPT (SELECT k FROM r UNION SELECT 1 FROM r)": [5],
    "SELECT k FROM l UNION SELECT k FROM r INTERSECT SELECT 3 FROM r": [1, 2, 3, 5, None],
    "SELECT DISTINCT k FROM l": [1, 2, 5, None],
    # a missing value is one value, whether NULL or NaN
    "SELECT f FROM l UNION SELECT f FROM r": [1.0, 2.0, 3.0, 5.0, None],
    "SELECT f FROM l INTERSECT SELECT f FROM r": [2.0, None],
    "SELECT f FROM l EXCEPT SELECT f FROM r": [1.0, 5.0],
}


@pytest.mark.parametrize("statement", SETS)
def test_sets(statement):
    check(statement, [(v,) for v in SETS[statement]])


def test_sets_are_ordered_and_cut_as_a_whole():
    both = "SELECT k FROM l UNION SELECT k FROM r ORDER BY k"
    assert rows(f"{both} DESC") == [(5,), (3,), (2,), (1,), (None,)]
    assert rows(f"{both} OFFSET 3") == [(5,), (None,)]
    assert rows(f"SELECT TOP 2 * FROM ({both}) AS t ORDER BY k DESC") == [(5,), (3,)]  # noqa: S608
    text = (
        "SELECT TOP 1 k FROM l WHERE k > 1 UNION ALL SELECT TOP 2 k FROM r WHERE k > 1 ORDER BY k"
    )
    assert len(rows(text)) == 3


def test_what_is_missing_is_last_in_both_directions():
    joined = "SELECT l.f FROM l LEFT JOIN none AS n ON l.k = n.k ORDER BY l.f"
    assert rows(joined) == [(1.0,), (2.0,), (5.0,), ("NaN",), (None,)]
    assert rows(f"{joined} DESC") == [(5.0,), (2.0,), (1.0,), ("NaN",), (None,)]
    assert rows(joined.replace("SELECT", "SELECT TOP 2") + " OFFSET 2") == [(5.0,), ("NaN",)]


def test_a_query_of_with_is_there_as_often_as_it_is_named():
    check(
        "WITH t AS (SELECT k, COUNT(*) AS n FROM l GROUP BY k) SELECT a.k, b.n FROM t AS a JOIN t "
        "AS b ON a.k = b.k WHERE a.n = (SELECT MAX(n) FROM t)",
        [(2, 2)],
    )
    check(
        "WITH t AS (SELECT k FROM l WHERE k > 1), u AS (SELECT k + 1 AS k FROM t) "
        "SELECT k FROM t UNION ALL SELECT k FROM u",
        [(2,), (2,), (5,), (3,), (3,), (6,)],
    )


def test_groups_of_joins():
    check(
        "SELECT l.k, COUNT(*) AS n, COUNT(w) AS m, MAX(w) AS last FROM l LEFT JOIN r ON l.k = r.k "
        "GROUP BY l.k HAVING COUNT(*) > 0",
        [(1, 1, 0, None), (2, 4, 4, "B"), (None, 1, 0, None), (5, 1, 0, None)],
    )
    check("SELECT COUNT(*) AS n, SUM(l.k) AS s FROM l JOIN none AS n ON l.k = n.k", [(0, None)])
    check("SELECT l.f, COUNT(*) AS n FROM l, r GROUP BY l.f HAVING l.f IS NULL", [(None, 8)])


SKY = {
    "a": pa.table(
        {
            "i": [1, 2, 3, 4],
            "ra": [0.0001, 10.0, 180.0, 50.0],
            "dec": [0.0, 89.9999, -90.0, NAN],
            "r": [0.0003, 0.0003, 0.0, 1.0],
        }
    ),
    "b": pa.table(
        {
            "j": [1, 2, 3, 4, 5],
            "ra": [359.9999, 190.0, 33.0, 0.001, 50.0],
            "dec": [0.0, 89.9999, -90.0, 0.0, 0.0],
        }
    ),
}
NEAR = [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    "condition",
    [
        "DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.0003",
        "0.0003 > DISTANCE(b.ra, b.dec, a.ra, a.dec)",
        "DISTANCE(POINT(a.ra, a.dec), POINT(b.ra, b.dec)) <= 0.0003",
        "DISTANCE(POINT('ICRS', b.ra, b.dec), POINT('ICRS', a.ra, a.dec)) * 3600 < 1.08",
        "CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.0003)) = 1",
        "1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, 0.0003))",
        "INTERSECTS(CIRCLE(POINT(a.ra, a.dec), 0.0003), POINT(b.ra, b.dec)) = 1",
        "DISTANCE(a.ra, a.dec, b.ra, b.dec) <= a.r",
        "CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, a.r)) = 1 AND a.i + b.j > 0",
    ],
)
def test_neighbours_over_a_pole_and_ra_0(condition):
    text = "SELECT a.i, b.j FROM {} a.i < 9"
    check(text.format(f"a JOIN b ON {condition} WHERE"), NEAR, SKY)
    check(text.format(f"a, b WHERE {condition} AND"), NEAR, SKY)
    check(text.format(f"a LEFT JOIN b ON {condition} WHERE"), [*NEAR, (4, None)], SKY)


def test_neighbours_of_outer_joins_and_conditions():
    near = "DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.0003"
    alone = [(4, None), (None, 4), (None, 5)]
    check(f"SELECT a.i, b.j FROM a FULL JOIN b ON {near}", NEAR + alone, SKY)  # noqa: S608
    check(f"SELECT b.j FROM b WHERE NOT EXISTS (SELECT * FROM a WHERE {near})", [(4,), (5,)], SKY)  # noqa: S608
    check(
        f"SELECT a.i FROM a WHERE a.i + 1 IN (SELECT b.j + 1 FROM b WHERE {near})",  # noqa: S608
        [(1,), (2,), (3,)],
        SKY,
    )
    check(
        f"SELECT i FROM a AS o WHERE i IN (SELECT o.i FROM a JOIN b ON {near})",  # noqa: S608
        [(1,), (2,), (3,), (4,)],
        SKY,
    )
    check(
        f"SELECT i, (SELECT COUNT(*) FROM b WHERE {near}) AS n FROM a",  # noqa: S608
        [(1, 1), (2, 1), (3, 1), (4, 0)],
        SKY,
    )


def test_light_curves_go_through_joins(world):
    few = world.objects[:12]
    mine = pa.table({"id": pa.array([row["objectid"] for row in few] + [1], pa.uint64())})
    tables = {"survey": world.catalog, "TAP_UPLOAD.mine": mine}
    check(
        "SELECT u.id, COUNT(s.lc.mjd) AS n, MAX(s.lc.mjd) AS last FROM TAP_UPLOAD.mine AS u "
        "JOIN survey AS s ON s.objectId = u.id WHERE COUNT(s.lc.mjd) > 3",
        [
            (row["objectid"], len(row["lc"]), max(epoch["mjd"] for epoch in row["lc"]))
            for row in few
            if len(row["lc"]) > 3
        ],
        tables,
    )
    found = sky.sql(
        "SELECT u.id, s.lc FROM TAP_UPLOAD.mine AS u LEFT JOIN survey AS s ON s.objectId = u.id",
        tables,
    ).to_arrow()
    curves = dict(zip(found["id"].to_pylist(), found["lc"].to_pylist(), strict=True))
    assert len(curves) == 13
    for row in few:
        epochs = curves[row["objectid"]]["mjd"] if row["lc"] else []
        assert sorted(epochs) == sorted(epoch["mjd"] for epoch in row["lc"])
