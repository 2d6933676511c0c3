"""What is read: nothing before it is asked for, the columns that are used, the groups with rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.cache import forget_all
from skyseries.store.files import Location
from tests.catalog.matching import planted
from tests.examples import examples
from tests.pipelines.survey import same, small_parts, write_parts

WIDE = 18
"""More columns than those that are used; 23 in all."""


@pytest.fixture
def forget():
    """Return how to forget the margins that were made on the fly by plans before."""
    forget_all()
    return forget_all


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


def wide_table(seed):
    rows = planted(seed, 60.0, per_anchor=8, scattered=300)
    rng = np.random.default_rng(seed)
    for i in range(WIDE - 1):
        rows = rows.append_column(f"c{i:02d}", pa.array(rng.normal(0, 1, rows.num_rows)))
    return rows


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Return two catalogs of 23 columns, with many row groups, and their tables."""
    made = []
    for seed in (1, 2):
        folder = tmp_path_factory.mktemp(f"wide{seed}")
        table = wide_table(seed)
        with small_parts():
            sky.import_catalog(
                write_parts(folder / "o", table), folder / "c", id="id", max_rows=60,
                margin_arcsec=None, executor="serial", progress=False,
            )  # fmt: skip
        made.append((sky.open_catalog(folder / "c"), table))
    assert len(made[0][0].columns) == 23
    return made


def columns_of(reads, part):
    return {c for file, columns, _ in reads for c in columns if part in file}


def groups_of(reads, column):
    """Return the row groups of which a column is read."""
    return {(file, g) for file, columns, groups in reads if column in columns for g in groups}


# -- nothing before it is asked for -------------------------------------------------------------


def test_plans_open_no_leaf(survey, catalog, opened):
    plan = (
        catalog.cone_search(10, 10, 300_000).box_search((0, 300), (-80, 80))
        .polygon_search([(0, 0), (60, -30), (60, 30)]).pixel_search((0, 4))
        .moc_search("0/0-11").query("mag < 21 AND lightcurve.flux > 0")
        .assign({"twice": "mag * 2", "lightcurve.snr": "lightcurve.flux / lightcurve.flux_err"})
        .rename({"mag": "m"}).sort_lightcurves().slice_lightcurves(3).features().drop("twice")
    )  # fmt: skip
    pairs = plan.crossmatch(catalog.drop("lightcurve"), 5, how="left")[["id", "m", "id_survey"]]
    for one in (plan, pairs):
        assert one.schema.names == one.columns
        assert "survey" in repr(one) + one._repr_html_() + one.info().text()
        assert "scan survey" in str(one.explain())
    assert opened == []
    pairs.to_arrow()
    assert opened


def test_opening_a_catalog_opens_no_leaf(survey, opened):
    sky.open_catalog(survey.path)
    assert opened == []


# -- columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["inner", "left", "anti"])
def test_select_after_a_cross_match_reads_as_if_selected_before(wide, how, reads, forget):
    (left, _), (right, _) = wide
    names = ["id_a", "c03"] if how == "anti" else ["id_a", "id_b"]
    after = left.crossmatch(right, 30, how=how, suffixes=("_a", "_b"))
    if how == "anti":
        after = after.rename({"c03_a": "c03"})
    after = after.select(names)
    kept = ["id", "ra", "dec", "_healpix_29"]
    before = left[[*kept, "c03"] if how == "anti" else kept].crossmatch(
        right[kept], 30, how=how, suffixes=("_a", "_b")
    )[[n if n != "c03" else "c03_a" if "c03_a" in left.columns else "c03" for n in names]]
    one = after.to_arrow()
    seen = list(reads)
    reads.clear()
    forget()
    other = before.to_arrow()
    assert one.num_rows == other.num_rows > 0
    assert same(list(map(list, one.to_pydict().values())),
                list(map(list, other.to_pydict().values())))  # fmt: skip
    for catalog in (left, right):
        part = str(catalog.dataset.root)
        assert columns_of(seen, part) == columns_of(reads, part)
        extra = {"c03"} if how == "anti" and catalog is left else set()
        used = {"ra", "dec", "_healpix_29", "id"} | extra
        assert columns_of(seen, part) <= used
    assert sorted(seen) == sorted(reads)
    assert after.explain().bytes == before.explain().bytes
    assert after.explain().bytes < left.crossmatch(right, 30, suffixes=("_a", "_b")).explain().bytes


