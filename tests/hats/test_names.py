"""Names of catalogs and of their columns: what a collection can hold, and nothing else."""

from __future__ import annotations

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError
from skyseries.hats.names import check_catalog_name

TABLE = pa.table({"id": [1, 2], "ra": [1.0, 2.0], "dec": [1.0, 2.0]})
GOOD = ["#a=b", "!a:b", "a*[1]?", "étoile%20", "a..b", "v000001"]
BAD = [
    "", ".", "..", ".a", "a b", "a\tb", "a\nb", "a,b", "a;b", "a/b", "../b", "a\\b", "a\u2003b",
    "a\u2028b", "a\x00b", "a\x1bb", "\ud800", "x" * 101, "é" * 51,
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_names(tmp_path, name):
    sky.from_table(TABLE).write_catalog(tmp_path / "c", name, id="id")
    report = sky.validate_catalog(tmp_path / "c")
    assert report.ok, report.text()
    assert report.checked["catalogs"] == 3  # with margin and index, whose names follow
    catalog = sky.open_catalog(tmp_path / "c")
    assert catalog.name == name
    assert len(catalog.id_search(2)) == 1


@pytest.mark.parametrize("name", BAD)
def test_bad_names(tmp_path, name):
    with pytest.raises(InputError, match="name="):
        check_catalog_name(name)
    if name:  # nothing is written, nor beside the folder
        with pytest.raises(InputError, match="name="):
            sky.from_table(TABLE).write_catalog(tmp_path / "a" / "b", name, id="id")
        assert list(tmp_path.rglob("*")) == []


def test_the_folder_gives_the_name(tmp_path):
    with pytest.raises(InputError, match=r"'bright stars' cannot name a catalog.*name="):
        sky.from_table(TABLE).write_catalog(tmp_path / "bright stars")
    sky.from_table(TABLE).write_catalog(tmp_path / "bright stars", "bright", id="id")
    assert sky.validate_catalog(tmp_path / "bright stars").ok
    assert len(sky.open_catalog(tmp_path / "bright stars").id_search(1)) == 1


@pytest.mark.parametrize("name", ["the id", "a,b", "a/b", "x" * 101])
def test_ids_that_an_index_cannot_be_named_after(tmp_path, name):
    table = sky.from_table(TABLE.rename_columns([name, "ra", "dec"]))
    with pytest.raises(InputError, match="id_index=False"):
        table.write_catalog(tmp_path / "c", id=name)
    assert not (tmp_path / "c").exists()
    table.write_catalog(tmp_path / "c", id=name, id_index=False)
    assert sky.validate_catalog(tmp_path / "c").ok


@pytest.mark.parametrize("name", ["Norder", "Npix", "Dir", "margin_Npix", "_target", "#bytes"])
def test_columns_that_readers_would_take_for_parts_of_a_path(tmp_path, name):
    table = sky.from_table(TABLE.append_column(name, pa.array([1, 2])))
    with pytest.raises(InputError, match=f"{name}.*rename"):
        table.write_catalog(tmp_path / "c")


def test_odd_names_of_columns_are_kept(tmp_path):
    names = ["the id", "the = ra", " dec", "a#b:c\nd"]
    table = pa.table([[1, 2], [1.0, 2.0], [1.0, 2.0], [5, 6]], names)
    memory = sky.from_table(table, ra="the = ra", dec=" dec")
    memory.write_catalog(tmp_path / "c", id="the id", id_index=False)
    assert sky.validate_catalog(tmp_path / "c").ok
    assert (
        sky.open_catalog(tmp_path / "c").select(names).to_arrow().to_pydict() == table.to_pydict()
    )


@pytest.mark.parametrize("width", [0, -1, float("nan"), 648_000, "10", True])
def test_widths_of_margins(tmp_path, width):
    with pytest.raises(InputError, match="margin_arcsec must be"):
        sky.from_table(TABLE).write_catalog(tmp_path / "c", margin_arcsec=width)


def test_ids_too_long_for_an_index(tmp_path):
    table = TABLE.set_column(0, "id", pa.array(["a" * 4096, "b" * 4097]))
    with pytest.raises(InputError, match=r"'id' has an id of 4,097 bytes.*id_index=False"):
        sky.from_table(table).write_catalog(tmp_path / "c", id="id")
    sky.from_table(table.slice(0, 1)).write_catalog(tmp_path / "c", id="id")
    assert len(sky.open_catalog(tmp_path / "c").id_search("a" * 4096)) == 1
