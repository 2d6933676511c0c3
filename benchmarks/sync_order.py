"""In which order a program has written, synced and named files, by what strace saw of it.

The calls are played again on a small twin of the folders. It knows what of them a power cut would
leave for sure: of a file, what was written before the start of an fsync that has ended; of a
folder, the names that were given before. What is hidden (a name with a dot before it) is nobody's
to read, so it may be lost; of all else must hold:

- a folder that gets a name is synced, with all files and folders below it;
- when a file gets its name, it is synced, and so is everything that can be seen, names included;
- at the end everything that can be seen is synced, its names up to the top of the disk included.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Found", "check", "trace"]

_WRITES = (
    "write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "fallocate",
    "copy_file_range", "sendfile",
)  # fmt: skip
_NAMES = (
    "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
    "symlinkat", "unlink", "unlinkat", "rmdir",
)  # fmt: skip
_CALLS = ("open", "openat", "creat", "mmap", "fsync", "fdatasync", *_WRITES, *_NAMES)
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_LINE = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+)")
_PLACE = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
_HANDLE = re.compile(r"\d+<(/[^>]*)>")


def trace(
    command: Sequence[str], output: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a program, and write what it and its children called to a file."""
    options = ["-f", "-y", "-qq", "-s", "0", "--seccomp-bpf", "-e", f"trace={','.join(_CALLS)}"]
    done = subprocess.run(
        ["strace", *options, "-o", output, *command],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


@dataclass(frozen=True)
class Found:
    """What a program did below a folder."""

    files: int
    folders: int
    """Those that can be seen at the end, and were made by it."""
    syncs: int
    """Calls of fsync."""
    named: int
    """Files and folders that got a name under which they can be seen."""
    faults: tuple[str, ...]


def check(output: Path, top: Path) -> Found:
    """Play what `trace` has written; say what was wrong with it below a folder."""
    twin = _Twin(str(top))
    for begins, pid, call in _events(output.read_text(errors="replace").splitlines()):
        (twin.begin if begins else twin.end)(pid, call)
    return twin.found()


@dataclass(frozen=True)
class _Call:
    name: str
    said: str
    """Its arguments, as strace shows them."""
    result: int | None

    @property
    def places(self) -> list[str]:
        """The paths that it is about."""
        if self.name in _NAMES or self.name in ("open", "openat", "creat"):
            places = _PLACE.findall(self.said)
            return [f"{at}/{name}" if at and name[0] != "/" else name for at, name in places]
        handles = _HANDLE.findall(self.said)
        return handles[-1:] if self.name == "copy_file_range" else handles[:1]


def _events(lines: Iterable[str]) -> Iterator[tuple[bool, str, _Call]]:
    """Yield the begin and the end of each call, as they came."""
    begun: dict[str, str] = {}
    for line in lines:
        pid, _, said = line.partition(" ")
        said = said.strip()
        if said.endswith(_UNFINISHED):
            begun[pid] = said.removesuffix(_UNFINISHED)
            yield True, pid, _Call(*begun[pid].split("(", 1), None)
            continue
        resumed = _RESUMED.match(said)
        if resumed is not None:
            said = begun.pop(pid) + said[resumed.end() :]
        if (match := _LINE.match(said)) is None:
            continue  # a signal, or the end of a process
        call = _Call(match[1], match[2], int(match[3], 0))
        if resumed is None:
            yield True, pid, call
        yield False, pid, call


@dataclass(eq=False)
class _Node:
    """A file, or a folder with what is in it."""

    below: dict[str, _Node] | None = None
    made: bool = False
    changes: int = 0
    synced: int = 0
    """As many of the changes are on the disk."""
    renamed: dict[str, int] = field(default_factory=dict)
    """Of a folder: which change was the last one of each name."""

    @property
    def is_synced(self) -> bool:
        return self.synced == self.changes

    def changed(self, name: str | None = None) -> None:
        self.changes += 1
        if name is not None:
            self.renamed[name] = self.changes

    def keeps(self, name: str) -> bool:
        return self.renamed.get(name, 0) <= self.synced

    def all(self, path: str = "") -> Iterator[tuple[str, _Node]]:
        """Yield this and all below it that can be seen."""
        yield path, self
        for name, node in (self.below or {}).items():
            if not name.startswith("."):
                yield from node.all(f"{path}/{name}")


class _Twin:
    """The folders, as far as the calls tell of them."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._root = _Node({})
        self._begun: dict[str, tuple[_Node, int]] = {}
        self._syncs = self._named = 0
        self._faults: list[str] = []
        self._doubts: dict[str, list[str]] = {}

    def begin(self, pid: str, call: _Call) -> None:
        """Remember what an fsync covers; see whether what gets a name now may have it."""
        places = call.places
        if call.name in ("fsync", "fdatasync"):
            node = self._node(places[0])
            self._begun[pid] = node, node.changes
        elif call.name.startswith(("rename", "link")) and len(places) == 2:
            self._doubts[pid] = list(self._unready(*places))

    def end(self, pid: str, call: _Call) -> None:
        """Do what a call has done."""
        doubts = self._doubts.pop(pid, [])
        if call.result is None or call.result < 0:
            self._begun.pop(pid, None)
            return
        places = call.places
        if call.name in ("fsync", "fdatasync"):
            node, changes = self._begun.pop(pid)
            node.synced = max(node.synced, changes)
            self._syncs += places[0].startswith(self._top)
        elif call.name == "mmap":
            if "MAP_SHARED" in call.said and "PROT_WRITE" in call.said and places:
                self._node(places[0]).changed()
        elif call.name in _WRITES:
            if places and not places[0].endswith("(deleted)"):
                self._node(places[0]).changed()
        elif places:
            self._faults += doubts
            self._do(call, places)

    def found(self) -> Found:
        """Say what is there at the end."""
        faults = [*self._faults, *(f"at the end {fault}" for fault in self._unsynced())]
        made = [node for _, node in self._node(self._top).all() if node.made]
        folders = sum(node.below is not None for node in made)
        return Found(len(made) - folders, folders, self._syncs, self._named, tuple(faults))

    def _do(self, call: _Call, places: list[str]) -> None:
        if call.name in ("open", "openat", "creat"):
            if "O_CREAT" in call.said or call.name == "creat":
                self._make(places[0], _Node(made=True), "O_TRUNC" in call.said)
        elif call.name.startswith("mkdir"):
            self._make(places[0], _Node({}, made=True))
        elif call.name.startswith(("unlink", "rmdir")):
            self._give(places[0], None)
        elif call.name.startswith("symlink"):
            self._make(places[-1], _Node(made=True))
        elif call.name.startswith("link"):
            self._named += _is_seen(self._top, places[1])
            self._give(places[1], self._node(places[0]))
        elif "RENAME_EXCHANGE" in call.said:
            self._named += 1
            nodes = [self._node(place) for place in places]
            for place, node in zip(places, reversed(nodes), strict=True):
                self._give(place, node)
        else:
            self._named += _is_seen(self._top, places[1])
            node = self._node(places[0])
            self._give(places[0], None)
            self._give(places[1], node)

    def _unready(self, source: str, target: str) -> Iterator[str]:
        """Say why what is at one path may not get the other one."""
        if not _is_seen(self._top, target):
            return
        node, short = self._node(source), target.removeprefix(self._top)
        for path, one in node.all():
            if not one.is_synced:
                yield f"{short} got its name before {short + path} was synced"
        if node.below is None:
            for fault in self._unsynced():
                yield f"{short} got its name when {fault}"

    def _unsynced(self) -> Iterator[str]:
        """Say what of all that can be seen is not on the disk."""
        place = self._root
        for part in Path(self._top).parts[1:]:
            if not place.keeps(part):
                yield f"the name of {part}, above or at the top, was not synced"
            place = self._below(place, part)
        for path, node in place.all():
            if node.below is None and not node.is_synced:
                yield f"{path} was not synced"
            for name in node.below or ():
                if not name.startswith(".") and not node.keeps(name):
                    yield f"the name of {path}/{name} was not synced"

    def _make(self, path: str, node: _Node, anew: bool = False) -> None:
        folder, name = self._folder(path)
        if folder.below is not None and name not in folder.below:
            self._give(path, node)
        elif anew:
            self._node(path).changed()

    def _give(self, path: str, node: _Node | None) -> None:
        """Give a name to something, or to nothing."""
        folder, name = self._folder(path)
        assert folder.below is not None
        if node is None:
            folder.below.pop(name, None)
        else:
            folder.below[name] = node
        folder.changed(name)

    def _folder(self, path: str) -> tuple[_Node, str]:
        above, _, name = path.rstrip("/").rpartition("/")
        folder = self._node(above)
        folder.below = {} if folder.below is None else folder.below
        return folder, name

    def _node(self, path: str) -> _Node:
        node = self._root
        for part in Path(path).parts[1:]:
            node = self._below(node, part)
        return node

    @staticmethod
    def _below(node: _Node, name: str) -> _Node:
        """Return what was there before the program began, if we have not heard of it."""
        node.below = {} if node.below is None else node.below
        return node.below.setdefault(name, _Node())


def _is_seen(top: str, path: str) -> bool:
    """Whether a path is below the top, and no part of it is hidden."""
    if not path.startswith(f"{top}/"):
        return False
    return not any(part.startswith(".") for part in path.removeprefix(top).split("/"))


if __name__ == "__main__":
    for fault in check(Path(sys.argv[1]), Path(sys.argv[2])).faults:
        print(fault)
