"""What lies in a folder of any place, with bytes and times: of a bucket by one listing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from skyseries.store import Entry
from skyseries.store.files import Location

__all__ = ["list_files", "list_folder"]

_TIMES = ("LastModified", "mtime", "created")
"""What file systems call the time of the last change."""


def list_folder(folder: Location) -> list[Entry]:
    """Return what lies directly in a folder, by name; nothing if there is none."""
    if folder.is_local:
        return sorted(_entries(folder.path))
    filesystem = folder.asked_anew()
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(_entry(_last(path), i) for path, i in _detailed(filesystem, folder.path))
    return []


def list_files(folder: Location) -> dict[str, Entry]:
    """Return all files below a folder by their paths in it; none if there is no such folder."""
    if folder.is_local:
        return dict(sorted(_walk(folder.path, "")))
    found = folder.asked_anew().find(folder.path, detail=True)
    start = len(folder.path.rstrip("/")) + 1
    return {path[start:]: _entry(_last(path), info) for path, info in found.items()}


def _walk(folder: str, below: str) -> Iterator[tuple[str, Entry]]:
    for entry in _entries(folder):
        if entry.nbytes is None:
            yield from _walk(f"{folder}/{entry.name}", f"{below}{entry.name}/")
        else:
            yield below + entry.name, entry


def _entries(folder: str) -> Iterator[Entry]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # removed meanwhile, or a link to nowhere
                stat, is_folder = entry.stat(), entry.is_dir(follow_symlinks=False)
                yield Entry(entry.name, None if is_folder else stat.st_size, stat.st_mtime)


def _detailed(filesystem: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for info in filesystem.ls(path, detail=True):
        if info["name"].strip("/") != path.strip("/"):
            yield info["name"], info


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _entry(name: str, info: dict[str, Any]) -> Entry:
    time = next((info[key] for key in _TIMES if info.get(key)), 0.0)
    seconds = time.timestamp() if isinstance(time, datetime) else float(time)
    return Entry(name, None if info["type"] == "directory" else int(info["size"]), seconds)
