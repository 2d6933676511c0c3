"""What a text may be written in: ADQL 2.1 to the letter, or with what the Python API allows.

The Python dialect is ADQL with kindnesses: a leading underscore in a name, reserved words that
name a column, ``==``, hexadecimal numbers, ``TRUE`` and ``FALSE``, a boolean column as a
condition, ``IS NULL`` of any expression, ``TRY_CAST``, and functions of our own; in statements also
conditions that are selected, ``CROSS JOIN``, and ``WITH`` in any query. Both have what other
services have beside the recommendation: see `statements`. What ADQL takes and Python's users
hardly mean is refused there: ``89x`` for ``89 AS x``, and two texts on two lines for one.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIALECTS", "PYTHON", "STRICT", "Dialect"]


@dataclass(frozen=True)
class Dialect:
    """A way of writing expressions.

    Parameters
    ----------
    name : str
    kind : bool
        Whether the kindnesses of the Python API are allowed.
    """

    name: str
    kind: bool


STRICT = Dialect("ADQL 2.1", kind=False)
"""ADQL 2.1 as its grammar is written: for TAP."""

PYTHON = Dialect("Python", kind=True)
"""The expressions of `Catalog.query` and `Catalog.assign`."""

DIALECTS = {"adql": STRICT, "python": PYTHON}
"""By the names that users give."""
