"""What processes take of the machine, as Linux tells; elsewhere nothing is known."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["descendants", "disk_bytes", "resident_bytes"]

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds; 0 if it has ended, or it is not known."""
    with suppress(OSError, ValueError, IndexError):
        return int((_PROC / f"{pid}/statm").read_bytes().split()[1]) * _PAGE
    return 0


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that these have."""
    children: dict[int, list[int]] = {}
    with suppress(OSError):
        for entry in os.scandir(_PROC):
            if entry.name.isdigit():
                children.setdefault(_parent_of(entry.path), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _parent_of(folder: str) -> int:
    with suppress(OSError, ValueError, IndexError), open(f"{folder}/stat", "rb") as file:  # noqa: PTH123 - hundreds of them
        return int(file.read().rpartition(b")")[2].split()[1])
    return 0


def disk_bytes(folder: Path) -> int:
    """Return what the files below a folder take on disk."""
    total = 0
    waiting = [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    state = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(state.st_mode):
                        waiting.append(entry.path)
                    else:
                        total += state.st_blocks * 512
    return total
