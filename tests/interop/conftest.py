"""Catalogs written by others, one build per session."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import dask
import pytest
from dask.distributed import Client

from tests.interop.foreign import BUILDERS, HATS_IMPORT_BUILDERS, Foreign
from tests.interop.ours import KINDS, Ours


@pytest.fixture(scope="session", autouse=True)
def _one_thread(lsdb: ModuleType) -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="session")
def dask_client() -> Iterator[Client]:
    """Return an in-process cluster of one thread, which hats-import insists on."""
    with Client(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None,
        set_as_default=False,
    ) as client:  # fmt: skip
        yield client


@pytest.fixture(
    scope="session", params=[*BUILDERS, *HATS_IMPORT_BUILDERS], ids=lambda b: b.__name__
)
def foreign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    """Return each foreign catalog in turn: its path and the rows that it holds."""
    builder = request.param
    folder = tmp_path_factory.mktemp(builder.__name__)
    if builder in HATS_IMPORT_BUILDERS:
        return builder(folder, request.getfixturevalue("dask_client"))
    return builder(folder)


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.__name__)
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ours:
    """Return each kind of catalog that we write."""
    return request.param(tmp_path_factory.mktemp(request.param.__name__))
