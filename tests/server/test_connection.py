"""Connections that are slow, too many, or on which too much comes: of a service without workers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from skyseries.server.connection import connection_of
from skyseries.server.limits import Limits
from skyseries.server.web.door import Door
from tests.programs import PATIENCE

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


async def home(request):
    return PlainTextResponse(str(len(await request.body())))


async def endless(request):
    async def pieces():
        while True:
            await asyncio.sleep(0)
            yield bytes(1 << 16)

    return StreamingResponse(pieces())


@contextmanager
def serving(**limits: float) -> Iterator[tuple[tuple[str, int], set[object]]]:
    """Serve with these limits; yield the address, and the connections that there are."""
    given = Limits(**limits)
    routes = [Route("/", home, methods=["GET", "POST"]), Route("/endless", endless)]
    app = Door(Starlette(routes=routes), "", given.body_bytes)
    config = uvicorn.Config(
        app, http=connection_of(given), log_config=None, lifespan="off", port=0,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname(), server.server_state.connections
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def connected(address, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=PATIENCE) as made:
        made.sendall(sent)
        yield made


def waited(holds: Callable[[], bool]) -> None:
    """Wait until something holds, which must be."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        threading.Event().wait(0.01)


def left(connection: socket.socket) -> bytes:
    """Return what is still answered, until the connection ends."""
    found = b""
    try:
        while data := connection.recv(1 << 16):
            found += data
    except ConnectionError:
        pass
    return found


@pytest.mark.parametrize("begin", [b"", b"GET", HEAD, HEAD + b"\r\n"])
def test_nobody_waits_for_a_request_for_ever(begin):
    with serving(head_seconds=0.2) as (address, _), connected(address, begin) as made:
        assert left(made).count(b" 200 OK") == begin.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("unit", [b"X-A: b\r\n", b"x"])
def test_a_head_is_bounded(unit):
    with serving(head_bytes=10_000) as (address, _):
        with connected(address, HEAD + unit * (20_000 // len(unit))) as made:
            assert left(made).startswith(b"HTTP/1.1 431 ")
        with connected(address, HEAD + unit * 1_000) as made:
            made.sendall(
                b"\r\nConnection: close\r\n\r\n" if unit == b"x" else b"Connection: close\r\n\r\n"
            )
            assert b" 400 " in left(made) if unit == b"x" else b" 200 OK" in left(made)


@pytest.mark.parametrize("begin", [
    b"", HEAD, HEAD + b"\r\n", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1",
    b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n",
])  # fmt: skip
def test_connections_on_which_clients_do_nothing_keep_nobody_out(begin):
    with serving(connections=5) as (address, _), ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connected(address, begin))
        until = time.monotonic() + PATIENCE
        answers = []
        while not answers and time.monotonic() < until:
            try:
                answers.append(httpx.get(f"http://localhost:{address[1]}/").text)
            except httpx.TransportError:
                assert b"endless" in begin  # it may be that the service still fills its buffers
        assert answers == ["0"]


def test_a_client_that_takes_nothing_has_gone():
    begin = b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serving(write_seconds=0.2) as (address, there), connected(address, begin) as made:
        assert made.recv(10) == b"HTTP/1.1 2"
        waited(lambda: not there)


def test_requests_that_wait_are_answered_in_their_order():
    with serving() as (address, _):
        asked = b"".join(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % n + b"x" * n
            for n in range(500)
        )
        with connected(address, asked + HEAD + b"Connection: close\r\n\r\n") as made:
            answers = [one.rpartition(b"\r\n")[2] for one in left(made).split(b"HTTP/1.1 200 OK")]
        assert answers[1:] == [b"%d" % n for n in range(500)] + [b"0"]


def test_a_body_that_does_not_come(monkeypatch):
    monkeypatch.setattr("skyseries.server.web.door._SLOWEST_SECONDS", 0.2)
    with serving() as (address, _):
        begin = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1"
        with connected(address, begin) as made:
            assert left(made).startswith(b"HTTP/1.1 408 ")
