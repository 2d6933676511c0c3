"""The store of a disk: the contract, and what is left after a kill and after a power cut."""

from __future__ import annotations

import errno
import itertools
import os
import pickle
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from skyseries.errors import StorageError
from skyseries.store import Changed, Store, Taken, store_at
from skyseries.store.local import Disk, LocalStore
from tests.programs import PATIENCE
from tests.store.contract import ReplaceRaces, StoreContract, at_once, made, written
from tests.store.disks import PowerDisk
from tests.store.memory import Killed


class TestProcess(StoreContract, ReplaceRaces):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return store_at(tmp_path / "survey", durability="process")


class TestPower(StoreContract, ReplaceRaces):
    races = 10

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return pickle.loads(pickle.dumps(store_at(tmp_path / "survey")))  # noqa: S301


# -- kills and power cuts -----------------------------------------------------------------------


def adopt(store: Store, name: str, owner: str, replaces: bool = False) -> None:
    store.adopt(store.local / f".{owner}", name, {}, owner.rpartition("/")[2], replaces=replaces)


def replace(store: Store, name: str, content: bytes) -> None:
    store.replace(name, content, store.read(name).tag)


STEPS = (
    lambda store: store.create("p", b"first"),
    lambda store: adopt(store, "v1", "one"),
    lambda store: replace(store, "p", b"second one"),
    lambda store: store.create("deep/er/q", b"abc"),
    lambda store: store.delete("v1"),
    lambda store: adopt(store, "v2", "build/two"),
    lambda store: adopt(store, "v2", "three", replaces=True),
    lambda store: store.delete("p"),
)
REPLACED = 7  # the step that replaces a folder, counted from one


def run(
    folder: Path, kill_at: int | None = None, kind: type[PowerDisk] = PowerDisk
) -> tuple[LocalStore, PowerDisk, list]:
    """Do a bit of everything on a disk that knows all; return what is written after each step."""
    folder.mkdir()
    disk = kind(folder, kill_at)
    for owner in ("one", "build/two", "three"):
        made(folder / f"survey/.{owner}", owner.rpartition("/")[2], files=2)
    disk.take_in(folder / "survey")
    store = LocalStore(folder / "survey", disk=disk)
    states = [written(store)]
    for step in STEPS:
        try:
            step(store)
        except Killed:
            break
        states.append(written(store))
    return store, disk, states


class NoExchange(PowerDisk):
    def exchange(self, one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, "not on this disk")


@pytest.mark.parametrize("kind", [PowerDisk, NoExchange])
def test_a_kill_or_a_power_cut_leaves_the_old_state_or_the_new(
    tmp_path: Path, kind: type[PowerDisk]
) -> None:
    _, disk, states = run(tmp_path / "whole", None, kind)
    assert len(states) == len(STEPS) + 1
    assert all(now != before for before, now in itertools.pairwise(states))
    gone = {name: held for name, held in states[-2].items() if not name.startswith("v2/")}
    for kill_at in range(len(disk.calls) + 1):
        store, disk, done = run(tmp_path / f"{kill_at}", kill_at, kind)
        assert done == states[: len(done)]
        left = states[len(done) - 1 : len(done) + 1]
        if kind is NoExchange and len(done) == REPLACED:
            left.append(gone)
        for kept in (0, 0.3, 0.7):
            image = disk.image(tmp_path / f"{kill_at} {kept}", kept, kill_at)
            assert written(LocalStore(image / "survey")) in left, (kill_at, kept)
        again = LocalStore(store.local, "process")
        assert written(again) in left
        if len(left) > 1:
            with suppress(Taken, Changed):  # by ourselves
                STEPS[len(done) - 1](again)
            assert written(again) == left[1]


