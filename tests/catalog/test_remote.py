"""Catalogs that are not on this machine's disk."""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
from pathlib import Path

import fsspec
import pytest

import skyseries as sky
from tests.pipelines.survey import same
from tests.store.servers import s3_server


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Files with byte ranges, as web servers give them."""

    log: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        """Send a file or a part of it."""
        path = Path(self.translate_path(self.path))
        asked = self.headers.get("Range")
        self.log.append((self.path, asked))
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
        if match:
            start, stop = int(match[1]), min(int(match[2] or len(content) - 1) + 1, len(content))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
            content = content[start:stop]
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(survey):
    """Return the URL of the survey on a server of our own, and what is asked of it."""
    pytest.importorskip("aiohttp")
    log: list[tuple[str, str | None]] = []
    handler = type("Handler", (RangeHandler,), {"log": log})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(survey.path))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", log
    server.shutdown()
    server.server_close()


@pytest.fixture
def bucket(survey):
    """Return the URL of the survey in an S3 bucket, and how to reach it."""
    with s3_server() as reached:
        options = {**reached, "use_listings_cache": False}
        files = fsspec.filesystem("s3", **options)
        files.put(f"{survey.path}/", "surveys/ours/", recursive=True)
        yield "s3://surveys/ours", options


@pytest.fixture
def memory(survey):
    """Return the URL of the survey in fsspec's memory."""
    files = fsspec.filesystem("memory")
    for path in survey.path.rglob("*"):
        if path.is_file():
            files.pipe_file(f"/surveys/ours/{path.relative_to(survey.path)}", path.read_bytes())
    yield "memory://surveys/ours"
    files.rm("/surveys", recursive=True)


def check(catalog: sky.Catalog, survey) -> None:
    assert len(catalog) == len(survey.rows)
    assert same(catalog.to_arrow().to_pylist(), survey.rows)
    row = survey.rows[50]
    assert catalog.lightcurve(row["id"]).time.tolist() == row["lightcurve"]["mjd"]
    cone = catalog.cone_search(0, 0, 60 * 3600)
    assert 0 < len(cone) < len(survey.rows)
    assert "150 rows" in repr(catalog)


def test_memory(memory, survey):
    check(sky.open_catalog(memory), survey)


def test_http(web, survey):
    url, log = web
    with sky.executor("serial"):
        check(sky.open_catalog(url), survey)
    assert any(asked for _, asked in log)  # parts of leaves, not all of them


def test_http_that_is_not_there(web):
    with pytest.raises(sky.CatalogNotFoundError, match=re.escape(web[0])):
        sky.open_catalog(web[0] + "/elsewhere")


def test_s3(bucket, survey):
    if os.environ.get("AWS_PROFILE"):
        pytest.skip("a profile of AWS would be asked first")
    url, options = bucket
    check(sky.open_catalog(url, **options), survey)
