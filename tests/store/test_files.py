"""Locations, and writing that leaves a whole file or none."""

from __future__ import annotations

import errno
import pickle

import pytest

from skyseries.errors import CatalogError, CatalogNotFoundError, InputError, StorageError
from skyseries.hats.listing import list_files, list_folder
from skyseries.store.files import Location, atomic_path, locate, storage_errors, write_text
from tests.store.servers import s3_server


def test_atomic_path_gives_the_name_at_the_end(tmp_path):
    path = tmp_path / "a" / "b.txt"
    with atomic_path(path) as beside:
        beside.write_text("new")
        assert not path.exists()
        assert beside.parent == path.parent
        assert beside.name.startswith(".")
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_atomic_path_leaves_what_was_there_when_it_fails(tmp_path):
    path = tmp_path / "b.txt"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as beside:
            beside.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_atomic_path_of_a_folder(tmp_path):
    with atomic_path(tmp_path / "folder") as beside:
        beside.mkdir()
        (beside / "x").write_text("1")
    assert (tmp_path / "folder" / "x").read_text() == "1"

    def fail():
        with atomic_path(tmp_path / "other") as beside:
            beside.mkdir()
            (beside / "x").write_text("1")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "no space left while writing .*leaf"),
        (errno.EDQUOT, "no space left while writing .*leaf"),
        (errno.EACCES, "cannot write .*leaf: denied"),
        (errno.EROFS, "cannot write .*leaf: denied"),
    ],
)
def test_a_full_disk_is_a_storage_error(tmp_path, number, text):
    def fail():
        with atomic_path(tmp_path / "leaf") as beside:
            beside.write_text("half")
            raise OSError(number, "denied")

    with pytest.raises(StorageError, match=text) as caught:
        fail()
    assert caught.value.__cause__.errno == number
    assert [p.name for p in tmp_path.iterdir()] == []


def test_other_errors_stay_what_they_are():
    original = StorageError("known already")
    for error in (OSError(errno.EIO, "broken"), original):
        with pytest.raises(OSError) as caught, storage_errors("x"):  # noqa: PT011
            raise error
        assert caught.value is error


def test_write_text_replaces(tmp_path):
    write_text(tmp_path / "a", "1")
    write_text(tmp_path / "a", "é2")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "é2"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_locate_local_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    here = Location(str(tmp_path / "a"))
    assert here == locate("a") == locate(tmp_path / "a") == locate(f"file://{tmp_path}/a")
    assert here == locate("~/a")
    assert here.is_local
    assert here.local == tmp_path / "a"
    assert here.name == "a"
    assert here.parent() == Location(str(tmp_path))
    assert str(here) == str(tmp_path / "a")


@pytest.mark.parametrize("path", ["a", "file:///a"])
def test_a_local_path_takes_no_options(path):
    with pytest.raises(
        InputError, match=rf"^verson=, anon=: .* not for {path}; check the spelling"
    ):
        locate(path, verson=1, anon=True)


def test_join_stays_one_path(tmp_path):
    root = locate(tmp_path)
    assert root.join("a/", "/b").path == str(tmp_path / "a" / "b")
    assert root.join("v000001/../x").path == str(tmp_path / "x")


@pytest.fixture
def memory():
    fsspec = pytest.importorskip("fsspec")
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe("/files-test/a/one", b"1")
    filesystem.pipe("/files-test/two", b"22")
    yield filesystem
    filesystem.rm("/files-test", recursive=True)


def test_remote_files(memory):
    root = locate("memory://files-test/")
    assert not root.is_local
    assert pickle.loads(pickle.dumps(root)) == root  # noqa: S301
    assert [f.name for f in root.walk_files()] == ["one", "two"]
    assert root.join("two").read_text_if_there() == "22"
    assert root.join("two").size() == 2
    assert root.join("two").exists()
    assert not root.join("three").exists()
    assert root.join("three").read_bytes_if_there() is None
    assert str(root).startswith("memory://")
    with root.join("a", "one").open() as file:
        assert file.read() == b"1"
    with pytest.raises(CatalogNotFoundError, match="three"):
        root.join("three").open()
    with pytest.raises(StorageError, match="not a local path"):
        _ = root.local


def test_local_files(tmp_path):
    root = locate(tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "y").write_text("1")
    (tmp_path / "a").write_bytes(b"\xff")
    assert [f.name for f in root.walk_files()] == ["a", "y"]
    assert root.join("b").read_bytes_if_there() is None
    assert root.join("b", "y", "z").read_bytes_if_there() is None
    assert root.join("b", "y").size() == 1
    with pytest.raises(CatalogNotFoundError, match="nothing"):
        root.join("nothing").open()
    with pytest.raises(CatalogError, match="a is no text"):
        root.join("a").read_text_if_there()


def test_a_stamp_changes_with_the_file(tmp_path):
    file = locate(tmp_path / "a")
    assert file.stamp() == ()
    write_text(tmp_path / "a", "1")
    first = file.stamp()
    assert first == file.stamp() != ()
    write_text(tmp_path / "a", "2")
    assert file.stamp() != first


def test_what_others_write_to_a_bucket_is_seen_at_once():
    with s3_server() as options:
        here = locate("s3://surveys/survey", **options)
        others = type(here.filesystem())(**options, skip_instance_cache=True)
        others.pipe_file("surveys/survey/a", b"1")
        others.pipe_file("surveys/survey/gone", b"1")
        others.pipe_file("surveys/survey/v000001/b", b"1")
        for folder in ("", "survey", "survey/v000001"):
            here.filesystem().ls(f"surveys/{folder}")
        remembered = dict(here.filesystem().dircache)
        others.pipe_file("surveys/survey/v000001/c", b"12")
        others.pipe_file("surveys/survey/v000002/d", b"1")
        others.pipe_file("surveys/survey/a", b"123")
        others.rm_file("surveys/survey/gone")
        for asked, answer in (
            (lambda: here.join("a").size(), 3),
            (lambda: here.join("gone").exists(), False),
            (lambda: here.join("v000001/c").exists(), True),
            (lambda: here.join("v000002").exists(), True),
            (lambda: here.join("v000002/d").open().read(), b"1"),
            (lambda: [file.name for file in here.join("v000001").walk_files()], ["b", "c"]),
            (lambda: [entry.name for entry in list_folder(here)], ["a", "v000001", "v000002"]),
            (lambda: list(list_files(here.join("v000001"))), ["b", "c"]),
        ):
            here.filesystem().dircache.clear()
            here.filesystem().dircache.update(remembered)
            assert asked() == answer
