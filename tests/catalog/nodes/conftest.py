"""The catalogs that the plans of the contract stand on, imported once and read once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest

from skyseries.hats.dataset import Dataset
from tests.catalog.nodes.world import World, build_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the catalogs, and their rows."""
    return build_world(tmp_path_factory.mktemp("nodes"))


@pytest.fixture(autouse=True, scope="package")
def _read_once() -> Iterator[None]:
    """Keep what is read of the leaves, which do not change: half of the time would be reading."""
    real = Dataset.read_leaf
    kept: dict[Any, pa.Table] = {}

    def read(self: Dataset, leaf: Any, paths: Any, groups: Any = None) -> pa.Table:
        key = leaf.path, tuple(paths), None if groups is None else tuple(groups)
        if key not in kept:
            kept[key] = real(self, leaf, paths, groups)
        return kept[key]

    with mock.patch.object(Dataset, "read_leaf", read):
        yield
