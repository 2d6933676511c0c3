"""A kernel for one key of arguments, as a name that each process understands."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from skyseries.jit.native import Unavailable, numba_folder
from skyseries.jit.signatures import Portable
from skyseries.jit.sources import machine_stamp, source_stamp

__all__ = ["Unavailable", "Wanted", "wanted_of"]


class Wanted(NamedTuple):
    """A kernel for one key of arguments."""

    module: str
    qualname: str
    key: Portable
    name: str
    """Of the file that it is kept in."""

    @property
    def symbol(self) -> str:
        """A symbol that no other machine code has."""
        return f"skyseries.{self.name.rpartition('-')[2]}"


def wanted_of(module: str, qualname: str, key: Portable) -> Wanted | None:
    """Return a kernel for a key; None if its source is not in a file.

    Raises
    ------
    Unavailable
        If machine code cannot be loaded here.
    """
    stamp = source_stamp(module)
    if stamp is None:
        return None
    text = repr((module, qualname, key, stamp))
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    folder = machine_stamp(numba_folder())
    return Wanted(module, qualname, key, f"{folder}/{module}.{qualname}-{digest}")
