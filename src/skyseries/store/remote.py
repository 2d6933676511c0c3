"""Catalogs in a bucket: objects that are written whole, and on condition.

There is no rename there, and no folder. A folder is claimed by an object that only one can create;
then its files are copied, and the one that says that it is whole comes last.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from skyseries.errors import StorageError
from skyseries.store.base import (
    CLAIM,
    MANIFEST,
    Changed,
    Entry,
    Found,
    Store,
    Taken,
    check_owner,
    checked,
    owner_in,
)  # fmt: skip
from skyseries.store.threads import for_each

__all__ = ["Bucket", "RemoteStore"]

_WRITE = "skyseries-write"
_DIGEST = "skyseries-digest"
_NO_TAG = f'"{"0" * 32}"'


class Bucket(ABC):
    """The calls of an object store, below some prefix; tests put a twin in its place.

    Attributes
    ----------
    path : str
        For people.
    """

    path: str

    @abstractmethod
    def list(self, prefix: str, deep: bool) -> list[Entry]:
        """Return what lies directly under a prefix, or all objects; named from there on."""

    @abstractmethod
    def get(self, key: str) -> Found | None:
        """Return an object; None if there is none."""

    @abstractmethod
    def notes(self, key: str) -> Mapping[str, str] | None:
        """Return what was noted with an object; None if there is none."""

    @abstractmethod
    def put(self, key: str, content: bytes, notes: Mapping[str, str], tag: str | None) -> bool:
        """Write an object if it has this tag, or for None if there is none; say whether it was."""

    @abstractmethod
    def send(self, key: str, file: Path, notes: Mapping[str, str]) -> None:
        """Write an object of what a file of this machine holds."""

    @abstractmethod
    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects, whether they are there or not."""


class RemoteStore(Store):
    """A folder of a bucket.

    Parameters
    ----------
    bucket : Bucket
    """

    def __init__(self, bucket: Bucket) -> None:
        self.path = bucket.path
        self._bucket = bucket

    def list(self, folder: str = "") -> list[Entry]:
        """Return what lies directly in a folder, by name; nothing if there is none."""
        return sorted(self._bucket.list(f"{checked(folder)}/" if folder else "", deep=False))

    def read(self, name: str) -> Found | None:
        """Return a small file and its tag; None if there is none."""
        return self._bucket.get(checked(name))

    def create(self, name: str, content: bytes) -> None:
        """Write a small file that was not there."""
        if not self._put(name, content, None):
            raise self._taken(name)

    def replace(self, name: str, content: bytes, tag: str) -> None:
        """Write a small file anew, if it still holds what was read."""
        if not self._put(name, content, tag):
            raise Changed(f"{self.path}/{name} was changed by another while this was going on")

    def adopt(
        self,
        folder: Path,
        name: str,
        digests: Mapping[str, str],
        owner: str,
        *,
        replaces: bool = False,
    ) -> None:
        """Take over a folder of this machine: it is copied, but for what is there already."""
        claim = self.read(f"{checked(name)}/{CLAIM}")
        manifest = self.read(f"{name}/{MANIFEST}")
        if manifest is not None and owner_in(manifest.content) == owner:
            return  # we were killed after the last file
        check_owner(folder, owner)
        is_whole = manifest is not None and owner_in(manifest.content) == _owner(claim)
        self._claim(name, owner, claim if replaces and is_whole else None)
        if manifest is not None:
            self._bucket.remove([f"{name}/{MANIFEST}"])
        self._copy(folder, name, digests)
        self._check_claim(name, owner)  # nobody has removed what we were writing
        self._bucket.send(f"{name}/{MANIFEST}", folder / MANIFEST, {})

    def delete(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing if it is not there."""
        below = self._bucket.list(f"{checked(name)}/", deep=True)
        keys = {f"{name}/{entry.name}" for entry in below}
        first, last = {f"{name}/{MANIFEST}"}, {f"{name}/{CLAIM}"}
        for some in (keys & first, keys - first - last, keys & last | {name}):
            self._bucket.remove(sorted(some))

    def _copy(self, folder: Path, name: str, digests: Mapping[str, str]) -> None:
        """Let a folder hold all files of one of this machine but the `MANIFEST`, and no others."""
        files = {
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        } - {MANIFEST}
        there = {entry.name: entry.nbytes for entry in self._bucket.list(f"{name}/", deep=True)}
        others = there.keys() - files - {CLAIM, MANIFEST}
        self._bucket.remove([f"{name}/{other}" for other in sorted(others)])

        def send(file: str) -> None:
            key, path, digest = f"{name}/{file}", folder / file, digests.get(file)
            note = {} if digest is None else {_DIGEST: digest}
            is_like = digest is not None and there.get(file) == path.stat().st_size
            if not (is_like and (self._bucket.notes(key) or {}).get(_DIGEST) == digest):
                self._bucket.send(key, path, note)

        for_each(send, sorted(files), self.check)

    def _put(self, name: str, content: bytes, tag: str | None) -> bool:
        """Write an object on condition; say whether that was done.

        An answer can be lost, and then those below us make the call again: it is refused, since
        the object is there, and written by ourselves.
        """
        write = os.urandom(8).hex()
        try:
            return self._bucket.put(checked(name), content, {_WRITE: write}, tag) or self._wrote(
                name, write
            )
        except StorageError:
            if self._wrote(name, write):
                return True
            raise

    def _wrote(self, name: str, write: str) -> bool:
        return (self._bucket.notes(name) or {}).get(_WRITE) == write

    def _claim(self, name: str, owner: str, former: Found | None) -> None:
        """Make a folder ours, if there is nothing in it, or it is ours already.

        Or if its former claim is given, and is there still: a whole folder is replaced, and one
        that another is writing is not.
        """
        claim, content = f"{name}/{CLAIM}", owner.encode()
        with suppress(Taken, Changed):
            if former is not None:
                self.replace(claim, content, former.tag)
            elif not self._bucket.list(f"{name}/", deep=False) and not self._is_file(name):
                self.create(claim, content)
                self._check_conditions(claim, content)
        self._check_claim(name, owner)

    def _check_claim(self, name: str, owner: str) -> None:
        if _owner(self.read(f"{name}/{CLAIM}")) != owner:
            raise self._taken(name)

    def _is_file(self, name: str) -> bool:
        return self._bucket.notes(name) is not None

    def _check_conditions(self, key: str, content: bytes) -> None:
        """Raise StorageError where writes whose condition does not hold are done all the same."""
        for tag in (None, _NO_TAG):
            if self._bucket.put(key, content, {}, tag):
                raise StorageError(
                    f"{self.path} does not keep to the conditions of a write (If-None-Match and "
                    "If-Match), so that two writers could undo each other's work. Update s3fs, "
                    "aiobotocore and the server, or write to a folder of this machine and copy it"
                )

    def _taken(self, name: str) -> Taken:
        return Taken(f"{self.path}/{name} is there already")


def _owner(claim: Found | None) -> str | None:
    return None if claim is None else claim.content.decode(errors="replace")
