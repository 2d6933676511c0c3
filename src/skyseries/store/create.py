"""Which store is meant by a path or a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from skyseries.errors import InputError, MissingDependencyError
from skyseries.store.base import Store
from skyseries.store.files import Location, locate

__all__ = ["store_at"]

DURABILITIES = ("power", "process")
_LOCAL = ("file",)
_S3 = ("s3", "s3a")


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
        raise InputError(f"durability must be one of {', '.join(DURABILITIES)}, not {durability!r}")
    protocol = place.protocol if isinstance(place, Location) else _protocol(os.fspath(place))
    if protocol not in (*_LOCAL, *_S3):
        raise InputError(
            f"catalogs cannot be written to {place}: write to a folder of this machine, or to "
            "s3://bucket/folder"
        )
    try:
        location = place if isinstance(place, Location) else locate(place, **storage_options)
        return _store(location, durability)
    except ImportError as error:
        raise MissingDependencyError("s3fs", "remote") from error


def _protocol(place: str) -> str:
    return place.rpartition("://")[0] or "file"


def _store(location: Location, durability: str) -> Store:
    if location.is_local:
        from skyseries.store.local import LocalStore  # readers do without

        return LocalStore(Path(location.path), durability)
    from skyseries.store.remote import RemoteStore
    from skyseries.store.s3 import S3Bucket

    return RemoteStore(S3Bucket(location))
