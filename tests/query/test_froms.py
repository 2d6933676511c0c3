"""Conditions as far down in FROM as they may go, and no further."""

import pytest

from skyseries import adql
from skyseries.adql.expressions import Compare
from skyseries.query.froms import (
    all_conditions,
    change_conditions,
    distributed,
    from_tree,
    leaves,
    restrictions,
    semijoins,
)
from tests.query.typed import condition, drawn, spread, text, typed

INNER = {
    (
        "a, b",
        "a.id = b.n AND a.x > 1.5 AND b.x < 2.5",
    ): "(a[a.x > 1.5] INNER b[b.x < 2.5] ON a.id = b.n)",
    ("a JOIN b ON a.id = b.id AND a.n = 3", ""): "(a[a.n = 3] INNER b ON a.id = b.id)",
    ("a CROSS JOIN b", "a.x < b.x AND b.n = 3"): "(a INNER b[b.n = 3] ON a.x < b.x)",
    ("a CROSS JOIN b", "NOT (a.n > 2 OR b.n > 3)"): "(a[NOT a.n > 2] INNER b[NOT b.n > 3] ON )",
}
CARRIED = {
    ("a, b", "a.id = b.id AND a.id = 3"): "(a[a.id = 3] INNER b[b.id = 3] ON a.id = b.id)",
    ("a, b", "a.id = b.n AND b.n > 1"): "(a[a.id > 1] INNER b[b.n > 1] ON a.id = b.n)",
    ("a, b", "a.kind = b.kind AND b.kind IN ('p', 'q')"): (
        "(a[a.kind IN ('p', 'q')] INNER b[b.kind IN ('p', 'q')] ON a.kind = b.kind)"
    ),
    ("a, b", "a.id = b.x AND a.id = 3"): "(a[a.id = 3] INNER b ON a.id = b.x)",  # of two types
    ("a, b", "a.id <= b.id AND a.id = 3"): "(a[a.id = 3] INNER b ON a.id <= b.id)",
    ("a, b, c", "a.id = b.id AND b.id = c.id AND a.id = 3"): (
        "((a[a.id = 3] INNER b[b.id = 3] ON a.id = b.id) INNER c[c.id = 3] ON b.id = c.id)"
    ),
    ("(a JOIN b ON a.id = b.id) JOIN (c JOIN d ON c.n = d.n) ON b.id = c.n", "d.n = 3"): (
        "((a[a.id = 3] INNER b[b.id = 3] ON a.id = b.id) INNER "
        "(c[c.n = 3] INNER d[d.n = 3] ON c.n = d.n) ON b.id = c.n)"
    ),
}  # fmt: skip
OUTER = {
    # conditions in ON are of the right side, those in WHERE of the left; ids follow to the right
    ("a LEFT JOIN b ON a.id = b.id AND a.n = 3 AND b.n = 4", "a.x > 0.5"): (
        "(a[a.x > 0.5] LEFT b[b.n = 4] ON a.id = b.id AND a.n = 3)"
    ),
    ("a LEFT JOIN b ON a.id = b.id", "a.id = 3"): "(a[a.id = 3] LEFT b[b.id = 3] ON a.id = b.id)",
    ("a LEFT JOIN b ON a.id = b.id AND a.id = 3", ""): (
        "(a LEFT b[b.id = 3] ON a.id = b.id AND a.id = 3)"
    ),
    ("a LEFT JOIN b ON a.id = b.id AND b.id = 3", ""): "(a LEFT b[b.id = 3] ON a.id = b.id)",
    ("a RIGHT JOIN b ON a.id = b.id AND a.n = 3", "b.n = 4"): (
        "(b[b.n = 4] LEFT a[a.n = 3] ON a.id = b.id)"
    ),
    ("a FULL JOIN b ON a.id = b.id AND a.n = 3", ""): "(a FULL b ON a.id = b.id AND a.n = 3)",
    ("a FULL JOIN (b JOIN c ON b.id = c.id AND c.n = 3) ON a.n = b.n", ""): (
        "(a FULL (b INNER c[c.n = 3] ON b.id = c.id) ON a.n = b.n)"
    ),
    # what is missing does not fulfil them: the join is an inner one
    ("a LEFT JOIN b ON a.id = b.id", "b.n = 3"): "(a INNER b[b.n = 3] ON a.id = b.id)",
    ("a RIGHT JOIN b ON a.id = b.id", "a.n <> 3"): "(b INNER a[a.n <> 3] ON a.id = b.id)",
    ("a LEFT JOIN b ON a.id = b.id", "b.kind LIKE 'x%'"): (
        "(a INNER b[b.kind LIKE 'x%'] ON a.id = b.id)"
    ),
    ("(a LEFT JOIN b ON a.id = b.id) JOIN c ON b.n = c.n", "c.n = 4"): (
        "((a INNER b[b.n = 4] ON a.id = b.id) INNER c[c.n = 4] ON b.n = c.n)"
    ),
    ("a LEFT JOIN (b LEFT JOIN c ON b.id = c.id) ON a.id = b.id AND c.n = 2", ""): (
        "(a LEFT (b INNER c[c.n = 2] ON b.id = c.id) ON a.id = b.id)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("given", [*INNER, *CARRIED, *OUTER], ids=" WHERE ".join)
def test_conditions_are_where_they_belong(given):
    assert spread(*given) == ((INNER | CARRIED | OUTER)[given], "")


@pytest.mark.parametrize(
    ("source", "where", "wanted"),
    [
        ("a LEFT JOIN b ON a.id = b.id", "b.n IS NULL", "(a LEFT b ON a.id = b.id)"),
        ("a LEFT JOIN b ON a.id = b.id", "COALESCE(b.n, 1) = 1", "(a LEFT b ON a.id = b.id)"),
        ("a LEFT JOIN b ON a.id = b.id", "(b.n > 2 OR a.n = 1)", "(a LEFT b ON a.id = b.id)"),
        ("a FULL JOIN b ON a.id = b.id", "a.id = 3", "(a FULL b ON a.id = b.id)"),
        ("a", "1 = 1", "a"),
    ],
)
def test_what_may_be_true_of_missing_rows_is_left(source, where, wanted):
    assert spread(source, where) == (wanted, where)


def test_queries_are_left_and_conditions_with_them():
    tree, rest = spread("a JOIN b ON a.id = b.id", "a.id IN (SELECT c.id FROM c) AND b.n = 3")
    assert tree == "(a INNER b[b.n = 3] ON a.id = b.id)"
    assert rest == "(SELECT ...)"


def test_what_is_inside_keeps_what_it_takes_from_outside():
    query = typed(
        "SELECT a.n FROM a WHERE EXISTS (SELECT b.n FROM b JOIN c ON b.n = a.n WHERE c.n = a.x)"
    ).body.where.query
    tree = from_tree(query.body.source)
    rest = distributed(tree, adql.conjuncts(query.body.where))
    assert [text(one) for one in rest] == ["c.n = a.x"]
    assert drawn(tree) == "(b INNER c ON b.n = a.n)"


def same(pairs):
    return {(text(here), text(there)) for here, there in pairs}


def test_rows_matter_only_with_those_they_join():
    def found(source, where="1 = 1"):
        select = typed(f"SELECT 1 AS one FROM {source} WHERE {where}").body  # noqa: S608
        return same(restrictions(from_tree(select.source), adql.conjuncts(select.where)))

    both = {("a.id", "b.id"), ("b.id", "a.id")}
    assert found("a JOIN b ON a.id = b.id") == both
    assert found("a, b", "a.id = b.id AND a.n < b.n") == both
    assert found("a LEFT JOIN b ON a.id = b.id") == {("b.id", "a.id")}
    assert found("a RIGHT JOIN b ON a.id = b.id") == {("a.id", "b.id")}
    assert found("a FULL JOIN b ON a.id = b.id") == set()
    assert found("a FULL JOIN (b JOIN c ON b.id = c.id) ON a.id = b.id") == {
        ("b.id", "c.id"), ("c.id", "b.id"),
    }  # fmt: skip
    assert found("a JOIN b ON a.id = b.x") == found("a JOIN b ON a.id = b.id OR a.n = 1") == set()


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("a.id IN (SELECT b.n FROM b WHERE b.x > 1.5)", {("a.id", "b.n")}),
        ("EXISTS (SELECT * FROM b WHERE b.id = a.id AND b.x > 1.5)", {("a.id", "b.id")}),
        (
            "a.id IN (SELECT b.n FROM b WHERE b.id = a.n AND b.x > 1.5)",
            {("a.id", "b.n"), ("a.n", "b.id")},
        ),
        ("NOT a.id IN (SELECT b.n FROM b)", set()),
        ("a.id NOT IN (SELECT b.n FROM b)", set()),
        ("a.id = ANY (SELECT b.n FROM b)", set()),
        ("a.id IN (SELECT b.x FROM b)", set()),
        ("a.id IN (SELECT TOP 3 b.n FROM b)", set()),
        ("a.id IN (SELECT b.n FROM b GROUP BY b.n)", set()),
        ("a.id IN (SELECT b.n FROM b UNION SELECT c.n FROM c)", set()),
        ("EXISTS (SELECT * FROM b WHERE b.id > a.id)", set()),
    ],
)
def test_what_is_in_a_query_says_which_rows_matter(where, wanted):
    found = list(semijoins(condition(where, "a")))
    assert same(pair for pair, _ in found) == wanted
    if "x > 1.5" in where:
        assert {text(c) for _, leaf in found for c in leaf.conditions} == {"b.x > 1.5"}


def test_conditions_of_joins_can_be_others():
    select = typed("SELECT 1 AS one FROM a LEFT JOIN (b JOIN c ON b.n = 1) ON a.n = 2").body
    tree = from_tree(select.source)
    change_conditions(tree, lambda e: condition("a.x > 9.5") if isinstance(e, Compare) else None)
    assert [text(one) for one in all_conditions(tree)] == ["a.x > 9.5"] * 2
    assert [leaf.use.id for leaf in leaves(tree)] == ["#0", "#1", "#2"]
