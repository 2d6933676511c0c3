"""Who may ask, and how much."""

from __future__ import annotations

import queue
from logging.handlers import QueueHandler

import pytest

from skyseries.server.web.door import access_log
from tests.programs import PATIENCE
from tests.server.web.test_sync import QUERY

FORM = {"QUERY": QUERY, "RESPONSEFORMAT": "csv"}


@pytest.mark.parametrize("host", ["evil.example.org", "127.0.0.1.evil.org", "", "0.0.0.0", "["])  # noqa: S104
def test_another_name_is_not_answered(archive, host):
    answer = archive.http.get("/tap/sync", params=FORM, headers={"host": host})
    assert answer.status_code in (400, 421)
    assert "9007" not in answer.text


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_names_of_this_machine_are_answered(archive, host):
    answer = archive.http.get("/tap/sync", params=FORM, headers={"host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [
    {"origin": "https://evil.example.org"},
    {"origin": "null"},
    {"origin": "http://localhost:1"},
    {"origin": "http://["},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
])  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/tap/sync"), ("POST", "/tap/async"), ("POST", "/tap/async/x/phase"),
    ("DELETE", "/tap/async/x"), ("POST", "/api/explain"),
])  # fmt: skip
def test_pages_of_others_change_nothing(archive, headers, method, path):
    before = len(archive.http.get("/tap/async").content)
    answer = archive.http.request(method, path, headers=headers, params=FORM)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert len(archive.http.get("/tap/async").content) == before


def test_pages_of_the_service_and_other_clients_may(archive):
    own = {"origin": archive.service.url, "sec-fetch-site": "same-origin"}
    for headers in (own, {"sec-fetch-site": "none"}, {}):
        assert archive.http.post("/tap/sync", data=FORM, headers=headers).status_code == 200


def test_every_page_may_read(archive):
    headers = {"origin": "https://elsewhere.example.org", "sec-fetch-site": "cross-site"}
    answer = archive.http.get("/tap/sync", params=FORM, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    asked = {**headers, "access-control-request-method": "GET"}
    answer = archive.http.options("/tap/sync", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_large_body_is_refused_whether_its_length_is_told_or_not(archive):
    large = 33 << 20
    told = archive.http.post("/tap/sync", data={"QUERY": "x" * large})
    assert told.status_code == 413

    def pieces():
        for _ in range(large >> 20):
            yield bytes(1 << 20)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = archive.http.post("/tap/sync", content=pieces(), headers=kind)
    assert answer.status_code in (400, 413)


def test_what_every_answer_has(archive):
    for path in ("/", "/tap/sync", "/tap/async", "/nope", "/healthz"):
        answer = archive.http.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["server"].startswith("Skyseries/")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers["x-request-id"]) == 16


@pytest.fixture
def lines():
    """Return the log of requests; a line comes after its answer has gone."""
    found = queue.SimpleQueue()
    handler = QueueHandler(found)
    access_log.addHandler(handler)
    level = access_log.level
    access_log.setLevel("INFO")
    yield found
    access_log.setLevel(level)
    access_log.removeHandler(handler)


def test_each_request_is_a_line_of_the_log_without_its_parameters(archive, lines):
    archive.http.get("/tap/sync", params={**FORM, "RUNID": "mine", "other": "a-secret"})
    line = ""
    while '"runid": "mine"' not in line:  # those of the tests before may come late
        line = lines.get(timeout=PATIENCE).getMessage()
    assert '"path": "/tap/sync"' in line
    assert '"rows": 3' in line
    assert '"statement"' in line
    assert "secret" not in line
    assert "SELECT" not in line
