"""`vacuum` removes what is old and nobody's, and nothing else, whoever is at work meanwhile."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from datetime import UTC, datetime, timedelta

import astropy.units as u
import fsspec
import pytest
from click.testing import CliRunner

import skyseries as sky
from skyseries.cli.app import cli
from skyseries.hats import vacuum as module
from skyseries.hats.collection import COLLECTION_FILE
from skyseries.hats.dataset import open_dataset
from skyseries.hats.manifest import MANIFEST_FILE, Manifest
from skyseries.store.base import CLAIM
from tests.hats.small import objects
from tests.store.servers import s3_server

DAY = 86400


def write(path, rows):
    with sky.executor("serial"):
        sky.from_table(objects().slice(0, rows)).write_catalog(
            path, name="survey", overwrite=True, id="id", margin_arcsec=None, durability="process"
        )


@pytest.fixture(scope="module")
def aged(tmp_path_factory):
    """Return a catalog of four versions that seem to have been made 30, 20, 10 and 1 days ago.

    Its extension has two, of now.
    """
    path = tmp_path_factory.mktemp("vacuum") / "survey"
    for rows in range(40, 44):
        write(path, rows)
    options = {"margin_arcsec": None, "overwrite": True, "durability": "process"}
    with sky.executor("serial"):
        for _ in range(2):
            opened = sky.open_catalog(path).assign(faint="mag + 1")
            opened.write_extension("feats", ["faint"], **options)
    for number, days in enumerate((30, 20, 10, 1), start=1):
        made_at(path / f"v{number:06d}", days)
    return path


@pytest.fixture
def four(aged, tmp_path):
    """Return a copy of it."""
    return shutil.copytree(aged, tmp_path / "survey")


def made_at(version, days):
    file = version / MANIFEST_FILE
    manifest = Manifest.from_json(file.read_text())
    then = datetime.now(UTC) - timedelta(days=days)
    file.write_text(Manifest(manifest.run, then, manifest.files).to_json())


def left(path, name, days, nbytes=10, file="lock"):
    """Make a folder with a file, both of some age."""
    (path / name).mkdir()
    file = path / name / file
    file.write_bytes(b"x" * nbytes)
    then = time.time() - days * DAY
    for each in (file, path / name):
        os.utime(each, (then, then))
    return path / name


def paths(items):
    return [item.path for item in items]


def tree(path):
    return {p.relative_to(path): p.stat().st_size for p in path.rglob("*") if p.is_file()}


def whys(found):
    return {item.path: item.why for item in (*found.kept, *found.removed)}


# --- what is removed ---------------------------------------------------------------------------


def test_it_says_what_it_would_remove_and_removes_nothing(four):
    left(four, ".build-aa", 30)
    before = tree(four)
    found = sky.vacuum(four)
    assert paths(found.removed) == ["v000001", "v000002", ".build-aa"]
    assert found.dry_run
    sizes = {v.name: v.nbytes for v in sky.versions(four).versions}
    assert found.nbytes == sizes["v000001"] + sizes["v000002"] + 10
    assert whys(found)["v000003"] == "replaced only 24 hours ago"
    assert whys(found)["v000001"] == "replaced 20 days ago"
    assert "would remove v000001 (old version" in found.text()
    assert tree(four) == before


def test_what_it_has_said_is_removed_and_the_rest_is_whole(four):
    left(four, ".build-aa", 30)
    said = sky.vacuum(four)
    done = sky.vacuum(four, dry_run=False)
    assert (done.removed, done.kept) == (said.removed, said.kept)
    assert not done.dry_run
    names = {p.name for p in four.iterdir()}
    assert names == {"v000003", "v000004", "feats", "feats.properties", COLLECTION_FILE}
    report = sky.validate_catalog(four)
    assert report.ok, report.text()
    assert len(sky.open_catalog(four)) == 43
    assert sky.open_catalog(four).load_extension("feats").to_arrow()["faint"].null_count == 0
    with pytest.raises(sky.CatalogNotFoundError, match="no version 1; there are 3, 4"):
        sky.open_catalog(four, version=1)
    write(four, 45)
    assert sky.versions(four).current.name == "v000005"


@pytest.mark.parametrize(
    ("options", "removed"),
    [
        ({"older_than": 0}, ["v000001", "v000002", "v000003", "feats/v000001"]),
        ({"older_than": 0, "keep": 2}, ["v000001", "v000002"]),
        ({"older_than": 0, "keep": 9}, []),
        ({"older_than": 15}, ["v000001"]),
        ({"older_than": "15 d"}, ["v000001"]),
        ({"older_than": "360h"}, ["v000001"]),
        ({"older_than": timedelta(days=15)}, ["v000001"]),
        ({"older_than": 360 * u.hour}, ["v000001"]),
        ({"older_than": 21}, []),
    ],
)
def test_rules(aged, options, removed):
    assert paths(sky.vacuum(aged, **options).removed) == removed


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"older_than": -1}, "older_than must be 0 or more, not -1"),
        ({"older_than": float("nan")}, "older_than must be 0 or more"),
        ({"older_than": "soon"}, "older_than must be a time such as '7 d'"),
        ({"older_than": "3 arcsec"}, "arcsec"),
        ({"keep": 0}, "keep must be 1 or more"),
        ({"dry_run": "no"}, "dry_run must be True or False"),
    ],
)
def test_rules_that_make_no_sense(aged, options, says):
    before = tree(aged)
    with pytest.raises(sky.InputError, match=says):
        sky.vacuum(aged, **{"dry_run": False} | options)
    assert tree(aged) == before


def test_the_command(four):
    before = tree(four)
    result = CliRunner().invoke(cli, ["vacuum", str(four), "--older-than", "15d"])
    assert "would remove v000001" in result.stdout
    assert "--delete does it" in result.stderr
    assert tree(four) == before
    result = CliRunner().invoke(cli, ["vacuum", str(four), "--older-than", "0d", "--keep", "3",
                                      "--delete"])  # fmt: skip
    assert result.stdout.splitlines()[-2].startswith("removed v000001 (old version")
    assert "--delete" not in result.stderr
    assert not (four / "v000001").exists()


# --- what is never removed ---------------------------------------------------------------------


def test_what_is_not_ours_stays(four):
    for name in ("notes", ".git", "v1", "v0000001", ".hidden.part", "v000001.bak", "mine"):
        left(four, name, 90)
    for name in ("v000000", "v000009", ".build-mine", ".import-notes", ".import.txt"):
        left(four, name, 90, file="notes.txt")
    shutil.copytree(four / "v000001", four / "mine" / "v000001")
    (four / "README.md").write_text("hello")
    before = tree(four)
    found = sky.vacuum(four, older_than=0, dry_run=False)
    foreign = [path for path, why in whys(found).items() if why == "not of Skyseries"]
    assert foreign == [".build-mine", ".import-notes", ".import.txt", "v000000", "v000009"]
    gone = {str(path).split("/")[0] for path in before.keys() - tree(four).keys()}
    assert gone == {"v000001", "v000002", "v000003", "feats"}


def test_young_builds_and_held_ones_stay(four):
    for name, days in ((".build-young", 0.9), (".build-old", 1.1), (".build-held", 30)):
        left(four, name, days)
    left(four, ".import-build-old", 30)
    (four / ".import.lock").touch()
    with (four / ".build-held" / "lock").open() as lock, (four / ".import.lock").open() as old:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(old, fcntl.LOCK_EX)
        found = sky.vacuum(four, older_than=0, keep=9, dry_run=False)
        assert paths(found.removed) == [".build-old"]
        assert whys(found)[".build-held"] == "a process is writing it"
        assert whys(found)[".import-build-old"] == "a process is writing it"
        assert whys(found)[".build-young"] == "written to 21 hours ago"
    found = sky.vacuum(four, older_than=0, keep=9, dry_run=False)
    assert paths(found.removed) == [".build-held", ".import-build-old"]
    assert (four / ".build-young").exists()


def test_a_version_on_its_way_stays(four):
    """A bucket is filled file by file, and another writer may have been named meanwhile."""
    (four / "v000002" / MANIFEST_FILE).unlink()
    left(four, "v000005", 0.5, file=CLAIM)
    found = sky.vacuum(four, older_than=0, dry_run=False)
    assert {"v000002", "v000005"} <= set(paths(found.kept))
    assert "not known to be whole" in whys(found)["v000002"]


def test_a_version_that_was_never_named_is_removed_when_it_is_old(four):
    left(four, "v000005", 8, file=MANIFEST_FILE)
    assert "v000005" in paths(sky.vacuum(four, dry_run=False).removed)
    assert not (four / "v000005").exists()


@pytest.mark.parametrize("absolute", [False, True])
def test_what_others_name_stays(four, absolute):
    inside = four / "v000001" / "survey"
    pairs = four / "pairs"
    pairs.mkdir()
    (pairs / "hats.properties").write_text(
        f"dataproduct_type=association\nhats_primary_table_url={four}\n"
        f"hats_assn_join_table_url={inside if absolute else '../v000001/survey'}\n"
    )
    other = four / "v000002" / "survey"
    with (four / COLLECTION_FILE).open("a") as file:
        file.write(f"somebodys_table={other if absolute else 'v000002/survey'}\n")
    (four / "more.properties").write_text("skyseries_primary_version=v000003\n")
    found = sky.vacuum(four, older_than=0, dry_run=False)
    assert paths(found.removed) == ["v000003", "feats/v000001"]
    assert whys(found)["v000001"] == f"{pairs}/hats.properties names it"
    assert whys(found)["v000002"] == f"{four}/{COLLECTION_FILE} names it"


def test_the_version_of_its_columns_that_an_extension_names_stays(four):
    file = four / "feats.properties"
    file.write_text(file.read_text().replace("extension_version=2", "extension_version=1"))
    found = sky.vacuum(four, older_than=0, dry_run=False)
    assert whys(found)["feats/v000001"] == "the extension names it"
    assert sky.open_catalog(four).load_extension("feats").to_arrow()["faint"].null_count == 0


@pytest.mark.parametrize("lost", [COLLECTION_FILE, "v000004"])
def test_nothing_is_removed_where_no_version_is_the_current_one(four, lost):
    if (four / lost).is_dir():
        shutil.rmtree(four / lost)
    else:
        (four / lost).unlink()
    before = tree(four)
    with pytest.raises(sky.CatalogError, match=r"has no current version: .* nothing is removed"):
        sky.vacuum(four, older_than=0, dry_run=False)
    assert tree(four) == before


def test_an_extension_stays_where_none_of_its_versions_is_the_current_one(four):
    shutil.rmtree(four / "feats" / "v000002")
    left(four / "feats", "v000009", 30, file=MANIFEST_FILE)
    found = sky.vacuum(four, older_than=0, dry_run=False)
    assert paths(found.removed) == ["v000001", "v000002", "v000003"]
    for name in ("feats/v000001", "feats/v000009"):
        assert whys(found)[name] == "none of its versions is the current one"
        assert (four / name).is_dir()


def test_builds_of_a_first_run_that_was_stopped_are_removed(tmp_path):
    left(tmp_path, ".build-aa", 30)
    assert paths(sky.vacuum(tmp_path, dry_run=False).removed) == [".build-aa"]


def test_what_is_named_is_read_again_before_each_removal(four, monkeypatch):
    """A version is made the current one again, after all was listed."""
    listed = module.list_versions

    def and_then(root):
        found = listed(root)
        file = four / COLLECTION_FILE
        file.write_text(file.read_text().replace("v000004", "v000001"))
        return found

    monkeypatch.setattr(module, "list_versions", and_then)
    found = sky.vacuum(four, older_than=0, dry_run=False)
    assert paths(found.removed) == ["v000002", "v000003", "feats/v000001"]
    assert len(sky.open_catalog(four)) == 40


def test_what_names_the_current_version_is_removed_meanwhile(four, monkeypatch):
    listed = module.list_versions

    def and_then(root):
        found = listed(root)
        (four / COLLECTION_FILE).unlink()
        return found

    monkeypatch.setattr(module, "list_versions", and_then)
    found = sky.vacuum(four, older_than=0, dry_run=False)
    assert paths(found.removed) == ["feats/v000001"]
    assert whys(found)["v000001"] == "none of its versions is the current one"
    assert (four / "v000003").is_dir()


def test_a_build_that_is_gone_on_with_meanwhile_stays(four, monkeypatch):
    build = left(four, ".build-aa", 30)
    listed = module.list_versions

    def and_then(root):
        found = listed(root)
        (build / "lock").write_bytes(b"again")
        return found

    monkeypatch.setattr(module, "list_versions", and_then)
    found = sky.vacuum(four, older_than=0, keep=9, dry_run=False)
    assert paths(found.removed) == []
    assert whys(found)[".build-aa"] == "written to 0 seconds ago"
    assert build.exists()


def test_nothing_is_removed_where_it_is_not_known_what_is_named(four):
    (four / "pairs.properties").write_text("this is no line of properties\n")
    before = tree(four)
    with pytest.raises(sky.CatalogError, match=r"pairs\.properties, line 1"):
        sky.vacuum(four, older_than=0, dry_run=False)
    assert tree(four) == before


def test_a_reader_sees_all_of_a_version_or_none(four, monkeypatch):
    """Killed at any file that is removed, the version is not there under its name."""
    from skyseries.store.local import Disk

    real, calls = Disk.unlink, []

    def killed(self, path):
        calls.append(path)
        if len(calls) == 5:
            raise KeyboardInterrupt
        real(self, path)

    monkeypatch.setattr(Disk, "unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        sky.vacuum(four, older_than=0, dry_run=False)
    monkeypatch.setattr(Disk, "unlink", real)
    assert not (four / "v000001").exists()
    with pytest.raises(sky.CatalogNotFoundError, match="no version 1; there are 2, 3, 4"):
        sky.open_catalog(four, version=1)
    (rest,) = sky.versions(four).leftovers
    assert rest.what == "part"
    assert rest.name.startswith(".v000001.")
    then = time.time() - 8 * DAY
    for file in (four / rest.name).rglob("*"):
        os.utime(file, (then, then))
    assert rest.name in paths(sky.vacuum(four, older_than=7, dry_run=False).removed)


def test_a_bucket(aged):
    with s3_server() as options:
        files, place = fsspec.filesystem("s3", **options), "s3://surveys/survey"
        for name in ("v000003", "v000004", COLLECTION_FILE):
            files.put(str(aged / name), f"surveys/survey/{name}", recursive=True)
        assert [v.whole for v in sky.versions(place, **options).versions] == [True, True]
        files.pipe_file("surveys/survey/v000005/survey/hats.properties", b"")
        found = sky.vacuum(place, older_than="1 h", dry_run=False, **options)
        assert (paths(found.removed), paths(found.kept)) == (["v000003"], ["v000005"])
        assert files.find("surveys/survey/v000003") == []
        with pytest.raises(sky.CatalogNotFoundError, match="no version 3; there are 4, 5"):
            sky.open_catalog(place, version=3, **options)
        assert len(sky.open_catalog(place, **options)) == 43


def test_places_that_cannot_be_written(four):
    memory = fsspec.filesystem("memory")
    memory.put(str(four), "/vacuum/survey", recursive=True)
    try:
        assert "v000001" in paths(sky.vacuum("memory://vacuum/survey").removed)
        with pytest.raises(sky.InputError, match="memory"):
            sky.vacuum("memory://vacuum/survey", dry_run=False)
        assert sky.validate_catalog("memory://vacuum/survey").ok
    finally:
        memory.rm("/vacuum", recursive=True)


def test_a_misspelt_parameter_removes_nothing(four):
    before = sorted(path.name for path in four.iterdir())
    with pytest.raises(sky.InputError, match=r"^kep=: there is no such parameter"):
        sky.vacuum(four, kep=2, older_than=0, dry_run=False)
    assert sorted(path.name for path in four.iterdir()) == before


def test_a_reader_is_told_that_its_version_was_removed(four):
    whole, opened = sky.open_catalog(four, version=1), sky.open_catalog(four, version=2)
    dataset = opened.dataset
    next((four / "v000001").rglob("Npix=*.parquet")).unlink()
    with sky.executor("serial"), pytest.raises(sky.CatalogNotFoundError, match=r"^missing file: "):
        whole.to_arrow()
    sky.vacuum(four, older_than=5, dry_run=False)
    says = r"is gone: version 2 of .*/survey was removed, .*; open the catalog again"
    with sky.executor("serial"), pytest.raises(sky.CatalogNotFoundError, match=says):
        opened.to_arrow()
    with pytest.raises(sky.CatalogNotFoundError, match=says):
        open_dataset(dataset.root)
