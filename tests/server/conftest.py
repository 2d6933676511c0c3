"""The service that tests ask; it is started once."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from skyseries.server.running import Service
from skyseries.server.served import open_served, parse_served
from tests.programs import PATIENCE
from tests.server.world import RELEASE, Archive, settings, write


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, rubin) -> Iterator[Archive]:
    """Return a service of small catalogs; nobody changes them."""
    given = [*write(tmp_path_factory.mktemp("served")), f"{RELEASE}={rubin(RELEASE).path}"]
    with (
        Service(settings(given)) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE) as http,
    ):
        yield Archive(service, open_served(parse_served(given)), http)
