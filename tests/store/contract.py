"""What every store must do: a suite that the test class of each store inherits.

A subclass gives the fixture `store`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skyseries.errors import InputError, StorageError
from skyseries.store import Changed, Store, Taken
from skyseries.store.base import CLAIM, MANIFEST

WRITERS = 5


def written(store: Store, folder: str = "") -> dict[str, bytes]:
    """Return what all files hold, but those that a kill may leave and that nobody reads.

    A folder that has been claimed, and is not whole, is nobody's to read.
    """
    found = {}
    names = {entry.name for entry in store.list(folder)}
    if CLAIM in names and MANIFEST not in names:
        return {}
    for entry in store.list(folder):
        name = f"{folder}/{entry.name}".lstrip("/")
        if entry.name.startswith("."):
            continue
        if entry.nbytes is None:
            found.update(written(store, name))
        else:
            held = store.read(name)
            assert held is not None
            assert len(held.content) == entry.nbytes
            found[name] = held.content
    return found


def made(folder: Path, owner: str, files: int = 3) -> Path:
    """Write a folder to adopt."""
    for i in range(files):
        path = folder / f"Norder=0/Dir={i % 2}/leaf{i}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(f"{owner} {i}").randbytes(5 + i))
    (folder / MANIFEST).write_text(json.dumps({"run": owner}))
    return folder


def digests(folder: Path) -> dict[str, str]:
    """Return some digest of each file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Make calls in threads that begin together; return what each has returned or raised."""
    gate = threading.Barrier(len(calls))

    def call(action: Callable[[], object]) -> object:
        gate.wait(30)
        try:
            return action()
        except StorageError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


class StoreContract:
    races = 100

    def test_what_is_created_is_there(self, store: Store) -> None:
        assert store.list() == []
        store.create("b/c/d", b"")
        store.create("a", b"12")
        assert store.read("a").content == b"12"
        assert store.read("b/c/d").content == b""
        assert [entry[:2] for entry in store.list()] == [("a", 2), ("b", None)]
        assert [entry[:2] for entry in store.list("b/c")] == [("d", 0)]
        assert store.list()[0].modified == pytest.approx(time.time(), abs=100)

    def test_what_is_not_there(self, store: Store) -> None:
        store.create("a/b", b"1")
        assert store.read("a") is None
        assert store.list("a/b") == []
        for name in ("x", "a/x", "a/b/c", "x/y/z"):
            assert store.read(name) is None
            assert store.list(name) == []
            store.delete(name)
        assert written(store) == {"a/b": b"1"}

    def test_a_name_is_created_once(self, store: Store) -> None:
        store.create("a", b"1")
        with pytest.raises(Taken, match="a is there already"):
            store.create("a", b"2")
        assert written(store) == {"a": b"1"}
        store.delete("a")
        store.create("a", b"3")
        assert written(store) == {"a": b"3"}

    def test_what_was_read_is_replaced(self, store: Store) -> None:
        store.create("a", b"1")
        first = store.read("a").tag
        assert store.read("a").tag == first
        store.replace("a", b"22", first)
        second = store.read("a")
        assert second.content == b"22"
        assert second.tag != first
        with pytest.raises(Changed, match="a was changed by another"):
            store.replace("a", b"3", first)
        assert written(store) == {"a": b"22"}

    def test_what_is_gone_is_not_replaced(self, store: Store) -> None:
        store.create("a/b", b"1")
        tag = store.read("a/b").tag
        store.delete("a")
        for name in ("a/b", "b"):
            with pytest.raises(Changed):
                store.replace(name, b"2", tag)
        assert written(store) == {}

    def test_a_folder_is_adopted(self, store: Store, tmp_path: Path) -> None:
        folder = made(tmp_path / "build", "me")
        (folder / "big").write_bytes(bytes(100_000))
        whole = {f"v1/{p.relative_to(folder)}": p.read_bytes() for p in _files(folder)}
        store.adopt(folder, "v1", digests(folder), "me")
        assert written(store) == whole
        store.adopt(folder, "v1", {}, "me")  # as after a kill before it returned
        made(folder, "me")
        store.adopt(folder, "v1", {}, "me")
        assert written(store) == whole

    def test_a_folder_of_another_is_not_touched(self, store: Store, tmp_path: Path) -> None:
        store.adopt(made(tmp_path / "build", "me"), "v1", {}, "me")
        store.create("v2", b"1")
        store.create("v3/x", b"2")
        before = written(store)
        folder = made(tmp_path / "other", "you")
        for name in ("v1", "v2", "v3"):
            with pytest.raises(Taken, match=f"{name} is there already"):
                store.adopt(folder, name, {}, "you")
        assert written(store) == before
        store.adopt(folder, "v4", {}, "you")
        assert len(written(store)) == len(before) + 4

    def test_a_folder_is_replaced(self, store: Store, tmp_path: Path) -> None:
        for owner, files in (("me", 5), ("you", 3), ("you", 4)):
            folder = made(tmp_path / owner, owner, files)
            store.adopt(folder, "v1", digests(folder), owner, replaces=True)
            again = made(tmp_path / f"{owner} again", owner, 3 if owner == "you" else 5)
            assert written(store) == {
                f"v1/{p.relative_to(again)}": p.read_bytes() for p in _files(again)
            }

    def test_a_folder_says_whose_it_is(self, store: Store, tmp_path: Path) -> None:
        folder = made(tmp_path / "build", "me")
        with pytest.raises(StorageError, match=r"build cannot .*manifest\.json does not name you"):
            store.adopt(folder, "v1", {}, "you")
        for text in ("", "[1]", "{}", '{"run": 1}', "1"):
            (folder / MANIFEST).write_text(text)
            with pytest.raises(StorageError, match="does not name me"):
                store.adopt(folder, "v1", {}, "me")
        with pytest.raises(StorageError, match="nothing cannot be taken over"):
            store.adopt(tmp_path / "nothing", "v1", {}, "me")
        assert written(store) == {}

    def test_a_folder_is_deleted(self, store: Store, tmp_path: Path) -> None:
        for name in ("v1", "v10"):
            store.adopt(made(tmp_path / name, name), name, {}, name)
        kept = {name: held for name, held in written(store).items() if name.startswith("v10/")}
        store.delete("v1")
        assert written(store) == kept
        assert [entry.name for entry in store.list()] == ["v10"]
        store.delete(f"v10/{MANIFEST}")
        store.delete("v10")
        store.delete("v10")
        assert store.list() == []

    @pytest.mark.parametrize("name", ["", "/a", "a/", "..", "a/../../b", "a//b", "."])
    def test_names_stay_below(self, store: Store, tmp_path: Path, name: str) -> None:
        folder = made(tmp_path / "build", "me")
        for call in (
            lambda: store.read(name),
            lambda: store.create(name, b""),
            lambda: store.replace(name, b"", ""),
            lambda: store.adopt(folder, name, {}, "me"),
            lambda: store.delete(name),
            lambda: store.list(name or "."),
        ):
            with pytest.raises(InputError, match="is no name of a file or folder"):
                call()

    def test_of_many_that_create_one_wins(self, store: Store) -> None:
        for race in range(self.races):
            name = f"log/{race}"

            def create(writer: int, name: str = name) -> None:
                store.create(name, b"%d" % writer)

            ends = at_once(*[lambda w=w: create(w) for w in range(WRITERS)])
            assert ends.count(None) == 1
            assert all(isinstance(end, Taken) for end in ends if end is not None)
            assert store.read(name).content == b"%d" % ends.index(None)

    @pytest.mark.parametrize("replaces", [False, True])
    def test_of_many_that_adopt_one_wins(
        self, store: Store, tmp_path: Path, replaces: bool
    ) -> None:
        for race in range(self.races // 10):
            if replaces:
                store.adopt(made(tmp_path / f"{race}", "old", 9), f"v{race}", {}, "old")
            folders = [made(tmp_path / f"{race} {w}", f"{w}") for w in range(WRITERS)]

            def adopt(writer: int, name: str = f"v{race}", folders: list = folders) -> None:
                store.adopt(folders[writer], name, {}, f"{writer}", replaces=replaces)

            ends = at_once(*[lambda w=w: adopt(w) for w in range(WRITERS)])
            # one that has been replaced may have returned before
            assert ends.count(None) == 1 or (replaces and None in ends)
            assert all(isinstance(end, StorageError) for end in ends if end is not None)
            winner = int(json.loads(store.read(f"v{race}/{MANIFEST}").content)["run"])
            assert replaces or ends[winner] is None
            there = {n: c for n, c in written(store).items() if n.startswith(f"v{race}/")}
            again = made(tmp_path / f"{race} again", f"{winner}")
            assert there == {
                f"v{race}/{p.relative_to(again)}": p.read_bytes() for p in _files(again)
            }


class ReplaceRaces:
    """Beside the contract, where replacing is atomic."""

    races = 100

    def test_no_replacement_is_lost(self, store: Store) -> None:
        store.create("count", b"0")

        def count() -> None:
            for _ in range(self.races // WRITERS):
                for _try in itertools.count():
                    found = store.read("count")
                    try:
                        store.replace("count", b"%d" % (int(found.content) + 1), found.tag)
                    except Changed:
                        assert _try < 1000
                    else:
                        break

        assert at_once(*[count] * WRITERS) == [None] * WRITERS
        assert int(store.read("count").content) == self.races // WRITERS * WRITERS

    def test_of_many_that_replace_one_wins(self, store: Store) -> None:
        store.create("a", b"first")
        for race in range(self.races):
            tag = store.read("a").tag

            def replace(writer: int, tag: str = tag, race: int = race) -> None:
                store.replace("a", b"%d by %d" % (race, writer), tag)

            ends = at_once(*[lambda w=w: replace(w) for w in range(WRITERS)])
            assert ends.count(None) == 1
            assert all(isinstance(end, Changed) for end in ends if end is not None)
            assert store.read("a").content == b"%d by %d" % (race, ends.index(None))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
