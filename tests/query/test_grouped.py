"""SELECT with groups as two: one makes the groups, the other calculates with them."""

import pytest

from skyseries.adql.relations import QueryUse
from skyseries.query.grouped import grouped_text, is_plain_group, without_groups
from tests.query.typed import text, typed


@pytest.mark.parametrize(
    ("statement", "plain"),
    [
        ("SELECT kind, COUNT(*) AS c FROM a GROUP BY kind", True),
        ("SELECT COUNT(*) AS c, MAX(n) AS m FROM a", True),
        ("SELECT kind FROM a GROUP BY kind, n", True),
        ("SELECT COUNT(*) + 1 AS c FROM a", False),
        ("SELECT kind || 'x' AS k FROM a GROUP BY kind", False),
        ("SELECT kind FROM a GROUP BY kind HAVING COUNT(*) > 1", False),
        ("SELECT DISTINCT COUNT(*) AS c FROM a GROUP BY kind", False),
        ("SELECT TOP 3 kind FROM a GROUP BY kind", False),
    ],
)
def test_what_is_nothing_but_keys_and_aggregates(statement, plain):
    assert is_plain_group(typed(statement).body) is plain


def test_groups_are_made_inside():
    query = typed(
        "SELECT DISTINCT n * 2 AS twice, MAX(x) + COUNT(*) AS v FROM a, b WHERE a.id = b.id "
        "GROUP BY a.n HAVING MAX(x) > 1.5 ORDER BY v"
        .replace("n * 2", "a.n * 2").replace("MAX(x)", "MAX(a.x)")
    )  # fmt: skip
    outer, order = without_groups(query.body, query.order_by, "#g")
    assert (outer.grouped, outer.keys, outer.having, outer.distinct) == (False, (), None, True)
    assert isinstance(outer.source, QueryUse)
    inner = outer.source.query.body
    values = {output.column.name: text(output.value) for output in inner.outputs}
    assert sorted(values.values()) == ["COUNT(*)", "MAX(a.x)", "a.n"]  # each once
    assert is_plain_group(inner)
    assert inner.where == query.body.where
    assert outer.schema.equals(query.body.schema)
    shown = [text(o.value) for o in outer.outputs] + [text(outer.where)]
    for name, value in values.items():
        shown = [one.replace(f"#g.{name}", value).replace(name, value) for one in shown]
    assert shown == ["(a.n * 2)", "(MAX(a.x) + COUNT(*))", "MAX(a.x) > 1.5"]
    assert [sort.value for sort in order] == [outer.outputs[1].value]


def test_a_group_of_which_nothing_is_asked_is_one_row_still():
    query = typed("SELECT 1 AS one FROM a HAVING 1 = 1")
    outer, _ = without_groups(query.body, (), "#g")
    assert [text(o.value) for o in outer.source.query.body.outputs] == ["COUNT(*)"]


def test_keys_in_queries_are_those_of_the_group():
    query = typed(
        "SELECT n AS k FROM a GROUP BY n HAVING EXISTS (SELECT b.id FROM b WHERE b.id = a.n)"
    )
    outer, _ = without_groups(query.body, (), "#g")
    key = outer.outputs[0].value
    assert outer.where.query.body.where.right == key
    assert key.path[0] == "#g"


def test_text_of_a_group_is_what_duckdb_says():
    import duckdb

    select = typed("SELECT kind, COUNT(*) AS c, SUM(n) AS s, kind AS k FROM a GROUP BY kind").body
    rows = "SELECT * FROM (VALUES ('p', 1), ('p', NULL), (NULL, 5)) AS v(k0, a1)"
    sql = grouped_text(select, ["", "a1"], rows)
    assert sorted(duckdb.sql(sql).fetchall(), key=str) == [("p", 2, 1, "p"), (None, 1, 5, None)]
    assert duckdb.sql(sql).columns == ["r0", "r1", "r2", "r3"]
    none = grouped_text(
        typed("SELECT COUNT(*) AS c, SUM(n) AS s FROM a").body, ["", "a1"], f"{rows} WHERE k0 = 'q'"
    )
    assert duckdb.sql(none).fetchall() == [(0, None)]
