"""All files below a folder, with their bytes and times: of a bucket by one listing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from skyseries.store.files import Location

__all__ = ["Listed", "list_files"]

_TIMES = ("LastModified", "mtime", "created")
"""What file systems call the time of the last change."""


class Listed(NamedTuple):
    """A file that is there."""

    nbytes: int
    modified: float
    """Seconds since the epoch; 0 where the place does not say."""


def list_files(folder: Location) -> dict[str, Listed]:
    """Return all files below a folder by their paths in it; none if there is no such folder."""
    if folder.is_local:
        return dict(sorted(_walk(folder.path, "")))
    filesystem = folder.filesystem()
    filesystem.invalidate_cache()
    found = filesystem.find(folder.path, detail=True)
    start = len(folder.path.rstrip("/")) + 1
    return {path[start:]: Listed(int(info["size"]), _time(info)) for path, info in found.items()}


def _walk(folder: str, below: str) -> Iterator[tuple[str, Listed]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{below}{entry.name}/")
            continue
        try:
            stat = entry.stat()
        except FileNotFoundError:  # it was removed meanwhile, or is a link to nowhere
            continue
        yield below + entry.name, Listed(stat.st_size, stat.st_mtime)


def _time(info: dict[str, Any]) -> float:
    time = next((info[name] for name in _TIMES if info.get(name)), 0.0)
    return time.timestamp() if isinstance(time, datetime) else float(time)
