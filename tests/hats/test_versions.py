"""Versions of a catalog: listed as they are, opened by their number, with what is theirs."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
import warnings

import fsspec
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

import skyseries as sky
from skyseries.cli.app import cli
from skyseries.hats.collection import COLLECTION_FILE
from skyseries.hats.dataset import open_dataset
from skyseries.hats.manifest import MANIFEST_FILE
from skyseries.store.files import Location
from tests.hats.small import N, objects

OPTIONS = {"id": "id", "durability": "process", "overwrite": True}


def write(path, rows, name="survey", margin=10):
    table = objects().slice(0, rows)
    with sky.executor("serial"):
        sky.from_table(table).write_catalog(path, name=name, margin_arcsec=margin, **OPTIONS)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Return a catalog of three versions, the second of which has parts of other names."""
    path = tmp_path_factory.mktemp("versions") / "survey"
    write(path, 50)
    with sky.executor("serial"):
        sky.open_catalog(path).assign(faint="mag + 1").write_extension("feats", ["faint"])
    write(path, 60, "other", 20)
    write(path, N)
    return path


@pytest.fixture
def copy(three, tmp_path):
    return shutil.copytree(three, tmp_path / "survey")


def aged(path, days):
    """Make a file or all files of a folder so many days old."""
    then = time.time() - days * 86400
    for file in [path, *path.rglob("*")]:
        os.utime(file, (then, then))


# --- the list ----------------------------------------------------------------------------------


def test_all_versions_are_listed(three):
    found = sky.versions(three)
    assert [v.name for v in found.versions] == ["v000001", "v000002", "v000003"]
    assert [v.current for v in found.versions] == [False, False, True]
    assert [v.rows for v in found.versions] == [50, 60, N]
    assert all(v.whole for v in found.versions)
    assert found.current == found.versions[2]
    assert found.leftovers == ()
    for version in found.versions:
        files = [p for p in (three / version.name).rglob("*") if p.is_file()]
        assert version.nbytes == sum(p.stat().st_size for p in files)
        assert version.partitions == len(sky.open_catalog(three, version=version.number).partitions)
        assert abs(version.made.timestamp() - time.time()) < 3600
    assert len({v.run for v in found.versions}) == 3
    assert "v000003  current" in found.text()


def test_it_is_plain_json_too(three):
    found = json.loads(CliRunner().invoke(cli, ["versions", str(three), "--json"]).stdout)
    assert [v["number"] for v in found["versions"]] == [1, 2, 3]
    assert found["extensions"][0]["versions"]["versions"][0]["rows"] == 50
    text = CliRunner().invoke(cli, ["versions", str(three)]).stdout
    assert text == f"{sky.versions(three)}\n"


def test_what_is_not_whole(copy):
    next((copy / "v000001").rglob("Npix=*.parquet")).unlink()
    file = next((copy / "v000002").rglob("Npix=*.parquet"))
    file.write_bytes(file.read_bytes()[:-1])
    assert [v.whole for v in sky.versions(copy).versions] == [False, False, True]
    for version in ("v000001", "v000003"):
        (copy / version / MANIFEST_FILE).unlink()
    shutil.rmtree(copy / "v000001" / "survey")
    found = sky.versions(copy)
    assert [v.whole for v in found.versions] == [False, False, None]
    assert found.versions[0].rows is None
    assert "NOT WHOLE" in found.text()
    assert "no manifest" in found.text()


