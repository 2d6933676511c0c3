"""An edition: the one way in which a version of a catalog comes to be.

It is put together aside, in a build folder of its own, by as many processes as like; nobody else
is kept from writing meanwhile. When it is whole it is taken over by the store under the number of
a new version, flushed to the disk, and last of all ``collection.properties`` names it. So a reader
sees the version before or the whole new one, whenever this stops; and whoever has an older version
open goes on with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skyseries.arrays import true_or_false
from skyseries.config import settings
from skyseries.errors import CatalogError, InputError, StorageError
from skyseries.executors import Job
from skyseries.hats.build.journal import Journal, is_whole
from skyseries.hats.build.promotion import named_version, next_version, promote
from skyseries.hats.collection import COLLECTION_FILE, Collection
from skyseries.hats.layout import BUILD
from skyseries.hats.manifest import MANIFEST_FILE, FileFacts, Manifest, digest_of
from skyseries.store import Store, Taken, store_at
from skyseries.store.base import CLAIM, owner_in
from skyseries.store.files import Location, locate, storage_errors, write_text

__all__ = ["Edition", "check_target", "new_edition", "new_folder"]

_LEFTOVERS = re.compile(r"\.build-.*|\.import.*|v\d{6}|\..*\.part")
"""What others may be writing, or have left behind when they were stopped; all else is not ours."""
_OF_SYSTEMS = re.compile(r"\.DS_Store|\._.*|\.nfs.*|lost\+found|desktop\.ini|Thumbs\.db")
"""What systems put into folders by themselves."""
_OLD_RUNS = re.compile(r"\.import-.+")
"""What imports and writes before version 0.2 have left behind."""
_DONE, _NUMBER, _SCRATCH = "report", "version", "scratch"
_TRIES = 100


@dataclass(frozen=True)
class Edition:
    """A version, or a folder, that is being written.

    Parameters
    ----------
    store : Store
        Where it is to be.
    content : Path
        The folder that becomes the version; all workers see it.
    scratch : Path
        A folder for what is needed until then.
    journal : Journal
        What has been done.
    owner : str
        Name of the run.
    overwrite : bool
        Whether there may be a version before.
    resumed : bool
        Whether it goes on where the same run was stopped.
    """

    store: Store
    content: Path
    scratch: Path
    journal: Journal
    owner: str
    overwrite: bool
    resumed: bool = False

    @property
    def report(self) -> dict[str, Any] | None:
        """What is told of the whole edition, if all of it was there when the run was stopped."""
        return self.journal.note(_DONE)

    def publish(
        self,
        collection: Collection,
        files: Mapping[str, FileFacts],
        report: Mapping[str, Any] | None = None,
    ) -> str:
        """Make what was built the current version of the catalog.

        Parameters
        ----------
        collection : Collection
            The folders in `content`, by their names there.
        files : mapping from str to FileFacts
            Those whose digests are known, by path below `content`.
        report : mapping, optional
            What `report` returns if this is stopped before its end, and begun again.

        Returns
        -------
        version : str
            ``v000001``, ...

        Raises
        ------
        InputError
            If another writer has made a catalog there meanwhile, and not `overwrite`.
        """
        was_there = not self.content.exists()
        with Job("publish") as job, job.stage("publishing"):
            digests = self._seal(files)
            if self.report is None:
                self.journal.keep(_DONE, report or {})
            self.store.check = job.check
            version = self._adopt(digests)
        try:
            job.check()
            promote(self.store, collection.below(version), self.overwrite)
        except BaseException as error:
            if isinstance(error, InputError):  # nobody can go on with it
                self.journal.clear()
            if not was_there and not self.journal.is_kept:
                self._take_back(version, error)
            raise
        return version

    def place(self, path: str | os.PathLike[str], files: Mapping[str, FileFacts]) -> None:
        """Make what was built the folder of this path, in place of one that is there.

        Parameters
        ----------
        path : path
            As it was given to `new_folder`.
        files : mapping from str to FileFacts
            Those whose digests are known, by path below `content`.
        """
        name, digests = locate(path).name, self._seal(files)
        self.store.adopt(self.content, name, digests, self.owner, replaces=self.overwrite)

    def _seal(self, known: Mapping[str, FileFacts]) -> dict[str, str]:
        """Write the manifest, unless all was done; return the digests of all files."""
        path = self.content / MANIFEST_FILE
        if not self.content.exists():  # it was moved to its place already
            return {}
        if self.report is not None:
            manifest = Manifest.from_json(path.read_text(encoding="utf-8"), str(path))
        else:
            manifest = Manifest(self.owner, datetime.now(UTC), self._facts(known))
            write_text(path, manifest.to_json())
        digests = {name: facts.digest for name, facts in manifest.files.items()}
        return digests | {MANIFEST_FILE: digest_of(path)}

    def _facts(self, known: Mapping[str, FileFacts]) -> dict[str, FileFacts]:
        facts = {}
        for path in self.content.rglob("*"):
            name = path.relative_to(self.content).as_posix()
            if path.is_dir() or name == MANIFEST_FILE:
                continue
            if path.name.startswith("."):  # begun when the run was stopped
                path.unlink()
            else:
                facts[name] = known.get(name) or FileFacts(path.stat().st_size, digest_of(path))
        return facts

    def _take_back(self, version: str, error: BaseException) -> None:
        """Remove a version that is not named, so that all is as it was.

        What went wrong may have done so after the version was named, or a later one was.
        """
        named = None if isinstance(error, InputError) else named_version(self.store)
        if named is None or named < version:
            self.store.delete(version)

    def _is_ours(self, version: str) -> bool:
        """Whether a folder was adopted from here, or a part of it."""
        whole = self.store.read(f"{version}/{MANIFEST_FILE}")
        begun = self.store.read(f"{version}/{CLAIM}")
        return (whole is not None and owner_in(whole.content) == self.owner) or (
            begun is not None and begun.content.decode(errors="replace") == self.owner
        )

    def _adopt(self, digests: Mapping[str, str]) -> str:
        chosen = (self.journal.note(_NUMBER) or {}).get("name")
        if chosen and self.content.exists() and (named_version(self.store) or "") > chosen:
            chosen = None  # others have gone on since this was stopped: it is to be the newest
        for _ in range(_TRIES):
            version = chosen or next_version(self.store)
            self.journal.keep(_NUMBER, {"name": version})
            try:
                self.store.adopt(self.content, version, digests, self.owner)
            except Taken:  # by another writer
                chosen = None
            except BaseException as error:
                if not self.journal.is_kept and self._is_ours(version):
                    self._take_back(version, error)
                raise
            else:
                return version
        raise StorageError(
            f"{self.store.path}: {_TRIES} numbers of versions were taken by others, the last one "
            f"{version}; run the same again"
        )


@contextmanager
def new_edition(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    run: str | None = None,
    resume: bool = True,
    scratch: str | os.PathLike[str] | None = None,
    durability: str = "power",
    **storage_options: Any,
) -> Iterator[Edition]:
    """Write a version of a catalog.

    Parameters
    ----------
    path : path or URL
        The folder of the catalog: a new one, an empty one, or that of a catalog.
    overwrite : bool
        Make the next version if there is a catalog already.
    run : str, optional
        A name for what is written: what was built when the block is left before it is published
        is kept, and the next block of this name goes on with it. None: it is removed.
    resume : bool
        False: what was built before is removed, and the run starts again.
    scratch : path, optional
        Where files go that are not part of the version; by default into the build folder.
    durability : {"power", "process"}
        What a version that is named outlives: a power cut, or the end of this process.

    Raises
    ------
    InputError
        If there is a catalog and not `overwrite`, or the folder holds something else, or what a
        run of an earlier version of Skyseries has left; or if there are no more numbers.
    StorageError
        If it cannot be written, or another process is at the same run.
    """
    overwrite, resume = true_or_false(overwrite, "overwrite"), true_or_false(resume, "resume")
    store = store_at(path, durability, **storage_options)
    place = locate(path, **storage_options)
    owner = run or uuid.uuid4().hex
    build = _build_folder(place, owner, scratch)
    journal = Journal(None if run is None else build / "marks", durability == "power")
    apart = _apart(place, owner, scratch, build)
    if run is not None and resume:
        _check_old_runs(store)
    check_target(store, overwrite or journal.note(_DONE) is not None)
    with _made(build), _held(build):
        published = False
        try:
            before = (journal.note(_SCRATCH) or {}).get("path")
            if not resume or _is_lost(journal, build / "content", store):
                _empty(build)
            elif before not in (None, str(apart)):  # what marks speak of lies elsewhere
                shutil.rmtree(before, ignore_errors=True)
                _empty(build)
            elif not _is_whole(journal, build / "content"):
                journal.forget(_DONE)
            finished = journal.note(_DONE) is not None
            check_target(store, overwrite or finished)  # another may have ended meanwhile
            if not finished:
                next_version(store)  # there is one
                with storage_errors(place.path):
                    (build / "content").mkdir(exist_ok=True)
            resumed = (build / "marks").exists()
            if resumed or run is not None:
                journal.keep(_SCRATCH, {"path": str(apart)})
            yield Edition(store, build / "content", apart, journal, owner, overwrite, resumed)
            published = True
        finally:
            if published or not journal.has_begun(_SCRATCH):
                shutil.rmtree(apart, ignore_errors=True)
                _remove(build)


@contextmanager
def new_folder(
    path: str | os.PathLike[str],
    name: str,
    *,
    overwrite: bool,
    durability: str = "power",
) -> Iterator[Edition]:
    """Write a folder that has no versions: an association, which LSDB opens as such.

    Parameters
    ----------
    path : path
        Of the folder.
    name : str
        Of what is written.
    overwrite : bool
        Replace one that is there.
    durability : {"power", "process"}
    """
    overwrite, place = true_or_false(overwrite, "overwrite"), locate(path)
    store = store_at(place.parent(), durability)
    owner = uuid.uuid4().hex
    build = _build_folder(place.parent(), owner, None)
    content = build / "content" / name
    with _made(build):
        try:
            with storage_errors(place.path):
                content.mkdir(parents=True)
            yield Edition(store, content, build / "scratch", Journal(None), owner, overwrite)
        finally:
            shutil.rmtree(build, ignore_errors=True)


def check_target(store: Store, overwrite: bool) -> None:
    """Raise InputError unless a catalog may be written to this folder."""
    if store.local is not None and store.local.exists() and not store.local.is_dir():
        raise InputError(f"{store.path} is a file; a catalog is a folder")
    there = store.list()
    if any(entry.name == COLLECTION_FILE for entry in there):
        if not overwrite:
            raise InputError(
                f"{store.path} holds a catalog already; overwrite=True makes a new version of it"
            )
        return
    known = (_LEFTOVERS, _OF_SYSTEMS)
    foreign = sorted(e.name for e in there if not any(names.fullmatch(e.name) for names in known))
    if foreign:
        raise InputError(f"{store.path} is not empty (it holds {foreign[0]!r}) and no catalog")


def _check_old_runs(store: Store) -> None:
    old = sorted(e.name for e in store.list() if _OLD_RUNS.fullmatch(e.name))
    if old:
        raise InputError(
            f"{store.path} holds what a run of an earlier version of Skyseries has written "
            f"({old[0]}), which cannot be gone on with: resume=False starts from the beginning, "
            "`skyseries vacuum` removes it"
        )


def _build_folder(place: Location, owner: str, scratch: Any) -> Path:
    """Return where an edition is put together: on the disk of the catalog, if that is here."""
    if place.is_local:
        return Path(place.path) / f"{BUILD}{owner}"
    return _aside(place, owner, scratch or settings().tmp_dir or tempfile.gettempdir())


def _apart(place: Location, owner: str, scratch: Any, build: Path) -> Path:
    given = scratch or settings().tmp_dir
    if given is None or not place.is_local:
        return build / "scratch"
    return _aside(place, owner, given)


def _aside(place: Location, owner: str, folder: Any) -> Path:
    """Return a folder that other catalogs do not use; they may have the same place for theirs."""
    mark = hashlib.sha256(str(place).encode()).hexdigest()[:8]
    return Path(folder).expanduser().absolute() / f"{BUILD}{mark}-{owner}"


def _is_lost(journal: Journal, content: Path, store: Store) -> bool:
    """Whether all was done and moved to its place, and is not there any more."""
    name = (journal.note(_NUMBER) or {}).get("name")
    done = journal.note(_DONE) is not None and not content.exists()
    return done and name not in [entry.name for entry in store.list()]


def _is_whole(journal: Journal, content: Path) -> bool:
    """Whether the files are as they were when all was done: after a power cut they may not be."""
    path = content / MANIFEST_FILE
    if journal.note(_DONE) is None or not content.exists():
        return True
    try:
        manifest = Manifest.from_json(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError, CatalogError):
        return False
    files = manifest.files.items()
    return all(is_whole(content / name, said.nbytes, said.digest) for name, said in files)


@contextmanager
def _made(build: Path) -> Iterator[None]:
    """Remove the folders above that did not exist, if nothing is left in them."""
    made = [folder for folder in build.parents if not folder.exists()]
    try:
        yield
    finally:
        for folder in made:  # from the deepest on
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _held(build: Path) -> Iterator[None]:
    """Keep others from going on with the same run; when the process ends, it is free."""
    path = build / "lock"
    try:
        build.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise StorageError(f"cannot write to {build.parent}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"another process is writing the same to {build.parent}") from None
        if not path.exists() or path.stat().st_ino != os.fstat(lock.fileno()).st_ino:
            raise StorageError(f"another process has just written the same to {build.parent}")
        yield


def _remove(build: Path) -> None:
    """Remove a build, whose name is free at once for the next run of the same."""
    gone = build.with_name(f"{build.name}.{os.urandom(4).hex()}.part")
    with suppress(OSError):
        build.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _empty(build: Path) -> None:
    for path in build.iterdir():
        if path.name != "lock":
            shutil.rmtree(path)
