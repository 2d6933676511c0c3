"""What is said of a catalog and of its steps, and how many rows it has."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.catalog.run.density import density_arcmin
from skyseries.hats.dataset import Dataset, open_dataset
from skyseries.hats.statistics import STATISTICS_FILE, recorded_rows
from skyseries.store.files import Location
from tests.pipelines.survey import expected_rows, same, small_parts, write_parts


def test_info_reads_no_leaf(survey, catalog, unreadable):
    text = catalog.info().text()
    for part in (
        "rows        150", "id index    id", "v000001", "margin", "mag", "of the object",
        "lightcurve.flux", "nJy", "time span   60000.00000", "tai", "topocenter",
        f"epochs      {survey.sources.num_rows:,} (8.0 per object",
    ):  # fmt: skip
        assert part in text
    assert repr(catalog).startswith("Catalog 'survey': 150 rows in ")
    assert "<table>" in catalog._repr_html_()


def test_info_of_every_kind(survey, tmp_path):
    for path in (
        survey.path / "v000001/survey", survey.path / "v000001/survey_10arcs",
    ):  # fmt: skip
        info = sky.open_catalog(path).info()
        assert "index    none" in info.text()
        assert info.short()
        assert info.html()
    objects = survey.objects
    with small_parts():
        sky.import_catalog(
            write_parts(tmp_path / "o", objects), tmp_path / "c", kind="source", margin_arcsec=None,
            progress=False,
        )  # fmt: skip
    text = sky.open_catalog(tmp_path / "c").info().text()
    assert "(source)" in text
    assert "margin      none" in text
    assert same(sky.open_catalog(tmp_path / "c").to_arrow().to_pylist(), expected_rows(objects))


# -- after steps --------------------------------------------------------------------------------


def test_steps_are_told(catalog, unreadable):
    steps = catalog.query("lightcurve.flux > 0 AND mag < 20").cone_search(0, 0, 100)
    steps = steps.features(["Mean"])
    head, *lines, columns = repr(steps).splitlines()
    assert head.startswith("Catalog 'survey': at most 150 rows from ")
    assert "\n".join(line.removeprefix("  ") for line in lines) == (
        "add g_fluxMean, r_fluxMean, i_fluxMean from lightcurve\n"
        "  in Cone(ra=0.0, dec=0.0, radius_arcsec=100.0)\n"
        "    epochs of lightcurve where lightcurve.flux > 0 AND mag < 20 (what is of its epochs)\n"
        "      where lightcurve.flux > 0 AND mag < 20 (what is of objects)\n"
        "        scan survey"
    )
    assert columns.split(", ")[:4] == ["  g_fluxMean", "r_fluxMean", "i_fluxMean", "_healpix_29"]
    info = steps.info()
    assert (info.rows, info.most_rows, info.disk_rows) == (None, 150, 150)
    assert list(info.steps) == list(steps.explain().steps)
    assert info.new == ("g_fluxMean", "r_fluxMean", "i_fluxMean")
    for text in (info.text(), repr(info), str(info)):
        assert "rows        at most 150\n" in text
        assert "on disk     150 rows, before the steps" in text
        assert all(step in text for step in info.steps)
    assert all(part in info._repr_html_() for part in ("at most 150 rows", "in Cone", "g_fluxMean"))
    assert info._repr_html_() == steps._repr_html_()


def test_a_catalog_that_is_read_twice_is_explained_by_what_is_read(catalog):
    south = catalog.box_search((0, 360), (-90, -60))
    for pairs in (catalog.crossmatch(south, 1), south.crossmatch(catalog, 1)):
        (scan,) = pairs.explain().scans
        assert scan.partitions == scan.all_partitions
    (scan,) = south.explain().scans
    assert scan.partitions < scan.all_partitions


def test_a_long_plan_is_cut_in_the_repr_only(catalog):
    steps = catalog
    for i in range(9):
        steps = steps.assign({f"column_{i}": " + ".join(["mag"] * 40)})
    lines = repr(steps).splitlines()
    assert len(lines) == 9
    assert max(map(len, lines)) < 200
    assert lines[-2].strip() == "... (10 steps)"
    assert "mag + mag" in steps.info().text()


ROWS = {
    "select": lambda c: c.select(["id", "lightcurve.mjd"]),
    "rename": lambda c: c.rename({"id": "x"}),
    "assign": lambda c: c.assign({"a": "2 * mag", "lightcurve.b": "2 * lightcurve.mjd"}),
    "epochs": lambda c: c.query("lightcurve.band = 'r'").slice_lightcurves(0, 2),
    "features": lambda c: c.features(["Mean"]),
    "function": lambda c: c.map_rows(lambda mag: 1.0, "mag", schema=pa.float64(), names="one"),
    "concat": lambda c: c.concat(c),
    "light curves": lambda c: c.drop("lightcurve").join_lightcurves(
        pa.table({"id": [1], "mjd": [2.0]}), orphans="ignore"
    ),
}  # fmt: skip
FEWER = {
    "query": lambda c: c.query("mag < 20"),
    "cone": lambda c: c.cone_search(0, 0, 1000),
    "ids": lambda c: c.id_search(5),
    "sample": lambda c: c.sample(10),
    "duplicates": lambda c: c.drop_duplicates(),
    "nearest": lambda c: c.crossmatch(c, 1),
    "outer": lambda c: c.crossmatch(c, 1, how="outer"),
    "nested": lambda c: c.crossmatch(c.drop("lightcurve"), 1, nested="near"),
    "anti": lambda c: c.crossmatch(c, 1, how="anti"),
    "concat": lambda c: c.concat(c.query("mag < 20")),
}
UNKNOWN = {
    "all": lambda c: c.crossmatch(c, 1, n_neighbors=None),
    "join": lambda c: c.join(c, on="id"),
    "partitions": lambda c: c.map_partitions(lambda rows: rows),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_are_known(catalog, name):
    steps = ROWS[name](catalog)
    assert steps.info().rows == len(steps) == steps.to_arrow().num_rows


@pytest.mark.parametrize("name", [*FEWER, *UNKNOWN])
def test_rows_that_are_not_known(catalog, name):
    steps = (FEWER | UNKNOWN)[name](catalog)
    info = steps.info()
    assert info.rows is None
    if name in FEWER:
        assert info.most_rows >= len(steps)
        assert f"at most {info.most_rows} rows from" in repr(steps)
    else:
        assert info.most_rows is None
        assert "uncounted rows from" in repr(steps)
    assert len(steps) == steps.to_arrow().num_rows


def test_epochs_and_times_are_told_where_they_hold(catalog):
    def lines(steps):
        text = steps.info().text()
        return "epochs  " in text, "time span" in text

    assert lines(catalog) == lines(catalog.select(["id", "lightcurve"])) == (True, True)
    assert lines(catalog.sort_lightcurves("flux")) == (True, True)
    assert lines(catalog.rename({"lightcurve": "lc"})) == (True, True)
    assert lines(catalog.assign({"lightcurve.day": "lightcurve.mjd"})) == (False, False)
    for steps in (
        catalog.query("lightcurve.band = 'r'"), catalog.query("mag < 20"), catalog.sample(9),
        catalog.cone_search(0, 0, 1), catalog.slice_lightcurves(0, 1), catalog.concat(catalog),
        catalog.drop("lightcurve").crossmatch(catalog["ra", "dec", "lightcurve"]),
    ):  # fmt: skip
        assert lines(steps) == (False, False)
    assert lines(catalog.set_lightcurve(time="flux_err")) == (True, False)


def test_info_of_a_table(catalog):
    memory = sky.from_table(catalog.to_arrow(), name="mine")
    text = memory.query("mag < 20").info().text()
    assert "path        in memory" in text
    assert "rows        at most 150" in text
    assert "150 rows in memory (mine)" in text
    assert "light curves  lightcurve (recognised from the names): mjd" in text
    assert "partitions" not in text
    assert memory.info().rows == len(memory) == 150


# -- rows that are counted ----------------------------------------------------------------------


def changed(survey, folder, edit):
    """Return a copy of the catalog without its collection, in which something was changed."""
    shutil.copytree(survey.path / "v000001/survey", folder / "survey")
    edit(folder / "survey")
    return sky.open_catalog(folder / "survey")


def stale(path, rows=999):
    text = (path / "hats.properties").read_text()
    assert "hats_nrows=150\n" in text
    (path / "hats.properties").write_text(text.replace("=150\n", f"={rows}\n"))


def test_a_wrong_number_of_rows_is_not_believed(survey, tmp_path):
    catalog = changed(survey, tmp_path, stale)
    assert len(catalog) == len(catalog.select(["id"])) == catalog.to_arrow().num_rows == 150
    assert density_arcmin(catalog) == density_arcmin(sky.open_catalog(survey.path))
    info = catalog.info()
    assert (info.rows, info.most_rows, info.disk_rows) == (None, None, None)
    assert "uncounted rows" in repr(catalog)


def test_nor_is_it_without_statistics(survey, tmp_path):
    def bare(path):
        stale(path)
        (path / STATISTICS_FILE).unlink()

    catalog = changed(survey, tmp_path, bare)
    assert len(catalog) == 150
    assert catalog.info().rows == 999  # what the catalog says; nothing was read


def test_statistics_of_other_leaves_are_not_believed(survey, tmp_path):
    def fewer(path):
        statistics = pq.read_table(path / STATISTICS_FILE)
        pq.write_table(statistics.slice(1), path / STATISTICS_FILE)

    catalog = changed(survey, tmp_path, fewer)
    assert len(catalog) == 150


def test_no_leaf_is_opened_where_statistics_count(survey, catalog, monkeypatch):
    monkeypatch.setattr(Dataset, "footer", None)
    assert len(catalog) == len(catalog.assign(a="mag")) == 150
    assert len(catalog.concat(catalog)) == 300
    dataset = open_dataset(Location(str(survey.path / "v000001/survey")))
    assert recorded_rows(dataset) == 150
