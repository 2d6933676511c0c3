"""Which texts are statements, production by production, and what they mean."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries import adql
from skyseries.adql import PYTHON, STRICT, parse, tree
from skyseries.adql.statements import parse_statement
from skyseries.errors import InputError, QueryError
from tests.adql.test_parser import HOLES
from tests.examples import examples

VALID = {
    "select_query": [
        "SELECT a FROM t",
        "SELECT * FROM t",
        "SELECT *, a FROM t",
        "SELECT t.*, s.t.* FROM s.t",
        "SELECT c.s.t.* FROM c.s.t",
        '"a"."b"',
        "SELECT DISTINCT a FROM t",
        "SELECT ALL a FROM t",
        "SELECT ALL(a) FROM t",
        "SELECT TOP 0 a FROM t",
        "SELECT DISTINCT TOP 4* FROM t",
        "SELECT 1 FROM t",
        "SELECT NULL FROM t",
        "SELECT a FROM t;",
        "select A From T",
        "SELECT a FROM t -- done",
        "SELECT--\na--b\nFROM t",
        "SELECT 2.5E0x FROM t",
    ],
    "as_clause": [
        "SELECT a AS b FROM t",
        "SELECT a b FROM t",
        'SELECT a "b c" FROM t',
        'SELECT a"b"FROM t',
        "SELECT 89x FROM t",
        "SELECT a AS distance FROM t",
        "SELECT a AS size, b AS date FROM t",
        "SELECT a AS distance FROM t ORDER BY distance DESC, distance + 1",
        "SELECT a AS level, COUNT(*) FROM t GROUP BY level ORDER BY level",
        "SELECT a AS size FROM t UNION SELECT a FROM u ORDER BY Size",
    ],
    "from_clause": [
        "SELECT a FROM t, u AS v, s.w x, c.s.y",
        "SELECT a FROM (SELECT b FROM t) AS q",
        "SELECT a FROM (SELECT b FROM t) q, u",
        "SELECT a FROM ((SELECT b FROM t)) AS q",
        "SELECT a FROM ((SELECT b FROM t) UNION (SELECT b FROM u)) AS q",
        "SELECT a FROM ((SELECT b FROM t) AS q JOIN u USING (b))",
    ],
    "joined_table": [
        "SELECT a FROM t JOIN u ON t.b = u.b",
        'SELECT a FROM t INNER JOIN u USING (b, "c")',
        "SELECT a FROM t LEFT JOIN u ON b = c LEFT OUTER JOIN v ON d = e",
        "SELECT a FROM t RIGHT JOIN u USING (b) RIGHT OUTER JOIN v USING (c)",
        "SELECT a FROM t FULL JOIN u USING (b) FULL OUTER JOIN v USING (c)",
        "SELECT a FROM t NATURAL JOIN u",
        "SELECT a FROM t NATURAL INNER JOIN u NATURAL JOIN v",
        "SELECT a FROM t NATURAL LEFT OUTER JOIN u",
        "SELECT a FROM t NATURAL FULL JOIN u",
        "SELECT a FROM (t JOIN u USING (b))",
        "SELECT a FROM ((t JOIN u USING (b))) JOIN v USING (b)",
        "SELECT a FROM t JOIN (u JOIN v ON b = c) ON d = e",
        "SELECT a FROM t JOIN u",
        "SELECT a FROM t INNER JOIN (u JOIN v)",
        "SELECT a FROM t JOIN u JOIN v ON b = c ON d = e",
        "SELECT a FROM t INNER JOIN u INNER JOIN v ON b = c ON d = e",
        "SELECT a FROM t LEFT JOIN u",
        "SELECT a FROM (t JOIN u USING (b)) AS q",
        "SELECT a FROM t JOIN u ON (b = c) AND d < 3, v",
        "SELECT a FROM t AS x JOIN t AS y ON DISTANCE(x.ra, x.dec, y.ra, y.dec) < 0.1",
    ],
    "where_clause": [
        "SELECT a FROM t WHERE b = 1",
        "SELECT a FROM t WHERE NOT (b = 1 OR c < 2) AND d IS NULL",
        "SELECT a FROM t WHERE b > 10AND c < 5",
    ],
    "group_by_clause": [
        "SELECT a FROM t GROUP BY a",
        "SELECT a FROM t GROUP BY t.a, b + 1, ROUND(c), 2",
        "SELECT COUNT(*) FROM t HAVING COUNT(*) > 3",
        "SELECT a FROM t GROUP BY a HAVING MAX(b) = 1",
        "SELECT a FROM t WHERE b = 1 GROUP BY a HAVING AVG(b + 1) > 2 ORDER BY a OFFSET 1",
    ],
    "order_by_clause": [
        "SELECT a FROM t ORDER BY a",
        "SELECT a FROM t ORDER BY t.a ASC, 2 DESC, b * 2, ABS(c) DESC",
        "SELECT a FROM t ORDER BY 2desc",
        'SELECT a FROM t ORDER BY "a"',
    ],
    "offset_clause": ["SELECT a FROM t OFFSET 0", "SELECT TOP 3 a FROM t ORDER BY a OFFSET 10"],
    "subquery": [
        "SELECT a FROM t WHERE b IN (SELECT c FROM u)",
        "SELECT a FROM t WHERE b NOT IN (SELECT c FROM u)",
        "SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.b = t.b)",
        "SELECT a FROM t WHERE NOT EXISTS (SELECT TOP 1 b FROM u ORDER BY b OFFSET 2)",
        "SELECT a FROM t WHERE b IN ((SELECT c FROM u) UNION SELECT c FROM v ORDER BY 1)",
    ],
    "extensions": [
        "SELECT a, (SELECT MAX(b) FROM u) FROM t",
        "SELECT a FROM t WHERE b > (SELECT AVG(b) FROM t)",
        "SELECT a FROM t WHERE (SELECT COUNT(*) FROM u) + 1 > b",
        "SELECT a FROM t WHERE b = ANY (SELECT c FROM u)",
        "SELECT a FROM t WHERE b <> SOME (SELECT c FROM u) OR d >= ALL (SELECT e FROM u)",
        "SELECT CASE WHEN a < 1 THEN 'x' ELSE 'y' END AS b FROM t",
        "SELECT CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 END FROM t ORDER BY CASE WHEN a = 1 THEN 2 END",
        "SELECT a FROM t WHERE b IN ((SELECT MAX(c) FROM u), 3)",
    ],
    "with_clause": [
        "WITH x AS (SELECT a FROM t) SELECT * FROM x",
        'WITH x AS (SELECT a FROM t ORDER BY a), "y" AS (SELECT a FROM x) SELECT a FROM "y"',
        "WITH x AS ((SELECT a FROM t) EXCEPT SELECT b FROM u) (SELECT * FROM x) ORDER BY 1",
    ],
    "query_set_expression": [
        "SELECT a FROM t UNION SELECT b FROM u",
        "SELECT a FROM t UNION ALL SELECT b FROM u",
        "SELECT a FROM t EXCEPT SELECT b FROM u EXCEPT ALL SELECT c FROM v ORDER BY a",
        "SELECT a FROM t INTERSECT SELECT b FROM u INTERSECT ALL (SELECT c FROM v)",
        "(SELECT a FROM t)",
        "(SELECT TOP 3 a FROM t ORDER BY a) UNION (SELECT b FROM u OFFSET 2)",
    ],
    "geometry": [
        "SELECT POINT(a, b), POINT('ICRS', a, b), CIRCLE(a, b, 1), CIRCLE(POINT(a, b), 1) FROM t",
        "SELECT CIRCLE('', a, b, 1), CIRCLE('ICRS', POINT(a, b), 1), CIRCLE(t.p, 1) FROM t",
        "SELECT BOX(a, b, 1, 2), BOX(POINT(a, b), 1, 2), BOX('ICRS', a, b, 1, 2) FROM t",
        "SELECT POLYGON(1, 2, 3, 4, 5, 6), POLYGON('', 1, 2, 3, 4, 5, 6, 7, 8) FROM t",
        "SELECT POLYGON(p, q, CENTROID(r)), POLYGON('ICRS', POINT(1, 2), p, q, r) FROM t",
        "SELECT REGION('circle 1 2 3'), CENTROID(c), AREA(c), COORD1(p), COORD2(p) FROM t",
        "SELECT COORDSYS(p), DISTANCE(p, q), DISTANCE(a, b, 1, 2) FROM t",
        "SELECT a FROM t WHERE 1 = CONTAINS(p, c) AND INTERSECTS(c, REGION('x')) = 0",
    ],
    "functions": [
        "SELECT PI(), RAND(), RAND(3), ROUND(a), ROUND(a, -2), TRUNCATE(a, 2), MOD(a, b) FROM t",
        "SELECT COUNT(*), COUNT(a), COUNT(DISTINCT a), SUM(ALL a) FROM t",
        "SELECT COALESCE(a) FROM t",
        "SELECT IN_UNIT(a, 'deg'), LOWER(a), UPPER(a) FROM t",
        "SELECT ivo_anything(1, 'x') FROM t",
        "SELECT scisql_nanojanskyToAbMag(a), ivo_string_agg(b, ',') FROM t",
    ],
    "character_string_literal": ["SELECT 'a'\n'b' FROM t", "SELECT 'it''s' FROM t"],
}
VALID["select_query"] = [
    text for text in VALID["select_query"] if text.upper().startswith("SELECT")
]

INVALID = [
    "", ";", "a", "SELECT", "SELECT a", "SELECT FROM t", "SELECT a FROM", "SELECT a, FROM t",
    "SELECT , a FROM t",
    "SELECT a b c FROM t", "SELECT a AS FROM t", "SELECT a AS b c FROM t",
    "SELECT a distance FROM t",
    "SELECT a AS 1 FROM t", "SELECT a AS 'b' FROM t", "SELECT a AS and FROM t",
    "SELECT distance FROM t",
    "SELECT DISTINCT ALL a FROM t", "SELECT TOP a FROM t", "SELECT TOP -1 a FROM t",
    "SELECT TOP 1.5 a FROM t",
    "SELECT TOP 5 DISTINCT a FROM t", "SELECT TOP 5, a FROM t",
    "SELECT TOP 99999999999999999999 a FROM t",
    "SELECT a = 1 FROM t", "SELECT a b.c FROM t", "SELECT t.* x FROM t", "SELECT *.a FROM t",
    "SELECT .* FROM t",
    "SELECT a FROM t;;", "SELECT a FROM t; SELECT b FROM u", "SELECT a FROM t)", "(SELECT a FROM t",
    "SELECT a FROM t u v", "SELECT a FROM t,", "SELECT a FROM , t", "SELECT a FROM distinct",
    "SELECT a FROM 't'",
    "SELECT a FROM a.b.c.d", "SELECT a.b.c.d.e FROM t", "SELECT a FROM t AS distance",
    "SELECT a FROM t.",
    "SELECT a FROM (SELECT b FROM t)", "SELECT a FROM (t)", "SELECT a FROM (t, u)",
    "SELECT a FROM (t) AS q",
    "SELECT a FROM (t JOIN u", "SELECT a FROM ()", "SELECT a FROM (SELECT b FROM t) AS",
    "SELECT a FROM t JOIN", "SELECT a FROM t LEFT u", "SELECT a FROM t OUTER JOIN u",
    "SELECT a FROM t INNER OUTER JOIN u",
    "SELECT a FROM t INNER JOIN u", "SELECT a FROM t JOIN u ON", "SELECT a FROM t JOIN u ON b",
    "SELECT a FROM t, u ON b = c",
    "SELECT a FROM t JOIN u USING b", "SELECT a FROM t JOIN u USING ()",
    "SELECT a FROM t JOIN u USING (t.b)",
    "SELECT a FROM t NATURAL JOIN u ON b = c", "SELECT a FROM t NATURAL JOIN u USING (b)",
    "SELECT a FROM t NATURAL u",
    "SELECT a FROM t JOIN u ON b = c ON d = e", "SELECT a FROM t JOIN u ON b = c USING (b)",
    "SELECT a FROM t CROSS JOIN u",
    "SELECT a FROM t WHERE", "SELECT a FROM t WHERE b", "SELECT a FROM t WHERE b = 1 WHERE c = 2",
    "SELECT a FROM t GROUP a", "SELECT a FROM t GROUP BY", "SELECT a FROM t GROUP BY a,",
    "SELECT a FROM t GROUP BY *",
    "SELECT a FROM t HAVING", "SELECT a FROM t HAVING b = 1 GROUP BY a",
    "SELECT a FROM t GROUP BY a WHERE b = 1",
    "SELECT a FROM t ORDER a", "SELECT a FROM t ORDER BY", "SELECT a FROM t ORDER BY a DESC ASC",
    "SELECT a FROM t ORDER BY a NULLS LAST",
    "SELECT a FROM t ORDER BY distance",
    "SELECT a FROM (SELECT b AS distance FROM t) AS q ORDER BY distance",
    "SELECT a FROM t OFFSET", "SELECT a FROM t OFFSET -1", "SELECT a FROM t OFFSET 1.5",
    "SELECT a FROM t OFFSET 1 ORDER BY a",
    "SELECT a FROM t LIMIT 5", "SELECT a FROM t WHERE b IN SELECT c FROM u",
    "SELECT a FROM t WHERE b IN (SELECT c FROM u, 1)",
    "SELECT a FROM t WHERE EXISTS u", "SELECT a FROM t WHERE EXISTS (u)",
    "SELECT a FROM t WHERE EXISTS ()",
    "SELECT a FROM t WHERE b = SELECT c FROM u", "SELECT a FROM t WHERE b = ANY (1, 2)",
    "SELECT a FROM t WHERE ANY (SELECT c FROM u) = b",
    "SELECT a FROM t WHERE b IN (WITH x AS (SELECT c FROM u) SELECT c FROM x)",
    "WITH x SELECT a FROM x", "WITH x AS SELECT a FROM t SELECT a FROM x",
    "WITH x AS (SELECT a FROM t)", "WITH x AS (SELECT a FROM t), SELECT a FROM x",
    "WITH x(a) AS (SELECT a FROM t) SELECT a FROM x",
    "WITH x AS (WITH y AS (SELECT a FROM t) SELECT a FROM y) SELECT a FROM x",
    "WITH distance AS (SELECT a FROM t) SELECT a FROM t",
    "SELECT a FROM t UNION", "UNION SELECT a FROM t",
    "SELECT a FROM t UNION DISTINCT SELECT b FROM u", "SELECT a FROM t UNION u",
    "SELECT a FROM t ORDER BY a UNION SELECT b FROM u",
    "SELECT a FROM t UNION WITH x AS (SELECT a FROM t) SELECT a FROM x",
    "SELECT POINT(1, 2) + 1 FROM t", "SELECT 'a' || CIRCLE(1, 2, 3) FROM t",
    "SELECT -BOX(1, 2, 3, 4) FROM t",
    "SELECT POINT(1) FROM t", "SELECT POINT('', 1) FROM t", "SELECT CIRCLE(1, 2) FROM t",
    "SELECT CIRCLE('ICRS', 1, 2) FROM t",
    "SELECT BOX(1, 2, 3) FROM t", "SELECT POLYGON(1, 2, 3, 4) FROM t",
    "SELECT POLYGON(1, 2, 3, 4, 5, 6, 7) FROM t",
    "SELECT DISTANCE(a, b, c) FROM t", "SELECT CONTAINS(a) FROM t", "SELECT AREA() FROM t",
    "SELECT a FROM t WHERE CONTAINS(p, c)",
    "SELECT ABS() FROM t", "SELECT ABS(a, b) FROM t", "SELECT PI(1) FROM t",
    "SELECT COALESCE() FROM t", "SELECT SUM(*) FROM t",
    "SELECT f(a) FROM t", "SELECT my_function(a) FROM t", "SELECT NULLIF(a, 1) FROM t",
    "SELECT SUBSTRING(a, 1) FROM t",
    "SELECT 'a' 'b' FROM t", "SELECT a FROM t WHERE b == 1", "SELECT 0x1F FROM t",
    "SELECT TRUE FROM t", "SELECT TRY_CAST(a AS REAL) FROM t",
    "INSERT INTO t SELECT a FROM u", "DROP TABLE t", "SELECT a INTO u FROM t",
    "SELECT a FROM t /* b */", "VALUES (1)", "SELECT a FROM [t]",
]  # fmt: skip

ONLY_PYTHON = [
    "SELECT a > 1 AS bright, b IS NULL FROM t", "SELECT TRUE FROM t", "SELECT a FROM t WHERE b",
    "SELECT a FROM t CROSS JOIN u", "SELECT NULLIF(a, 1) FROM t", "SELECT 0x1F FROM t",
    "SELECT TRY_CAST(a AS REAL) FROM t", "SELECT _a FROM _t", "SELECT f(a) FROM t",
    "SELECT a FROM (WITH x AS (SELECT a FROM t) SELECT a FROM x) AS q",
    "SELECT a FROM t WHERE b == 1",
    "SELECT t.size FROM s.table AS t", "SELECT POINT(1) FROM t",
]  # fmt: skip


@pytest.mark.parametrize(
    "text", [text for production in VALID.values() for text in production], ids=lambda t: t[:60]
)
def test_valid(text):
    found = parse(text)
    assert isinstance(found, tree.Query)
    assert parse(str(found)) == found
    if not re.search(r"\d[a-z]|\n'", text):
        assert parse(text, "python") == found


@pytest.mark.parametrize("text", INVALID, ids=lambda text: text[:60])
def test_invalid(text):
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.line is not None
    assert adql.pointer(text, caught.value).endswith("^")


@pytest.mark.parametrize("text", ONLY_PYTHON, ids=lambda text: text[:60])
def test_kindnesses(text):
    parse(text, "python")
    with pytest.raises(QueryError):
        parse(text)


def test_a_cross_join_has_no_condition():
    with pytest.raises(QueryError, match="ON stands after the tables of a JOIN"):
        parse("SELECT a FROM t CROSS JOIN u ON a = b", "python")


def test_known_columns_may_be_reserved_words_in_the_python_dialect():
    names = {"size", "Date", "select"}
    found = parse(
        "SELECT size, date AS d FROM t WHERE select > 3 AND (select < 4)", "python", names=names
    )
    assert found.body.items[0].value.parts[0].text == "size"
    with pytest.raises(QueryError, match="reserved word"):
        parse("SELECT size FROM t", names=names)


def test_the_functions_that_there_are_can_be_given():
    parse("SELECT Mine(a) FROM t", functions={"mine"})
    with pytest.raises(
        QueryError, match=r"^no function scisql_nanojanskyToAbMag \(line 1, column 8\)$"
    ):
        parse("SELECT scisql_nanojanskyToAbMag(a) FROM t", functions={"mine"})
    with pytest.raises(QueryError, match=r"^no functions foo, bar \(line 1, column 8\)$"):
        parse("SELECT foo(a), ABS(b), bar(foo(c)) FROM t")
    parse_statement("SELECT foo(a), ABS() FROM t")  # looked up later


def test_an_unknown_dialect_and_what_is_no_text():
    with pytest.raises(InputError, match="a dialect is 'adql' or 'python', not 'sql'"):
        parse("SELECT a FROM t", "sql")
    with pytest.raises(QueryError, match="not int"):
        parse(3)


def rows(query):
    """Write which rows are combined, with all parentheses."""
    if isinstance(query, tree.Query):
        return rows(query.body)
    if isinstance(query, tree.Combination):
        return f"({rows(query.left)} {query.operator} {rows(query.right)})"
    return query.sources[0].parts[0].text


def tables(source):
    if isinstance(source, tree.Join):
        return f"({tables(source.left)} {source.kind} {tables(source.right)} {source.on or ''})"
    return source.parts[0].text


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("{t} UNION {u} INTERSECT {v}", "(t UNION (u INTERSECT v))"),
        ("{t} INTERSECT {u} UNION {v}", "((t INTERSECT u) UNION v)"),
        ("{t} EXCEPT {u} UNION {v}", "((t EXCEPT u) UNION v)"),
        ("{t} UNION {u} EXCEPT {v} INTERSECT {w} UNION {x}",
         "(((t UNION u) EXCEPT (v INTERSECT w)) UNION x)"),
        ("{t} EXCEPT ({u} UNION {v})", "(t EXCEPT (u UNION v))"),
        ("({t} UNION {u}) INTERSECT {v}", "((t UNION u) INTERSECT v)"),
    ],
)  # fmt: skip
def test_precedence_of_sets(text, meaning):
    text = re.sub(r"\{(\w)\}", r"SELECT a FROM \1", text)
    assert rows(parse(text)) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("t JOIN u ON a = b LEFT JOIN v ON c = d", "((t INNER u a = b) LEFT v c = d)"),
        ("t JOIN (u FULL JOIN v ON a = b) ON c = d", "(t INNER (u FULL v a = b) c = d)"),
        ("t LEFT JOIN u JOIN v ON a = b ON c = d", "(t LEFT (u INNER v a = b) c = d)"),
        ("t JOIN u RIGHT JOIN v JOIN w ON a = b ON c = d ON e = f",
         "(t INNER (u RIGHT (v INNER w a = b) c = d) e = f)"),
        ("t JOIN u JOIN v ON a = b", "((t INNER u ) INNER v a = b)"),
    ],
)  # fmt: skip
def test_order_of_joins(text, meaning):
    assert tables(parse(f"SELECT x FROM {text}").body.sources[0]) == meaning  # noqa: S608


def test_top_in_parentheses_comes_before_the_order_outside():
    inside = parse("(SELECT TOP 3 a FROM t) ORDER BY a")
    assert isinstance(inside.body, tree.Query)
    assert inside != parse("SELECT TOP 3 a FROM t ORDER BY a")
    assert parse("((SELECT TOP 3 a FROM t ORDER BY a))") == parse(
        "SELECT TOP 3 a FROM t ORDER BY a"
    )


def test_the_parts_of_a_statement():
    query = parse(
        "WITH w AS (SELECT 1 FROM x) SELECT DISTINCT TOP 7 a AS size, t.* FROM s.t AS t, w"
        " WHERE a > 1 GROUP BY a HAVING COUNT(*) > 2 ORDER BY size DESC, 2 OFFSET 4"
    )
    select = query.body
    assert [named.name.text for named in query.named] == ["w"]
    assert (select.distinct, select.top, query.offset) == (True, 7, 4)
    assert str(select.items[0]) == "a AS size"
    assert str(select.items[1]) == "t.*"
    assert [str(source) for source in select.sources] == ["s.t AS t", "w"]
    assert [str(part) for part in (select.where, *select.group_by, select.having)] == [
        "a > 1", "a", "COUNT(*) > 2",
    ]  # fmt: skip
    assert [(str(order.value), order.descending) for order in query.order_by] == [
        ("size", True), ("2", False),
    ]  # fmt: skip
    assert query.order_by[0].value.parts[0].delimited is False


def test_places_point_into_the_text():
    query = parse("SELECT a,\n  b + c AS d\nFROM t JOIN u\n  ON a = 1")
    addition, join = query.body.items[1].value, query.body.sources[0]
    assert addition.position == (2, 5)
    assert join.position == (3, 8)
    assert join.on.position == (4, 8)


DEEP = {
    "queries in FROM": ("", "SELECT a FROM (", "SELECT a FROM t", ") AS q"),
    "queries in IN": ("", "SELECT a FROM t WHERE b IN (", "SELECT a FROM t", ")"),
    "queries as values": ("", "SELECT (", "SELECT a FROM t", ") FROM t"),
    "queries in EXISTS": ("", "SELECT a FROM t WHERE EXISTS (", "SELECT a FROM t", ")"),
    "queries in parentheses": ("", "(", "SELECT a FROM t", ")"),
    "queries in WITH": ("", "WITH x AS (", "SELECT a FROM t", ") SELECT a FROM x"),
    "tables in parentheses": ("SELECT a FROM ", "(", "t JOIN u", ")"),
    "CASE": ("SELECT a FROM t WHERE b = ", "CASE WHEN a = ", "1", " THEN 2 END"),
    "calls": ("SELECT a FROM t WHERE b = ", "ABS(", "1", ")"),
    "values in parentheses": ("SELECT a FROM t WHERE b = ", "(", "1", ")"),
    "conditions in parentheses": ("SELECT a FROM t WHERE ", "NOT (", "b = 1", ")"),
}


@pytest.mark.parametrize(("start", "before", "inside", "after"), DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("dialect", ["adql", "python"])
def test_depth_is_limited_by_an_error(start, before, inside, after, dialect):
    for times in (150, 3000):
        with pytest.raises(QueryError, match=r"too deeply|has WITH at the beginning"):
            parse(start + before * times + inside + after * times, dialect)


def test_long_chains_are_limited_and_long_lists_are_not():
    for chain in (" UNION SELECT a FROM t", " JOIN t USING (a)"):
        parse("SELECT a FROM t" + chain * 90)
        with pytest.raises(QueryError, match="too deeply"):
            parse("SELECT a FROM t" + chain * 1000)
    ids = ", ".join(map(str, range(20_000)))
    assert len(parse(f"SELECT a FROM t WHERE b IN ({ids})").body.where.values) == 20_000  # noqa: S608
    parse("SELECT " + "a, " * 2000 + "a FROM " + "t, " * 2000 + "t")


def test_queries_that_are_made_of_one_another_are_limited():
    def made(number):
        named = [f"c{i} AS (SELECT * FROM {f'c{i - 1}' if i else 't'})" for i in range(number)]  # noqa: S608
        return f"WITH {', '.join(named)} SELECT * FROM c{number - 1}"  # noqa: S608

    assert len(parse(made(90)).named) == 90
    with pytest.raises(QueryError, match="too deeply"):
        parse(made(1_000))


def test_twenty_queries_inside_of_one_another_are_read():
    text = "SELECT a FROM t"
    for _ in range(20):
        text = f"SELECT a FROM t WHERE b IN ({text})"  # noqa: S608
    assert parse(str(parse(text))) == parse(text)


SOUP = """SELECT FROM WHERE GROUP BY HAVING ORDER OFFSET TOP DISTINCT AS JOIN LEFT NATURAL ON USING
UNION INTERSECT EXCEPT WITH IN EXISTS NOT AND CASE WHEN THEN END ANY COUNT POINT distance a t "q"
'x' 1 2.5 ( ) ( SELECT a FROM t ) , . * + = ;"""


@given(st.lists(st.sampled_from(SOUP.split()), max_size=25), st.booleans())
@examples(1.5)
def test_any_tokens_give_a_tree_or_a_query_error(words, begun):
    text = " ".join([*["SELECT a FROM t"] * begun, *words])
    for dialect in ("adql", "python"):
        column, query = 1, None
        try:
            query = parse(text, dialect)
        except QueryError as error:
            column = error.column
        assert column is not None
        assert query is None or parse(str(query), dialect) == query


def test_the_tutorials_of_rubin(shared_data):
    path = shared_data / "adql" / "rubin_tutorial_queries.json"
    if not path.is_file():
        pytest.skip("the Rubin tutorial queries are not there")
    texts = [entry["query"] for entry in json.loads(path.read_text())]
    for text in texts:
        for hole, filling in HOLES:
            text = re.sub(hole, filling, text)
        query = parse(text)
        assert parse(str(query)) == query
        assert parse(text, "python") == query
    assert len(texts) > 150


def test_strict_and_python_are_the_two_dialects():
    assert parse_statement("SELECT a FROM t", STRICT) == parse_statement("SELECT a FROM t", PYTHON)
