"""Which store is meant by a path, a URL or a location."""

from __future__ import annotations

import fsspec
import pytest

from skyseries.errors import InputError, MissingDependencyError
from skyseries.store import store_at
from skyseries.store.files import locate
from skyseries.store.local import LocalStore


def test_folders_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in ("a", tmp_path / "a", f"file://{tmp_path}/a", locate("a")):
        store = store_at(place)
        assert isinstance(store, LocalStore)
        assert store.local == tmp_path / "a"
        assert store.path == str(tmp_path / "a")
        assert store.durability == "power"
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "place", ["http://server/a", "memory://a", "simplecache::s3://b/a", "gs://b/a", "nonsense://a"]
)
def test_places_that_cannot_be_written_to(place):
    with pytest.raises(InputError, match=f"cannot be written to {place}: write to a folder"):
        store_at(place)


def test_a_location_that_cannot_be_written_to():
    with pytest.raises(InputError, match=r"cannot be written to memory:///a: write"):
        store_at(locate("memory://a"))


def test_durability_is_one_of_two(tmp_path):
    with pytest.raises(InputError, match="durability must be one of power, process, not 'full'"):
        store_at(tmp_path, durability="full")


def test_s3fs_may_be_missing(monkeypatch):
    def missing(*args, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    with pytest.raises(MissingDependencyError, match=r"skyseries\[remote\]"):
        store_at("s3://bucket/a")
