"""Which store is meant by a path or a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from skyseries.errors import InputError
from skyseries.store.base import Store
from skyseries.store.files import Location, locate
from skyseries.store.local import LocalStore

__all__ = ["store_at"]

DURABILITIES = ("power", "process")


def store_at(
    place: str | os.PathLike[str] | Location, durability: str = "power", **storage_options: Any
) -> Store:
    """Return the store of a folder to write catalogs to.

    Parameters
    ----------
    place : path, URL or Location
        A folder of this machine, there or not.
    durability : {"power", "process"}
        Whether what was written outlasts a power cut, or only the end of the process, which is
        faster: for scratch, and for tests.
    **storage_options
        For the file system of a URL.

    Raises
    ------
    InputError
        If catalogs cannot be written there.
    """
    if durability not in DURABILITIES:
        raise InputError(f"durability must be one of power, process, not {durability!r}")
    if not isinstance(place, Location):
        if os.fspath(place).rpartition("://")[0] not in ("", "file"):
            raise _not_there(f"{place}")
        place = locate(place, **storage_options)
    if not place.is_local:
        raise _not_there(f"{place}")
    return LocalStore(Path(place.path), durability)


def _not_there(place: str) -> InputError:
    return InputError(
        f"catalogs cannot be written to {place}: write to a folder of this machine, and copy it"
    )
