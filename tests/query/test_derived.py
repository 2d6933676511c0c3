"""Queries in FROM: conditions brought into them, columns left out, plain ones merged."""

import re

import pytest

from skyseries import adql
from skyseries.adql.relations import Combination, Join, QueryUse, TableUse
from skyseries.query.compiler import Compiler
from skyseries.query.derived import is_alone, merged, only_columns, with_conditions
from tests.query.typed import text, typed


def given(inner, where):
    """Return the query of ``(inner) AS t`` with conditions brought into it, and those left."""
    select = typed(f"SELECT 1 AS one FROM ({inner}) AS t WHERE {where}").body  # noqa: S608
    use = select.source
    return with_conditions(use.query, adql.conjuncts(select.where), use.id)


def wheres(rows):
    """Return the conditions of a query, of all its parts."""
    if isinstance(rows, Combination):
        return [*wheres(rows.left), *wheres(rows.right)]
    body = getattr(rows, "body", None)
    if body is not None:
        return wheres(body)
    return ["" if rows.where is None else text(rows.where)]


INTO = {
    ("SELECT n FROM a", "t.n = 3"): ["n = 3"],
    ("SELECT n AS m FROM a WHERE id > 7", "t.m = 3"): ["(id > 7 AND n = 3)"],
    ("SELECT n + 1 AS m FROM a", "t.m = 3"): ["(n + 1) = 3"],
    ("SELECT DISTINCT n FROM a", "t.n = 3"): ["n = 3"],
    ("SELECT n FROM a ORDER BY id", "t.n = 3"): ["n = 3"],
    ("SELECT n, COUNT(*) AS c FROM a GROUP BY n", "t.n = 3"): ["n = 3"],
    ("SELECT n FROM a UNION SELECT id FROM b", "t.n = 3"): ["n = 3", "id = 3"],
    ("SELECT n FROM a UNION ALL SELECT id FROM b", "t.n = 3"): ["n = 3", "id = 3"],
    ("SELECT n FROM a INTERSECT SELECT id FROM b", "t.n = 3"): ["n = 3", "id = 3"],
    ("SELECT n FROM a EXCEPT SELECT id FROM b", "t.n = 3"): ["n = 3", "id = 3"],
    ("SELECT n FROM a EXCEPT (SELECT id FROM b UNION SELECT n FROM c)", "t.n = 3"): [
        "n = 3", "id = 3", "n = 3",
    ],
}  # fmt: skip
NOT_INTO = [
    ("SELECT TOP 5 n FROM a", "t.n = 3"),
    ("SELECT n FROM a ORDER BY n OFFSET 2", "t.n = 3"),
    ("SELECT n, COUNT(*) AS c FROM a GROUP BY n", "t.c = 3"),
    ("SELECT n, id, COUNT(*) AS c FROM a GROUP BY n, id HAVING MAX(x) > 1.5", "t.c > t.n"),
    ("SELECT COUNT(*) AS n FROM a", "t.n = 3"),
    ("SELECT RAND() AS x FROM a", "t.x = 3"),
    ("SELECT RAND() + n AS x FROM a", "t.x = 3"),
    ("SELECT (SELECT MAX(b.n) FROM b) AS n FROM a", "t.n = 3"),
    ("SELECT n FROM a UNION SELECT x FROM b", "t.n = 3"),  # one side changes its type
    ("SELECT n FROM a UNION SELECT TOP 5 n FROM b", "t.n = 3"),
    ("SELECT n FROM a UNION ALL SELECT n FROM b ORDER BY n OFFSET 1", "t.n = 3"),
]


def bare(condition):
    """Return a condition without the names of tables."""
    return re.sub(r"\b[a-h]\.", "", condition)


@pytest.mark.parametrize("case", INTO, ids=" / ".join)
def test_conditions_go_into_queries(case):
    query, rest = given(*case)
    assert rest == []
    assert list(map(bare, wheres(query))) == INTO[case]


@pytest.mark.parametrize("case", NOT_INTO, ids=" / ".join)
def test_conditions_that_would_change_which_rows_there_are_stay(case):
    before = typed(f"SELECT 1 AS one FROM ({case[0]}) AS t WHERE {case[1]}").body.source.query  # noqa: S608
    query, rest = given(*case)
    assert query == before
    assert len(rest) == 1


def test_each_condition_goes_its_own_way():
    query, rest = given("SELECT n, COUNT(*) AS c FROM a GROUP BY n", "t.n = 3 AND t.c > 1")
    assert list(map(bare, wheres(query))) == ["n = 3"]
    assert len(rest) == 1


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("SELECT n, x, id FROM a", ["x"]),
        ("SELECT TOP 3 n, x FROM a ORDER BY n", ["x"]),
        ("SELECT n, MAX(x) AS x FROM a GROUP BY n", ["x"]),
        ("SELECT DISTINCT n, x FROM a", ["n", "x"]),
        ("SELECT n, x FROM a UNION ALL SELECT id, x FROM b", ["n", "x"]),
    ],
)
def test_columns_that_nobody_asks_for_are_left_out(statement, kept):
    assert only_columns(typed(statement), ["x"]).schema.names == kept


