"""A write that is stopped at any step leaves the old version or the new one, and can be repeated.

It is stopped before each call that changes the disk or the bucket, in two ways: the process is
killed, after which nothing is done any more, or interrupted, after which it tidies up. Syncs one
after the other are one step, for a killed process leaves the same at each; so are removals, and
files of one kind that are sent to a bucket.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.hats.build import edition, extension, folder
from skyseries.hats.dataset import open_dataset
from skyseries.hats.manifest import digest_of, read_manifest
from skyseries.store import threads
from skyseries.store.files import Location
from skyseries.store.local import Disk, LocalStore
from tests.store.memory import Killed, MemoryBucket, MemoryStore

pytestmark = pytest.mark.slow

ROWS = 12


def table(factor: float) -> pa.Table:
    at = np.linspace(0.0, 1.0, ROWS)
    ids = np.arange(ROWS)
    return pa.table({"id": ids, "ra": at, "dec": at, "mag": at * factor})


@dataclass(eq=False)
class Stop:
    """When a write is stopped: before the step of this number."""

    at: int | None = None
    kills: bool = True
    steps: int = 0
    before: str = ""
    stopped: bool = False

    def step(self, call: str) -> None:
        if self.stopped and self.kills:
            raise Killed
        if call == self.before and call.startswith(("sync", "unlink", "rmdir", "send")):
            return
        self.before = call
        self.steps += 1
        if self.steps - 1 == self.at:
            self.stopped = True
            raise Killed


class StoppedDisk(Disk):
    """A disk that is written to until the write is stopped."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop


def _stoppable(call: str) -> Callable[..., None]:
    def stoppable(self: StoppedDisk, *args: Any) -> None:
        self.stop.step(call)
        if call != "sync":  # which takes its time, and nobody sees it here
            getattr(super(StoppedDisk, self), call)(*args)

    return stoppable


for _call in ("mkdir", "write", "sync", "link", "rename", "exchange", "unlink", "rmdir"):
    setattr(StoppedDisk, _call, _stoppable(_call))


class StoppedBucket(MemoryBucket):
    """A bucket that is written to until the write is stopped."""

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self.stop = stop

    def _called(self, call: str, key: str) -> bool:
        self.stop.step(f"{call} {Path(key).suffix}")
        return False


@contextlib.contextmanager
def stopped(monkeypatch, stop: Stop, bucket: StoppedBucket | None = None) -> Iterator[None]:
    """Have stores whose disk is that of `stop`; a process that was killed tidies nothing up."""

    def store_at(place: Any, durability: str = "power", **_: Any) -> Any:
        if bucket is not None:
            return MemoryStore(bucket)
        path = place.local if isinstance(place, Location) else Path(place)
        return LocalStore(path, durability, StoppedDisk(stop))

    def rmtree(path: Path, ignore_errors: bool = False) -> None:
        if not (stop.stopped and stop.kills):
            shutil.rmtree(path, ignore_errors=ignore_errors)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "write_point_map", lambda path, *_: path.touch())  # half of the time
        for module in (edition, extension):
            patch.setattr(module, "store_at", store_at)
        patch.setattr(threads, "THREADS", 1)  # the same steps each time
        patch.setattr(edition, "shutil", SimpleNamespace(rmtree=rmtree))
        yield


def check_files(folder: Path) -> None:
    """Assert that a folder holds what its manifest says."""
    manifest = read_manifest(Location(str(folder)))
    assert manifest is not None
    for name, facts in manifest.files.items():
        assert digest_of(folder / name) == facts.digest


def check_whole(folder: Path) -> None:
    """Assert that the version that is named is whole."""
    check_files(sky.open_catalog(folder).dataset.root.parent().local)


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


def builds(folder: Path) -> list[str]:
    return [name for name in hidden(folder) if not name.endswith(".part")]


def write_table(path: Any, factor: float, **options: Any) -> None:
    sky.from_table(table(factor)).write_catalog(path, id="id", margin_arcsec=None, **options)


class Write:
    """Something that is written into a folder: how, and what is there of it."""

    def begin(self, folder: Path) -> None:
        """Write what it is written beside."""

    def write(self, folder: Path, factor: float, **options: Any) -> None:
        write_table(folder / "w", factor, **options)

    def state(self, folder: Path) -> Any:
        """Return the values that are there; None if there are none."""
        if not (folder / "w/collection.properties").exists():
            return None
        check_whole(folder / "w")
        return sky.open_catalog(folder / "w").to_arrow()["mag"].to_pylist()


