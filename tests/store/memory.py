"""A bucket in memory: a real compare-and-swap, and faults on demand."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from skyseries.errors import StorageError
from skyseries.store.base import Entry, Found
from skyseries.store.remote import Bucket, RemoteStore


class Killed(BaseException):
    """The process has ended here."""


class Object(NamedTuple):
    content: bytes
    tag: str
    notes: Mapping[str, str]
    modified: float


class MemoryBucket(Bucket):
    """Objects of this process.

    Calls that change something are counted. Before the one of the number `kill_at` the process
    ends, and no call acts from then on; the answer of the one of the number `lose` is lost.
    """

    path = "memory bucket"

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.calls: list[tuple[str, str]] = []
        self.kill_at: int | None = None
        self.lose: int | None = None
        self._tags = itertools.count()
        self._lock = threading.Lock()

    def list(self, prefix: str, deep: bool) -> list[Entry]:
        """Return what lies directly under a prefix, or all objects."""
        found: dict[str, Entry] = {}
        for key, held in list(self.objects.items()):
            if key.startswith(prefix):
                name, slash, _ = key.removeprefix(prefix).partition("/")
                entry = Entry(key.removeprefix(prefix), len(held.content), held.modified)
                found[key if deep else name] = entry if deep or not slash else Entry(name, None, 0)
        return list(found.values())

    def get(self, key: str) -> Found | None:
        """Return an object; None if there is none."""
        held = self.objects.get(key)
        return None if held is None else Found(held.content, held.tag)

    def notes(self, key: str) -> Mapping[str, str] | None:
        """Return what was noted with an object; None if there is none."""
        held = self.objects.get(key)
        return None if held is None else held.notes

    def put(self, key: str, content: bytes, notes: Mapping[str, str], tag: str | None) -> bool:
        """Write an object on condition; say whether it was."""
        with self._lock:
            lost = self._called("put", key)
            held = self.objects.get(key)
            done = tag == (None if held is None else held.tag)
            if done:
                self._write(key, content, notes)
        if lost:
            raise StorageError("no answer")
        return done

    def send(self, key: str, file: Path, notes: Mapping[str, str]) -> None:
        """Write an object of what a file holds."""
        with self._lock:
            lost = self._called("send", key)
            self._write(key, file.read_bytes(), notes)
        if lost:
            raise StorageError("no answer")

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects, whether they are there or not."""
        for key in keys:
            with self._lock:
                lost = self._called("remove", key)
                self.objects.pop(key, None)
            if lost:
                raise StorageError("no answer")

    def _write(self, key: str, content: bytes, notes: Mapping[str, str]) -> None:
        self.objects[key] = Object(content, f"tag {next(self._tags)}", dict(notes), time.time())

    def _called(self, call: str, key: str) -> bool:
        number = len(self.calls)
        if self.kill_at is not None and number >= self.kill_at:
            raise Killed
        self.calls.append((call, key))
        return number == self.lose


class MemoryStore(RemoteStore):
    """The store of a bucket in memory; ``objects`` is the bucket."""

    def __init__(self, objects: MemoryBucket | None = None) -> None:
        self.objects = objects or MemoryBucket()
        super().__init__(self.objects)