def test_the_twin_loses_what_was_not_synced(tmp_path: Path) -> None:
    """The test above would see a sync that is left out."""

    class Forgetful(PowerDisk):
        def sync(self, path: Path) -> None:
            if self.forget not in path.name:
                super().sync(path)

    for forget in (".part", "survey", "leaf0", "Norder", "er"):
        folder = tmp_path / forget
        folder.mkdir()
        disk = Forgetful(folder)
        disk.forget = forget
        made(folder / "survey/.one", "one")
        disk.take_in(folder / "survey")
        store = LocalStore(folder / "survey", disk=disk)
        store.create("deep/er/p", b"first")
        adopt(store, "v1", "one")
        image = disk.image(tmp_path / f"image {forget}", 0, 0)
        assert written(LocalStore(image / "survey")) != written(store), forget


# -- several processes --------------------------------------------------------------------------

PROCESS = """
import sys, time
from pathlib import Path
from skyseries.store import Changed, Taken, store_at
folder, me = Path(sys.argv[1]), sys.argv[2]
store = store_at(folder, durability="process")
(folder / f"ready {me}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
for race in range(100):
    try:
        store.create(f"log/{race}", me.encode())
        print(race)
    except Taken:
        pass
    done = False
    while not done:
        found = store.read("count")
        try:
            store.replace("count", b"%d" % (int(found.content) + 1), found.tag)
            done = True
        except Changed:
            pass
"""


