"""How a service listens."""

from __future__ import annotations

import asyncio
import socket

import pytest

from skyseries.errors import MissingDependencyError
from skyseries.server.running import _listening, run
from skyseries.server.settings import Settings


def test_small_answers_are_not_delayed():
    """An answer that is written in parts must not wait for what the client acknowledges."""

    async def nodelay() -> int:
        said: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted_socket = writer.get_extra_info("socket")
            said.set_result(accepted_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = _listening(Settings(port=0))
        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            found = await said
            writer.close()
        return found

    assert asyncio.run(nodelay())


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "lxml" else name)
    with pytest.raises(MissingDependencyError, match=r"lxml.*skyseries\[server\]"):
        run(Settings(port=0))
