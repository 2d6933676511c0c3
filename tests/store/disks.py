"""A disk that knows what of it would be left after a power cut at any moment.

It is a folder of this machine. Beside it we keep which contents and which names were synced, and
which changes of names are under way: of these a power cut keeps any.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

from skyseries.store.local import Disk
from tests.store.memory import Killed


@dataclass(eq=False)
class File:
    content: bytes
    synced: bool = False


@dataclass(eq=False)
class Folder:
    names: dict[str, File | Folder] = field(default_factory=dict)
    durable: dict[str, File | Folder] = field(default_factory=dict)


Name = tuple[Folder, str, File | Folder | None]
"""In a folder a name is given to something, or to nothing any more."""


class PowerDisk(Disk):
    """The disk below a folder; the process ends before its call of the number `kill_at`."""

    def __init__(self, top: Path, kill_at: int | None = None) -> None:
        self.top = top
        self.kill_at = kill_at
        self.dead = False
        self.calls: list[tuple[str, Path]] = []
        self._root = Folder()
        self._under_way: list[list[Name]] = []
        self._lock = threading.Lock()

    def mkdir(self, path: Path) -> None:
        with self._lock:
            self._called("mkdir", path)
            super().mkdir(path)
            self._name((path, Folder()))

    def write(self, path: Path, content: bytes) -> None:
        with self._lock:
            if self.kill_at == len(self.calls) and not self.dead:
                self._write(path, content[: len(content) // 2])
            self._called("write", path)
            self._write(path, content)

    def sync(self, path: Path) -> None:
        with self._lock:
            self._called("sync", path)
            if not path.is_relative_to(self.top):
                return
            found = self._find(path)
            if isinstance(found, File):
                found.synced = True
                return
            for change in self._under_way:
                for folder, name, what in list(change):
                    if folder is found:
                        change.remove((folder, name, what))
                        _give(found.durable, name, what)
            self._under_way = [change for change in self._under_way if change]

    def link(self, source: Path, target: Path) -> None:
        with self._lock:
            self._called("link", target)
            super().link(source, target)
            self._name((target, self._find(source)))

    def rename(self, source: Path, target: Path) -> None:
        with self._lock:
            self._called("rename", target)
            super().rename(source, target)
            self._name((target, self._find(source)), (source, None))

    def exchange(self, one: Path, other: Path) -> None:
        with self._lock:
            self._called("exchange", other)
            super().exchange(one, other)
            self._name((other, self._find(one)), (one, self._find(other)))

    def unlink(self, path: Path) -> None:
        with self._lock:
            self._called("unlink", path)
            super().unlink(path)
            self._name((path, None))

    def rmdir(self, path: Path) -> None:
        with self._lock:
            self._called("rmdir", path)
            super().rmdir(path)
            self._name((path, None))

    def take_in(self, path: Path) -> None:
        """Learn of files and folders that were written without us, and not synced."""
        if path.is_dir():
            self._name((path, Folder()))
            for below in path.iterdir():
                self.take_in(below)
        else:
            self._name((path, File(path.read_bytes())))

    def image(self, folder: Path, kept: float, seed: int) -> Path:
        """Write what a power cut would leave now.

        Parameters
        ----------
        folder : Path
            A new one.
        kept : float
            Which share of what was not synced is there all the same.
        seed : int
        """
        draw = random.Random(seed)
        names = {id(node): dict(node.durable) for node in _folders(self._root)}
        for change in self._under_way:
            if draw.random() < kept:
                for where, name, what in change:
                    _give(names.setdefault(id(where), {}), name, what)

        def write(node: File | Folder, path: Path) -> None:
            if isinstance(node, File):
                whole = len(node.content)
                path.write_bytes(node.content[: whole if node.synced else draw.randint(0, whole)])
                return
            path.mkdir()
            for name, below in names.get(id(node), {}).items():
                write(below, path / name)

        write(self._root, folder)
        return folder

    def _write(self, path: Path, content: bytes) -> None:
        super().write(path, content)
        self._name((path, File(content)))

    def _find(self, path: Path) -> File | Folder:
        found: File | Folder = self._root
        for part in path.relative_to(self.top).parts:
            assert isinstance(found, Folder)
            found = found.names[part]
        return found

    def _name(self, *named: tuple[Path, File | Folder | None]) -> None:
        change: list[Name] = []
        for path, what in named:
            where = self._find(path.parent)
            assert isinstance(where, Folder)
            change.append((where, path.name, what))
        for where, name, what in change:
            _give(where.names, name, what)
        self._under_way.append(change)

    def _called(self, call: str, path: Path) -> None:
        self.dead = self.dead or len(self.calls) == self.kill_at
        if self.dead:
            raise Killed
        self.calls.append((call, path))


def _give(names: dict[str, File | Folder], name: str, what: File | Folder | None) -> None:
    if what is None:
        names.pop(name, None)
    else:
        names[name] = what


def _folders(top: Folder) -> list[Folder]:
    """Return a folder and all that were ever below it."""
    found, todo = [], [top]
    while todo:
        folder = todo.pop()
        if folder not in found:
            found.append(folder)
            todo += [
                node
                for names in (folder.names, folder.durable)
                for node in names.values()
                if isinstance(node, Folder)
            ]
    return found
