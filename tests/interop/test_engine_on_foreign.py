"""The catalog engine on catalogs that LSDB wrote: searched, pruned, written as ours."""

from __future__ import annotations

import dask
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.store.files import Location
from tests.interop import foreign, tables
from tests.pipelines.survey import primary

pytestmark = pytest.mark.interop

OTHERS = [
    foreign.lsdb_plain, foreign.lsdb_npix_directories, foreign.two_files_per_pixel,
    foreign.lsdb_without_metadata_file, foreign.order_13_index, foreign.no_healpix_column,
    foreign.unsorted_uint64_index, foreign.minimal, foreign.lsdb_other_suffix,
]  # fmt: skip


@pytest.fixture
def opened(monkeypatch):
    """Return the paths of the leaves that are opened."""
    seen = []
    real = Location.open

    def spy(self, *args, **kwargs):
        if "Npix=" in self.path:
            seen.append(self.path)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Location, "open", spy)
    return seen


@pytest.fixture(scope="module", params=OTHERS, ids=lambda builder: builder.__name__)
def other(request, tmp_path_factory):
    """Return a catalog that LSDB wrote, perhaps changed by hand, and its rows."""
    with dask.config.set(scheduler="synchronous"):
        made = request.param(tmp_path_factory.mktemp(request.param.__name__))
    return sky.open_catalog(made.path), made.expected


def ids(catalog):
    return sorted(catalog.select(["id"]).to_arrow()["id"].to_pylist())


def test_searches_of_catalogs_of_others(other, opened):
    catalog, rows = other
    assert "rows" in repr(catalog)
    plans = [catalog.cone_search(0, 90, 72000), catalog.box_search((350, 20), (-40, 40))]
    explained = [plan.explain().scans[0] for plan in plans]
    assert opened == []
    assert ids(plans[0]) == sorted(tables.cone(rows, 0, 90, 72000)["id"])
    wrap = (rows["ra"] >= 350) | (rows["ra"] <= 20)
    assert ids(plans[1]) == sorted(rows[wrap & rows["dec"].between(-40, 40)]["id"])
    assert all(0 < plan.partitions < plan.all_partitions for plan in explained)
    assert len(set(opened)) < sum(len(catalog.dataset.leaves(c)) for c in catalog.partitions)


def test_conditions_on_catalogs_of_others(other):
    catalog, rows = other
    assert len(catalog) == len(rows)
    assert ids(catalog) == sorted(rows["id"])
    assert ids(catalog.query("mag < 20 AND dec > 0")) == sorted(
        rows[(rows["mag"] < 20) & (rows["dec"] > 0)]["id"]
    )
    some = rows["id"].tolist()[::50]
    assert ids(catalog.id_search(some, "id")) == sorted(some)
    assert ids(catalog.id_search(["OBJ-00007", "none"], "name")) == rows["id"].tolist()[7:8]
    mean = catalog.assign(m="mag * 2").query("m < 40")
    assert ids(mean) == sorted(rows[rows["mag"] < 20]["id"])
    plan = catalog.query("mag < 0").explain(footers=True).scans[0]
    assert plan.row_groups is not None
    assert plan.row_groups <= plan.all_row_groups
    assert len(catalog.query("mag < 0")) == 0


def test_catalogs_of_others_are_written_as_ours(other, tmp_path):
    catalog, rows = other
    catalog.query("mag < 20").write_catalog(tmp_path / "w", id="id", margin_arcsec=3600)
    written = sky.open_catalog(tmp_path / "w")
    report = sky.validate_catalog(tmp_path / "w")
    assert report.ok, report.text()
    assert ids(written) == sorted(rows[rows["mag"] < 20]["id"])
    assert written.schema.field("_healpix_29").type == pa.int64()
    assert (primary(tmp_path / "w") / "per_partition_statistics.parquet").is_file()
    key = rows[rows["mag"] < 20]["id"].tolist()[0]
    assert ids(written.id_search(key)) == [key]


def test_light_curves_as_lists_of_structs_are_kept_but_not_looked_into(tmp_path):
    with dask.config.set(scheduler="synchronous"):
        made = foreign.lsdb_nested_list_of_structs(tmp_path)
    catalog = sky.open_catalog(made.path)
    for verb in (
        lambda: catalog.query("lc.mjd > 60050"), lambda: catalog.query("COUNT(lc.mjd) > 2"),
        lambda: catalog.assign(n="MAX(lc.mjd)"), lambda: catalog.select("lc.mjd"),
        lambda: catalog.sort_lightcurves("mjd"),
    ):  # fmt: skip
        with pytest.raises(sky.SchemaError):
            verb()
    with pytest.raises(sky.QueryError, match=r"a list of structs; .*\(line 1, column 14\)"):
        sky.sql("SELECT COUNT(lc.mjd) FROM s", {"s": catalog})
    assert (
        catalog.query("mag < 20")[["lc"]].to_arrow().num_rows == (made.expected["mag"] < 20).sum()
    )


def test_statements_ask_objects_and_epochs_of_others(tmp_path):
    with dask.config.set(scheduler="synchronous"):
        made = foreign.lsdb_nested(tmp_path)
    wanted = {
        row.id: len(next(iter(row.sources.values())))
        for row in made.expected.itertuples()
        if row.sources is not None
    }
    text = "SELECT id, COUNT(*) AS n FROM s.sources GROUP BY id"
    found = sky.sql(text, {"s": made.path}).to_arrow().to_pydict()
    assert dict(zip(found["id"], found["n"], strict=True)) == {
        key: n for key, n in wanted.items() if n
    }
