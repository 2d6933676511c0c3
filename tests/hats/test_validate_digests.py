"""`validate_catalog` by the manifest: no changed byte stays unseen, and no file goes unmissed."""

from __future__ import annotations

import random
import shutil

import fsspec
import pytest

import skyseries as sky
from skyseries.hats.check.digests import check_manifest
from skyseries.hats.check.findings import Findings
from skyseries.hats.manifest import MANIFEST_FILE
from skyseries.store.files import Location
from tests.hats.manifests import record
from tests.hats.small import objects


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("digests") / "out"
    with sky.executor("serial"):
        sky.from_table(objects().slice(0, 60)).write_catalog(path, id="id", durability="process")
    return path


@pytest.fixture
def copy(good, tmp_path):
    return shutil.copytree(good, tmp_path / "out")


def files(root):
    return sorted(p for p in (root / "v000001").rglob("*") if p.is_file())


def named(report, *kinds):
    return {fault.where for fault in report.faults if fault.kind in kinds}


def test_a_good_one(good):
    report = sky.validate_catalog(good)
    assert report.ok, report.text()
    assert report.warnings == ()
    assert report.checked["files"] == len(files(good)) - 1


def flipped(path, rng):
    """Change a bit of a file; return what it held."""
    content = path.read_bytes()
    place = rng.randrange(len(content))
    bit = content[place] ^ (1 << rng.randrange(8))
    path.write_bytes(content[:place] + bytes([bit]) + content[place + 1 :])
    return content


def test_a_flipped_bit_anywhere_is_found(copy):
    rng = random.Random(3)
    root = copy / "v000001"
    assert len(files(copy)) > 30
    for path in files(copy):
        content, findings = flipped(path, rng), Findings()
        check_manifest(Location(str(root)), True, findings)
        kind = "broken-manifest" if path.name == MANIFEST_FILE else "changed-file"
        assert named(findings.report(""), kind) == {str(path.relative_to(root))}
        path.write_bytes(content)


def test_a_report_names_all_that_was_changed(copy):
    rng = random.Random(4)
    changed = [path for path in files(copy) if path.suffix in (".fits", ".csv", ".parquet")][:20]
    for path in changed:
        flipped(path, rng)
    report = sky.validate_catalog(copy)
    assert named(report, "changed-file") == {str(path.relative_to(copy)) for path in changed}
    assert not report.ok


def test_without_reading_sizes_and_names_are_compared(copy):
    grown, lost = (copy / "v000001/out" / name for name in ("partition_info.csv", "properties"))
    swapped = next(path for path in files(copy) if "Npix" in path.name)
    grown.write_bytes(grown.read_bytes() + b"\n")
    swapped.write_bytes(swapped.read_bytes()[::-1])
    lost.unlink()
    (copy / "v000001" / "more.txt").touch()
    (copy / "v000001" / "out" / ".nfs0001").touch()

    def place(path):
        return str(path.relative_to(copy))

    quick, deep = sky.validate_catalog(copy, deep=False), sky.validate_catalog(copy)
    assert named(quick, "changed-file") == {place(grown)}
    assert named(deep, "changed-file") == {place(grown), place(swapped)}
    assert "not-checked" in {w.kind for w in deep.warnings}  # a footer was changed
    for report in (quick, deep):
        assert named(report, "lost-file") == {place(lost)}
        assert named(report, "unknown-file") == {"v000001/more.txt"}
        assert {w.where for w in report.warnings if w.kind == "unknown-file"} == {
            "v000001/out/.nfs0001"
        }


def test_a_catalog_by_itself_and_one_without_a_manifest(copy):
    alone = copy / "v000001" / "out"
    assert "files" not in sky.validate_catalog(alone).checked
    record(alone)
    assert sky.validate_catalog(alone).checked["files"] > 10
    (alone / "per_partition_statistics.parquet").unlink()
    assert named(sky.validate_catalog(alone), "lost-file") == {"per_partition_statistics.parquet"}


def test_remote(copy):
    memory = fsspec.filesystem("memory")
    memory.put(str(copy), "/digests/out", recursive=True)
    try:
        assert sky.validate_catalog("memory://digests/out").checked["files"] > 30
        leaf = next(f for f in files(copy) if "Npix" in f.name).relative_to(copy)
        content = memory.cat_file(f"/digests/out/{leaf}")
        memory.pipe_file(f"/digests/out/{leaf}", content[:40] + b"?" + content[41:])
        report = sky.validate_catalog("memory://digests/out")
        assert named(report, "changed-file") == {str(leaf)}
        memory.rm(f"/digests/out/{leaf}")
        quick = sky.validate_catalog("memory://digests/out", deep=False)
        assert named(quick, "lost-file") == {str(leaf)}
    finally:
        memory.rm("/digests", recursive=True)


def test_engines_find_the_same(copy):
    for path in files(copy)[5:12]:
        path.write_bytes(path.read_bytes()[::-1])
    found = []
    for engine in ("serial", "threads"):
        with sky.executor(engine, workers=2):
            found.append(sky.validate_catalog(copy))
    assert found[0] == found[1]


def test_a_newer_manifest_is_said(copy):
    path = copy / "v000001" / MANIFEST_FILE
    path.write_text(path.read_text().replace('manifest": 1', 'manifest": 9'))
    (fault,) = sky.validate_catalog(copy).faults
    assert fault.kind == "broken-manifest"
    assert "newer version of Skyseries" in fault.what


def test_text_that_was_edited_does_not_hide_what_is_in_the_leaves(copy):
    path = copy / "v000001/out/hats.properties"
    path.write_text(path.read_text().replace("hats_nrows=60", "hats_nrows=61"))
    kinds = {fault.kind for fault in sky.validate_catalog(copy).faults}
    assert {"changed-file", "row-count"} <= kinds
