"""The store of a bucket: the contract in memory and on S3, kills, lost answers, uploads resumed."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import pytest

from skyseries.errors import StorageError
from skyseries.store import Changed, Store, Taken, store_at
from skyseries.store.base import CLAIM, MANIFEST
from skyseries.store.files import locate
from skyseries.store.remote import RemoteStore
from skyseries.store.s3 import S3Bucket
from tests.store.contract import ReplaceRaces, StoreContract, digests, made, written
from tests.store.memory import Killed, MemoryBucket, MemoryStore
from tests.store.servers import Proxy, proxy_before, s3_server


class TestMemory(StoreContract, ReplaceRaces):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, Any]]:
    with s3_server() as options:
        yield options


@pytest.fixture
def proxy(s3: dict[str, Any]) -> Iterator[tuple[dict[str, Any], type[Proxy]]]:
    with proxy_before(s3) as made:
        yield made


class TestS3(StoreContract):
    """Without races of replacing: that of the server of the tests is not atomic."""

    def test_of_many_that_adopt_one_wins(self, store: Store, tmp_path: Path) -> None:
        super().test_of_many_that_adopt_one_wins(store, tmp_path, replaces=False)

    races = 20

    @pytest.fixture
    def store(self, s3: dict[str, Any], request: pytest.FixtureRequest) -> Store:
        store = store_at(f"s3://surveys/{request.node.originalname}", **s3)
        return pickle.loads(pickle.dumps(store))  # noqa: S301


# -- kills --------------------------------------------------------------------------------------


def adopt(store: Store, name: str, folder: Path, owner: str, replaces: bool = False) -> None:
    build = made(folder / owner, owner)
    store.adopt(build, name, digests(build), owner, replaces=replaces)


STEPS = (
    lambda store, _: store.create("p", b"first"),
    lambda store, folder: adopt(store, "v1", folder, "one"),
    lambda store, _: store.replace("p", b"second one", store.read("p").tag),
    lambda store, _: store.create("deep/er/q", b"abc"),
    lambda store, _: store.delete("v1"),
    lambda store, folder: adopt(store, "v1", folder, "two"),
    lambda store, folder: adopt(store, "v1", folder, "three", replaces=True),
    lambda store, _: store.delete("p"),
)
REPLACED = 7  # the step that replaces a folder, counted from one


def run(bucket: MemoryBucket, folder: Path) -> list[dict[str, bytes]]:
    """Do a bit of everything; return what is written after each step."""
    store = MemoryStore(bucket)
    states = [written(store)]
    for step in STEPS:
        try:
            step(store, folder)
        except Killed:
            break
        states.append(written(store))
    return states


def test_a_kill_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    states = run(bucket, tmp_path)
    assert len(states) == len(STEPS) + 1
    assert all(now != before for before, now in itertools.pairwise(states))
    for kill_at in range(len(bucket.calls)):
        bucket = MemoryBucket()
        bucket.kill_at = kill_at
        done = run(bucket, tmp_path)
        assert done == states[: len(done)]
        bucket.kill_at = None
        store = MemoryStore(bucket)
        left = states[len(done) - 1 : len(done) + 1]
        if len(done) == REPLACED:
            left.append({name: held for name, held in left[0].items() if name[:3] != "v1/"})
        assert written(store) in left
        with suppress(Taken, Changed):  # by ourselves
            STEPS[len(done) - 1](store, tmp_path)
        assert written(store) == states[len(done)]


def test_an_answer_that_is_lost_changes_nothing(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    states = run(bucket, tmp_path)
    for lose, (call, key) in enumerate(bucket.calls):
        bucket = MemoryBucket()
        bucket.lose = lose
        store = MemoryStore(bucket)
        for step, state in zip(STEPS, states[1:], strict=True):
            try:
                step(store, tmp_path)
            except StorageError:
                # a write on condition finds what it has written; of the rest it is said
                assert (call, key) not in (("put", "p"), ("put", "deep/er/q"))
                step(store, tmp_path)
            assert written(store) == state


# -- folders ------------------------------------------------------------------------------------


class Stopped(MemoryBucket):
    """A bucket that one cannot send more than some files to."""

    def send(self, key: str, file: Path, notes: Mapping[str, str]) -> None:
        if sum(call == "send" for call, _ in self.calls) >= 15:
            raise StorageError("the network is down")
        super().send(key, file, notes)


def test_an_upload_goes_on(tmp_path: Path) -> None:
    folder = made(tmp_path / "build", "me", files=30)
    stopped = Stopped()
    with pytest.raises(StorageError, match="the network is down"):
        MemoryStore(stopped).adopt(folder, "v1", digests(folder), "me")
    assert f"v1/{MANIFEST}" not in stopped.objects
    assert written(MemoryStore(stopped)) == {}
    bucket = MemoryBucket()
    bucket.objects.update(stopped.objects)
    changed, longer, unknown = sorted(key for key in bucket.objects if "leaf" in key)[:3]
    (tmp_path / changed.replace("v1", "build")).write_bytes(b"xxxxx")  # the same size or not
    content = (tmp_path / longer.replace("v1", "build")).read_bytes()
    (tmp_path / longer.replace("v1", "build")).write_bytes(content + b"1")
    known = digests(folder)
    del known[unknown.removeprefix("v1/")]
    bucket.objects["v1/stale"] = bucket.objects[changed]
    MemoryStore(bucket).adopt(folder, "v1", known, "me")
    sent = [key for call, key in bucket.calls if call == "send"]
    assert sorted(sent) == sorted(
        {f"v1/{name}" for name in digests(folder)} - stopped.objects.keys()
        | {changed, longer, unknown}
    )
    assert sent[-1] == f"v1/{MANIFEST}"
    assert written(MemoryStore(bucket)) == {
        f"v1/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_another_owner_waits_in_vain_for_what_was_stopped(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.kill_at = 5
    with pytest.raises(Killed):
        MemoryStore(bucket).adopt(made(tmp_path / "one", "one"), "v1", {}, "one")
    bucket.kill_at = None
    store = MemoryStore(bucket)
    with pytest.raises(Taken):
        store.adopt(made(tmp_path / "two", "two"), "v1", {}, "two")
    assert store.read(f"v1/{CLAIM}").content == b"one"
    store.adopt(tmp_path / "one", "v1", {}, "one")
    assert len(written(store)) == 4


def test_what_is_being_written_is_not_replaced(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    store = MemoryStore(bucket)
    adopt(store, "v1", tmp_path, "one")
    bucket.kill_at = len(bucket.calls) + 1  # the claim has changed hands, and nothing else
    with pytest.raises(Killed):
        adopt(store, "v1", tmp_path, "two", replaces=True)
    bucket.kill_at = None
    before = written(store)
    for owner in ("one", "three"):
        with suppress(Taken):
            adopt(store, "v1", tmp_path, owner, replaces=True)
    assert written(store) == before
    adopt(store, "v1", tmp_path, "two", replaces=True)
    assert store.read(f"v1/{MANIFEST}").content == b'{"run": "two"}'


def test_what_is_removed_meanwhile_is_not_called_whole(tmp_path: Path) -> None:
    class Vacuumed(MemoryBucket):
        def send(self, key: str, file: Path, notes: Mapping[str, str]) -> None:
            super().send(key, file, notes)
            MemoryStore(self).delete("v1")

    bucket = Vacuumed()
    with pytest.raises(Taken):
        adopt(MemoryStore(bucket), "v1", tmp_path, "one")
    assert f"v1/{MANIFEST}" not in bucket.objects


@pytest.mark.parametrize("kept", ["none", "one"])
def test_a_bucket_that_does_not_keep_to_conditions(tmp_path: Path, kept: str) -> None:
    class Careless(MemoryBucket):
        def put(self, key: str, content: bytes, notes: Mapping[str, str], tag: str | None) -> bool:
            if tag is None and kept == "one":
                return super().put(key, content, notes, tag)
            super().remove([key])
            return super().put(key, content, notes, None)

    store = MemoryStore(Careless())
    with pytest.raises(StorageError, match="memory bucket does not keep to the conditions"):
        store.adopt(made(tmp_path / "one", "one"), "v1", {}, "one")


# -- S3 -----------------------------------------------------------------------------------------


def test_a_lost_answer_of_s3(proxy: tuple[dict[str, Any], type[Proxy]]) -> None:
    options, handler = proxy
    store = store_at("s3://surveys/lost", **options)
    handler.lose += ["lost/a", "lost/b"]
    store.create("a", b"1")
    assert handler.puts.count("/surveys/lost/a") == 2
    with pytest.raises(Taken):
        store.create("a", b"2")
    store.create("c", b"1")
    tag = store.read("c").tag
    handler.lose += ["lost/c"]
    store.replace("c", b"2", tag)
    with pytest.raises(Changed):
        store.replace("c", b"3", tag)
    assert store.read("c").content == b"2"
    assert handler.lose == ["lost/b"]


def test_an_upload_to_s3_goes_on(proxy: tuple[dict[str, Any], type[Proxy]], tmp_path: Path) -> None:
    options, handler = proxy
    sent = []

    class Killing(S3Bucket):
        def send(self, key: str, file: Path, notes: Mapping[str, str]) -> None:
            sent.append(key)
            if len(sent) > 15:
                raise Killed
            super().send(key, file, notes)

    folder = made(tmp_path / "build", "me", files=30)
    with pytest.raises(Killed):
        RemoteStore(Killing(locate("s3://surveys/upload", **options))).adopt(
            folder, "v1", digests(folder), "me"
        )
    there = {path for path in handler.puts if "leaf" in path}
    assert len(there) == 15
    handler.puts.clear()
    store = store_at("s3://surveys/upload", **options)
    store.adopt(folder, "v1", digests(folder), "me")
    assert len([path for path in handler.puts if "leaf" in path]) == 15
    assert not there & set(handler.puts)
    assert len(handler.puts) == 16
    assert len(written(store)) == 31


def test_a_large_file_goes_in_parts(
    proxy: tuple[dict[str, Any], type[Proxy]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skyseries.store.s3._PART", 5 << 20)
    options, handler = proxy
    folder = made(tmp_path / "build", "me")
    (folder / "large").write_bytes(bytes(range(256)) * (11 << 12))
    store = store_at("s3://surveys/large", **options)
    store.adopt(folder, "v1", {}, "me")
    assert handler.puts.count("/surveys/large/v1/large") == 3
    assert store.read("v1/large").content == (folder / "large").read_bytes()


def test_readers_see_what_was_written(s3: dict[str, Any], tmp_path: Path) -> None:
    """The listings that s3fs keeps are not older than what we have written."""
    location = locate("s3://surveys/readers", **s3)
    store = store_at(location)
    store.create("z", b"1")
    assert [file.name for file in location.walk_files()] == ["z"]
    adopt(store, "v1", tmp_path, "one")
    store.create("a", b"1")
    names = {file.path.removeprefix(f"{location.path}/") for file in location.walk_files()}
    assert names == {"a", "z", f"v1/{CLAIM}", *[f"v1/{name}" for name in digests(tmp_path / "one")]}
    assert location.join("a").exists()
    store.delete("a")
    assert not location.join("a").exists()
    other = fsspec.filesystem("s3", **s3, skip_instance_cache=True)
    other.pipe_file("surveys/readers/b", b"1")
    assert [entry.name for entry in store.list()] == ["b", "v1", "z"]


def test_there_is_no_such_bucket(s3: dict[str, Any]) -> None:
    store = store_at("s3://nothing/here", **s3)
    assert store.read("a") is None
    assert store.list() == []
    with pytest.raises(StorageError, match=r"cannot write s3://nothing/here/a: .*bucket does not"):
        store.create("a", b"1")


def test_many_objects(s3: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 lists and removes some at a time."""
    monkeypatch.setattr("skyseries.store.s3._KEYS", 3)
    store = store_at("s3://surveys/many", **s3)
    for name in ("v1/a/x", "v1/b", "v1/c/x", "v1/c/y", "v1/d", "v1/e/x", "v1/f"):
        store.create(name, b"")
    assert [entry.name for entry in store.list("v1")] == ["a", "b", "c", "d", "e", "f"]
    assert len(written(store)) == 7
    store.delete("v1")
    assert store.list() == []


def test_the_root_of_a_bucket(s3: dict[str, Any]) -> None:
    fsspec.filesystem("s3", **s3).mkdir("whole")
    store = store_at("s3://whole", **s3)
    store.create("a/b", b"1")
    assert written(store) == {"a/b": b"1"}
