"""Versions: one file names the current one, and is replaced in one step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from skyseries.errors import CatalogError, InputError
from skyseries.hats.build.promotion import (
    change_collection,
    named_version,
    next_version,
    promote,
)  # fmt: skip
from skyseries.hats.collection import Collection, read_collection
from skyseries.store import store_at
from skyseries.store.files import Location
from skyseries.store.local import Disk

FULL = Collection(
    name="survey",
    primary="v000003/survey",
    margins=("v000003/survey_5arcs", "v000003/survey_10arcs"),
    default_margin="v000003/survey_10arcs",
    indexes=(("id", "v000003/survey_id_index"), ("name", "v000003/survey_name_index")),
)


def read(path: Path) -> Collection | None:
    return read_collection(Location(str(path)))


@pytest.mark.parametrize("collection", [FULL, Collection("plain", "v000001/plain")])
def test_what_is_promoted_is_read(tmp_path, collection):
    promote(store_at(tmp_path), collection, False)
    assert read(tmp_path) == collection
    assert [p.name for p in tmp_path.iterdir()] == ["collection.properties"]


def test_the_version(tmp_path):
    assert FULL.version == "v000003"
    assert Collection("x", "x").version is None
    store = store_at(tmp_path)
    assert named_version(store) is None
    promote(store, FULL, False)
    assert named_version(store) == "v000003"


@pytest.mark.interop
def test_hats_reads_it(tmp_path):
    properties = pytest.importorskip("hats.catalog.dataset.collection_properties")
    promote(store_at(tmp_path), FULL, False)
    found = properties.CollectionProperties.read_from_dir(tmp_path)
    assert found.name == "survey"
    assert found.hats_primary_table_url == FULL.primary
    assert found.all_margins == list(FULL.margins)
    assert found.default_margin == FULL.default_margin
    assert found.all_indexes == dict(FULL.indexes)
    assert found.default_index == "id"


def test_no_collection(tmp_path):
    assert read(tmp_path) is None


def test_a_collection_without_a_catalog(tmp_path):
    (tmp_path / "collection.properties").write_text("obs_collection=x\n")
    with pytest.raises(CatalogError, match=r"collection.properties.*hats_primary_table_url"):
        read(tmp_path)


def test_the_first_margin_is_the_default(tmp_path):
    (tmp_path / "collection.properties").write_text(
        "hats_primary_table_url=a\nall_margins=b c\nall_indexes=id d name e\n"
    )
    found = read(tmp_path)
    assert found == Collection(
        tmp_path.name, "a", ("b", "c"), "b", (("id", "d"), ("name", "e"))
    )  # fmt: skip


def test_next_version(tmp_path):
    store = store_at(tmp_path)
    assert next_version(store) == "v000001"
    for name in ("v000001", "v000009", "v12", "vtenten", "other"):
        (tmp_path / name).mkdir()
    assert next_version(store) == "v000010"
    promote(store, Collection("survey", "v000017/survey"), True)  # its folder is gone
    assert next_version(store) == "v000018"
    (tmp_path / "v999999").mkdir()
    with pytest.raises(InputError, match=r"holds v999999, .* six digits; write to another folder"):
        next_version(store)


@pytest.mark.parametrize("step", ["write", "sync", "rename"])
def test_an_interrupted_promotion_leaves_the_old_version(tmp_path, monkeypatch, step):
    store = store_at(tmp_path)
    promote(store, FULL, False)

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Disk, step, stop)
        with pytest.raises(KeyboardInterrupt):
            promote(store, Collection("survey", "v000004/survey"), True)
    assert read(tmp_path) == FULL
    assert [p.name for p in tmp_path.iterdir()] == ["collection.properties"]


def test_a_version_of_another_writer(tmp_path):
    store = store_at(tmp_path)
    promote(store, FULL, False)
    promote(store, FULL, False)  # named already
    later, earlier = (Collection("survey", f"v00000{n}/survey") for n in (4, 2))
    for other in (later, earlier):
        with pytest.raises(InputError, match="another writer has made meanwhile"):
            promote(store, other, False)
    promote(store, earlier, True)
    assert read(tmp_path) == FULL
    promote(store, later, True)
    assert read(tmp_path) == later


def test_a_change_is_made_to_what_is_there(tmp_path):
    """Another writer comes in between: both changes hold."""
    store, seen = store_at(tmp_path), []
    promote(store, FULL, False)

    def change(said):
        seen.append(said)
        if len(seen) == 1:
            change_collection(store, lambda other: {**other, "theirs": "1"})
        return {**said, "mine": "2"}

    change_collection(store, change)
    assert len(seen) == 2
    text = (tmp_path / "collection.properties").read_text()
    assert "theirs=1" in text
    assert "mine=2" in text
    assert read(tmp_path) == FULL
    before = text
    change_collection(store, lambda _: None)
    assert (tmp_path / "collection.properties").read_text() == before
    promote(store, replace(FULL, primary="v000005/survey"), True)
    assert "theirs=1" in (tmp_path / "collection.properties").read_text()
