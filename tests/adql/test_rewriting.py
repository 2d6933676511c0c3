"""Walking and changing typed statements, into all the places where expressions are."""

from dataclasses import replace

import pytest

from skyseries.adql.expressions import Column, Constant
from skyseries.adql.rewriting import (
    changed,
    changed_rows,
    expressions,
    free_columns,
    has_subqueries,
    outer_conditions,
    own_expressions,
    subqueries,
)
from skyseries.adql.shown import shown
from skyseries.adql.types import Type
from tests.query.typed import condition, text, typed

EVERYWHERE = (
    "SELECT a.n + 1 AS v, MAX(b.x) AS m FROM a JOIN (SELECT id, x FROM b WHERE n = 2) AS b "
    "ON a.id = b.id AND a.n = 3 WHERE a.n = 4 AND a.id IN (SELECT c.id FROM c WHERE c.n = 5) "
    "GROUP BY a.n HAVING MAX(b.x) > 6.5 ORDER BY a.n + 7"
)


def constants(values):
    """Return the numbers in expressions, but not in the queries in them."""
    found = []
    for value in values:
        found += [value.value] if isinstance(value, Constant) else constants(value.children)
    return sorted(found)


def test_expressions_of_all_clauses_are_found():
    query = typed(EVERYWHERE)
    assert constants(expressions(query)) == [1, 2, 3, 4, 5, 6.5, 7]
    assert constants(own_expressions(query.body)) == [1, 3, 4, 6.5]
    assert constants(own_expressions(query)) == [7]


def test_expressions_of_sets_and_with_are_found():
    query = typed(
        "WITH t AS (SELECT n + 1 AS v FROM a) SELECT v + 2 AS v FROM t UNION SELECT n + 3 FROM b "
        "EXCEPT SELECT n + 4 FROM c ORDER BY v"
    )
    assert constants(expressions(query)) == [1, 2, 3, 4]


def test_conditions_of_outer_joins_at_any_depth():
    query = typed(
        "SELECT a.n FROM a LEFT JOIN b ON a.n = 1 JOIN c ON a.n = 2 RIGHT JOIN "
        "(SELECT a.id FROM a FULL JOIN b ON a.n = 3) AS t ON t.id = 4 "
        "WHERE a.id IN (SELECT a.id FROM a LEFT JOIN b ON a.n = 5)"
    )
    assert constants(outer_conditions(query)) == [1, 3, 4]


def test_queries_in_an_expression_but_not_those_inside_of_them():
    two = condition(
        "a.n = (SELECT MAX(n) FROM b) OR NOT EXISTS (SELECT c.n FROM c WHERE c.n IN "
        "(SELECT d.n FROM d))"
    )
    assert [one.form for one in subqueries(two)] == ["scalar", "exists"]
    assert has_subqueries(two)
    assert not has_subqueries(condition("a.n = 1"))


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("a.n = b.x + 1", ["a.n", "b.x"]),
        ("a.n IN (SELECT u.n FROM c AS u)", ["a.n"]),
        ("EXISTS (SELECT u.n FROM c AS u WHERE u.id = b.id)", ["b.id"]),
        ("EXISTS (SELECT u.n FROM c AS u JOIN d AS v ON u.id = a.id)", ["a.id"]),
        ("EXISTS (SELECT t.n FROM (SELECT n FROM c) AS t WHERE t.n = a.n)", ["a.n"]),
        (
            "EXISTS (SELECT u.n FROM c AS u WHERE u.n IN "
            "(SELECT v.n FROM d AS v WHERE v.id = u.id AND v.x = b.x))",
            ["b.x"],
        ),
    ],
)
def test_free_columns_are_of_what_is_outside(where, wanted):
    assert sorted({text(c) for c in free_columns(condition(where))}) == wanted


def one_more(part):
    """Return numbers as one more."""
    if not isinstance(part, Constant) or not part.type.is_number:
        return None
    return replace(part, value=part.value + 1)


def test_changes_reach_all_clauses():
    made = changed_rows(typed(EVERYWHERE), one_more)
    assert constants(expressions(made)) == [2, 3, 4, 5, 6, 7.5, 8]
    assert made.schema.equals(typed(EVERYWHERE).schema)


def test_what_changes_nothing_gives_the_same():
    query = typed(EVERYWHERE)
    assert changed_rows(query, lambda part: None) == query
    where = query.body.where
    assert changed(where, lambda part: None) == where


def test_a_query_of_with_is_left_as_it_is():
    query = typed("WITH t AS (SELECT n + 1 AS v FROM a) SELECT v + 2 AS v FROM t")
    assert constants(expressions(changed_rows(query, one_more))) == [1, 3]


def test_what_is_put_in_is_not_changed_again():
    number = Constant(1, Type.BIGINT)

    def column(part):
        return part.with_children((part, number)) if shown(part) == "(n + n)" else (
            Column(("#9", "n"), Type.BIGINT) if isinstance(part, Column) else None
        )  # fmt: skip

    assert shown(changed(condition("a.n = 1"), column)) == "n = 1"
    sum_ = changed(
        condition("a.n + b.n = 1").left, lambda e: number if isinstance(e, Column) else None
    )
    assert shown(sum_) == "(1 + 1)"