def test_one_column_stays():
    assert only_columns(typed("SELECT n, x FROM a"), []).schema.names == ["n"]


@pytest.mark.parametrize(
    ("statement", "alone"),
    [
        ("SELECT n FROM a WHERE x > 1 ORDER BY id", True),
        ("SELECT kind, COUNT(*) FROM a GROUP BY kind", True),
        ("SELECT a.n FROM a, b", False),
        ("SELECT n FROM (SELECT n FROM a) AS t", False),
        ("SELECT n FROM a UNION SELECT n FROM b", False),
        ("SELECT n FROM a WHERE n IN (SELECT n FROM b)", False),
        ("SELECT n FROM a ORDER BY (SELECT MAX(n) FROM b)", False),
    ],
)
def test_who_asks_one_table_alone(statement, alone):
    assert is_alone(typed(statement)) is alone


def test_a_query_that_takes_something_from_outside_is_not_alone():
    where = typed("SELECT n FROM a WHERE EXISTS (SELECT b.n FROM b WHERE b.n = a.n)").body.where
    assert not is_alone(where.query)
    where = typed("SELECT n FROM a WHERE EXISTS (SELECT b.n FROM b WHERE b.n = 1)").body.where
    assert is_alone(where.query)


def sources(relation):
    """Return what stands in FROM: names of tables, and ``query``."""
    if isinstance(relation, Join):
        return [*sources(relation.left), *sources(relation.right)]
    return [str(relation.table) if isinstance(relation, TableUse) else "query"]


MERGED = {
    "SELECT t.m + 1 AS v FROM (SELECT n AS m FROM a WHERE id > 7) AS t": ["a"],
    "SELECT t.m FROM (SELECT u.m FROM (SELECT n AS m FROM a) AS u) AS t": ["a"],
    "SELECT t.m FROM (SELECT n AS m FROM a) AS t JOIN b ON t.m = b.n": ["a", "b"],
    "SELECT t.m FROM (SELECT n AS m FROM a) AS t LEFT JOIN b ON t.m = b.n": ["a", "b"],
    "SELECT t.m FROM b RIGHT JOIN (SELECT n AS m FROM a) AS t ON t.m = b.n": ["b", "a"],
    "SELECT t.m FROM (SELECT a.n AS m FROM a JOIN c ON a.id = c.id) AS t": ["a", "c"],
    "WITH t AS (SELECT n AS m FROM a) SELECT t.m FROM t": ["a"],
    # rows that are made up for, or counted, or are there once for two
    "SELECT t.m FROM b LEFT JOIN (SELECT n AS m FROM a) AS t ON t.m = b.n": ["b", "query"],
    "SELECT t.m FROM (SELECT n AS m FROM a) AS t RIGHT JOIN b ON t.m = b.n": ["query", "b"],
    "SELECT t.m FROM (SELECT n AS m FROM a) AS t FULL JOIN b ON t.m = b.n": ["query", "b"],
    "SELECT t.m FROM (SELECT TOP 3 n AS m FROM a) AS t": ["query"],
    "SELECT t.m FROM (SELECT DISTINCT n AS m FROM a) AS t": ["query"],
    "SELECT t.m FROM (SELECT n AS m FROM a ORDER BY n OFFSET 1) AS t": ["query"],
    "SELECT t.m FROM (SELECT MAX(n) AS m FROM a GROUP BY id) AS t": ["query"],
    "SELECT t.m FROM (SELECT RAND() AS m FROM a) AS t": ["query"],
    "SELECT t.m FROM (SELECT n AS m FROM a UNION SELECT n FROM b) AS t": ["query"],
    "WITH t AS (SELECT n AS m FROM a) SELECT t.m FROM t, t AS u": ["query", "query"],
}


@pytest.mark.parametrize("statement", MERGED)
def test_plain_queries_are_the_tables_that_they_ask(statement):
    query = typed(statement)
    made = merged(query, Compiler(query, None, None).once)
    assert sources(made.body.source) == MERGED[statement]
    assert made.schema.equals(query.schema)
    if "query" in MERGED[statement]:
        assert made.body == query.body


def test_values_and_conditions_of_a_merged_query_take_its_place():
    made = merged(
        typed(
            "SELECT t.m * 2 AS v FROM (SELECT n + 1 AS m, x FROM a WHERE id > 7) AS t "
            "WHERE t.x > 1.5 ORDER BY t.m"
        ),
        lambda use: isinstance(use, QueryUse),
    )
    assert bare(text(made.body.outputs[0].value)) == "((n + 1) * 2)"
    assert bare(text(made.body.where)) == "(x > 1.5 AND id > 7)"
    assert [bare(text(sort.value)) for sort in made.order_by] == ["(n + 1)"]
    assert is_alone(made)
