"""The beginning of a CSV or ECSV file: comments, names of the columns, delimiter."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.cast import check_columns
from skyseries.formats.ecsv import parse_header

__all__ = ["Layout", "read_layout"]

_DELIMITERS = ",\t;|"
_DECIMAL = re.compile(
    r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?[0-9]+[eE][+-]?[0-9]+"
)
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Layout:
    """How a delimited text file is laid out."""

    names: tuple[str, ...]
    delimiter: str
    header_lines: int
    """Lines before the first row of data."""
    schema: pa.Schema | None
    """What an ECSV header says; None for CSV, whose types are inferred."""

    @property
    def is_ecsv(self) -> bool:
        """Whether the file has an ECSV header."""
        return self.schema is not None


def read_layout(stream: BinaryIO, path: str) -> Layout:
    """Read the lines up to the names of the columns, and leave the stream behind them.

    Raises
    ------
    InputError
        If the file is empty or has no line of names.
    SchemaError
        If an ECSV header is broken or a name occurs twice.
    """
    comments: list[str] = []
    count = 0
    while raw := stream.readline():
        count += 1
        line = raw.decode("utf-8-sig" if count == 1 else "utf-8").rstrip("\r\n")
        if "\0" in line:
            raise InputError(f"{path} is not a text file: line {count} has a zero byte")
        if line.startswith("#"):
            comments.append(line[1:].removeprefix(" "))
        elif line.strip():
            return _layout(line, comments, count, path)
    if count == 0:
        raise InputError(f"{path} is empty (0 bytes of text)")
    raise InputError(f"{path} has no line with the names of the columns")


def _layout(line: str, comments: list[str], count: int, path: str) -> Layout:
    schema = None
    if comments and comments[0].startswith("%ECSV"):
        header = parse_header("\n".join(comments[1:]), path)
        delimiter, schema = header.delimiter, header.schema
    else:
        delimiter = max(_DELIMITERS, key=line.count)
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]
    if schema is not None:
        if names != schema.names:
            raise InputError(
                f"{path}: the ECSV header lists {', '.join(schema.names)}, "
                f"but line {count} names {', '.join(names)}"
            )
    elif _looks_like_data(names):
        raise InputError(
            f"{path} has no line with the names of the columns: line {count} looks like data "
            f"({line[:80]}); put a line of names before it"
        )
    check_columns(path, names, names)
    return Layout(tuple(names), delimiter, count, schema)


def _looks_like_data(names: list[str]) -> bool:
    return any(map(_DECIMAL.fullmatch, names)) or all(map(_WHOLE.fullmatch, names))
