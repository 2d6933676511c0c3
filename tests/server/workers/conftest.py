"""One pool over small catalogs, which the tests ask, and leave whole."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from skyseries.server.limits import Limits
from skyseries.server.workers import Setup, WorkerPool
from tests.query.world import World, build
from tests.server.workers.asking import Asked

T = TypeVar("T")

PLUGIN = "tests.server.workers.plugin"
LIMITS = Limits(
    workers=2, short_workers=1, short_bytes=5_000, memory=1_000_000_000, scratch=50_000_000,
    queue=4, upload_rows=1_000,
)  # fmt: skip


@pytest.fixture(scope="package")
def run() -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """Return what runs coroutines, all in one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a small catalog, a copy that plug-ins read slowly, and one that a test changes."""
    folder = tmp_path_factory.mktemp("served")
    made = build(folder)
    for name in ("slow", "other"):
        shutil.copytree(made.path, folder / name)
    return made


@pytest.fixture(scope="package")
def setup(world: World) -> Setup:
    """Return what is served."""
    (world.path.parent / "results").mkdir()
    return Setup(
        tuple((f"s.{name}", str(world.path.parent / name)) for name in ("survey", "slow", "other")),
        plugins=(f"{PLUGIN}:register",),
        limits=LIMITS,
        results=str(world.path.parent / "results"),
    )


@pytest.fixture(scope="package")
def results(setup: Setup) -> Path:
    """Return the folder of results."""
    return Path(str(setup.results))


@pytest.fixture(scope="package")
def pool(run: Any, setup: Setup) -> Iterator[WorkerPool]:
    """Return a pool, started."""
    made = WorkerPool(setup)
    run(made.start())
    yield made
    run(made.close(0))


@pytest.fixture
def asked(run: Any, pool: WorkerPool) -> Iterator[Asked]:
    """Return what asks the pool; it must be whole again afterwards."""
    asking = Asked(run, pool)
    asking.whole()
    yield asking
    for statement in asking.started:
        statement.abort()
    asking.whole()
