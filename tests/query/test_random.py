"""Random statements: the right rows, however little the catalog knows, however they are written."""

from __future__ import annotations

import pytest

import skyseries as sky
from tests.query.checks import Checks

SEEDS = range(300)
FOUND: list[int] = []
"""Seeds that once found a fault."""


@pytest.fixture(scope="module")
def checks(world, tmp_path_factory):
    with sky.executor("serial"):
        yield Checks(world, tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize("first", range(0, 300, 30))
def test_random_statements(checks, first):
    for seed in SEEDS[first : first + 30]:
        checks.seed(seed)


def test_seeds_that_once_found_a_fault(checks):
    for seed in FOUND:
        checks.seed(seed)


def test_there_is_something_to_compare(checks):
    tried, filled = checks.tried, checks.filled
    for seed in range(40):
        checks.seed(seed)
    assert checks.filled - filled >= 0.3 * (checks.tried - tried)
