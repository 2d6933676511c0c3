"""Tell the format of a file: by its suffix, else by its first bytes."""

from __future__ import annotations

from pathlib import PurePosixPath

from skyseries.errors import InputError
from skyseries.formats.blanks import blank_table
from skyseries.formats.layout import TEXT_BYTES
from skyseries.formats.opening import open_plain, open_raw, reading

__all__ = ["COMPRESSED", "HAS_TABLES", "SUFFIXES", "format_of", "stem_of"]

HAS_TABLES = ("fits", "votable")
"""The formats of which one file can hold several tables."""
SUFFIXES = {
    ".parquet": "parquet", ".parq": "parquet", ".pq": "parquet",
    ".csv": "csv", ".tsv": "csv", ".ecsv": "ecsv",
    ".fits": "fits", ".fit": "fits",
    ".vot": "votable", ".votable": "votable",
}  # fmt: skip
_TEXT = (".dat", ".txt", ".tbl")
"""Suffixes of text files that may be tables, with columns separated by blanks."""
COMPRESSED = (".gz", ".bz2", ".zst")
_HEAD_BYTES = 4096
"""Enough to see a VOTABLE element behind an XML declaration, a comment and a stylesheet."""


def format_of(path: str, *, named: bool) -> str | None:
    """Return the format by the suffix, else by the first bytes; None if it is not a table.

    Parameters
    ----------
    path : str
    named : bool
        The user named this very file: more is tried, and a file that is no table is an error.
    """
    name = _uncompressed(path)
    suffix = PurePosixPath(name.lower()).suffix
    if known := SUFFIXES.get(suffix):
        return known
    if not named and suffix and suffix not in (".xml", *_TEXT):
        return None
    known = _format_by_content(path, named=named, blanks=named or suffix in _TEXT)
    if known is None and named:
        raise InputError(
            f"{path} is in no known format (Parquet, CSV, ECSV, FITS, VOTable, or text with the "
            "same number of columns, separated by blanks, in each line); "
            "give the file a suffix that says what it is, for instance .csv"
        )
    return known


def stem_of(path: str) -> str:
    """Return the name of a file without the suffixes that say its format and compression."""
    name = _uncompressed(path)
    suffix = PurePosixPath(name).suffix
    is_known = suffix.lower() in (*SUFFIXES, *_TEXT, ".xml")
    return name.removesuffix(suffix) if is_known else name


def _uncompressed(path: str) -> str:
    name = PurePosixPath(path.split("?")[0]).name
    for suffix in COMPRESSED:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def _format_by_content(path: str, *, named: bool, blanks: bool) -> str | None:
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
            rest = plain.read(TEXT_BYTES - _HEAD_BYTES) if blanks else b""
    if not head or b"\0" in head or head.lstrip().startswith((b"<", b"{")):
        return None
    whole = len(head + rest) < TEXT_BYTES
    if blanks and blank_table(head + rest, path, is_whole=whole):
        return "blanks"
    first = head.partition(b"\n")[0]
    is_csv = any(mark in first for mark in b",;\t|") or _is_one_column(head)
    return "csv" if named and is_csv else None


def _is_one_column(head: bytes) -> bool:
    """Return whether each line is one word: ids, below the name of their column."""
    lines = head.strip().splitlines()
    return len(lines) > 1 and all(len(line.split()) == 1 for line in lines)
