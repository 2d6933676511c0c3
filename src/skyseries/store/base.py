"""What a place that holds catalogs can do: six operations, the same for a disk and for a bucket.

A version of a catalog comes to be through these alone. Each of them is done wholly or not at all,
also where the process is killed in the middle, and what an operation has done when it returns is
there after a power cut (but with ``durability="process"`` on a disk).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from skyseries.errors import StorageError

__all__ = ["Changed", "Entry", "Found", "Store", "Taken"]


class Taken(StorageError):
    """There is something under the name already."""


class Changed(StorageError):
    """The file is not what it was when it was read."""


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
    """Another one as soon as the file is replaced."""


class Store(ABC):
    """A folder of some place, in which files have names with ``/``; picklable.

    Attributes
    ----------
    path : str
        The folder, for people.
    local : Path or None
        The folder, if it is one of this machine.
    """

    path: str
    local: Path | None = None

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
        """Write a small file anew, if it is still the one that was read.

        Raises
        ------
        Changed
            If it was replaced or removed since it had this tag.
        """

    @abstractmethod
    def adopt(self, folder: Path, name: str, digests: Mapping[str, str], owner: str) -> None:
        """Take over a folder of this machine with all that is in it, under a name of its own.

        Parameters
        ----------
        folder : Path
            On a disk it is moved, and must lie on the same one; to elsewhere it is copied.
        name : str
        digests : mapping from str to str
            The digest of each file, by its path below the folder. A file without one is not
            taken for whole when a copy that was stopped goes on.
        owner : str
            Whose folder it is. The same owner may go on with what was stopped.

        Raises
        ------
        Taken
            If there is something under the name that another owner has put there.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing if it is not there."""
