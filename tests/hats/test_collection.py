"""Versions: one file names the current one, and is replaced in one step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skyseries.errors import CatalogError
from skyseries.hats.collection import Collection, next_version, promote, read_collection
from skyseries.store.files import Location

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
    promote(tmp_path, collection)
    assert read(tmp_path) == collection
    assert [p.name for p in tmp_path.iterdir()] == ["collection.properties"]


def test_the_version(tmp_path):
    assert FULL.version == "v000003"
    assert Collection("x", "x").version is None


def test_hats_reads_it(tmp_path):
    properties = pytest.importorskip("hats.catalog.dataset.collection_properties")
    promote(tmp_path, FULL)
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
    assert next_version(tmp_path) == "v000001"
    for name in ("v000001", "v000009", "v12", "vtenten", "other"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path) == "v000010"


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_an_interrupted_promotion_leaves_the_old_version(tmp_path, monkeypatch, step):
    promote(tmp_path, FULL)

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step == "write":
            patch.setattr(Path, "open", stop)
        elif step == "fsync":
            patch.setattr(os, "fsync", stop)
        else:
            patch.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            promote(tmp_path, Collection("survey", "v000004/survey"))
    assert read(tmp_path) == FULL
    assert [p.name for p in tmp_path.iterdir()] == ["collection.properties"]
