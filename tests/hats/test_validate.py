"""`validate_catalog`: good catalogs are good, and each planted fault is named, and only it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.hats.check.findings import Findings, ValidationReport
from skyseries.hats.manifest import MANIFEST_FILE
from tests.hats import faults
from tests.hats.faults import FAULTS
from tests.hats.small import N, leaves, objects, set_value, sources


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collection with light curves, margin and index."""
    folder = tmp_path_factory.mktemp("good")
    pq.write_table(objects(), folder / "objects.parquet")
    pq.write_table(sources(), folder / "sources.parquet")
    sky.import_catalog(
        folder / "objects.parquet", folder / "survey", id="id", max_rows=100, margin_arcsec=900.0,
        lightcurves=folder / "sources.parquet", time="mjd", flux="flux", flux_err="err",
        time_format="mjd", executor="serial", progress=False,
    )  # fmt: skip
    return folder / "survey"


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    """Return a copy without a manifest, which would tell every change: others have none."""
    shutil.copytree(good, tmp_path / "survey", ignore=shutil.ignore_patterns(MANIFEST_FILE))
    return tmp_path / "survey"


def kinds(report: ValidationReport) -> set[str]:
    return {fault.kind for fault in report.faults}


# --- good catalogs ------------------------------------------------------------------------------


def test_a_good_catalog(good):
    report = sky.validate_catalog(good)
    assert report.ok, report.text()
    assert report.warnings == ()
    assert report.checked["catalogs"] == 3
    assert report.checked["ids in indexes"] == N
    margin = pq.read_metadata(good / "v000001/survey_900arcs/dataset/_metadata").num_rows
    assert margin > 20
    assert report.checked["rows"] == N + margin
    assert report.text().endswith(f"{good} is a valid catalog")


def test_each_member_by_itself(good):
    for name, rows in (("survey", True), ("survey_900arcs", True), ("survey_id_index", False)):
        report = sky.validate_catalog(good / "v000001" / name)
        assert report.ok, report.text()
        assert ("rows" in report.checked) == rows
        assert bool(report.warnings) != rows


@pytest.mark.parametrize("text_ids", [False, True])
@pytest.mark.parametrize("order_of_partitions", [40, 1000])
def test_good_plain_catalogs(tmp_path, text_ids, order_of_partitions):
    table = objects(3)
    if text_ids:
        table = table.set_column(0, "id", pc.cast(table["id"], pa.string()))
    pq.write_table(table, tmp_path / "in.parquet")
    sky.import_catalog(
        tmp_path / "in.parquet", tmp_path / "out", id="id", max_rows=order_of_partitions,
        executor="serial", progress=False,
    )  # fmt: skip
    report = sky.validate_catalog(tmp_path / "out")
    assert report.ok, report.text()
    assert report.warnings == ()


def test_a_good_catalog_of_no_rows_and_of_one(tmp_path):
    for rows in (0, 1):
        pq.write_table(objects().slice(7, rows), tmp_path / f"{rows}.parquet")
        path = tmp_path / f"out{rows}"
        sky.import_catalog(
            tmp_path / f"{rows}.parquet", path, id="id", executor="serial", progress=False
        )
        report = sky.validate_catalog(path)
        assert report.ok, report.text()


def test_engines_find_the_same(copy, engines):
    faults.drop_margin_row(copy)
    found = []
    for engine in ("serial", "threads", "processes"):
        with sky.executor(engines(engine)):
            found.append(sky.validate_catalog(copy))
    assert found[0] == found[1] == found[2]
    assert not found[0].ok


def test_remote_catalogs(copy):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.put(str(copy), "/validate/survey", recursive=True)
    try:
        report = sky.validate_catalog("memory://validate/survey")
        assert report.ok, report.text()
        leaf = str(leaves(copy)[0].relative_to(copy))
        memory.rm(f"/validate/survey/{leaf}")
        assert kinds(sky.validate_catalog("memory://validate/survey")) >= {"missing-leaf"}
    finally:
        memory.rm("/validate", recursive=True)


def test_nothing_there(tmp_path):
    with pytest.raises(sky.CatalogNotFoundError, match="nowhere"):
        sky.validate_catalog(tmp_path / "nowhere")
    assert kinds(sky.validate_catalog(tmp_path)) == {"no-catalog"}


# --- faults, planted one at a time --------------------------------------------------------------


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_named(copy, plant):
    plant(copy)
    with sky.executor("serial"):
        report = sky.validate_catalog(copy)
    assert kinds(report) == FAULTS[plant], report.text()
    assert not report.ok
    text = report.text()
    assert all(str(fault) in text for fault in report.faults)
    assert text.endswith("is broken")


