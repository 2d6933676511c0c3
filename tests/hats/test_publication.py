"""New versions: whole or not there at all, whatever is there before and whatever fails."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from skyseries.errors import InputError, StorageError
from skyseries.hats.build import edition as publication
from skyseries.hats.build.edition import new_version, write_lock
from skyseries.hats.check.validate import validate_catalog
from skyseries.hats.collection import Collection, promote, read_collection
from skyseries.hats.dataset import open_dataset
from skyseries.store import files
from skyseries.store.files import Location
from tests.hats.results import FIRST_ID, sky, write_result


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
    }


def primary(path):
    collection = read_collection(Location(str(path)))
    return open_dataset(Location(str(path / collection.primary)))


def ids(dataset):
    return sorted(i for cell in dataset.partitions for i in dataset.read(cell)["id"].to_pylist())


def test_a_first_version(tmp_path):
    write_result(tmp_path / "deep" / "out", sky())
    path = tmp_path / "deep" / "out"
    assert sorted(p.name for p in path.iterdir()) == ["collection.properties", "v000001"]
    assert read_collection(Location(str(path))) == Collection(
        "out",
        "v000001/out",
        ("v000001/out_5arcs",),
        "v000001/out_5arcs",
        (("id", "v000001/out_id_index"),),
    )
    assert sorted(p.name for p in (path / "v000001").iterdir()) == [
        "out", "out_5arcs", "out_id_index",
    ]  # fmt: skip


def test_a_catalog_alone(tmp_path):
    write_result(tmp_path / "out", sky(), margin=None, index=None)
    assert read_collection(Location(str(tmp_path / "out"))) == Collection("out", "v000001/out")
    assert validate_catalog(tmp_path / "out").faults == ()


def test_overwrite_makes_the_next_version_and_readers_go_on(tmp_path):
    path = tmp_path / "out"
    write_result(path, sky(seed=1))
    before = primary(path)
    old_ids, old = ids(before), tree(path / "v000001")
    with pytest.raises(InputError, match="overwrite=True makes a new version"):
        write_result(path, sky(30))
    write_result(path, sky(30), overwrite=True)
    assert ids(before) == old_ids
    assert tree(path / "v000001") == old
    assert ids(primary(path)) == list(range(FIRST_ID, FIRST_ID + 30))
    assert read_collection(Location(str(path))).version == "v000002"
    assert sorted(p.name for p in path.iterdir()) == [
        "collection.properties", "v000001", "v000002",
    ]  # fmt: skip
    assert validate_catalog(path).faults == ()


class StopError(Exception):
    pass


def stop():
    raise StopError


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt])
def test_a_failure_leaves_no_trace(tmp_path, error):
    def fail():
        raise error

    with pytest.raises(error):
        write_result(tmp_path / "deep" / "out", sky(), fail=fail)
    assert list(tmp_path.iterdir()) == []
    write_result(tmp_path / "out", sky())
    before = tree(tmp_path)
    with pytest.raises(error):
        write_result(tmp_path / "out", sky(30), overwrite=True, fail=fail)
    assert tree(tmp_path) == before


def test_a_failure_in_an_empty_folder_keeps_the_folder(tmp_path):
    with pytest.raises(StopError):
        write_result(tmp_path, sky(20), fail=stop)
    assert tmp_path.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_nothing_published_leaves_no_trace(tmp_path):
    with new_version(tmp_path / "out") as version:
        (version.build / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["rename", "promote", "write"])
@pytest.mark.parametrize("there", [False, True])
def test_a_failure_while_publishing(tmp_path, monkeypatch, step, there):
    path = tmp_path / "out"
    if there:
        write_result(path, sky())
    before = tree(tmp_path)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    def publish(patch):
        with new_version(path, overwrite=True) as version:
            (version.build / "out").mkdir()
            target, name = {
                "rename": (Path, "rename"),
                "promote": (publication, "promote"),
                "write": (files.os, "fsync"),
            }[step]
            patch.setattr(target, name, full)
            version.publish(Collection("out", "out"))

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="no space left"):
        publish(patch)
    assert tree(tmp_path) == before


def test_what_is_left_of_a_killed_write_is_removed(tmp_path):
    path = tmp_path / "out"
    with pytest.raises(StopError):
        write_result(path, sky(), fail=stop)
    for name in (".import-build-0123abcd/out", "v000001/out"):
        (path / name).mkdir(parents=True)
    (path / ".import.lock").touch()
    write_result(path, sky())
    assert sorted(p.name for p in path.iterdir()) == [
        "collection.properties", "v000001", "v000002",
    ]  # fmt: skip
    assert read_collection(Location(str(path))).version == "v000002"


def test_folders_of_others_are_not_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    before = tree(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"not empty .*notes.txt.* and no catalog"):
            write_result(tmp_path, sky(20), overwrite=overwrite)
        with pytest.raises(InputError, match="is a file"):
            write_result(tmp_path / "notes.txt", sky(20), overwrite=overwrite)
    assert tree(tmp_path) == before


def test_a_collection_without_versions_gets_one(tmp_path):
    """As LSDB writes them: the catalog lies beside collection.properties."""
    (tmp_path / "survey").mkdir()
    promote(tmp_path, Collection("survey", "survey"))
    write_result(tmp_path, sky(20), overwrite=True)
    assert read_collection(Location(str(tmp_path))).primary == "v000001/out"
    assert (tmp_path / "survey").is_dir()


def test_one_writer_at_a_time(tmp_path):
    path = tmp_path / "out"
    with new_version(path) as version, pytest.raises(StorageError, match="is writing to"):
        write_result(path, sky(20))
    assert version.name is None
    with write_lock(tmp_path), pytest.raises(StorageError, match="is writing to"):
        write_result(tmp_path, sky(20), overwrite=True)


def test_published_once(tmp_path):
    with new_version(tmp_path / "out") as version:
        (version.build / "out").mkdir()
        assert version.publish(Collection("out", "out")) == version.name == "v000001"
        with pytest.raises(InputError, match="published already"):
            version.publish(Collection("out", "out"))


def test_only_local_folders(tmp_path):
    with pytest.raises(InputError, match="local folder"):
        write_result("s3://bucket/out", sky(20))
    write_result(f"file://{tmp_path}/out", sky(20))
    assert validate_catalog(tmp_path / "out").faults == ()
