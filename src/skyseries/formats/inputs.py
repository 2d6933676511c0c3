"""Find the input files that a path, a pattern, a folder, a URL or a list of these names."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from skyseries.errors import InputError
from skyseries.formats.folders import (
    Values,
    common_root,
    folder_values,
    root_of_pattern,
    typed_values,
)
from skyseries.formats.opening import filesystem_of, is_url, reading
from skyseries.formats.recognise import HAS_TABLES, format_of, stem_of

__all__ = ["FILE_NAME", "Chunk", "InputFile", "find_files"]

FILE_NAME = "_filename"
"""The column that holds the name of the file that a row comes from, where it is asked for."""
_TABLE = re.compile(r"(.+)\[([^\[\]/]+)\]")


@dataclass(frozen=True)
class InputFile:
    """One input file, and which of its tables is meant."""

    path: str
    """A local path or a URL that fsspec opens."""
    format: str
    """``parquet``, ``csv``, ``ecsv``, ``blanks``, ``fits`` or ``votable``."""
    size: int
    """Bytes on disk."""
    modified: float | None = None
    """Seconds since the epoch; None where the storage does not say."""
    table: str = ""
    """Number or name of the table in a FITS file or VOTable; empty: the only one with rows."""
    values: Values = ()
    """Columns that are not in the file and have one value in it: from the names of its folders
    (``band=g/``), and `FILE_NAME`."""


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


def find_files(
    spec: str | Path | Sequence[str | Path], *, file_name: bool = False
) -> list[InputFile]:
    """Find the input files that are meant, in natural order (``f2`` before ``f10``).

    Parameters
    ----------
    spec : path, pattern, folder, URL, or a list of these
        A pattern has ``*``, ``?``, ``[...]`` or ``**``. In a folder, all data files are taken,
        at any depth; files and folders whose names begin with ``.`` or ``_`` are left out (in
        patterns too, unless the pattern says so), and so are files that are no tables. A file
        that is named more than once is taken once.

        ``file.fits[2]`` and ``file.fits[NAME]`` mean one table of a FITS file (by the number of
        its HDU, the first is 0; by EXTNAME, or EXTNAME and EXTVER as in ``[NAME,2]``) or of a
        VOTable (by its number, counted from 0; by name or ID). Folders and patterns take this
        too. A path that exists as it stands is that file.

        Folders whose names are ``column=value`` below the folder that is named, below that in
        which a pattern begins, or below the one that is common to a list, are columns:
        `InputFile.values`.
    file_name : bool
        Give each file the column `FILE_NAME`: its name without folder and suffix.

    Raises
    ------
    InputError
        If nothing is found, or a named file is in no known format.
    StorageError
        If a folder cannot be read.
    """
    items: list[Any] = [spec]
    if isinstance(spec, Iterable) and not isinstance(spec, str | bytes):
        items = list(spec)
    if not all(isinstance(item, str | os.PathLike) for item in items):
        raise InputError(
            f"input files are a path, a pattern or a list of these, not a {type(spec).__name__}; "
            "a table in memory is a catalog by from_table()"
        )
    if not items:
        raise InputError("no input files: the list is empty")
    found: dict[tuple[str, str], InputFile] = {}
    roots = []
    for item in items:
        text = os.fspath(item)
        with reading(text, "input"):
            files, root = _find(text)
        roots.append(root)
        found.update(((file.path, file.table), file) for file in files)
    ordered = sorted(found.values(), key=lambda f: (_natural(f.path), f.path, _natural(f.table)))
    root = common_root(roots)
    values = typed_values(folder_values(file.path, root) for file in ordered)
    if file_name:
        values = [
            (*row, (FILE_NAME, stem_of(f.path))) for f, row in zip(ordered, values, strict=True)
        ]
    return [replace(file, values=row) for file, row in zip(ordered, values, strict=True)]


def _natural(path: str) -> list[str | int]:
    parts = re.split(r"([0-9]+)", path)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]


def _find(text: str) -> tuple[list[InputFile], tuple[str, ...]]:
    """Return the files that one item names, and the folder below which folders are columns."""
    find = _find_remote if is_url(text) else _find_local
    if (found := find(text)) is not None:
        return found
    if (match := _TABLE.fullmatch(text)) and (found := find(match[1])) is not None:
        files, root = found
        if plain := [file for file in files if file.format not in HAS_TABLES]:
            raise InputError(
                f"{text}: {plain[0].path} is {plain[0].format}, which has one table; "
                f"leave out [{match[2]}]"
            )
        return [replace(file, table=match[2].strip()) for file in files], root
    if glob.has_magic(text):
        raise InputError(f"no data file matches the pattern {text}")
    raise InputError(f"there is no file or folder {text}")


def _find_local(text: str) -> tuple[list[InputFile], tuple[str, ...]] | None:
    path = Path(text.removeprefix("file://")).expanduser()
    if path.is_file():
        return [_local_file(path, named=True)], path.parts[:-1]  # type: ignore[list-item]
    if path.is_dir():
        inside = (Path(entry) for entry in _walk(path))
        files = [file for entry in inside if (file := _local_file(entry, named=False))]
        if not files:
            raise InputError(f"the folder {path} has no data files (Parquet, CSV, FITS, VOTable)")
        return files, path.parts
    if not glob.has_magic(str(path)):
        return None
    hits = (Path(hit) for hit in glob.iglob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns too
    hidden = path.name.startswith(("_", "."))
    kept = [hit for hit in hits if hit.is_file() and (hidden or not _is_hidden(hit.name))]
    files = [file for hit in kept if (file := _local_file(hit, named=False))]
    return (files, root_of_pattern(str(path))) if files else None


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
    known = format_of(str(path), named=named)
    return InputFile(str(path), known, status.st_size, status.st_mtime) if known else None


def _find_remote(url: str) -> tuple[list[InputFile], tuple[str, ...]] | None:
    filesystem, inner = filesystem_of(url)
    named = filesystem.isfile(inner)
    root = PurePosixPath(url).parts
    if named:
        paths, root = [inner], root[:-1]
    elif filesystem.isdir(inner):
        start = inner.rstrip("/") + "/"
        paths = filesystem.find(inner)
        parts = {path: PurePosixPath(path.removeprefix(start)).parts for path in paths}
        paths = [path for path in paths if not any(map(_is_hidden, parts[path]))]
    elif glob.has_magic(inner):
        paths, root = filesystem.glob(inner), root_of_pattern(url)
    else:
        return None
    files = []
    for path in paths:
        if not named and (_is_hidden(PurePosixPath(path).name) or filesystem.isdir(path)):
            continue
        full = url if named else filesystem.unstrip_protocol(path)
        if known := format_of(full, named=named):
            info = filesystem.info(path)
            files.append(InputFile(full, known, int(info.get("size") or 0), _modified(info)))
    if not files and not glob.has_magic(inner):
        raise InputError(f"no data file at {url}")
    return (files, root) if files else None


def _modified(info: dict[str, Any]) -> float | None:
    for key in ("mtime", "LastModified", "last_modified", "created"):
        value = info.get(key)
        if value is not None:
            return float(value.timestamp() if hasattr(value, "timestamp") else value)
    return None
