"""What a place that holds catalogs can do: six operations, the same for a disk and for a bucket.

A version of a catalog comes to be through these alone. Each of them is done wholly or not at all,
also where the process is killed in the middle (a folder of a bucket is the exception: there is a
file in it that comes last and goes first, `MANIFEST`). What an operation has done when it returns
is there after a power cut, but with ``durability="process"`` on a disk.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from skyseries.errors import InputError, StorageError

__all__ = [
    "CLAIM",
    "MANIFEST",
    "Changed",
    "Entry",
    "Found",
    "Store",
    "Taken",
    "check_owner",
    "checked",
    "owner_in",
    "owner_of",
]

MANIFEST = "manifest.json"
"""The file of an adopted folder that says whose it is; a folder that has it is whole."""

CLAIM = ".skyseries-owner"
"""The object in a folder of a bucket that says who may write there."""


class Taken(StorageError):
    """There is something under the name already."""


class Changed(StorageError):
    """The file does not hold what it held when it was read."""


class Entry(NamedTuple):
    """What a folder holds under one name."""

    name: str
    nbytes: int | None
    """None for a folder."""
    modified: float
    """Seconds since the epoch; of a folder, 0 where the place does not say."""


class Found(NamedTuple):
    """A file that was read."""

    content: bytes
    tag: str
    """Another one as soon as the file holds something else."""


def _go_on() -> None:
    """End nothing."""


class Store(ABC):
    """A folder of some place, in which files have names with ``/``; picklable.

    Attributes
    ----------
    path : str
        The folder, for people.
    local : Path or None
        The folder, if it is one of this machine.
    check : callable
        Called before each file of a folder that is taken over; what it raises ends that.
    """

    path: str
    local: Path | None = None
    check: Callable[[], None] = staticmethod(_go_on)

    @abstractmethod
    def list(self, folder: str = "") -> list[Entry]:
        """Return what lies directly in a folder, by name; nothing if there is none."""

    @abstractmethod
    def read(self, name: str) -> Found | None:
        """Return a small file and its tag; None if there is none."""

    @abstractmethod
    def create(self, name: str, content: bytes) -> None:
        """Write a small file that was not there.

        Raises
        ------
        Taken
            If there is one.
        """

    @abstractmethod
    def replace(self, name: str, content: bytes, tag: str) -> None:
        """Write a small file anew, if it still holds what was read.

        Raises
        ------
        Changed
            If it holds something else than it did with this tag, or is gone.
        """

    @abstractmethod
    def adopt(
        self,
        folder: Path,
        name: str,
        digests: Mapping[str, str],
        owner: str,
        *,
        replaces: bool = False,
    ) -> None:
        """Take over a folder of this machine with all that is in it, under a name of its own.

        Parameters
        ----------
        folder : Path
            With a file in it. On a disk it is moved, and must lie on the same one; to elsewhere
            it is copied.
        name : str
        digests : mapping from str to str
            The digest of each file, by its path below the folder. A file without one is not
            taken for whole when a copy that was stopped goes on.
        owner : str
            Whose folder it is: ``"run"`` in its `MANIFEST`. The same owner may go on with what
            was stopped, wherever that was.
        replaces : bool
            In place of a folder that is there: in one step where the disk can, else the old one
            is gone before the new one comes. In a bucket: one that was adopted, and is whole.

        Raises
        ------
        Taken
            If there is something under the name that another owner has put there.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing if it is not there."""


def checked(name: str) -> str:
    """Return the name of a file or folder below that of a store.

    Raises
    ------
    InputError
        If it may lead out of the store.
    """
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise InputError(f"{name!r} is no name of a file or folder in a catalog")
    return name


def owner_in(manifest: bytes) -> str | None:
    """Return whose folder it is that has this manifest; None if it does not say."""
    try:
        run = json.loads(manifest)["run"]
    except (ValueError, KeyError, TypeError):
        return None
    return run if isinstance(run, str) else None


def owner_of(folder: Path) -> str | None:
    """Return whose folder of this machine it is; None if it does not say, or is not there."""
    try:
        return owner_in((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def check_owner(folder: Path, owner: str) -> None:
    """Raise StorageError unless a folder of this machine says that it is of this owner."""
    if owner_of(folder) != owner:
        raise StorageError(f"{folder} cannot be taken over: its {MANIFEST} does not name {owner}")