# --- the report ---------------------------------------------------------------------------------


def test_faults_of_a_kind_are_counted_beyond_twenty():
    a, b = Findings("survey"), Findings("survey")
    for n in range(15):
        a.fault("stray-file", f"a{n}", "is a stray")
        b.fault("stray-file", f"b{n}", "is a stray")
    b.fault("row-count", "", "does not fit")
    b.warn("hidden-file", ".x", "is hidden")
    a.add(b)
    report = a.report("here")
    strays = [fault for fault in report.faults if fault.kind == "stray-file"]
    assert len(strays) == 21
    assert str(strays[0]) == "survey/a0: is a stray"
    assert str(strays[-1]) == "and 10 more of the kind stray-file"
    assert strays[-1].where == ""
    assert [str(f) for f in report.warnings] == ["survey/.x: is hidden"]
    assert str(report.faults[-1]) == "survey: does not fit"


def test_all_faults_are_named_together(copy):
    for plant in (
        faults.delete_leaf,
        faults.wrong_index_nrows,
        faults.drop_margin_row,
        faults.stray_leaf,
        faults.map_missing,
    ):
        plant(copy)
    expected = {"missing-leaf", "row-count", "margin-row-missing", "stray-file", "missing-map"}
    assert kinds(sky.validate_catalog(copy)) >= expected


def test_a_shallow_check_reads_no_rows(copy):
    assert sky.validate_catalog(copy, deep=False).ok
    faults.swap_rows(copy)
    faults.delete_margin_leaf(copy)
    report = sky.validate_catalog(copy, deep=False)
    assert kinds(report) == {"missing-leaf", "row-count"}
    assert "rows" not in report.checked


def test_a_catalog_that_was_repaired_is_good_again(copy):
    leaf = leaves(copy)[0]
    content = leaf.read_bytes()
    faults.swap_rows(copy)
    assert not sky.validate_catalog(copy).ok
    leaf.write_bytes(content)
    report = sky.validate_catalog(copy)
    assert report.ok, report.text()


@pytest.mark.parametrize("index", [True, False])
def test_repeated_ids_are_a_warning(tmp_path, index):
    table = pa.concat_tables([objects(), objects().slice(10, 3)])
    pq.write_table(table, tmp_path / "in.parquet")
    sky.import_catalog(
        tmp_path / "in.parquet", tmp_path / "out", id="id", on_repeated_id="keep", id_index=index,
        margin_arcsec=None, max_rows=50, executor="serial", progress=False,
    )  # fmt: skip
    report = sky.validate_catalog(tmp_path / "out")
    assert report.ok, report.text()
    assert [w.kind for w in report.warnings] == ["repeated-id"]
    assert "3 rows repeat an earlier 'id'" in report.text()


def test_repeated_ids_are_found_in_several_passes(tmp_path, monkeypatch):
    from skyseries.hats.check import ids as check_ids

    table = pa.concat_tables([objects(), objects().slice(10, 3)])
    pq.write_table(table, tmp_path / "in.parquet")
    sky.import_catalog(
        tmp_path / "in.parquet", tmp_path / "out", id="id", on_repeated_id="keep", id_index=False,
        margin_arcsec=None, max_rows=50, executor="serial", progress=False,
    )  # fmt: skip
    monkeypatch.setattr(check_ids, "_BYTES_PER_ID", check_ids.settings().memory // 4 // 60)
    assert "3 rows repeat an earlier 'id'" in sky.validate_catalog(tmp_path / "out").text()


def test_orphans_are_checked_too(tmp_path):
    table = objects()
    pq.write_table(table, tmp_path / "objects.parquet")
    rows = sources().append_column("ra", pa.array(np.full(len(sources()), 43.0)))
    rows = rows.append_column("dec", pa.array(np.full(len(rows), 1.0)))
    lost = set_value(rows.slice(0, 5), "id", 0, 5)
    pq.write_table(pa.concat_tables([rows, lost]), tmp_path / "sources.parquet")
    sky.import_catalog(
        tmp_path / "objects.parquet", tmp_path / "out", id="id", time="mjd", flux="flux",
        lightcurves=tmp_path / "sources.parquet", executor="serial", progress=False,
    )  # fmt: skip
    report = sky.validate_catalog(tmp_path / "out")
    assert report.ok, report.text()
    assert report.checked["catalogs"] == 4
    next((tmp_path / "out/v000001/orphans/dataset").rglob("Npix=*.parquet")).unlink()
    assert kinds(sky.validate_catalog(tmp_path / "out")) >= {"missing-leaf"}
