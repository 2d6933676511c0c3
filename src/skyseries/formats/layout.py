"""The beginning of a CSV or ECSV file: comments, names of the columns, delimiter."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.blanks import blank_table, separated
from skyseries.formats.cast import check_columns
from skyseries.formats.ecsv import parse_header
from skyseries.formats.mixins import Mixins
from skyseries.formats.opening import open_plain

__all__ = ["TEXT_BYTES", "Layout", "open_text"]

TEXT_BYTES = 32_768
"""The beginning of a text file, by which its kind and its line ends are judged."""
_BLOCK_BYTES = 2**20

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
    mixins: Mixins = field(default_factory=Mixins)

    @property
    def is_ecsv(self) -> bool:
        """Whether the file has an ECSV header."""
        return self.schema is not None


@contextlib.contextmanager
def open_text(path: str, format: str) -> Iterator[tuple[Layout, BinaryIO]]:
    """Open a text table: its layout, and its lines behind the names of the columns.

    Raises
    ------
    InputError
        If the file is empty or has no line of names.
    SchemaError
        If an ECSV header is broken or a name occurs twice.
    """
    with open_plain(path) as plain:
        head = plain.read(TEXT_BYTES)
        blocks: Iterable[bytes] = itertools.chain(
            [head], iter(lambda: plain.read(_BLOCK_BYTES), b"")
        )
        if b"\r" in head and b"\n" not in head:  # as the first Macintosh wrote them
            blocks = (block.replace(b"\r", b"\n") for block in blocks)
        if format == "blanks":
            yield _open_blanks(head, blocks, path)
            return
        stream = _stream(blocks)
        yield _read_layout(stream, path), stream


def _open_blanks(head: bytes, blocks: Iterable[bytes], path: str) -> tuple[Layout, BinaryIO]:
    table = blank_table(head, path, is_whole=len(head) < TEXT_BYTES)
    if table is None:
        raise InputError(f"{path} is no longer a table with columns separated by blanks")
    check_columns(path, table.names, table.names)
    stream = _stream(separated(blocks))
    for _ in range(table.header_lines):
        stream.readline()
    return Layout(table.names, " ", table.header_lines, None), stream


class _Blocks(io.RawIOBase):
    """Bytes that come in blocks, as a stream."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._rest and (block := next(self._blocks, None)) is not None:
            self._rest = memoryview(block)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _stream(blocks: Iterable[bytes]) -> BinaryIO:
    return io.BufferedReader(_Blocks(blocks), TEXT_BYTES)


def _read_layout(stream: BinaryIO, path: str) -> Layout:
    """Read the lines up to the names of the columns, and leave the stream behind them."""
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
    schema, mixins = None, Mixins()
    if comments and comments[0].startswith("%ECSV"):
        header = parse_header("\n".join(comments[1:]), path)
        delimiter, schema, mixins = header.delimiter, header.schema, header.mixins
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
    return Layout(tuple(names), delimiter, count, schema, mixins)


def _looks_like_data(names: list[str]) -> bool:
    return any(map(_DECIMAL.fullmatch, names)) or all(map(_WHOLE.fullmatch, names))
