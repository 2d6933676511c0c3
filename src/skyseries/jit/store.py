"""Where machine code is kept: one file for each kernel and key, which holds all that it depends on.

The name of a file is made of the contents of its sources, the key, the processor and the versions:
a file is never changed, never out of date, and can be shared by machines, workers and containers.
Files appear whole, by renaming, and begin with a digest of what follows: what is damaged is as
what is not there.

Folders are read in this order, and the first that can be written to is written to:
``SKYSERIES_KERNELS``, the cache of the user (``XDG_CACHE_HOME``, by default ``~/.cache``), and a
folder of the user's among temporary files.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from skyseries.jit.native import Compiled

try:
    import fcntl
except ImportError:  # Windows has no fcntl; processes there compile for themselves
    fcntl = None  # type: ignore[assignment]

__all__ = ["claim", "folders", "is_kept", "keep", "kept", "made", "use"]

_CAN_LOCK = fcntl is not None
_DIGEST = hashlib.sha256
_LOCKS = 2**30


def folders() -> tuple[Path, ...]:
    """Return the folders of machine code, in the order in which they are read."""
    if _given:
        return tuple(_given)
    named = os.environ.get("SKYSERIES_KERNELS")
    return _folders(named, os.environ.get("XDG_CACHE_HOME"), os.environ.get("HOME"))


def use(given: Iterable[str]) -> None:
    """Use folders that somebody else has found."""
    _given[:] = map(Path, given)


_given: list[Path] = []


@functools.lru_cache(8)
def _folders(named: str | None, cache: str | None, home: str | None) -> tuple[Path, ...]:
    found = [Path(named).absolute()] if named else []
    if cache or home:
        found.append(Path(cache or f"{home}/.cache").absolute() / "skyseries" / "kernels")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    found.append(Path(tempfile.gettempdir()) / f"skyseries-kernels-{user}")
    return tuple(found)


def is_kept(name: str) -> bool:
    """Return whether machine code is kept under a name, readable and whole."""
    return kept(name) is not None


def kept(name: str, among: Iterable[Path] | None = None) -> Compiled | None:
    """Return what is kept under a name, in any of the folders; None if nothing whole is."""
    for folder in _safe() if among is None else among:
        try:
            data = (folder / name).read_bytes()
        except OSError:
            continue
        found = _parsed(data)
        if found is not None:
            return found
        with contextlib.suppress(OSError):
            (folder / name).unlink()
    return None


def keep(name: str, compiled: Compiled) -> None:
    """Keep machine code under a name.

    Raises
    ------
    OSError
        If no folder can be written to.
    """
    body = pickle.dumps((compiled.code, compiled.entry, compiled.environments), protocol=5)
    failure: OSError | None = None
    for folder in _safe():
        try:
            _write(made(folder) / name, _DIGEST(body).digest() + body)
        except OSError as error:
            failure = error
        else:
            return
    raise failure or OSError("there is no folder for machine code")


def _parsed(data: bytes) -> Compiled | None:
    size = _DIGEST().digest_size
    if _DIGEST(data[size:]).digest() != data[:size]:
        return None
    try:
        code, entry, environments = pickle.loads(data[size:])  # noqa: S301 - a folder of our own
    except Exception:  # whatever pickle raises for what it has not written
        return None
    return Compiled(code, entry, environments) if isinstance(code, bytes) else None


def _write(path: Path, data: bytes) -> None:
    """Write a file that appears whole, to be read by whom the umask lets."""
    path.parent.mkdir(exist_ok=True)
    written = path.with_name(f".{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(data)
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def made(folder: Path) -> Path:
    """Return a folder that is there; among temporary files it is for nobody else."""
    folder.mkdir(mode=0o700 if folder == folders()[-1] else 0o777, parents=True, exist_ok=True)
    return folder


def _safe() -> Iterator[Path]:
    """Yield the folders but a temporary one that somebody else has made."""
    *own, temporary = folders()
    yield from own
    with contextlib.suppress(OSError):
        if not hasattr(os, "getuid") or not temporary.exists() or _is_ours(temporary):
            yield temporary


def _is_ours(folder: Path) -> bool:
    state = folder.lstat()
    return folder.is_dir() and state.st_uid == os.getuid() and not state.st_mode & 0o022


def claim(name: str) -> contextlib.AbstractContextManager[None] | None:
    """Claim to make what is kept under a name, among the processes of this machine.

    Returns
    -------
    claim : context manager or None
        The claim is held until its end; None if another process holds it.
    """
    handle = _lock_file(folders()) if _CAN_LOCK else None
    if handle is None:
        return contextlib.nullcontext()
    at = int.from_bytes(_DIGEST(name.encode()).digest()[:4], "big") % _LOCKS
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
    except (BlockingIOError, PermissionError):
        return None
    except OSError:  # a file system without locks: it may be made twice
        return contextlib.nullcontext()
    return _held(handle, at)


@contextlib.contextmanager
def _held(handle: int, at: int) -> Iterator[None]:
    try:
        yield
    finally:
        fcntl.lockf(handle, fcntl.LOCK_UN, 1, at)


@functools.lru_cache(8)
def _lock_file(among: tuple[Path, ...]) -> int | None:
    """Return an open file whose bytes are locks; it stays open, for closing it would unlock all."""
    for folder in _safe():
        with contextlib.suppress(OSError):
            made(folder)
            return os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    return None
