"""A kernel for one key of arguments, as a name that each process understands."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from skyseries.jit.digests import machine_stamp
from skyseries.jit.native import Unavailable, numba_folder
from skyseries.jit.signatures import Portable

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


def wanted_of(module: str, qualname: str, key: Portable, digest: str) -> Wanted:
    """Return a kernel for a key.

    Parameters
    ----------
    module, qualname : str
        Where it is.
    key : Portable
    digest : str
        Of what it is.

    Raises
    ------
    Unavailable
        If machine code cannot be loaded here.
    """
    named = hashlib.sha256(repr((module, qualname, key, digest)).encode()).hexdigest()[:32]
    try:
        folder = machine_stamp(numba_folder())
    except OSError as error:
        raise Unavailable(f"what compiles cannot be told: {error}") from error
    return Wanted(module, qualname, key, f"{folder}/{module}.{qualname}-{named}")
