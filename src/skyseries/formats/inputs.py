"""Find the input files that a path, a pattern, a folder, a URL or a list of these names."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from skyseries.errors import InputError
from skyseries.formats.opening import filesystem_of, is_url, open_plain, open_raw, reading

__all__ = ["Chunk", "InputFile", "find_files"]

_FORMATS = {
    ".parquet": "parquet", ".parq": "parquet", ".pq": "parquet",
    ".csv": "csv", ".tsv": "csv", ".ecsv": "ecsv",
    ".fits": "fits", ".fit": "fits",
    ".vot": "votable", ".votable": "votable",
}  # fmt: skip
_COMPRESSED = (".gz", ".bz2", ".zst")
_HEAD_BYTES = 4096
"""Enough to see a VOTABLE element behind an XML declaration, a comment and a stylesheet."""


@dataclass(frozen=True)
class InputFile:
    """One input file."""

    path: str
    """A local path or a URL that fsspec opens."""
    format: str
    """``parquet``, ``csv``, ``ecsv``, ``fits`` or ``votable``."""
    size: int
    """Bytes on disk."""
    modified: float | None = None
    """Seconds since the epoch; None where the storage does not say."""


@dataclass(frozen=True)
class Chunk:
    """A piece of an input file that can be scanned by itself."""

    file: InputFile
    rows: int | None
    """How many rows it has; None: not known before it is read."""
    first_row: int = 0
    """The number of its first row in the file, counted from 0."""
    row_groups: tuple[int, ...] | None = None
    """The row groups of a Parquet file; None: the whole file."""


def find_files(spec: str | Path | Sequence[str | Path]) -> list[InputFile]:
    """Find the input files that are meant, in natural order (``f2`` before ``f10``).

    Parameters
    ----------
    spec : path, pattern, folder, URL, or a list of these
        A pattern has ``*``, ``?``, ``[...]`` or ``**``. In a folder, all data files are taken,
        at any depth; files and folders whose names begin with ``.`` or ``_`` are left out (in
        patterns too, unless the pattern says so), and so are files that are no tables. A file
        that is named more than once is taken once.

    Raises
    ------
    InputError
        If nothing is found, or a named file is in no known format.
    StorageError
        If a folder cannot be read.
    """
    items = [spec] if isinstance(spec, str | os.PathLike) else list(spec)
    if not items:
        raise InputError("no input files: the list is empty")
    found: dict[str, InputFile] = {}
    for item in items:
        text = os.fspath(item)
        with reading(text, "input"):
            files = _find_remote(text) if is_url(text) else _find_local(text)
        found.update((file.path, file) for file in files)
    return sorted(found.values(), key=lambda file: (_natural(file.path), file.path))


def _natural(path: str) -> list[str | int]:
    parts = re.split(r"([0-9]+)", path)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]


def _find_local(text: str) -> list[InputFile]:
    path = Path(text.removeprefix("file://")).expanduser()
    if path.is_file():
        return [_local_file(path, named=True)]  # type: ignore[list-item]
    if path.is_dir():
        inside = (Path(entry) for entry in _walk(path))
        files = [file for entry in inside if (file := _local_file(entry, named=False))]
        if not files:
            raise InputError(f"the folder {path} has no data files (Parquet, CSV, FITS, VOTable)")
        return files
    if not glob.has_magic(str(path)):
        raise InputError(f"there is no file or folder {path}")
    hits = (Path(hit) for hit in glob.iglob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns too
    hidden = path.name.startswith(("_", "."))
    kept = [hit for hit in hits if hit.is_file() and (hidden or not _is_hidden(hit.name))]
    files = [file for hit in kept if (file := _local_file(hit, named=False))]
    if not files:
        raise InputError(f"no data file matches the pattern {path}")
    return files


def _walk(folder: Path) -> Iterable[str]:
    def fail(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        yield from (str(Path(root) / name) for name in names if not _is_hidden(name))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _local_file(path: Path, *, named: bool) -> InputFile | None:
    status = path.stat()
    known = _format_of(str(path), named=named)
    return InputFile(str(path), known, status.st_size, status.st_mtime) if known else None


def _find_remote(url: str) -> list[InputFile]:
    filesystem, inner = filesystem_of(url)
    if glob.has_magic(inner) and not filesystem.exists(inner):
        paths, named = filesystem.glob(inner), False
    elif filesystem.isfile(inner):
        paths, named = [inner], True
    elif filesystem.isdir(inner):
        root = inner.rstrip("/") + "/"
        paths, named = filesystem.find(inner), False
        parts = {path: PurePosixPath(path.removeprefix(root)).parts for path in paths}
        paths = [path for path in paths if not any(map(_is_hidden, parts[path]))]
    else:
        raise InputError(f"there is no file or folder {url}")
    files = []
    for path in paths:
        if not named and (_is_hidden(PurePosixPath(path).name) or filesystem.isdir(path)):
            continue
        full = url if named else filesystem.unstrip_protocol(path)
        if known := _format_of(full, named=named):
            info = filesystem.info(path)
            files.append(InputFile(full, known, int(info.get("size") or 0), _modified(info)))
    if not files:
        raise InputError(f"no data file at {url}")
    return files


def _modified(info: dict[str, Any]) -> float | None:
    for key in ("mtime", "LastModified", "last_modified", "created"):
        value = info.get(key)
        if value is not None:
            return float(value.timestamp() if hasattr(value, "timestamp") else value)
    return None


def _format_of(path: str, *, named: bool) -> str | None:
    """Return the format by the suffix, else by the first bytes; None if it is not a table."""
    name = PurePosixPath(path.split("?")[0]).name.lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    suffix = PurePosixPath(name).suffix
    if known := _FORMATS.get(suffix):
        return known
    if not named and suffix and suffix != ".xml":
        return None
    known = _format_by_content(path, text=named)
    if known is None and named:
        raise InputError(
            f"{path} is in no known format (Parquet, CSV, ECSV, FITS, VOTable); "
            "give the file a suffix that says what it is, for instance .csv"
        )
    return known


def _format_by_content(path: str, *, text: bool) -> str | None:
    with reading(path):
        with open_raw(path) as raw:
            if raw.read(4) == b"PAR1":
                return "parquet"
        with open_plain(path) as plain:
            head = plain.read(_HEAD_BYTES)
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    if b"<VOTABLE" in head or b":VOTABLE" in head:
        return "votable"
    if head.startswith((b"# %ECSV", b"#%ECSV")):
        return "ecsv"
    is_text = text and head and b"\0" not in head and not head.lstrip().startswith((b"<", b"{"))
    first = head.partition(b"\n")[0]
    return "csv" if is_text and any(mark in first for mark in b",;\t|") else None
