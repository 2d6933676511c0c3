"""What is common to containers of rows, of single numbers and of tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Gone = NDArray[np.bool_] | None
"""Where values are missing; None: nowhere."""


@dataclass(frozen=True)
class Container:
    """Something that values come in."""

    name: str
    make: Callable[..., Any]
    """From the values, where they are missing, and their unit."""
    holds: str = "n"
    """The kinds of values, as `Kind.holds`; d: dates, p: positions, i: ids."""
    says: Literal["never", "may", "must"] = "never"
    """Whether it says a unit."""
    any_unit: bool = False
    """Whether its unit may be a text that is no unit."""
    misses: bool = True
    """Whether values can be missing from it."""
    type: Any = None
    """What the values are rounded to in it."""
    refused: bool = False
    """Whether there is no meaning in it for what is asked."""

    def rounded(self, values: Values) -> Values:
        """Return the values that it can hold."""
        if self.type is None or values.dtype.kind not in "fiu":
            return values
        if values.dtype.kind == np.dtype(self.type).kind == "i":
            return values
        if np.dtype(self.type).kind == "i":
            values = np.rint(values)
        return values.astype(self.type).astype(np.float64)


def filled(values: Values, gone: Gone, what: Any) -> Values:
    """Return values with something in the place of those that are missing."""
    if gone is None:
        return values
    return np.where(gone, np.asarray(what, values.dtype), values)


def plain(values: Values, gone: Gone) -> Values:
    """Return values with NaN (None for text and flags) where they are missing."""
    if gone is None:
        return values
    if values.dtype.kind in "fiu":
        return np.where(gone, np.nan, values.astype(np.float64))
    return objects(values, gone)


def objects(values: Values, gone: Gone) -> Values:
    """Return Python objects, None where they are missing."""
    found = values.astype(object)
    if gone is not None:
        found[gone] = None
    return found


def under(values: Values) -> Any:
    """Return what lies under a mask: a value like the others, which must not count."""
    return values.ravel()[-1]
