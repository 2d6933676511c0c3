"""Catalogs in a folder of this machine, or of a disk that it has mounted.

A name is given to a file or folder when all of it is on the disk, and an operation returns when
the name is, too. Nothing is locked but for the moment in which a name changes hands.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from skyseries.errors import StorageError
from skyseries.store.base import (
    Changed,
    Entry,
    Found,
    Store,
    Taken,
    check_owner,
    checked,
    owner_of,
)  # fmt: skip
from skyseries.store.files import name_beside, storage_error
from skyseries.store.threads import for_each

__all__ = ["Disk", "LocalStore"]

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of <fcntl.h>
_NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
_THERE = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}
"""What a rename of a folder says when its new name is taken."""


class Disk:
    """The calls that change a disk, and nothing else; tests put a twin in its place."""

    def mkdir(self, path: Path) -> None:
        """Make one folder."""
        path.mkdir()

    def write(self, path: Path, content: bytes) -> None:
        """Write a new file."""
        with path.open("xb") as file:
            file.write(content)

    def sync(self, path: Path) -> None:
        """Wait until the content of a file, or the names in a folder, would outlast a power cut."""
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def link(self, source: Path, target: Path) -> None:
        """Give a file one more name, if there is nothing under it."""
        os.link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file or a folder another name; a file that has that name is replaced."""
        source.rename(target)

    def exchange(self, one: Path, other: Path) -> None:
        """Let two files or folders have each other's name, in one step.

        Raises
        ------
        OSError
            If the disk or the system cannot do so.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "renameat2"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        names = (_HERE, os.fsencode(one), _HERE, os.fsencode(other))
        if libc.renameat2(*names, ctypes.c_uint(_EXCHANGE)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(other))

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def rmdir(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()


class LocalStore(Store):
    """A folder of this machine.

    Parameters
    ----------
    folder : Path
    durability : {"power", "process"}
        What an operation that has returned outlasts: a power cut, or only the end of the process.
    disk : Disk, optional
    """

    local: Path

    def __init__(self, folder: Path, durability: str = "power", disk: Disk | None = None) -> None:
        self.local = folder
        self.path = str(folder)
        self.durability = durability
        self._disk = disk or Disk()

    def list(self, folder: str = "") -> list[Entry]:
        """Return what lies directly in a folder, by name; nothing if there is none."""
        path = self._path(folder) if folder else self.local
        found = []
        with _told("read", path), suppress(*_NOT_THERE), os.scandir(path) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # removed as we look
                    stat = entry.stat()
                    nbytes = None if entry.is_dir() else stat.st_size
                    found.append(Entry(entry.name, nbytes, stat.st_mtime))
        return sorted(found)

    def read(self, name: str) -> Found | None:
        """Return a small file and its tag; None if there is none."""
        path = self._path(name)
        try:
            with _told("read", path, but=_NOT_THERE):
                content = path.read_bytes()
        except _NOT_THERE:
            return None
        return Found(content, _tag(content))

    def create(self, name: str, content: bytes) -> None:
        """Write a small file that was not there."""
        path = self._path(name)
        with _told("write", path):
            self._make_folders(path.parent)
            with self._written_beside(path, content) as beside:
                try:
                    self._give_name(beside, path)
                except FileExistsError:
                    raise Taken(f"{path} is there already") from None
            self._sync_names(path.parent)

    def replace(self, name: str, content: bytes, tag: str) -> None:
        """Write a small file anew, if it still holds what was read."""
        path = self._path(name)
        changed = Changed(f"{path} was changed by another while this was going on")
        with _told("write", path):
            try:
                with self._written_beside(path, content) as beside, _held(path) as file:
                    if _tag(file.read()) != tag:
                        raise changed
                    self._disk.rename(beside, path)
            except _NOT_THERE:
                raise changed from None
            self._sync(path.parent)

    def adopt(
        self,
        folder: Path,
        name: str,
        digests: Mapping[str, str],
        owner: str,
        *,
        replaces: bool = False,
    ) -> None:
        """Take over a folder of the same disk: it is moved."""
        path = self._path(name)
        with _told("write", path):
            if owner_of(path) != owner:  # else we were killed when it had its name
                check_owner(folder, owner)
                self._sync_tree(folder)
                if replaces and os.path.lexists(path):
                    self._exchange(folder, path)
                else:
                    self._move(folder, path)
                if owner_of(path) != owner:
                    raise Taken(f"{path} is there already")
            self._sync_names(path.parent)
            self._remove_tree(folder)  # what was replaced, or another of us has moved

    def delete(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing if it is not there."""
        path = self._path(name)
        with _told("remove", path), suppress(FileNotFoundError, NotADirectoryError):
            if path.is_dir() and not path.is_symlink():
                gone = path if path.name.endswith(".part") else name_beside(path)
                if gone != path:
                    self._disk.rename(path, gone)
                    self._sync(path.parent)
                self._remove_tree(gone)
            elif path.is_symlink():
                self._disk.unlink(path)
            else:
                with _held(path):
                    self._disk.unlink(path)
            self._sync(path.parent)

    def _path(self, name: str) -> Path:
        return self.local / checked(name)

    def _make_folders(self, folder: Path) -> None:
        for place in (*reversed(folder.parents), folder):
            if not place.exists():
                with suppress(FileExistsError):
                    self._disk.mkdir(place)

    @contextmanager
    def _written_beside(self, path: Path, content: bytes) -> Iterator[Path]:
        """Have the content on the disk under another name, which is gone after the block."""
        beside = name_beside(path)
        try:
            self._disk.write(beside, content)
            self._sync(beside)
            yield beside
        finally:
            with suppress(FileNotFoundError):
                self._disk.unlink(beside)

    def _give_name(self, beside: Path, path: Path) -> None:
        """Let a file appear under a name that nothing has.

        Raises
        ------
        FileExistsError
        """
        try:
            self._disk.link(beside, path)
        except FileExistsError:
            # a network disk may say so of the link that it has just made
            if not path.exists() or not path.samefile(beside):
                raise
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with _locked(path.parent, os.O_RDONLY):
                if os.path.lexists(path):
                    raise FileExistsError(path) from None
                self._disk.rename(beside, path)

    def _exchange(self, folder: Path, path: Path) -> None:
        """Let a folder appear under a name, and what had it under that of the folder."""
        try:
            self._disk.exchange(folder, path)
        except OSError as error:
            if error.errno not in _NO_EXCHANGE:
                raise
            aside = name_beside(path)  # for a moment there is neither of them
            self._disk.rename(path, aside)
            self._disk.rename(folder, path)
            self._sync(path.parent)
            self._remove_tree(aside)

    def _sync_tree(self, folder: Path) -> None:
        if self.durability == "power":
            files, folders = _tree(folder)
            for_each(self._sync_or_remove, files, self.check)
            for_each(self._sync, folders, self.check)

    def _move(self, folder: Path, path: Path) -> None:
        """Let a folder appear under a name, unless something has it now."""
        self._make_folders(path.parent)
        if os.path.lexists(path):  # an empty folder would be replaced; one with files never is
            return
        try:
            self._disk.rename(folder, path)
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise StorageError(f"{folder} is not on the disk of {path}") from error
            if error.errno not in _THERE:
                raise

    def _remove_tree(self, folder: Path) -> None:
        files, folders = _tree(folder)
        for file in files:
            with suppress(FileNotFoundError):  # another removes it, too
                self._disk.unlink(file)
        for place in folders:
            with suppress(FileNotFoundError):
                self._disk.rmdir(place)

    def _sync(self, path: Path) -> None:
        if self.durability == "power":
            with _told("sync", path):
                self._disk.sync(path)

    def _sync_or_remove(self, file: Path) -> None:
        """Sync a file; if that fails, nobody may take for whole what is still seen of it."""
        try:
            self._disk.sync(file)
        except OSError as error:
            with suppress(OSError):
                self._disk.unlink(file)
            raise StorageError(
                f"{file} did not reach the disk ({error.strerror}) and was removed; "
                "when the disk is well again, run the same again"
            ) from error

    def _sync_names(self, folder: Path) -> None:
        """Sync a folder and those that it lies in: we, or others just now, have made some."""
        for place in (folder, *folder.parents):
            try:
                self._sync(place)
            except StorageError as error:
                why = getattr(error.__cause__, "errno", None)
                if place.is_relative_to(self.local) or why not in (errno.EACCES, errno.EINVAL):
                    raise


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tree(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files below a folder, and the folders with itself, the deepest first."""
    files: list[Path] = []
    folders: list[Path] = []

    def refuse(error: OSError) -> None:
        if not isinstance(error, _NOT_THERE):
            raise error

    for place, below, names in os.walk(folder, topdown=False, onerror=refuse):
        links = [name for name in below if Path(place, name).is_symlink()]
        files += [Path(place, name) for name in (*names, *links)]
        folders.append(Path(place))
    return files, folders


@contextmanager
def _locked(path: Path, mode: int) -> Iterator[int]:
    """Keep all others from what the name means now while the block runs; give a handle of it."""
    while True:
        handle = os.open(path, mode)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(handle), path.stat()):  # not replaced as we waited
                yield handle
                return
        finally:
            os.close(handle)


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """Keep all others from replacing or removing a file while the block runs."""
    # network disks lock only what is open for writing
    mode = os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY
    with _locked(path, mode) as handle, open(handle, "rb", closefd=False) as file:
        yield file


@contextmanager
def _told(verb: str, path: Path, but: tuple[type[OSError], ...] = ()) -> Iterator[None]:
    """Turn what the system says into a StorageError that names the file."""
    try:
        yield
    except OSError as error:
        if isinstance(error, (StorageError, *but)):
            raise
        raise storage_error(error, verb, path) from error
