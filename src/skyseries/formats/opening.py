"""Open local and remote files, decompressed, with errors that name the file."""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from skyseries.errors import InputError, MissingDependencyError, SkyseriesError, StorageError

__all__ = ["compression_of", "filesystem_of", "is_url", "open_plain", "open_raw", "reading"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
"""The first bytes of a compressed file; a suffix can lie, they do not."""


def is_url(path: str) -> bool:
    """Whether a path is a URL for fsspec rather than a local path."""
    return _URL.match(path) is not None and not path.startswith("file://")


def filesystem_of(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path on it.

    Raises
    ------
    MissingDependencyError
        If the package for this protocol is not installed.
    InputError
        If the protocol is not known.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]
    except ImportError as error:
        raise MissingDependencyError(error.name or str(error), "remote") from error
    except ValueError as error:
        raise InputError(f"cannot open {url}: {error}") from error


def open_raw(path: str) -> BinaryIO:
    """Open a file as it is on disk, for reading."""
    if not is_url(path):
        return Path(path.removeprefix("file://")).open("rb")
    filesystem, inner = filesystem_of(path)
    return filesystem.open(inner, "rb")  # type: ignore[no-any-return]


def compression_of(raw: BinaryIO) -> str | None:
    """Return ``gzip``, ``bz2``, ``zstd`` or None, by the first bytes; the position is kept."""
    head = raw.read(4)
    raw.seek(0)
    return next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)


@contextlib.contextmanager
def open_plain(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed if it is compressed."""
    with open_raw(path) as raw:
        match compression_of(raw):
            case "gzip":
                with gzip.open(raw, "rb") as plain:
                    yield plain  # type: ignore[misc]
            case "bz2":
                with bz2.open(raw, "rb") as plain:
                    yield plain  # type: ignore[misc]
            case "zstd":
                with io.BufferedReader(pa.CompressedInputStream(raw, "zstd")) as plain:
                    yield plain
            case _:
                yield raw


@contextlib.contextmanager
def reading(path: str, what: str = "file") -> Iterator[None]:
    """Turn the errors of a reader into errors that name the file.

    Raises
    ------
    InputError
        If the file is missing, truncated or not what it should be.
    StorageError
        If the disk or the network fails, or a permission is missing.
    """
    try:
        yield
    except SkyseriesError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except OSError as error:
        if error.errno is not None and error.errno != errno.EINVAL:
            raise StorageError(f"cannot read {path}: {error}") from error
        raise InputError(f"cannot read the {what} {path}: {_text(error)}") from error
    except (pa.ArrowException, EOFError, UnicodeError, zlib.error, ValueError) as error:
        raise InputError(f"cannot read the {what} {path}: {_text(error)}") from error


def _text(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if isinstance(error, EOFError) or "Truncated" in text or isinstance(error, zlib.error):
        return f"it is truncated or damaged ({text})"
    return text