def test_every_plan_reads_only_what_it_demands(survey, catalog, reads):
    plans = {
        catalog.query("mag < 20")[["id"]]: {"mag", "id"},
        catalog.query("lightcurve.flux > 1000").select(["lightcurve.mjd"]): {
            "lightcurve.mjd", "lightcurve.flux"
        },
        catalog.query("COUNT(lightcurve.band) > 3")[["id"]]: {"id", "lightcurve.band"},
        catalog.assign(a="mag", b="dec")[["a"]]: {"mag"},
        catalog.assign({"lightcurve.x": "lightcurve.flux + mag"}).select(["lightcurve.x"]): {
            "mag", "lightcurve.flux"
        },
        catalog.rename({"mag": "dec", "dec": "mag"})[["mag"]]: {"dec"},
        catalog.sort_lightcurves("flux").select(["lightcurve.band"]): {
            "lightcurve.flux", "lightcurve.band"
        },
        catalog.assign(other="lightcurve").query("MAX(other.mjd) > 0")[["id"]]: {
            "id", "lightcurve"
        },
        catalog.features("Skew").query("mag < 20")[["id"]]: {"id", "mag"},
    }  # fmt: skip
    for plan, used in plans.items():
        reads.clear()
        plan.to_arrow()
        assert {c for _, columns, _ in reads for c in columns} - {"_healpix_29"} == used
        assert set(plan.explain().scans[0].columns) == used


# -- row groups ---------------------------------------------------------------------------------


@pytest.fixture(params=["statistics", "footers"])
def pruned(request, wide, tmp_path):
    """Return the catalog with and without the file of statistics, and its table."""
    import shutil

    (catalog, table), _ = wide
    if request.param == "statistics":
        return catalog, table, True
    shutil.copytree(str(catalog.dataset.root.path).split("/v0")[0], tmp_path / "c")
    for path in (tmp_path / "c").rglob("per_partition_statistics.parquet"):
        path.unlink()
    for path in (tmp_path / "c").rglob("dataset/_metadata"):
        if "index" not in str(path):
            path.unlink()
    return sky.open_catalog(tmp_path / "c"), table, False


@pytest.mark.parametrize(
    ("condition", "few"),
    [
        ("dec > 80", True), ("dec > 91", True), ("k = 17", False), ("ra BETWEEN 44 AND 46", False),
        ("dec > 80 AND dec < 60", True), ("dec < -89.99 OR dec > 89.99", True), ("1 = 1", False),
        ("ABS(dec) < 1", False),
    ],
)  # fmt: skip
def test_conditions_leave_out_row_groups(pruned, condition, few, reads):
    catalog, table, _ = pruned
    found = catalog.query(condition)
    rows = found.to_arrow()
    expected = sky.from_table(table).query(condition)
    assert sorted(rows["id"].to_pylist()) == sorted(expected.to_arrow()["id"].to_pylist())
    column = "dec" if "dec" in condition else "k" if "k" in condition else "ra"
    read = groups_of(reads, column)
    every = sum(
        pq.ParquetFile(leaf.path).num_row_groups
        for cell in catalog.partitions for leaf in catalog.dataset.leaves(cell)
    )  # fmt: skip
    if few:
        assert len(read) < every / 4
    plan = found.explain(footers=True).scans[0]
    assert plan.all_row_groups == every
    if column in condition and condition != "1 = 1":
        assert plan.row_groups == len(read)


def test_other_columns_are_read_where_there_are_rows(pruned, reads):
    catalog, table, _ = pruned
    found = catalog.query("k = 17")[["k", "c05"]].to_arrow()
    assert found["k"].to_pylist() == [17]
    assert found["c05"].to_pylist() == [table["c05"].to_pylist()[17]]
    assert len(groups_of(reads, "c05")) == 1
    assert all(len(columns) == 1 for _, columns, _ in reads)
    reads.clear()
    assert len(catalog.query("k = 17")) == 1
    assert {columns for _, columns, _ in reads} == {frozenset({"k"})}


