"""Which combinations are tried, and the world that they are tried in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import skyseries as sky
from tests.meaning.cases import CASES
from tests.meaning.combination import every
from tests.meaning.pairs import pairwise
from tests.meaning.world import World


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes a combination all of them with ``--whole``, else all pairs."""
    if "combination" in metafunc.fixturenames:
        combinations = list(every(CASES))
        if not metafunc.config.getoption("--whole"):
            combinations = pairwise(combinations)
        metafunc.parametrize("combination", combinations, ids=str)


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with sky.executor("serial"):
        yield World(tmp_path_factory.mktemp("meaning"))


@pytest.fixture
def world(_world: World, capsys: pytest.CaptureFixture[str]) -> World:
    """Return the world, which hears what commands say."""
    _world.heard = lambda: capsys.readouterr().err
    return _world
