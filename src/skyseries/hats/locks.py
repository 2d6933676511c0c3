"""Builds that a living process is at: it holds a lock, which ends with the process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from skyseries.store.files import Location

__all__ = ["held_by_us", "is_held"]

_OLD_LOCK = ".import.lock"
"""What earlier versions of Skyseries locked in the catalog's folder."""


def is_held(root: Location, name: str) -> bool:
    """Tell whether a process of this machine is at what lies under a name in a catalog."""
    with held_by_us(root, name) as free:
        return not free


@contextmanager
def held_by_us(root: Location, name: str) -> Iterator[bool]:
    """Keep writers from a build while the block runs; say whether none was at it."""
    if not root.is_local:  # what is built for a bucket is built elsewhere
        yield True
        return
    file = _OLD_LOCK if name.startswith(".import") else f"{name}/lock"
    path = root.local / file
    try:
        # network disks lock only what is open for writing
        lock = path.open("r+b" if os.access(path, os.W_OK) else "rb")
    except (FileNotFoundError, NotADirectoryError):
        yield True
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
