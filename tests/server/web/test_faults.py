"""What the service says and logs where something is wrong, but not with the query."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import replace

import httpx
import pytest

from skyseries.errors import StorageError
from skyseries.server.running import Service
from skyseries.server.web.archive import told
from skyseries.server.web.door import Door
from tests.programs import PATIENCE
from tests.server.world import settings, write

FULL = StorageError("no space left while writing /secret/jobs.sqlite; free some")


@pytest.mark.parametrize("form", ["text", "json", "votable"])
def test_a_full_disk_is_no_fault_and_tells_no_path(form, caplog):
    @told(form)
    async def handler(request):
        raise FULL

    answer = asyncio.run(handler(None))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert b"secret" not in answer.body
    assert "/secret/jobs.sqlite" in caplog.text


@pytest.mark.parametrize("path", ["/tap/sync", "/tap/async", "/api/rows"])
def test_a_client_that_goes_while_it_sends_is_no_fault(archive, caplog, path):
    begin = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\nContent-Type: "
    form = "application/x-www-form-urlencoded\r\n\r\nQUERY="
    caplog.set_level(logging.INFO)
    with socket.create_connection(("127.0.0.1", archive.service.port), PATIENCE) as made:
        made.sendall((begin + form).encode())
    while path not in caplog.text:
        assert archive.http.get("/healthz").status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_page_that_does_not_say_whom_it_asks_is_refused_by_a_public_service():
    async def app(scope, receive, send):
        raise AssertionError("it was let in")

    async def asked():
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request"}

        headers = [(b"origin", b"https://evil.example.org")]
        scope = {"type": "http", "method": "POST", "path": "/tap/sync", "headers": headers}
        await Door(app, "", 100, any_host=True)(scope, receive, send)
        return sent[0]["status"]

    assert asyncio.run(asked()) == 403


def test_a_service_starts_again_where_one_had_uploads(tmp_path):
    given = write(tmp_path)[:1]
    query = "SELECT COUNT(*) AS n FROM tap_upload.t"
    form = {"QUERY": query, "UPLOAD": "t,param:p", "RESPONSEFORMAT": "csv"}
    one = settings(given, short_workers=0)
    for _ in range(2):
        state = tmp_path / "state"
        with Service(replace(one, state=str(state))) as service:
            url = service.url + "/tap/sync"
            answer = httpx.post(url, data=form, files={"p": b"a\n1\n"}, timeout=PATIENCE)
            assert answer.text == '"n"\n1\n'
        assert not list((state / "uploads").iterdir())
