"""Text tables whose columns are separated by blanks, as one file per star often is.

They are read where nothing is open to doubt: each line has the same number of fields, and one
column at least holds numbers only. The names stand in a line of words before the numbers, or in
a comment (``# HJD mag err``); without them the columns are ``col1``, ``col2``, ..., as astropy
calls them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from skyseries.errors import InputError
from skyseries.formats.text import NULL_WORDS

__all__ = ["BlankTable", "blank_table", "separated"]

_NUMBER = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(?i:nan|inf|infinity)"
)
_COMMENT = re.compile(rb"(?m)^#.*$")
_OTHER_MARKS = set(',;|"')


@dataclass(frozen=True)
class BlankTable:
    """What the beginning of such a file says."""

    names: tuple[str, ...]
    header_lines: int
    """Lines up to that of the names, if that line is no comment; else 0."""


def blank_table(head: bytes, path: str, *, is_whole: bool) -> BlankTable | None:
    """Return the columns if this is a table with columns separated by blanks, else None.

    Parameters
    ----------
    head : bytes
        The beginning of the file.
    path : str
    is_whole : bool
        Whether this is all of it; else the last line may be cut off.

    Raises
    ------
    InputError
        For tables by fixed positions (IPAC, CDS), which only look as if blanks separate them.
    """
    text = head.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n") if is_whole else text.split("\n")[:-1]
    numbered = list(enumerate(lines, 1))
    _refuse_fixed_positions(lines, path)
    rows = [(n, line.split()) for n, line in numbered if line.strip() and line[0] != "#"]
    if not rows or any(_OTHER_MARKS & set(line) for _, line in numbered if line[:1] != "#"):
        return None
    (first, names), data = rows[0], [cells for _, cells in rows]
    has_names = not any(map(_is_number, names))
    data = data[1:] if has_names else data
    width = len(names)
    if width < 2 or not data or any(len(cells) != width for cells in data):
        return None
    if not any(all(map(_is_number_or_null, column)) for column in zip(*data, strict=True)):
        return None
    if has_names:
        by_tabs = all(lines[n - 1].count("\t") == width - 1 for n, _ in rows)
        return None if by_tabs else BlankTable(tuple(names), first)  # tabs may stand for nothing
    comments = (
        line.lstrip("# \t").split() for n, line in numbered if n < first and line[:1] == "#"
    )
    said = [words for words in comments if len(words) == width and not any(map(_is_number, words))]
    plain = [f"col{number}" for number in range(1, width + 1)]
    return BlankTable(tuple(said[-1] if said else plain), 0)


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _is_number_or_null(cell: str) -> bool:
    return cell in NULL_WORDS or _is_number(cell)


def _refuse_fixed_positions(lines: list[str], path: str) -> None:
    first = next((line for line in lines if line.strip() and line[0] not in "\\#"), "")
    if first.startswith("|") and first.rstrip().endswith("|"):
        kind, reader = "an IPAC table", "ascii.ipac"
    elif any(line.startswith("Byte-by-byte Description") for line in lines):
        kind, reader = "a CDS table", "ascii.cds"
    else:
        return
    raise InputError(
        f"{path} looks like {kind}, which is not read; write it in another format: "
        f"astropy.table.Table.read({path!r}, format={reader!r}).write('table.ecsv')"
    )


def separated(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Return the text with one blank between two fields, and empty lines in place of comments."""
    rest = b""
    for block in blocks:
        data = rest + block
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        yield _separated(data[:cut])
    if rest:
        yield _separated(rest)


def _separated(text: bytes) -> bytes:
    text = text.replace(b"\r\n", b"\n").replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    text = text.replace(b"\n ", b"\n").replace(b" \n", b"\n").removeprefix(b" ")
    return _COMMENT.sub(b"", text) if b"#" in text else text
