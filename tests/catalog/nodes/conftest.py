"""The catalogs that the plans of the contract stand on, imported once."""

from __future__ import annotations

import pytest

from tests.catalog.nodes.world import World, build_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return the catalogs, and their rows."""
    return build_world(tmp_path_factory.mktemp("nodes"))
