"""Files as tables of a statement: their headers are read at once, their rows when one is asked."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pyarrow as pa

from skyseries.adql import Path
from skyseries.catalog.plan.node import Node
from skyseries.formats import find_files, read_schemas, read_table, unify_schemas
from skyseries.query.binding import Binding, Keep

__all__ = ["File", "is_file", "stem", "tables_of_file"]

_SUFFIX = re.compile(
    r"\.(parquet|parq|pq|csv|tsv|ecsv|fits?|vot|votable|xml)(\.(gz|bz2|zst))?(\[[^\[\]/]+\])?$",
    re.IGNORECASE,
)
"""How names of files end that are tables; ``.fits[2]`` is one table of a file."""


class File(NamedTuple):
    """A file, or what else `find_files` takes."""

    path: str


def is_file(path: str) -> bool:
    """Return whether a path means a file with a table, by its name or because it is a file."""
    return _SUFFIX.search(path) is not None or pathlib.Path(path).is_file()


def stem(name: str) -> str | None:
    """Return the name of a file without its suffix; None if that is none of a table."""
    found = _SUFFIX.sub("", name)
    return None if found == name else found


def tables_of_file(file: File, tables: Callable[[pa.Table], Iterator[Binding]]) -> list[Binding]:
    """Return the tables of a file.

    Parameters
    ----------
    file : File
    tables : callable
        Returns the tables of a table in memory: the file's light curves are tables too.

    Raises
    ------
    InputError, SchemaError
        If the header cannot be read.
    """

    @cache
    def read() -> dict[Path, Binding]:
        return {binding.table.name: binding for binding in tables(read_table(file.path))}

    def late(binding: Binding) -> Binding:
        def make(keep: Keep, used: Collection[str], first: Keep) -> Node:
            return read()[binding.table.name].make(keep, used, first)

        return replace(binding, make=make)

    files = find_files(file.path)
    header = unify_schemas(files, read_schemas(files))
    return [late(binding) for binding in tables(header.empty_table())]
