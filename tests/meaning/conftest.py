"""Which combinations are tried, and the world that they are tried in."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

import skyseries as sky
from tests.meaning.cases import CASES
from tests.meaning.combination import Combination, every
from tests.meaning.pairs import pairwise
from tests.meaning.world import World


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test the combinations of a case: all of them with ``--whole``, else all pairs."""
    if "combinations" in metafunc.fixturenames:
        by_case = _chosen(metafunc.config.getoption("--whole"))
        metafunc.parametrize("combinations", list(by_case.values()), ids=list(by_case))


@functools.cache
def _chosen(whole: bool) -> dict[str, list[Combination]]:
    """Return the combinations of each case."""
    chosen = list(every(CASES))
    if not whole:
        chosen = pairwise(chosen)
    by_case: dict[str, list[Combination]] = {case.name: [] for case in CASES}
    for one in chosen:
        by_case[one.case.name].append(one)
    return by_case


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the world, which is built by what is asked of it."""
    return World(tmp_path_factory.mktemp("meaning"))


@pytest.fixture(autouse=True)
def _in_this_process() -> Iterator[None]:
    with sky.executor("serial"):
        yield
