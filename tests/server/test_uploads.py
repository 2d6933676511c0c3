"""Tables by address: who is asked, and what becomes of answers that are no good."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest

from skyseries.errors import InputError
from skyseries.server import uploads
from skyseries.server.limits import Limits
from skyseries.server.tap import UploadFrom

OK = b"HTTP/1.0 200 OK\r\n"


@contextmanager
def host(answer: bytes, *, ends: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request so; yield the host, and the list of what was asked."""
    asked: list[bytes] = []
    over = threading.Event()

    def run() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            asked.append(connection.recv(1 << 16))
            connection.sendall(answer)
            if not ends:
                over.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"localhost:{listener.getsockname()[1]}", asked
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def kept(uri, hosts, folder, limits=None):
    given = uploads.keep_uploads([UploadFrom("t", uri)], {}, folder, limits or Limits(), hosts)
    return (folder / "upload0").read_bytes() if given else b""


def test_a_table_by_address(tmp_path):
    with host(OK + b"\r\na\n1\n") as (place, asked):
        assert kept(f"HTTP://LocalHost:{place[10:]}/t.csv?x=1#y", [place], tmp_path) == b"a\n1\n"
    assert asked[0].startswith(b"GET /t.csv?x=1 HTTP/1.1\r\nHost: localhost:")


@pytest.mark.parametrize("uri", [
    "file:///etc/passwd", "ftp://{}/x", "data:,a", "jar:http://{}/x!/y", "gopher://{}/", "//{}/",
    "http://{}@evil.example/", "http://evil.example@{}/", "http://:p@{}/", "http://@{}/",
    "http://{}\\@evil.example/", "http://evil.example\\@{}/", "http://evil.example#@{}/",
    "http://evil.example?@{}/", "http://2130706433/", "http://0x7f.1/", "http://[::1]/",
    "http://localhost/", "http://localhost:22/", "http://{}0/", "http://{}.evil.example/",
    "https://{}:1/", "http:{}", "http://", "http://[", "http://localhost:99999/",
])  # fmt: skip
def test_nobody_else_is_asked(tmp_path, uri):
    with host(OK + b"\r\na\n1\n") as (place, asked):
        with pytest.raises(InputError, match="UPLOAD of t"):
            kept(uri.format(place), [place], tmp_path)
        assert not asked


def test_a_host_is_allowed_at_the_ports_of_http_only(tmp_path):
    with host(OK + b"\r\na\n1\n") as (place, asked):
        with pytest.raises(InputError, match="does not ask localhost"):
            kept(f"http://{place}/", ["localhost"], tmp_path)
        assert not asked


@pytest.mark.parametrize(("answer", "words"), [
    (b"HTTP/1.0 302 Found\r\nLocation: http://localhost/\r\n\r\n", "answers 302"),
    (b"HTTP/1.0 404 No\r\n\r\n", "answers 404"),
    (b"nonsense\r\n\r\n", "cannot be asked"),
    (b"", "cannot be asked"),
    (OK + b"Content-Length: 9\r\n\r\na\n1\n", "cannot be asked: IncompleteRead"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na\n1\n", "cannot be asked"),
    (OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "cannot be asked"),
])  # fmt: skip
def test_answers_that_are_no_tables(tmp_path, answer, words):
    with host(answer) as (place, _), pytest.raises(InputError, match=words):
        kept(f"http://{place}/", [place], tmp_path)


@pytest.mark.parametrize("answer", [b"", OK, OK + b"\r\na\n"])
def test_a_host_that_does_not_come_to_an_end(tmp_path, monkeypatch, answer):
    monkeypatch.setattr(uploads, "_SECONDS", 0.2)
    with (
        host(answer, ends=False) as (place, _),
        pytest.raises(InputError, match="takes longer than"),
    ):
        kept(f"http://{place}/", [place], tmp_path)


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: 1", "/é", "/\0"])
def test_odd_paths_are_errors_of_the_upload(tmp_path, path):
    with host(OK + b"\r\n") as (place, asked):
        with pytest.raises(InputError, match="UPLOAD of t"):
            kept(f"http://{place}{path}", [place], tmp_path)
        assert b"X: 1" not in b"".join(asked)


def test_tables_are_bounded_together(tmp_path):
    few = Limits(upload_bytes=10)
    with host(OK + b"\r\n" + bytes(11)) as (place, _), pytest.raises(InputError, match="10 bytes"):
        kept(f"http://{place}/", [place], tmp_path, few)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a\ud800b", "é" * 90, "n" * 250, "../../x", "a/b", ""])
def test_parts_of_any_names_are_kept_for_a_job(tmp_path, name):
    uploads.keep_parts({name: BytesIO(b"1")}, tmp_path)
    assert [path.parent for path in tmp_path.rglob("*")] == [tmp_path]
    with uploads.kept_parts(tmp_path) as parts:
        assert [file.read() for file in parts.values()] == [b"1"]
