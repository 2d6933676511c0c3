"""The catalog that statements ask."""

from __future__ import annotations

import pytest

from tests.query.world import World, build


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    """Return the catalog and its rows; nobody changes it."""
    return build(tmp_path_factory.mktemp("asked"))
