"""Typed expressions as text for people."""

import pytest

from skyseries.adql.expressions import Expr
from skyseries.adql.shown import shown
from tests.query.typed import condition, text, typed

SHOWN = {
    "a.n = 3": "a.n = 3",
    "a.n <> b.n": "a.n <> b.n",
    "a.x > 1.5 AND (a.n < 2 OR b.n >= 3)": "(a.x > 1.5 AND (a.n < 2 OR b.n >= 3))",
    "NOT a.n = 3": "NOT a.n = 3",
    "a.n IS NULL": "a.n IS NULL",
    "a.n IS NOT NULL": "NOT a.n IS NULL",
    "a.n IN (1, 2, 3)": "a.n IN (1, 2, 3)",
    "a.n IN (1, 2, 3, 4, 5)": "a.n IN (1, 2, 3, ... 5)",
    "a.kind IN ('p', 'q')": "a.kind IN ('p', 'q')",
    "a.kind = 'it''s'": 'a.kind = "it\'s"',
    "a.kind LIKE 'x%'": "a.kind LIKE 'x%'",
    "a.n + 2 * b.n = 3": "(a.n + (2 * b.n)) = 3",
    "ABS(a.n) = 3": "ABS(a.n) = 3",
    "a.n = (SELECT MAX(n) FROM b)": "a.n = (SELECT ...)",
    "EXISTS (SELECT n FROM b)": "(SELECT ...)",
    "CASE WHEN a.n = 1 THEN 2 ELSE 3 END = 3": "CASE ... END = 3",
    "DISTANCE(a.ra, a.dec, 10, 20) < 0.5": (
        "DISTANCE(POINT(a.ra, a.dec), POINT(10.0, 20.0)) < 0.5"
    ),
}


@pytest.mark.parametrize("where", SHOWN)
def test_conditions_can_be_read(where):
    assert text(condition(where)) == SHOWN[where]


@pytest.mark.parametrize("value", ["COUNT(*)", "MAX(n)", "AVG(x)"])
def test_aggregates_can_be_read(value):
    assert shown(typed(f"SELECT {value} AS v FROM a").body.outputs[0].value) == value  # noqa: S608


def test_a_missing_value_and_something_new_can_be_read():
    assert "NULL" in shown(typed("SELECT COALESCE(n, NULL) AS v FROM a").body.outputs[0].value)
    assert shown(Expr()) == "..."