def test_processes_race(tmp_path: Path) -> None:
    store = store_at(tmp_path, durability="process")
    store.create("count", b"0")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), f"{i}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(4)
    ]
    deadline = time.monotonic() + PATIENCE
    while len(list(tmp_path.glob("ready *"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    won = {}
    for i, writer in enumerate(writers):
        out, _ = writer.communicate(timeout=PATIENCE)
        assert writer.returncode == 0
        for race in out.split():
            assert race not in won
            won[race] = b"%d" % i
    assert len(won) == 100
    assert {race: store.read(f"log/{race}").content for race in won} == won
    assert int(store.read("count").content) == 400


# -- disks that refuse --------------------------------------------------------------------------


class BadDisk(Disk):
    """A disk that answers one kind of call with an error, for some files."""

    def __init__(self, call: str, number: int, where: str = "") -> None:
        self.calls = 0

        def refuse(path: Path, *more: object) -> None:
            if where in str(path):
                self.calls += 1
                raise OSError(number, os.strerror(number))
            getattr(super(BadDisk, self), call)(path, *more)

        setattr(self, call, refuse)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_disk_without_links(tmp_path: Path, number: int) -> None:
    disk = BadDisk("link", number)
    store = LocalStore(tmp_path, disk=disk)
    ends = at_once(*[lambda w=w: store.create("a", b"%d" % w) for w in range(5)])
    assert ends.count(None) == 1
    assert disk.calls == 5
    assert written(store) == {"a": b"%d" % ends.index(None)}
    assert [entry.name for entry in store.list()] == ["a"]


def test_a_link_that_was_made_and_denied(tmp_path: Path) -> None:
    """A network disk asks again when the answer is lost."""

    class Network(Disk):
        def link(self, source: Path, target: Path) -> None:
            super().link(source, target)
            super().link(source, target)

    store = LocalStore(tmp_path / "survey", disk=Network())
    store.create("a", b"1")
    with pytest.raises(Taken):
        store.create("a", b"1")
    assert written(store) == {"a": b"1"}


@pytest.mark.parametrize(
    ("call", "number", "text"),
    [
        ("write", errno.ENOSPC, "no space left while writing .*survey/a; free some and run the"),
        ("write", errno.EROFS, "cannot write .*survey/a: Read-only file system"),
        ("link", errno.EACCES, "cannot write .*survey/a: Permission denied"),
        ("mkdir", errno.EACCES, "cannot write .*survey/a: Permission denied"),
        ("sync", errno.EIO, r"cannot sync .*survey/\.a\..*part: Input/output error"),
    ],
)
def test_a_disk_that_refuses(tmp_path: Path, call: str, number: int, text: str) -> None:
    with pytest.raises(StorageError, match=text) as caught:
        LocalStore(tmp_path / "survey", disk=BadDisk(call, number)).create("a", b"1")
    assert caught.value.__cause__.errno == number
    assert written(LocalStore(tmp_path / "survey")) == {}
    assert not list(tmp_path.rglob("*.part"))


def test_a_file_that_did_not_reach_the_disk_is_no_more(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "survey", disk=BadDisk("sync", errno.EIO, "leaf1"))
    made(tmp_path / "survey/.one", "one")
    with pytest.raises(StorageError, match=r"Dir=1/leaf1 did not reach the disk \(Input/output"):
        adopt(store, "v1", "one")
    assert written(store) == {}
    assert not (tmp_path / "survey/.one/Norder=0/Dir=1/leaf1").exists()
    assert (tmp_path / "survey/.one/Norder=0/Dir=0/leaf0").exists()


def test_folders_above_are_synced_as_far_as_they_may(tmp_path: Path) -> None:
    above = tmp_path / "a" / "survey"

    class Closed(Disk):
        def sync(self, path: Path) -> None:
            if not path.is_relative_to(above):
                raise OSError(number, "closed")
            super().sync(path)

    number = errno.EACCES
    LocalStore(above, disk=Closed()).create("b", b"1")
    number = errno.EIO
    with pytest.raises(StorageError, match=r"cannot sync .*a: closed"):
        LocalStore(above, disk=Closed()).create("c", b"1")


def test_another_disk(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "survey", disk=BadDisk("rename", errno.EXDEV))
    made(tmp_path / "survey/.one", "one")
    with pytest.raises(StorageError, match=r"\.one is not on the disk of .*survey/v1"):
        adopt(store, "v1", "one")


@pytest.mark.parametrize("other", ["folder", "file", "version"])
def test_a_name_that_is_given_while_we_sync(tmp_path: Path, other: str) -> None:
    class Busy(Disk):
        def sync(self, path: Path) -> None:
            if path.name == "leaf1" and other == "version":
                made(tmp_path / "v1", "other")
            elif path.name == "leaf1":
                (tmp_path / "v1").mkdir() if other == "folder" else (tmp_path / "v1").touch()

    made(tmp_path / ".one", "one")
    with pytest.raises(Taken):
        adopt(LocalStore(tmp_path, disk=Busy()), "v1", "one")
    assert len(list((tmp_path / ".one").rglob("leaf*"))) == 3
    assert len(list((tmp_path / "v1").glob("*"))) == (2 if other == "version" else 0)


def test_an_empty_folder_and_a_link_have_a_name_too(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    (tmp_path / "v1").mkdir()
    (tmp_path / "v2").symlink_to("nowhere")
    made(tmp_path / ".one", "one")
    for name in ("v1", "v2"):
        with pytest.raises(Taken):
            adopt(store, name, "one")
    store.delete("v2")
    assert not (tmp_path / "v2").is_symlink()
    (tmp_path / "else").mkdir()
    (tmp_path / "else/x").touch()
    (tmp_path / "v2").symlink_to("else")
    (tmp_path / "v1/y").symlink_to("../else")
    store.delete("v2")
    store.delete("v1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".one", "else"]
    assert (tmp_path / "else/x").exists()


def test_no_sync_where_the_process_is_all(tmp_path: Path) -> None:
    disk = BadDisk("sync", errno.EIO)
    store = LocalStore(tmp_path / "survey", "process", disk)
    store.create("a", b"1")
    replace(store, "a", b"2")
    made(tmp_path / "survey/.one", "one")
    adopt(store, "v1", "one")
    store.delete("a")
    store.delete("v1")
    assert disk.calls == 0


def test_leftovers_are_hidden_and_can_be_removed(tmp_path: Path) -> None:
    store, disk, _ = run(tmp_path / "a")
    removing = next(
        i for i, (call, path) in enumerate(disk.calls) if call == "unlink" and "leaf" in path.name
    )
    store, _, _ = run(tmp_path / "b", removing + 1)
    store = LocalStore(store.local)
    left = [entry.name for entry in store.list() if entry.name.endswith(".part")]
    assert len(left) == 1
    assert left[0].startswith(".v1.")
    store.delete(left[0])
    assert not [entry.name for entry in store.list() if entry.name.endswith(".part")]
