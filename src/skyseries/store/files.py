"""Files of a catalog, wherever they are: a local folder or anything that fsspec opens.

`Location` is a folder or file of one file system. Local files are read by Arrow's own memory
mapping and system calls; others through fsspec. Writing is local, and always to a name beside
the final one that is then renamed, so that no reader sees a half-written file.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from skyseries.errors import CatalogError, CatalogNotFoundError, InputError, StorageError

__all__ = [
    "Location",
    "atomic_path",
    "locate",
    "name_beside",
    "name_of",
    "removed_version",
    "storage_error",
    "storage_errors",
    "write_text",
]

_IN_VERSION = re.compile(r"((.+)/v(\d{6}))/.+", re.DOTALL)
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Location:
    """A path on a file system; picklable."""

    path: str
    protocol: str = "file"
    options: tuple[tuple[str, Any], ...] = field(default=(), repr=False, hash=False)

    @property
    def is_local(self) -> bool:
        """Whether this is a file of this machine."""
        return self.protocol == "file"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    @property
    def local(self) -> Path:
        """The path as a Path; only for local files."""
        if not self.is_local:
            raise StorageError(f"{self} is not a local path; copy it here first")
        return Path(self.path)

    def join(self, *parts: str) -> Location:
        """Return a location below this one."""
        path = "/".join([self.path.rstrip("/"), *(part.strip("/") for part in parts)])
        if self.is_local:
            path = os.path.normpath(path)
        return Location(path, self.protocol, self.options)

    def parent(self) -> Location:
        """Return the folder that this lies in."""
        return Location(self.path.rstrip("/").rsplit("/", 1)[0], self.protocol, self.options)

    def filesystem(self) -> Any:
        """Return the fsspec file system (cached by fsspec)."""
        import fsspec

        return fsspec.filesystem(self.protocol, **dict(self.options))

    def asked_anew(self) -> Any:
        """Return the file system, which has forgotten what it saw here: others write there, too."""
        filesystem = self.filesystem()
        filesystem.invalidate_cache(self.path)
        return filesystem

    def open(self) -> Any:
        """Open the file for random reading, as Arrow's Parquet reader takes it."""
        if self.is_local:
            import pyarrow as pa

            try:
                return pa.OSFile(self.path)
            except FileNotFoundError:
                why = removed_version(self) or f"missing file: {self}"
                raise CatalogNotFoundError(why) from None
        with suppress(FileNotFoundError):
            return self.filesystem().open(self.path, "rb")
        try:
            return self.asked_anew().open(self.path, "rb")
        except FileNotFoundError:
            why = removed_version(self) or f"missing file: {self}"
            raise CatalogNotFoundError(why) from None

    def read_bytes_if_there(self) -> bytes | None:
        """Return what the file holds, or None if there is no such file."""
        try:
            if self.is_local:
                return Path(self.path).read_bytes()
            return bytes(self.filesystem().cat_file(self.path))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def read_text_if_there(self) -> str | None:
        """Return the text of the file, or None if there is no such file.

        Raises
        ------
        CatalogError
            If it is not UTF-8 text.
        """
        content = self.read_bytes_if_there()
        try:
            return None if content is None else content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CatalogError(f"{self} is no text: {error}") from error

    def exists(self) -> bool:
        """Whether there is a file or folder here."""
        if self.is_local:
            return Path(self.path).exists()
        return bool(self.asked_anew().exists(self.path))

    def walk_files(self) -> Iterator[Location]:
        """Yield all files below this folder, in order of their paths."""
        if self.is_local:
            for path in sorted(p for p in Path(self.path).rglob("*") if p.is_file()):
                yield Location(str(path))
            return
        for path in sorted(self.asked_anew().find(self.path)):
            yield Location(path, self.protocol, self.options)

    def stamp(self) -> tuple[int, ...]:
        """Return what changes when a local file is replaced; nothing for other files."""
        if not self.is_local:
            return ()
        try:
            stat = os.stat(self.path)  # noqa: PTH116 - each leaf of each query asks
        except OSError:
            return ()
        return stat.st_ino, stat.st_size, stat.st_mtime_ns

    def size(self) -> int:
        """Return the bytes of the file."""
        if self.is_local:
            return Path(self.path).stat().st_size
        return int(self.asked_anew().size(self.path))

    def __str__(self) -> str:
        if self.is_local or "://" in self.path:
            return self.path
        return f"{self.protocol}://{self.path}"


def locate(path: str | os.PathLike[str], **storage_options: Any) -> Location:
    """Return the location of a local path or a URL that fsspec knows.

    Raises
    ------
    InputError
        If there are options for a local path, which has none: most are misspelt parameters.
    """
    text = os.fspath(path)
    protocol = text.split("://", 1)[0] if "://" in text else "file"
    if protocol == "file":
        if storage_options:
            raise InputError(
                f"{', '.join(f'{name}=' for name in storage_options)}: there is no such "
                f"parameter, and storage options are for URLs such as s3://, not for {text}; "
                "check the spelling"
            )
        local = Path(text.removeprefix("file://"))
        return Location(str(_straight(local if "://" in text else local.expanduser())))
    import fsspec

    filesystem = fsspec.filesystem(protocol, **storage_options)
    return Location(
        str(filesystem._strip_protocol(text)).rstrip("/"),
        protocol,
        tuple(sorted(storage_options.items())),
    )


def name_of(path: str | os.PathLike[str]) -> str:
    """Return the last part of a path or URL, whatever kind of place it is of.

    Raises
    ------
    InputError
        If it is no path.
    """
    try:
        text = os.fspath(path)
    except TypeError:
        raise InputError(f"a path or URL is needed, not {path!r}") from None
    return text.rstrip("/").rsplit("/", 1)[-1] if "://" in text else Path(text).absolute().name


def _straight(path: Path) -> Path:
    """Return the absolute path without ``..``: what lies below it begins with the same text."""
    return path.resolve() if ".." in path.parts else path.absolute()


def removed_version(location: Location) -> str | None:
    """Say that the version of a catalog that a path lies in is gone, if it is."""
    match = _IN_VERSION.fullmatch(location.path)
    if match is None or replace(location, path=match[1]).exists():
        return None
    catalog = replace(location, path=match[2])
    if not catalog.exists():
        return None
    return (
        f"{location} is gone: version {int(match[3])} of {catalog} was removed, as vacuum does "
        "with old ones; open the catalog again"
    )


def storage_error(error: OSError, verb: str, what: object) -> StorageError:
    """Return what to raise where the system refuses to do something with a file."""
    if error.errno in _NO_SPACE:
        return StorageError(f"no space left while writing {what}; free some and run the same again")
    return StorageError(f"cannot {verb} {what}: {error.strerror or error}")


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn a full disk or a missing permission into a StorageError that names the file."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if error.errno not in _NO_SPACE | {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        raise storage_error(error, "write", what) from error


def name_beside(path: Path) -> Path:
    """Return a name that nothing has, for what is to get a name, or has lost it."""
    return path.parent / f".{path.name}.{os.urandom(4).hex()}.part"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a name to write to, and rename it to `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = name_beside(path)
    with storage_errors(str(path)):
        try:
            yield beside
            beside.replace(path)
        finally:
            if beside.is_dir():
                shutil.rmtree(beside, ignore_errors=True)
            else:
                beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small file in one step."""
    with atomic_path(path) as beside:
        beside.write_text(text, encoding="utf-8")
