"""A new version of a catalog: built aside, and seen by readers only when it is whole.

A catalog of the given path gets its next version folder; ``collection.properties`` names it at
the very end. Whoever has the version before open goes on with it.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from skyseries.errors import InputError, StorageError
from skyseries.hats.collection import Collection, next_version, promote, read_collection
from skyseries.store.files import Location, storage_errors

__all__ = ["NewVersion", "check_target", "new_version", "write_lock"]

_LEFTOVERS = re.compile(r"\.import.*|v\d{6}|\..*\.part")
"""What a stopped import or write may have left behind; all else is not ours."""
_BUILD = ".import-build-"
_MARKS = ".import-marks-"


class NewVersion:
    """A version that is being written.

    Attributes
    ----------
    root : Path
        The catalog that it is a version of.
    build : Path
        Where its folders are written; it is on the same disk.
    marks : Path or None
        Where the marks of a run that can be resumed are.
    name : str or None
        ``v000002``, ..., once it is published.
    """

    def __init__(self, root: Path, run: str | None = None) -> None:
        self.root = root
        self.build = root / f"{_BUILD}{run or uuid.uuid4().hex[:8]}"
        self.marks = None if run is None else root / f"{_MARKS}{run}"
        self.name: str | None = None

    def publish(self, collection: Collection) -> str:
        """Give what was built its name, and make it the current version.

        Parameters
        ----------
        collection : Collection
            The folders in `build`, by their names there.

        Returns
        -------
        version : str
        """
        if self.name is not None:
            raise InputError(f"version {self.name} of {self.root} is published already")
        version = next_version(self.root)
        with storage_errors(str(self.root / version)):
            self.build.rename(self.root / version)
            try:
                promote(self.root, _below(collection, version))
            except BaseException:
                shutil.rmtree(self.root / version, ignore_errors=True)
                raise
        self.name = version
        return version


@contextmanager
def new_version(
    path: str | os.PathLike[str], overwrite: bool = False, run: str | None = None
) -> Iterator[NewVersion]:
    """Write a version of a catalog; leaving the block unpublished removes all of it.

    Parameters
    ----------
    path : path
        The folder of the catalog: a new one, an empty one, or that of a catalog.
    overwrite : bool
        Make the next version if there is a catalog already.
    run : str, optional
        A name for what is written: leaving the block unpublished keeps it, and the next block of
        this name goes on with it.

    Raises
    ------
    InputError
        If there is a catalog and not `overwrite`, or the folder holds something else, or the
        unfinished version of another run.
    StorageError
        If it cannot be written, or something else is writing there.
    """
    root = _local(path)
    check_target(root, overwrite)
    made = [p for p in (root, *root.parents) if not p.exists()]
    try:
        with write_lock(root):
            check_target(root, overwrite)  # another may have ended while we came here
            version = NewVersion(root, run)
            _clear(version)
            try:
                with storage_errors(str(root)):
                    version.build.mkdir(exist_ok=True)
                yield version
            finally:
                if version.marks is None or version.name is not None:
                    _remove(version.build, version.marks)
    finally:
        for folder in made:  # those that are empty, from the deepest on
            with suppress(OSError):
                folder.rmdir()


def _clear(version: NewVersion) -> None:
    """Remove what stopped runs have left; of the run that goes on, files without a name."""
    kept = {version.build, version.marks}
    if version.marks is not None:
        for other in version.root.glob(f"{_MARKS}*"):
            if other not in kept:
                raise InputError(
                    f"{version.root} holds what a stopped run of another plan, or of another "
                    "version of Skyseries or of the catalog, has written. Run that one again, "
                    "or start from the beginning with resume=False"
                )
        if not version.marks.exists():
            _remove(version.build)
        for part in list(version.build.rglob(".*.part")):
            shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink()
    for pattern in (_BUILD, _MARKS):
        _remove(*[left for left in version.root.glob(f"{pattern}*") if left not in kept])


def _remove(*folders: Path | None) -> None:
    for folder in folders:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def check_target(root: Path, overwrite: bool) -> None:
    """Raise InputError unless a catalog may be written to this folder."""
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is a file; a catalog is a folder")
    if not root.exists():
        return
    if read_collection(Location(str(root))) is not None:
        if not overwrite:
            raise InputError(
                f"{root} holds a catalog already; overwrite=True makes a new version of it"
            )
        return
    foreign = sorted(p.name for p in root.iterdir() if not _LEFTOVERS.fullmatch(p.name))
    if foreign:
        raise InputError(f"{root} is not empty (it holds {foreign[0]!r}) and no catalog")


@contextmanager
def write_lock(root: Path) -> Iterator[None]:
    """Keep all others from writing to this folder while the block runs."""
    import fcntl

    path = root / ".import.lock"
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise StorageError(f"cannot write to {root}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"another import is writing to {root}") from None
        if not path.exists() or path.stat().st_ino != os.fstat(lock.fileno()).st_ino:
            raise StorageError(f"another import has just ended in {root}: try again")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _local(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if "://" in text and not text.startswith("file://"):
        raise InputError(f"a catalog is written to a local folder, not to {text}")
    return Path(text.removeprefix("file://")).expanduser().absolute()


def _below(collection: Collection, version: str) -> Collection:
    margin = collection.default_margin
    return replace(
        collection,
        primary=f"{version}/{collection.primary}",
        margins=tuple(f"{version}/{name}" for name in collection.margins),
        default_margin=None if margin is None else f"{version}/{margin}",
        indexes=tuple((field, f"{version}/{name}") for field, name in collection.indexes),
    )
