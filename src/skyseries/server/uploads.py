"""Tables that come with a request, or that it names: they become files for a worker.

An address is asked for only where the operator has allowed its host (``--upload-from``), by HTTP or
HTTPS, without credentials, proxies and redirects: else the service would reach for its clients what
they cannot reach themselves.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
)
from pathlib import Path
from typing import IO, Any
from urllib.parse import SplitResult, urlsplit

from skyseries.errors import InputError
from skyseries.server.limits import Limits
from skyseries.server.tap import UploadFrom
from skyseries.server.work import Upload
from skyseries.store.files import storage_errors

__all__ = ["keep_parts", "keep_uploads", "kept_parts"]

_PIECE = 1 << 20
_SECONDS = 20.0
"""A host that is asked has so long to answer, from the first byte to the last."""
_PORTS = {"http": 80, "https": 443}


def keep_parts(parts: Mapping[str, IO[bytes]], folder: Path) -> None:
    """Write the files of a request into a folder, until a job that asks for them begins."""
    for name, file in parts.items():
        file.seek(0)
        path = folder / f"part-{name.lower().encode(errors='replace')[:100].hex()}"
        with storage_errors(f"the part {name[:80]!r}"), path.open("wb") as kept:
            shutil.copyfileobj(file, kept, _PIECE)


@contextlib.contextmanager
def kept_parts(folder: Path) -> Iterator[dict[str, IO[bytes]]]:
    """Open what `keep_parts` has written, by names in lower case."""
    with contextlib.ExitStack() as stack:
        yield {
            bytes.fromhex(path.name.removeprefix("part-")).decode(
                errors="ignore"
            ): stack.enter_context(path.open("rb"))
            for path in folder.glob("part-*")
        }


def keep_uploads(
    wanted: Sequence[UploadFrom],
    parts: Mapping[str, IO[bytes]],
    folder: Path,
    limits: Limits,
    hosts: Sequence[str],
) -> tuple[Upload, ...]:
    """Write what is uploaded as files; blocks, so it is for a thread.

    Parameters
    ----------
    wanted : sequence of UploadFrom
    parts : mapping of str to file
        Those of the request, by their names.
    folder : Path
        Where the files go; it is made.
    limits : Limits
    hosts : sequence of str
        Hosts that may be asked: ``archive.example.org`` at the ports of HTTP and HTTPS,
        ``archive.example.org:8443`` at that one.

    Raises
    ------
    InputError
        If a part is missing, an address may not be asked or does not answer, or a file is too
        large.
    """
    found = []
    left = limits.upload_bytes
    for number, one in enumerate(wanted):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"upload{number}"
        scheme, _, rest = one.uri.partition(":")
        if scheme.lower() == "param":
            left -= _keep(_part(rest, parts), target, left, one)
        elif scheme.lower() in ("http", "https"):
            with _asked(one, hosts) as answer:
                left -= _keep(answer, target, left, one)
        else:
            raise InputError(
                f"UPLOAD of {one.name}: {one.uri[:120]!r} is neither param:NAME nor an http address"
            )
        found.append(Upload(one.name, str(target)))
    return tuple(found)


def _part(name: str, parts: Mapping[str, IO[bytes]]) -> IO[bytes]:
    for known, file in parts.items():
        if known.lower() == name.strip().lower():
            file.seek(0)
            return file
    there = f"; it has {', '.join(sorted(parts))}" if parts else ""
    raise InputError(
        f"UPLOAD names the part {name[:80]!r}, and the request has no such part "
        f"(multipart/form-data){there}"
    )


def _keep(source: Any, target: Path, most: int, one: UploadFrom) -> int:
    size = 0
    with storage_errors(f"the upload {one.name}"), target.open("wb") as file:
        while data := source.read(_PIECE):
            size += len(data)
            if size > most:
                file.close()
                target.unlink()
                raise InputError(
                    f"UPLOAD of {one.name}: the tables of a request have at most {most:,} bytes"
                )
            file.write(data)
    return size


@contextlib.contextmanager
def _asked(one: UploadFrom, hosts: Sequence[str]) -> Iterator[_Answer]:
    """Ask an address; whoever answers has so much time for all of it."""
    parts = _allowed(one, hosts)
    secure = parts.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(
        str(parts.hostname), parts.port, timeout=_SECONDS
    )
    with contextlib.closing(connection):
        answer = _Answer(connection, f"UPLOAD of {one.name}: {parts.hostname}")
        end = threading.Timer(_SECONDS, answer.cut)
        end.start()
        try:
            answer.ask((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            yield answer
        finally:
            end.cancel()


def _allowed(one: UploadFrom, hosts: Sequence[str]) -> SplitResult:
    try:
        parts = urlsplit(one.uri)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise InputError(f"UPLOAD of {one.name}: {one.uri[:120]!r} is no address") from None
    host = parts.hostname or ""
    names = {f"{host}:{port}", *([host] if port == _PORTS[parts.scheme] else [])}
    if "@" in parts.netloc or not host or not names & {allowed.lower() for allowed in hosts}:
        raise InputError(
            f"UPLOAD of {one.name}: this service does not ask {host[:80] or 'this address'}; send "
            "the table with the request (param:)"
        )
    return parts


class _Answer:
    """What a host answers; all that goes wrong there is the upload's fault."""

    def __init__(self, connection: HTTPConnection, whose: str) -> None:
        self._connection, self._whose = connection, whose
        self._response: HTTPResponse | None = None
        self._is_cut = False

    def ask(self, target: str) -> None:
        """Ask for the path of an address; only what is there at once is taken."""
        with self._told():
            self._connection.request("GET", target)
            self._response = self._connection.getresponse()
        if self._response.status != HTTPStatus.OK:
            raise InputError(f"{self._whose} answers {self._response.status}")

    def read(self, size: int) -> bytes:
        """Return some bytes; none at the end."""
        assert self._response is not None  # noqa: S101 - `ask` has set it
        with self._told():
            data = self._response.read(size)
            if not data and self._response.length:
                raise IncompleteRead(data, self._response.length)
        return data

    def cut(self) -> None:
        """Let whoever waits for the host wait no more."""
        self._is_cut = True
        with contextlib.suppress(AttributeError, OSError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, HTTPException) as error:
            why = error
        else:
            if not self._is_cut:
                return
        if self._is_cut or isinstance(why, TimeoutError):
            raise InputError(f"{self._whose} takes longer than {_SECONDS:g} s") from None
        raise InputError(f"{self._whose} cannot be asked: {why}") from None
