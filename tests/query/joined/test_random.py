"""Random statements over several tables have the rows of nested loops, and of plain DuckDB."""

from __future__ import annotations

import collections

import pytest

import skyseries as sky
from skyseries import adql
from tests.query.joined.checks import JoinedChecks
from tests.query.joined.random_statements import JoinedStatements
from tests.query.random_queries import names_in
from tests.query.world import ANCHORS

SEEDS = range(300)
FOUND = [
    76, 113, 161, 1060, 1088, 1199, 1439, 1458, 2019, 2040, 2427, 3031, 3044, 4089, 5189, 5588,
    5629, 6080, 12711, 41149, 41501,
]  # fmt: skip
"""Seeds that once found a fault."""


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    with sky.executor("serial"):
        yield JoinedChecks(tmp_path_factory.mktemp("worlds"), share=30)


@pytest.mark.parametrize("first", range(0, 300, 30))
def test_random_statements(checks, first):
    tried, filled, correlated = checks.tried, checks.filled, checks.correlated
    for seed in SEEDS[first : first + 30]:
        checks.seed(seed)
    assert checks.filled - filled >= 0.3 * (checks.tried - tried)
    assert checks.correlated - correlated >= 0.05 * (checks.tried - tried)


def test_seeds_that_once_found_a_fault(checks):
    for seed in FOUND:
        checks.seed(seed)


def test_all_joins_sets_and_queries_occur():
    """Each in one of 1000 statements at least."""
    counts = collections.Counter()
    for seed in range(1000):
        made = JoinedStatements(seed, [1, 2**63 + 5], ANCHORS[0])
        counts.update(names_in(adql.parse(made.statement(), made.dialect)))
    assert sorted(_PRODUCTIONS - counts.keys()) == []


_PRODUCTIONS = {
    *(f"{kind} JOIN {by}" for kind in ("INNER", "LEFT", "RIGHT", "FULL")
      for by in ("ON", "USING", "NATURAL")),
    *(f"{word}{every}" for word in ("UNION", "INTERSECT", "EXCEPT") for every in ("", " ALL")),
    "comma", "INNER JOIN", "Derived", "Named", "Scalar", "Exists", "IN a query", "NOT IN a query",
    "ALL", "ANY", "TOP", "OFFSET", "DISTINCT", "GROUP BY", "HAVING", "Everything",
    "function DISTANCE", "function CONTAINS", "function INTERSECTS",
}  # fmt: skip