def test_the_files_that_are_read_are_those_of_explain(pruned, reads):
    catalog, _, recorded = pruned
    for found in (
        catalog.cone_search(45, 0, 3600), catalog.box_search((0, 90), (80, 90)),
        catalog.polygon_search([(0, 0), (60, -30), (60, 30)]), catalog.pixel_search((2, 16)),
        catalog.query("dec > 80") if recorded else catalog.cone_search(45, 1, 1), catalog[["id"]],
    ):  # fmt: skip
        reads.clear()
        found.to_arrow()
        plan = found.explain().scans[0]
        files = {file for file, *_ in reads}
        assert len(files) <= plan.partitions <= max(2 * len(files), len(files) + 2)
        assert plan.all_partitions == len(catalog.partitions)
        assert (plan.bytes is None) != recorded


def test_bytes_are_those_in_the_footers(wide, survey):
    for catalog in (wide[0][0], sky.open_catalog(survey.path)):
        leaves = [leaf for cell in catalog.partitions for leaf in catalog.dataset.leaves(cell)]
        footers = [pq.read_metadata(leaf.path) for leaf in leaves]

        def size(wanted, footers=footers):
            return sum(
                f.row_group(g).column(c).total_compressed_size
                for f in footers for g in range(f.num_row_groups) for c in range(f.num_columns)
                if wanted(f.row_group(g).column(c).path_in_schema)
            )  # fmt: skip

        assert catalog[["id", "mag"]].explain().bytes == size(lambda p: p in ("id", "mag"))
        assert catalog.explain().bytes == size(lambda p: True)
    field = "lightcurve.flux.list.element"
    assert catalog.select(["lightcurve.flux"]).explain().bytes == size(lambda p: p == field)


VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.none(),
    st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf")]),
)  # fmt: skip
TEXTS = st.none() | st.sampled_from(["", "a", "b", "ab", "é", "z" * 100, "z" * 101])
WHOLE = st.none() | st.sampled_from([-(2**63), -1, 0, 1, 2**53 + 1, 2**63 - 1])
CONDITIONS = [
    "x > 1", "x >= 1.5", "NOT x > 1", "x = 0", "x <> 0", "x IS NULL", "x IS NOT NULL",
    "x BETWEEN -1 AND 1.5", "x IN (0, 1.5)", "t = 'a'", "t > 'a'", "t LIKE 'z%'", "t IS NULL",
    "NOT t = 'a'", "t IN ('', 'é')", "n = 9007199254740993", "n < 0", "n >= 9223372036854775807",
    "n <> 1", "n IS NULL OR x > 0", "x > 0 AND t < 'b'", "COALESCE(x, 5) > 4",
    "NOT (x < 0 OR n > 0)",
    "t = 'zzzz'", "x > n",
]  # fmt: skip


@examples(0.16)
@given(data=st.data())
def test_pruning_never_loses_a_row(tmp_path_factory, data):
    n = data.draw(st.integers(1, 24))
    parts = [data.draw(st.lists(kind, min_size=n, max_size=n)) for kind in (VALUES, TEXTS, WHOLE)]
    table = pa.table(
        {"id": range(n), "ra": np.linspace(0, 350, n), "dec": np.linspace(-80, 80, n),
         "x": pa.array(parts[0], pa.float64()), "t": pa.array(parts[1], pa.string()),
         "n": pa.array(parts[2], pa.int64())}
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("random")
    with small_parts(group_rows=3):
        sky.import_catalog(
            write_parts(folder / "o", table), folder / "c", max_rows=6, margin_arcsec=None,
            executor="serial", progress=False,
        )  # fmt: skip
    catalog, memory = sky.open_catalog(folder / "c"), sky.from_table(table)
    for condition in data.draw(st.lists(st.sampled_from(CONDITIONS), min_size=4, max_size=8)):
        found = catalog.query(condition)[["id"]].to_arrow()["id"].to_pylist()
        assert sorted(found) == sorted(
            memory.query(condition)[["id"]].to_arrow()["id"].to_pylist()
        ), condition


def test_rows_at_one_place_in_several_row_groups(tmp_path):
    n = 40
    rows = pa.table({"id": range(n), "ra": [10.0] * n, "dec": [5.0] * n, "k": range(n)})
    with small_parts():
        sky.import_catalog(
            write_parts(tmp_path / "o", rows), tmp_path / "c", id="id", margin_arcsec=None,
            executor="serial", progress=False,
        )  # fmt: skip
    catalog = sky.open_catalog(tmp_path / "c")
    for id in range(n):
        for found in (catalog.id_search(id), catalog.query(f"k = {id}"), catalog.query(f"id={id}")):
            assert found.to_arrow()["id"].to_pylist() == [id]
            assert len(found) == 1