class Resumed(Write):
    def write(self, folder: Path, factor: float, **options: Any) -> None:
        super().write(folder, factor, resume=True, **options)


class Extension(Write):
    def begin(self, folder: Path) -> None:
        super().write(folder, 1.0, durability="process")

    def write(self, folder: Path, factor: float, **options: Any) -> None:
        plan = sky.open_catalog(folder / "w").assign({"more": f"mag * {factor}"})
        plan.write_extension("e", margin_arcsec=None, **options)

    def state(self, folder: Path) -> Any:
        check_whole(folder / "w")
        catalog = sky.open_catalog(folder / "w")
        if "e" not in catalog.extensions:
            return None
        check_whole(folder / "w/e")
        return catalog.load_extension("e").to_arrow()["more"].to_pylist()


class Association(Extension):
    def write(self, folder: Path, factor: float, **options: Any) -> None:
        catalog = sky.open_catalog(folder / "w")
        pairs = catalog.crossmatch(catalog, factor * 400, n_neighbors=None, suffixes=("", "_2"))
        pairs.write_association(folder / "a", **options)

    def state(self, folder: Path) -> Any:
        if not (folder / "a").exists():
            return None
        check_files(folder / "a")
        return open_dataset(Location(str(folder / "a"))).rows


@pytest.mark.parametrize(
    ("kind", "there", "kills"),
    [
        (Write, False, True),
        (Write, True, True),
        (Write, True, False),
        (Resumed, False, True),
        (Resumed, True, True),
        (Extension, False, True),
        (Extension, True, True),
        (Association, True, True),
        (Association, True, False),
    ],
)
def test_a_write_that_is_stopped_anywhere(kind, there, kills, tmp_path, monkeypatch):
    what = kind()
    begin = tmp_path / "begin"
    what.begin(begin)
    if there:
        what.write(begin, 1.0, durability="process")
    old = what.state(begin)

    def write(name: str, stop: Stop) -> Path:
        if begin.exists():
            shutil.copytree(begin, tmp_path / name)
        with stopped(monkeypatch, stop), contextlib.suppress(Killed):
            what.write(tmp_path / name, 2.0, overwrite=there)
        return tmp_path / name

    with sky.executor("serial"):
        new = what.state(write("whole", count := Stop()))
        assert new not in (old, None)
        assert hidden(tmp_path) == []
        states = []
        for at in range(count.steps):
            folder = write(f"{at}", stop := Stop(at, kills))
            assert stop.stopped
            states.append(what.state(folder))
            assert kills or builds(folder) == []
            if states[-1] == old or kind is Resumed:
                what.write(folder, 2.0, overwrite=there, durability="process")
                assert what.state(folder) == new
            assert kind is not Resumed or builds(folder) == []
    assert [state for state, _ in itertools.groupby(states)] == [old, new]


@pytest.mark.parametrize(("there", "resume"), [(False, True), (True, False)])
def test_a_write_to_a_bucket_that_is_stopped_anywhere(there, resume, tmp_path, monkeypatch):
    place = "memory://bucket/w"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    looks = (tmp_path / f"look {n}" / "w" for n in itertools.count())

    def write(bucket: StoppedBucket, factor: float, **options: Any) -> None:
        with stopped(monkeypatch, bucket.stop, bucket), contextlib.suppress(Killed):
            write_table(place, factor, resume=resume, **options)

    def state(bucket: StoppedBucket) -> Any:
        folder = next(looks)
        for key, held in bucket.objects.items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(held.content)
        return Write().state(folder.parent)

    def begun(at: int | None) -> StoppedBucket:
        bucket = StoppedBucket(Stop(at))
        bucket.objects.update(begin.objects)
        return bucket

    begin = StoppedBucket(Stop())
    with sky.executor("serial"):
        if there:
            write(begin, 1.0)
        old = state(begin)
        write(bucket := begun(None), 2.0, overwrite=there)
        new = state(bucket)
        states = []
        for at in range(bucket.stop.steps):
            stopped_one = begun(at)
            write(stopped_one, 2.0, overwrite=there)
            assert stopped_one.stop.stopped
            states.append(state(stopped_one))
            stopped_one.stop = Stop()
            write(stopped_one, 2.0, overwrite=there)
            assert state(stopped_one) == new
            assert not resume or not list(tmp_path.glob(".build-*"))
    assert [state for state, _ in itertools.groupby(states)] == [old]
