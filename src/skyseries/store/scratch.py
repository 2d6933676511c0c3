"""Folders for what does not fit into memory: private, and gone when their owner is.

The name of a folder says which process owns it. Whoever makes one removes those whose owner has
been killed; of an owner that cannot be seen from here (on another machine, in another container,
before a restart of this machine) nothing is known, and its folders stay.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skyseries.config import settings
from skyseries.errors import StorageError

__all__ = ["make_scratch", "remake_scratch", "remove_scratch", "scratch", "scratch_parent"]

_NAMES = re.compile(r"skyseries-[a-z]+-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}")
_SWEEP_EVERY = 60.0
"""Seconds: a service makes many folders, and others may have been killed meanwhile."""

_OWNED: set[Path] = set()
_SWEPT: dict[Path, float] = {}


@contextmanager
def scratch(kind: str) -> Iterator[Path]:
    """Lend a folder within a ``with`` block; see `make_scratch`."""
    folder = make_scratch(kind)
    try:
        yield folder
    finally:
        remove_scratch(folder)


def scratch_parent() -> Path:
    """Return where folders are made: as ``SKYSERIES_TMPDIR`` says, else the system's place."""
    return Path(settings().tmp_dir or tempfile.gettempdir()).absolute()


def make_scratch(kind: str) -> Path:
    """Make a folder that only this user can read, for `remove_scratch` to remove.

    It is within `scratch_parent`. What this process has not removed when it ends is removed then.

    Parameters
    ----------
    kind : str
        What it is for, in lower-case letters: a part of its name.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    pid = os.getpid()
    owner = f"{_machine()}-{pid}-{_start_of(pid)}"
    return remake_scratch(scratch_parent() / f"skyseries-{kind}-{owner}-{os.urandom(4).hex()}")


def remake_scratch(folder: Path) -> Path:
    """Make a folder once more that `make_scratch` made here, and that is removed; see there."""
    parent = folder.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise StorageError(
            f"a folder for scratch files cannot be made in {parent}: {error.strerror}; "
            "SKYSERIES_TMPDIR names another place"
        ) from error
    _OWNED.add(folder)
    return folder


def remove_scratch(folder: Path) -> None:
    """Remove a folder with all that is in it; in a copy of the process that made it, nothing."""
    if folder in _OWNED:
        _OWNED.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_all() -> None:
    for folder in list(_OWNED):
        remove_scratch(folder)


atexit.register(_remove_all)
os.register_at_fork(after_in_child=_OWNED.clear)


def _sweep(parent: Path) -> None:
    """Remove what processes of this machine have left that were killed."""
    now = time.monotonic()
    if now - _SWEPT.get(parent, -_SWEEP_EVERY) < _SWEEP_EVERY:
        return
    _SWEPT[parent] = now
    machine = _machine()
    for path in parent.glob("skyseries-*"):
        match = _NAMES.fullmatch(path.name)
        if match and match[1] == machine and _is_dead(int(match[2]), int(match[3])):
            with suppress(OSError):
                there = path.lstat()
                if stat.S_ISDIR(there.st_mode) and there.st_uid == os.getuid():
                    shutil.rmtree(path, ignore_errors=True)


def _machine() -> str:
    """Return a mark of this machine, since it was started, and of what processes are seen here."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _start_of(pid: int) -> int:
    """Return when a process was started, in ticks since the machine was; 0: not known.

    A process that has ended, but whose parent has not asked how, has no such time: -1.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()  # from the third of proc(5) on: state, ..., starttime
    return -1 if fields[0] in "ZX" else int(fields[19])


def _is_dead(pid: int, start: int) -> bool:
    """Tell whether a process has ended, even if its number is another one's by now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is another user's
    return 0 not in (start, now := _start_of(pid)) and now != start
