"""Files of a catalog, wherever they are: a local folder or anything that fsspec opens.

`Location` is a folder or file of one file system. Local files are read by Arrow's own memory
mapping and system calls; others through fsspec. Writing is local, and always to a name beside
the final one that is then renamed, so that no reader sees a half-written file.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skyseries.errors import CatalogError, CatalogNotFoundError, StorageError

__all__ = ["Location", "atomic_path", "locate", "storage_error", "storage_errors", "write_text"]

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
                raise CatalogNotFoundError(f"missing file: {self}") from None
        with suppress(FileNotFoundError):
            return self.filesystem().open(self.path, "rb")
        try:
            return self.asked_anew().open(self.path, "rb")
        except FileNotFoundError:
            raise CatalogNotFoundError(f"missing file: {self}") from None

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
            stat = Path(self.path).stat()
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
    """Return the location of a local path or a URL that fsspec knows."""
    text = os.fspath(path)
    if "://" not in text:
        return Location(str(_straight(Path(text).expanduser())))
    import fsspec

    protocol = text.split("://", 1)[0]
    if protocol == "file":
        return Location(str(_straight(Path(text.removeprefix("file://")))))
    filesystem = fsspec.filesystem(protocol, **storage_options)
    return Location(
        str(filesystem._strip_protocol(text)).rstrip("/"),
        protocol,
        tuple(sorted(storage_options.items())),
    )


def _straight(path: Path) -> Path:
    """Return the absolute path without ``..``: what lies below it begins with the same text."""
    return path.resolve() if ".." in path.parts else path.absolute()


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


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a name to write to, and rename it to `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{path.name}.{os.urandom(4).hex()}.part"
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
