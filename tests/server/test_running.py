"""A service that runs: from a notebook, in the foreground, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, SkyseriesError
from tests.programs import PATIENCE, run, started
from tests.server.test_kept import TABLE

ONE = {"workers": 1, "warm": False}


def counted(url: str, table: str) -> int:
    query = {"QUERY": f"SELECT COUNT(*) AS n FROM {table}", "RESPONSEFORMAT": "json"}
    answer = httpx.get(url + "/tap/sync", params=query, timeout=PATIENCE)
    return int(answer.json()["data"][0][0])


def test_a_notebook_serves_what_it_has() -> None:
    catalog = sky.from_table(TABLE)
    given = {"every": TABLE, "few": catalog.query("x > 5")}
    with sky.serve(given, title="My stars", **ONE) as service:
        assert service.url in repr(service)
        assert "My stars" in httpx.get(service.url).text
        assert (counted(service.url, "every.Object"), counted(service.url, "few.Object")) == (3, 2)
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url)


def test_a_new_version_is_served_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "stars"
    sky.from_table(TABLE).write_catalog(path)
    with sky.serve({"s": path}, **ONE) as service:
        before = httpx.get(service.url + "/tap/tables/s.object").text
        assert counted(service.url, "s.Object") == 3
        more = pa.concat_tables([TABLE, TABLE.set_column(0, "id", pa.array([4, 5, 6]))])
        more = more.append_column("fresh", pa.array(range(6)))
        sky.from_table(more).write_catalog(path, overwrite=True)
        assert counted(service.url, "s.Object") == 6
        assert counted(service.url, "s.Object WHERE fresh > 2") == 3
        assert "<name>fresh" not in before


def test_behind_a_proxy_addresses_are_as_from_outside() -> None:
    base = "https://archive.example.org/vo"
    query = {"QUERY": "SELECT TOP 1 id FROM s.Object", "PHASE": "RUN"}
    origin = {"host": "archive.example.org", "origin": "https://archive.example.org"}
    with (
        sky.serve({"s": TABLE}, base_url=base + "/", **ONE) as service,
        httpx.Client(base_url=service.url, headers=origin, timeout=PATIENCE) as http,
    ):
        place = http.post("/tap/async", data=query).headers["location"]
        assert place.startswith(f"{base}/tap/async/")
        path = place.removeprefix(base)
        for answer in (http.delete(path), http.get("/tap/"), http.get("/tap/capabilities")):
            told = answer.headers.get("location", answer.text)
            assert base in told
            assert "127.0.0.1" not in told
        assert f'href="{base}/tap' in http.get("/").text
        other = {"host": "elsewhere.example.org"}
        assert http.get("/tap/async", headers=other).status_code == 421


@pytest.mark.parametrize(("host", "name"), [("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")])  # noqa: S104
def test_it_is_called_as_it_listens(host: str, name: str) -> None:
    with sky.serve({"s": TABLE}, host=host, public=True, **ONE) as service:
        assert service.url == f"http://{name}:{service.port}"
        assert counted(service.url, "s.Object") == 3


@pytest.mark.parametrize(("given", "options", "words"), [
    (5, {}, "cannot take a int"),
    ({}, {}, "nothing to serve"),
    (TABLE, {"wokers": 1}, "did you mean 'workers'"),
    (TABLE, {"host": "0.0.0.0"}, "--public"),  # noqa: S104
])  # fmt: skip
def test_what_a_notebook_cannot_serve(given, options, words) -> None:
    with pytest.raises(InputError, match=words):
        sky.serve(given, **options)


def test_what_cannot_be_opened_is_an_error_of_the_caller() -> None:
    with pytest.raises(SkyseriesError, match="there is no folder /nowhere"):
        sky.serve("/nowhere", **ONE)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match=r"cannot listen at 127\.0\.0\.1:.*--port"):
            sky.serve(TABLE, port=taken.getsockname()[1], **ONE)


# --- the command ------------------------------------------------------------------------------

SERVE = [sys.executable, "-m", "skyseries", "serve"]


@pytest.fixture
def stars(tmp_path: Path) -> str:
    sky.from_table(TABLE).write_catalog(tmp_path / "stars")
    return str(tmp_path / "stars")


@pytest.mark.slow
def test_check_tells_what_would_be_served(stars: str) -> None:
    done = run([*SERVE, stars, f"b.Star={stars}", "--check"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["stars.Object: 4 columns", "b.Star: 4 columns"]


@pytest.mark.slow
@pytest.mark.parametrize(("words", "said"), [
    (["a=/nowhere", "--check"], "there is no folder /nowhere"),
    (["--plugin", "nowhere:f", "--check"], "there is no plugin 'nowhere:f'"),
    (["select=."], "'select' is no name"),
    (["--limit", "maxrec=few"], "maxrec is a whole number"),
    (["--limit", "maxrec"], "write NAME=VALUE"),
])  # fmt: skip
def test_what_is_wrong_is_a_line_and_no_traceback(stars: str, words: list[str], said: str) -> None:
    done = run([*SERVE, stars, *words])
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_nothing_to_serve() -> None:
    done = run(SERVE)
    assert done.returncode == 2
    assert "name what is to be served" in done.stderr


@pytest.mark.slow
def test_the_settings_are_printed(stars: str) -> None:
    done = run([*SERVE, f"a={stars}", "--port", "0", "--limit", "maxrec=7", "--print-config"])
    assert done.returncode == 0, done.stderr
    for line in ("port = 0", "maxrec = 7", 'name = "a"', "[limits]"):
        assert line in done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(stars: str, tmp_path: Path, how: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = tmp_path / "state"
    words = [stars, "--port", str(port), "--workers", "1", "--no-warm", "--state", str(state)]
    log = tmp_path / "log"
    with log.open("w") as file, started([*SERVE, *words], stderr=file) as program:
        url = f"http://127.0.0.1:{port}"
        transport = httpx.HTTPTransport(retries=12)  # waits longer and longer until it listens
        with httpx.Client(transport=transport, timeout=PATIENCE) as http:
            assert http.get(url + "/healthz").json()["workers"] == 1
        assert counted(url, "stars.Object") == 3
        program.send_signal(how)
        program.wait(PATIENCE)
    said = log.read_text().splitlines()
    lines = [json.loads(line) for line in said if line not in ("", "skyseries: interrupted")]
    (asked,) = [line for line in lines if line.get("path") == "/tap/sync"]
    assert (asked["status"], asked["rows"]) == (200, 1)
    assert (state / "jobs.sqlite").exists()
    assert not [line for line in lines if line["level"] in ("error", "critical")]
