"""Random statements: the right rows, however little the catalog knows, however they are written."""

from __future__ import annotations

import collections

import pytest

import skyseries as sky
from skyseries import adql
from skyseries.adql.aggregates import AGGREGATE_TABLE
from skyseries.adql.functions import FUNCTIONS
from tests.query.checks import Checks
from tests.query.random_queries import Statements, names_in
from tests.query.world import ANCHORS

SEEDS = range(300)
FOUND: list[int] = []
"""Seeds that once found a fault."""


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    with sky.executor("serial"):
        yield Checks(tmp_path_factory.mktemp("worlds"))


@pytest.mark.parametrize("first", range(0, 300, 30))
def test_random_statements(checks, first):
    tried, filled = checks.tried, checks.filled
    for seed in SEEDS[first : first + 30]:
        checks.seed(seed)
    assert checks.filled - filled >= 0.3 * (checks.tried - tried)


def test_seeds_that_once_found_a_fault(checks):
    for seed in FOUND:
        checks.seed(seed)


def test_all_of_the_language_occurs():
    """In the 20,000 statements each function 20 times: in so many at least once."""
    counts = collections.Counter()
    for seed in range(1000):
        made = Statements(seed, [1, 2**63 + 5], ANCHORS[0])
        condition = f"SELECT ra FROM t WHERE {made.condition()}"  # noqa: S608
        for text in (made.statement(), made.plain_rows(), condition):
            counts.update(names_in(adql.parse(text, made.dialect)))
    functions = {*(f.name for f in FUNCTIONS.values()), *AGGREGATE_TABLE}
    wanted = {f"function {name}" for name in functions} | _PRODUCTIONS
    assert sorted(wanted - counts.keys()) == []


_PRODUCTIONS = {
    "And", "Between", "NOT Between", "CASE", "CASE of a value", "In", "NOT In", "IsNull",
    "NOT IsNull", "LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE", "Not", "Or", "Star", "DISTINCT", "TOP",
    "WHERE", "GROUP BY", "HAVING", "OFFSET", "ORDER BY a place", "ORDER BY ColumnRef", "ASC",
    "DESC", "delimited name", "table with alias", "aggregate DISTINCT", "literal bool",
    "literal str",
    *(f"Comparison {operator}" for operator in ("=", "<>", "<", "<=", ">", ">=")),
    *(f"Binary {operator}" for operator in ("+", "-", "*", "/", "||")), "Unary -", "Unary +",
    *(f"CAST AS {target}" for target in (
        "SMALLINT", "INTEGER", "BIGINT", "REAL", "DOUBLE PRECISION", "CHAR", "CHAR(n)", "VARCHAR",
        "VARCHAR(n)", "TIMESTAMP", "POINT", "CIRCLE", "POLYGON",
    )),
    "CAST AS BOOLEAN", "TRY_CAST AS SMALLINT", "TRY_CAST AS DOUBLE PRECISION",
}  # fmt: skip