def test_leftovers_are_told_apart(copy):
    for name in (".build-aa", ".build-bb", ".import-build-cc", "v000004", "notes", ".cache"):
        (copy / name).mkdir()
        (copy / name / "file").write_bytes(b"x" * 10)
    (copy / ".build-bb" / "marks").mkdir()
    (copy / "v000004" / "survey").mkdir()
    (copy / "v000004" / "survey" / "hats.properties").touch()
    part = copy / ".collection.properties.0123abcd.part"
    part.write_bytes(b"x" * 10)
    (copy / "my.part").touch()
    aged(copy / ".build-bb", 3)
    (copy / ".build-aa" / "lock").touch()
    with (copy / ".build-aa" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = {left.name: left for left in sky.versions(copy).leftovers}
    assert {left.name for left in found.values() if left.in_use} == {".build-aa"}
    assert {name: left.what for name, left in found.items()} == {
        ".build-aa": "build",
        ".build-bb": "build",
        ".import-build-cc": "build of an earlier Skyseries",
        part.name: "part",
        "v000004": "version that was never named",
    }
    assert {left.name for left in found.values() if not left.ours} == {".import-build-cc"}
    assert {left.nbytes for left in found.values()} == {10}
    assert 2.9 < (time.time() - found[".build-bb"].touched.timestamp()) / 86400 < 3.1
    assert not sky.versions(copy).leftovers[0].in_use


def test_catalogs_without_versions(three, tmp_path):
    alone = sky.versions(three / "v000001" / "survey")
    assert alone.versions == ()
    assert "no versions" in alone.text()
    with pytest.raises(sky.CatalogNotFoundError, match=r"no catalog at .*nowhere: no such folder"):
        sky.versions(tmp_path / "nowhere")
    (tmp_path / "first" / ".build-aa").mkdir(parents=True)
    assert [left.name for left in sky.versions(tmp_path / "first").leftovers] == [".build-aa"]


def test_a_catalog_that_was_only_begun_is_called_so_everywhere(tmp_path):
    path = tmp_path / "survey"
    (path / ".build-aa" / "marks").mkdir(parents=True)
    says = r"no catalog at .*survey yet: its first writer was stopped, .* the same command goes on"
    with pytest.raises(sky.CatalogNotFoundError, match=says):
        sky.open_catalog(path)
    assert re.search(says, sky.validate_catalog(path).text())
    assert "no version yet: its first writer was stopped" in sky.versions(path).text()
    (path / "notes").touch()
    with pytest.raises(sky.CatalogNotFoundError, match="is no HATS catalog"):
        sky.open_catalog(path)


def test_an_association_knows_the_versions_that_it_was_made_from(three, tmp_path):
    old, new = sky.open_catalog(three, version=2), sky.open_catalog(three)
    path = tmp_path / "pairs"
    with sky.executor("serial"):
        written = old.crossmatch(new, radius_arcsec=1).write_association(path, durability="process")
    assert (written.primary.version, written.join.version) == ("v000002", "v000003")
    assert "no versions: only import_catalog, write_cat" in sky.versions(path).text()
    for left, right, stale in ((old, new, 0), (new, new, 1), (new, old, 2)):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            left.join(right, through=path)
        texts = [str(warning.message) for warning in told]
        assert len(texts) == stale
        assert all("'pairs' was made from v00000" in text for text in texts)
    lines = (path / "hats.properties").read_text().splitlines()
    for file in path.glob("*properties"):
        file.write_text("\n".join(line for line in lines if "skyseries_" not in line))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new.join(old, through=path)


def test_an_extension_that_was_only_begun(copy):
    build = copy / "colours" / ".build-aa" / "content"
    build.mkdir(parents=True)
    (build / "file").write_bytes(b"x" * 10)
    (copy / "notes").mkdir()
    (copy / "mine" / ".build-bb").mkdir(parents=True)
    (copy / "mine" / "file").touch()
    aged(copy / "colours", 9)
    state = sky.versions(copy).extensions[-1]
    assert (state.name, state.versions.begun, len(state.versions.leftovers)) == ("colours", True, 1)
    assert [state.name for state in sky.versions(copy).extensions] == ["feats", "colours"]
    assert "  extension colours\n    no version yet" in sky.versions(copy).text()
    found = sky.vacuum(copy, dry_run=False)
    assert [(item.path, item.nbytes) for item in found.removed] == [("colours/.build-aa", 10)]
    assert list((copy / "colours").iterdir()) == []
    assert (copy / "mine" / ".build-bb").exists()


def test_what_is_no_folder(tmp_path):
    (tmp_path / "table.csv").touch()
    with pytest.raises(
        sky.CatalogNotFoundError, match=r"no catalog at .*table\.csv: that is a file"
    ):
        sky.versions(tmp_path / "table.csv")


def test_a_folder_with_names_like_ours_is_no_catalog(tmp_path):
    for name in ("v000001", ".build-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").touch()
    for asked in (sky.versions, sky.vacuum):
        with pytest.raises(sky.CatalogNotFoundError, match="nothing in it is one"):
            asked(tmp_path)


def test_the_folder_of_the_current_version_is_gone(copy):
    shutil.rmtree(copy / "v000003")
    found = sky.versions(copy)
    assert (found.missing, found.current) == ("v000003", None)
    assert found.to_dict()["missing"] == "v000003"
    assert [v.name for v in found.versions] == ["v000001", "v000002"]
    assert "v000003  named by collection.properties, and not there" in found.text()
    assert sky.versions(copy / "feats").missing is None


def test_another_library_has_overwritten_what_names_the_version(copy):
    """The catalog of its own lies beside the versions, which are there still."""
    shutil.copytree(copy / "v000003" / "survey", copy / "theirs")
    (copy / COLLECTION_FILE).write_text("obs_collection=x\nhats_primary_table_url=theirs\n")
    (copy / "v000007").mkdir()
    found = sky.versions(copy)
    assert [(v.name, v.rows, v.whole, v.current) for v in found.versions] == [
        ("v000001", 50, True, False),
        ("v000002", 60, True, False),
        ("v000003", N, True, False),
    ]
    assert found.missing is None
    with pytest.raises(sky.CatalogError, match="has no current version"):
        sky.vacuum(copy, older_than=0, dry_run=False)
    assert len(sky.open_catalog(copy)) == N
    assert len(sky.open_catalog(copy, version=2)) == 60


def test_a_version_of_a_newer_skyseries(copy):
    file = copy / "v000001" / MANIFEST_FILE
    file.write_text(file.read_text().replace('"skyseries_manifest": 1', '"skyseries_manifest": 2'))
    found = sky.versions(copy)
    assert [(v.newer, v.whole) for v in found.versions] == [
        (True, None),
        (False, True),
        (False, True),
    ]
    assert "made by a newer Skyseries" in found.text()
    assert "NOT WHOLE" not in found.text()
    with pytest.raises(sky.CatalogError, match="written by a newer version of Skyseries"):
        sky.open_catalog(copy, version=1)
    done = sky.vacuum(copy, older_than=0, dry_run=False)
    assert [item.path for item in done.removed] == ["v000002"]


def test_remote(copy):
    fsspec.filesystem("memory").put(str(copy), "/versions/survey", recursive=True)
    try:
        here, there = sky.versions(copy), sky.versions("memory://versions/survey")
        assert [(v.number, v.rows, v.nbytes, v.whole) for v in here.versions] == [
            (v.number, v.rows, v.nbytes, v.whole) for v in there.versions
        ]
        opened = sky.open_catalog("memory://versions/survey", version=2)
        assert opened.to_arrow().num_rows == 60
        with pytest.raises(
            sky.InputError, match=r"^memory:.*survey is not on a disk .* give path="
        ):
            opened.assign(faint="mag + 1").write_extension("more", ["faint"])
        planned = sky.vacuum("memory://versions/survey", older_than=0)
        assert [item.path for item in planned.removed] == ["v000001", "v000002"]
    finally:
        fsspec.filesystem("memory").rm("/versions", recursive=True)


# --- a version by its number -------------------------------------------------------------------


def test_a_version_has_its_own_rows_margins_and_index(three):
    for number, rows, name, width in ((1, 50, "survey", 10), (2, 60, "other", 20)):
        opened = sky.open_catalog(three, version=number)
        ids = objects()["id"].slice(0, rows)
        assert pc.is_in(opened.to_arrow()["id"], ids).to_pylist() == [True] * rows
        assert opened.dataset.name == name
        assert opened.info().version == f"v{number:06d}"
        collection = opened._collection
        assert collection.margins == (f"v{number:06d}/{name}_{width}arcs",)
        assert collection.indexes == (("id", f"v{number:06d}/{name}_id_index"),)
        margin = open_dataset(Location(str(three / collection.default_margin)))
        assert margin.properties["hats_margin_threshold"] == f"{width}.0"
        assert opened.id_search([ids[3].as_py()]).to_arrow().num_rows == 1
    assert len(sky.open_catalog(three)) == len(sky.open_catalog(three, version=3)) == N


def test_a_version_without_a_manifest_has_parts_named_as_now(copy):
    for number in (1, 2):
        (copy / f"v00000{number}" / MANIFEST_FILE).unlink()
    assert len(sky.open_catalog(copy, version=1)) == 50
    with pytest.raises(sky.CatalogNotFoundError, match="no version 2; there are 1, 2, 3"):
        sky.open_catalog(copy, version=2)


@pytest.mark.parametrize(
    ("number", "error", "says"),
    [
        (7, sky.CatalogNotFoundError, "has no version 7; there are 1, 2, 3$"),
        (0, sky.InputError, "version must be 1 or more"),
        (1.5, sky.InputError, "version must be a whole number"),
        ("1", sky.InputError, "version must be a number"),
    ],
)
def test_a_version_that_is_not_there(three, number, error, says):
    with pytest.raises(error, match=says):
        sky.open_catalog(three, version=number)


def test_what_has_no_versions_says_so(three):
    with pytest.raises(sky.CatalogError, match="has no versions: it is no collection"):
        sky.open_catalog(three / "v000001" / "survey", version=1)


def test_what_is_no_catalog_says_what_is_missing(copy):
    (copy / COLLECTION_FILE).unlink()
    says = r"no collection\.properties, which names one of the versions that it holds \(v000001, v0"
    for version in (None, 1):
        with pytest.raises(sky.CatalogNotFoundError, match=says):
            sky.open_catalog(copy, version=version)
    with pytest.raises(sky.CatalogNotFoundError, match=r"there is no folder .*elsewhere"):
        sky.open_catalog(copy.parent / "elsewhere", version=1)


def test_commands_take_a_version(three):
    result = CliRunner().invoke(cli, ["query", str(three), "--select", "id", "--version", "2"])
    assert len(result.stdout.splitlines()) == 61
    result = CliRunner().invoke(cli, ["info", str(three), "--version", "1"])
    assert "(v000001)" in result.stdout


# --- extensions of another version -------------------------------------------------------------


def test_a_stale_extension_is_told_everywhere(three):
    opened = sky.open_catalog(three)
    with pytest.warns(UserWarning, match="'feats' was computed from version 1 of .* version 3"):
        loaded = opened.load_extension("feats")
    assert loaded.to_arrow()["faint"].null_count == N - 50
    assert "extensions  feats (of version 1: stale)" in opened.info().text()
    (state,) = sky.versions(three).extensions
    assert (state.name, state.made_for, state.stale) == ("feats", 1, True)
    assert "extension feats, made for version 1: STALE" in sky.versions(three).text()


def test_one_of_the_version_that_is_open_is_not_stale(three):
    opened = sky.open_catalog(three, version=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened.load_extension("feats").to_arrow()["faint"].null_count == 0
    assert "extensions  feats\n" in opened.info().text()


@pytest.fixture
def both(copy):
    """Return the catalog with a second version of its extension, computed from the third of it."""
    with sky.executor("serial"):
        opened = sky.open_catalog(copy).assign(faint="mag + 2")
        opened.write_extension("feats", ["faint"], overwrite=True, durability="process")
    return copy


@pytest.mark.parametrize(
    ("opened", "loaded", "computed_from"),
    [(3, 1, 1), (1, 2, 3), (1, None, 3), (1, 1, None), (3, 2, None), (3, None, None)],
)
def test_each_version_of_an_extension_knows_its_own_catalog(both, opened, loaded, computed_from):
    catalog = sky.open_catalog(both, version=opened)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        catalog.load_extension("feats", version=loaded)
    said = [] if computed_from is None else [f"version {computed_from} of"]
    assert [m for w in told for m in said if m in str(w.message)] == said
    assert len(told) == len(said)


def test_each_version_of_an_extension_is_listed_with_its_own_catalog(both):
    (state,) = sky.versions(both).extensions
    assert [version.made_for for version in state.versions.versions] == [1, 3]
    lines = sky.versions(both).text().splitlines()
    assert [line.endswith("for version 1") for line in lines if " v000001 " in line] == [
        False,
        True,
    ]


def test_an_extension_that_is_not_there(three):
    opened = sky.open_catalog(three)
    with pytest.raises(
        sky.CatalogNotFoundError,
        match=r"survey has no extension 'feat'; did you mean 'feats'\? \(it has feats;",
    ):
        opened.load_extension("feat")
    with pytest.raises(
        sky.CatalogNotFoundError, match=r"no extension at .*/other/feat\.properties"
    ):
        opened.load_extension("other/feat.properties")


def test_nothing_is_told_where_the_version_is_not_known(copy):
    file = copy / "feats.properties"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if "primary_version" not in line))
    for file in (copy / "feats" / "v000001" / "feats").glob("*properties"):
        lines = file.read_text().splitlines()
        file.write_text("\n".join(line for line in lines if "primary_version" not in line))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sky.open_catalog(copy).load_extension("feats")
    (state,) = sky.versions(copy).extensions
    assert (state.made_for, state.stale) == (None, False)
    assert "STALE" not in sky.versions(copy).text()
