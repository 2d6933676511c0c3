"""What is printed is read as the same tree, with no more parentheses than it needs."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given

from skyseries.adql import PYTHON, STRICT, parse, tree
from skyseries.adql.parser import parse_expression
from skyseries.adql.printing import identifier, identifiers
from skyseries.adql.statements import parse_statement
from tests.adql.trees import AT, Trees, named, queries
from tests.examples import examples


def nodes(node):
    found = [node]
    for current in found:
        found.extend(tree.children(current))
    return found


@given(query=queries())
@examples(1.5)
def test_a_statement_is_read_as_it_was_printed(query):
    text = str(query)
    for dialect in (STRICT, PYTHON):
        found = parse_statement(text, dialect)
        assert found == query
        assert str(found) == text


@given(query=queries(python=True))
@examples(1.0)
def test_a_statement_of_the_python_dialect_too(query):
    found = parse_statement(str(query), PYTHON)
    assert found == query
    literals = [node.value for node in nodes(query) if isinstance(node, tree.Literal)]
    again = [node.value for node in nodes(found) if isinstance(node, tree.Literal)]
    assert list(map(type, literals)) == list(map(type, again))  # 1 == True == Decimal(1)


def test_every_kind_of_node_is_in_the_random_trees():
    seen = {
        type(node)
        for seed in range(100)
        for node in nodes(Trees(Random(seed), python=True).query(2, whole=True))
    }
    kinds = {kind for kind in vars(tree).values() if isinstance(kind, type)}
    kinds = {kind for kind in kinds if issubclass(kind, tree.Placed)} - {tree.Placed, tree.Name}
    assert seen == kinds


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("((a + b)) * c", "(a + b) * c"),
        ("a - (b - c) - (d * e)", "a - (b - c) - d * e"),
        ("(a * b) / (c / d)", "a * b / (c / d)"),
        ("-(a + b) + -(-c)", "-(a + b) + -(-c)"),
        ("(a || b) || (c || (d + e))", "a || b || (c || d + e)"),
        ("((a = 1) AND (b = 1)) OR c = 1", "a = 1 AND b = 1 OR c = 1"),
        ("(a = 1 OR b = 1) AND NOT (c = 1)", "(a = 1 OR b = 1) AND NOT c = 1"),
        ("(a = 1 AND b = 1) AND c = 1", "(a = 1 AND b = 1) AND c = 1"),
        ("NOT (a = 1 AND b = 1)", "NOT (a = 1 AND b = 1)"),
        ("a not between (b) and (c + 1)", "a NOT BETWEEN b AND c + 1"),
        ("a != 1", "a <> 1"),
        ("\"a\" is not null", '"a" IS NOT NULL'),
        ("'it''s' ilike \"a\"\"b\"", "'it''s' ILIKE \"a\"\"b\""),
        ("1. + .5 + 1e3 + 7", "1.0 + 0.5 + 1E+3 + 7"),
        ("count( distinct a ) + count(*)", "count(DISTINCT a) + count(*)"),
        ("cast(a as double\nprecision)", "CAST(a AS DOUBLE PRECISION)"),
        ("cast(a as char(3))", "CAST(a AS CHAR(3))"),
        ("case a when 1 then (2) else (3) end", "CASE a WHEN 1 THEN 2 ELSE 3 END"),
        ("case when (a = 1) then b end", "CASE WHEN a = 1 THEN b END"),
        ("s.t . a", "s.t.a"),
    ],
)  # fmt: skip
def test_expressions(text, printed):
    assert str(parse_expression(text, STRICT)) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("select all a x from t", "SELECT a AS x FROM t"),
        ("select distinct top 3 a as size, t.*, * from s.t u",
         "SELECT DISTINCT TOP 3 a AS size, t.*, * FROM s.t AS u"),
        ("select a from t inner join u on a = b left outer join v using (c, \"d\")",
         'SELECT a FROM t JOIN u ON a = b LEFT JOIN v USING (c, "d")'),
        ("select a from t natural full join (u join v using (x)), w",
         "SELECT a FROM t NATURAL FULL JOIN (u JOIN v USING (x)), w"),
        ("select a from (t join u using (x)) join v using (y)",
         "SELECT a FROM t JOIN u USING (x) JOIN v USING (y)"),
        ("select a from t join u join v on a = b on c = d",
         "SELECT a FROM t JOIN (u JOIN v ON a = b) ON c = d"),
        ("select a from (t join u using (x)) as q",
         "SELECT a FROM (SELECT * FROM t JOIN u USING (x)) AS q"),
        ("select a from t order by 1 asc, b desc offset 7",
         "SELECT a FROM t ORDER BY 1, b DESC OFFSET 7"),
        ("select a from t group by b, c + 1 having count(*) > 1",
         "SELECT a FROM t GROUP BY b, c + 1 HAVING count(*) > 1"),
        ("((select a from t))", "SELECT a FROM t"),
        ("(select a from t) order by a", "(SELECT a FROM t) ORDER BY a"),
        ("(select a from t union select a from u) order by a",
         "SELECT a FROM t UNION SELECT a FROM u ORDER BY a"),
        ("(select a from t order by a) order by b", "(SELECT a FROM t ORDER BY a) ORDER BY b"),
        ("(select a from t) union all (select a from u order by 1) except select a from v",
         "SELECT a FROM t UNION ALL (SELECT a FROM u ORDER BY 1) EXCEPT SELECT a FROM v"),
        ("select a from t union (select a from u except select a from v)",
         "SELECT a FROM t UNION (SELECT a FROM u EXCEPT SELECT a FROM v)"),
        ("select a from t union (select a from u intersect select a from v)",
         "SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT a FROM v"),
        ("(select a from t union select a from u) intersect all select a from v",
         "(SELECT a FROM t UNION SELECT a FROM u) INTERSECT ALL SELECT a FROM v"),
        ("with x as (select a from t), y as (select b from x) select * from y",
         "WITH x AS (SELECT a FROM t), y AS (SELECT b FROM x) SELECT * FROM y"),
        ("select (select max(a) from u) m from t where b in ((select c from v))",
         "SELECT (SELECT max(a) FROM u) AS m FROM t WHERE b IN (SELECT c FROM v)"),
        ("select a from t where exists (select 1 from u) and d < some (select e from w)",
         "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u) AND d < ANY (SELECT e FROM w)"),
        ("select a from t where f >= all ((select g from w) except (select h from w))",
         "SELECT a FROM t WHERE f >= ALL (SELECT g FROM w EXCEPT SELECT h FROM w)"),
        ("select a from t where b in ((select c from v), (select 1 + d from v) + 1)",
         "SELECT a FROM t WHERE b IN ((SELECT c FROM v), (SELECT 1 + d FROM v) + 1)"),
    ],
)  # fmt: skip
def test_statements(text, printed):
    assert str(parse(text)) == printed


def test_names_of_trees_that_no_text_gave_are_quoted_where_they_must_be():
    for text, printed in [("a b", '"a b"'), ("1a", '"1a"'), ("order", '"order"'), ("a", "a")]:
        assert str(tree.ColumnRef((named(text),), position=AT)) == printed
    assert str(tree.Literal(Decimal(3), position=AT)) == "3.0"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("mag", "mag"), ("Size", '"Size"'), ("first", '"first"'), ("_id", '"_id"'),
        ("2mass", '"2mass"'), ("Größe", '"Größe"'), ('a"b', '"a""b"'), ("a b", '"a b"'),
    ],
)  # fmt: skip
def test_names_are_written_as_strict_statements_need_them(name, written):
    assert identifier(name) == written
    [part] = parse_expression(written, STRICT).parts
    assert part.text == name


def test_columns_that_differ_by_case_only_stand_in_quotes():
    assert identifiers(["a", "flux", "Flux"]) == {"a": "a", "flux": '"flux"', "Flux": '"Flux"'}
