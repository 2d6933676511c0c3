"""Names that a catalog can have: each is a folder, and a word in lists of a properties file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from skyseries.errors import InputError
from skyseries.hats.leaf import HPX_COLUMN

__all__ = [
    "MEASURES",
    "RESERVED",
    "check_catalog_name",
    "check_columns",
    "check_index_column",
    "is_word",
]

MEASURES = ("#bytes", "#epochs")
"""What is measured of rows of a sorted run: columns of it, where rows differ."""

RESERVED = frozenset(
    {HPX_COLUMN, *MEASURES, "_rank", "_target", "Norder", "Dir", "Npix"}
    | {"margin_Norder", "margin_Dir", "margin_Npix"}
)
"""Columns that are written by ourselves, into leaves or scratch files, or that readers of HATS
take for parts of a path."""

_MOST_BYTES = 100
"""A file's name has 255 bytes at most: that of an index is made of two names and some more."""


def is_word(name: str) -> bool:
    """Tell whether a name can be a folder, and one entry of a list: no blank, comma or slash."""
    bad = any(c.isspace() or c in ",;/\\" or unicodedata.category(c) in ("Cc", "Cs") for c in name)
    return bool(name) and not bad and len(name.encode()) <= _MOST_BYTES


def check_catalog_name(name: str) -> str:
    """Return the name of a catalog, or raise InputError if it cannot be one."""
    if not isinstance(name, str) or name.startswith(".") or not is_word(name):
        raise InputError(
            f"{name!r} cannot name a catalog: blanks, commas, semicolons, slashes, a leading dot "
            f"and more than {_MOST_BYTES} bytes are not possible; give name=..."
        )
    return name


def check_index_column(name: str) -> None:
    """Raise InputError if an index cannot be named after this column."""
    if not is_word(name):
        raise InputError(
            f"the column {name!r} cannot have an id index, whose folder is named after it: "
            "rename the column, or give id_index=False"
        )


def check_columns(names: Iterable[str]) -> None:
    """Raise InputError if a column of a result has a name of HATS's own, which readers drop."""
    if taken := [name for name in names if name in RESERVED and name != HPX_COLUMN]:
        raise InputError(f"the column {taken[0]!r} has a name of HATS's own: rename it")
