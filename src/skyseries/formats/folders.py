"""Columns that stand in the names of folders: ``band=g/year=2020/part-0.parquet``.

Spark, Hive, pyarrow, DuckDB and polars write tables so, and leave these columns out of the files.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from skyseries.errors import InputError

__all__ = ["Values", "common_root", "folder_values", "root_of_pattern", "typed_values"]

Values = tuple[tuple[str, "int | str | None"], ...]
"""The columns that have one value in all rows of a file, and the value."""

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_OF_HATS = ("Norder", "Dir", "Npix")
"""Folders of a HATS catalog; they say where a row lies, which its position says too."""
_WHOLE = re.compile(r"-?[0-9]+")


def root_of_pattern(pattern: str) -> tuple[str, ...]:
    """Return the folders that a pattern begins with, up to the first one that varies."""
    parts = PurePosixPath(pattern).parts
    return parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))]


def common_root(roots: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the folder that is above all of these."""
    shared = 0
    while all(len(root) > shared and root[shared] == roots[0][shared] for root in roots):
        shared += 1
    return roots[0][:shared]


def folder_values(path: str, root: tuple[str, ...]) -> dict[str, str | None]:
    """Return the columns in the names of the folders between the root and a file, as text.

    Raises
    ------
    InputError
        If two folders give one column different values.
    """
    found: dict[str, str | None] = {}
    for part in PurePosixPath(path).parts[len(root) : -1]:
        key, equals, text = part.partition("=")
        key = unquote(key)
        if not equals or not key or key in _OF_HATS:
            continue
        value = None if text == _HIVE_NULL else unquote(text)
        if found.setdefault(key, value) != value:
            raise InputError(f"{path}: two folders of its path give {key!r} different values")
    return found


def typed_values(found: Iterable[dict[str, str | None]]) -> list[Values]:
    """Return the values of all files: a column of whole numbers only is read as numbers."""
    rows = list(found)
    texts: dict[str, list[str]] = {}
    for row in rows:
        for key, value in row.items():
            texts.setdefault(key, []).extend([] if value is None else [value])
    whole = {key for key, values in texts.items() if values and all(map(_is_int64, values))}
    return [
        tuple((k, int(v) if v is not None and k in whole else v) for k, v in row.items())
        for row in rows
    ]


def _is_int64(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63
