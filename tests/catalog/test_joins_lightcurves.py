"""Sources joined as light curves, and rows joined in time: as loops over all rows and pandas do."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from tests.catalog.joins import imported, objects, sources
from tests.pipelines.survey import same

KEYS = [
    ("id", "object"), ("name", "object_name"), ("maybe", "maybe"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _small_units(tune):
    tune(unit_rows=120, least_unit_rows=60)


@pytest.fixture(scope="module")
def tables():
    first = objects()
    return first, sources(first)


@pytest.fixture(scope="module")
def left(tables, tmp_path_factory):
    return imported(tables[0], tmp_path_factory.mktemp("o") / "objects", id="id", max_rows=20)


@pytest.fixture(scope="module")
def right(tables, tmp_path_factory):
    return imported(tables[1], tmp_path_factory.mktemp("s") / "sources", id="source", max_rows=40)


@pytest.fixture(params=["small", "brought"])
def how_found(request, tune):
    if request.param == "brought":
        tune(small_side_bytes=0)
    return request.param


def rows(catalog):
    return catalog.to_arrow().to_pylist()


def time_key(value):
    missing = value is None or math.isnan(value)
    return missing, 0.0 if missing else value


def curves(left, right, keys, fields, time="mjd"):
    """Return the light curve of each object, by looking at one source after the other."""
    found = []
    for row in left:
        mine = [s for s in right if row[keys[0]] is not None and s[keys[1]] == row[keys[0]]]
        mine = sorted(mine, key=lambda s: time_key(s[time])) if time else mine
        found.append({name: [s[name] for s in mine] for name in fields})
    return found


@pytest.mark.parametrize("keys", KEYS, ids=lambda keys: keys[0])
def test_every_source_is_in_its_light_curve(left, right, keys, how_found):
    fields = ["mjd", "flux", "band", "s"]
    plan = left.join_lightcurves(
        right, left_on=keys[0], right_on=keys[1], columns=fields, orphans="ignore"
    )
    expected = curves(rows(left), rows(right), keys, fields)
    table = plan.to_arrow()
    assert table.schema == plan.schema
    assert table.column_names == [*left.columns, "lightcurve"]

    assert table["k"].to_pylist() == left.to_arrow()["k"].to_pylist()
    assert same(table["lightcurve"].to_pylist(), expected)
    assert sum(len(curve["s"]) for curve in expected) > 200
    assert any(not curve["s"] for curve in expected) or keys[0] == "name"
    assert plan.lightcurve_fields().time == "mjd"


def test_sources_are_brought_or_given(left, right, how_found):
    plan = left.join_lightcurves(right, left_on="id", right_on="object")
    words = "read once and brought" if how_found == "brought" else "given to every task"
    assert words in str(plan.explain())


def test_used_further_as_any_light_curve(left, right, how_found):
    plan = left.join_lightcurves(
        right, left_on="id", right_on="object", name="lc", orphans="ignore"
    )
    red = plan.query("lc.band = 'r' AND k > 20").select(["k", "lc.mjd", "lc.s"])
    fields = ["mjd", "band", "s"]
    every = zip(rows(left), curves(rows(left), rows(right), ("id", "object"), fields), strict=True)
    expected = [
        {
            "k": row["k"],
            "lc": {
                name: [v for v, b in zip(lc[name], lc["band"], strict=True) if b == "r"]
                for name in ("mjd", "s")
            },
        }
        for row, lc in every
        if row["k"] > 20
    ]
    assert same(rows(red), expected)
    counted = plan.assign(n="COUNT(lc.s)").select(["k", "n"])
    assert [r["n"] for r in rows(counted) if r["k"] > 20]
    columns = {scan.name: set(scan.columns) for scan in counted.explain().scans}
    assert columns["objects"] == {"k", "id"}


def test_order_of_the_sources_without_a_time(left, right, how_found):
    timeless = right.drop("mjd")
    plan = left.join_lightcurves(
        timeless, left_on="id", right_on="object", columns=["s"], orphans="ignore"
    )
    assert rows(plan.select(["lightcurve"])) == [
        {"lightcurve": curve}
        for curve in curves(rows(left), rows(right), ("id", "object"), ["s"], time=None)
    ]
    by_flux = left.join_lightcurves(
        right, left_on="id", right_on="object", columns=["s"], time="flux", orphans="ignore"
    )
    assert rows(by_flux.select(["lightcurve"])) == [
        {"lightcurve": curve}
        for curve in curves(rows(left), rows(right), ("id", "object"), ["s"], time="flux")
    ]


def test_sources_near_their_objects(left, right, tune):
    tune(small_side_bytes=0)
    plan = left.join_lightcurves(
        right, left_on="id", right_on="object", columns=["s"], within_arcsec=2.0
    )
    assert "within 2 arcsec" in str(plan.explain())
    place = {row["id"]: (row["ra"], row["dec"]) for row in rows(left)}
    near = [
        s for s in rows(right)
        if s["object"] in place
        and abs((s["ra"] - place[s["object"]][0] + 180) % 360 - 180) < 2e-4
        and s["dec"] == place[s["object"]][1]
    ]  # fmt: skip
    found = {s for row in rows(plan) for s in row["lightcurve"]["s"]}
    assert {s["s"] for s in near} <= found


def test_sources_of_nobody_are_told(left, right, tables, how_found):
    known = set(tables[0]["id"].to_pylist())
    lost = sum(value not in known for value in tables[1]["object"].to_pylist())
    plan = left.join_lightcurves(right, left_on="id", right_on="object", columns=["s"])
    with pytest.warns(UserWarning, match=f"{lost} rows of sources belong to no row"):
        plan.to_arrow()
    with pytest.raises(InputError, match=f"{lost} rows of sources"):
        left.join_lightcurves(
            right, left_on="id", right_on="object", columns=["s"], orphans="raise"
        ).to_arrow()
    complete = right.query("object > 1000")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        some = left.query("k < 30").join_lightcurves(
            complete, left_on="id", right_on="object", columns=["s"]
        )
        assert len(rows(some)) == 30  # of the others' sources it is known whose they are


def test_an_index_of_the_objects_ids_is_used(left, tables, tmp_path, tune):
    tune(small_side_bytes=0)
    folder = tmp_path / "indexed"
    named = tables[1].filter(tables[1]["object"].is_valid())
    sky.from_table(named).write_catalog(folder, id="object", margin_arcsec=None)
    plan = left.join_lightcurves(
        sky.open_catalog(folder), left_on="id", right_on="object", columns=["mjd", "s"]
    )
    assert "through the id index of object" in str(plan.explain())
    expected = curves(rows(left), rows(sky.open_catalog(folder)), ("id", "object"), ["mjd", "s"])
    assert same([row["lightcurve"] for row in rows(plan)], expected)


def test_engines_and_partitions_do_not_matter(left, right, tables, tmp_path, tune, engines):
    tune(small_side_bytes=0)
    other = imported(tables[0], tmp_path / "coarse", id="id", max_rows=1000)

    def plan(of):
        return of.join_lightcurves(
            right, left_on="id", right_on="object", columns=["mjd", "s"], orphans="ignore"
        ).select(["k", "lightcurve"])

    order = [("k", "ascending")]
    expected = rows_of(plan(left).to_arrow().sort_by(order))
    assert same(rows_of(plan(other).to_arrow().sort_by(order)), expected)
    with sky.executor(engines("processes")):
        assert same(rows_of(plan(left).to_arrow().sort_by(order)), expected)
    written = plan(left).write_catalog(tmp_path / "nested", margin_arcsec=None)
    assert written.rows == len(expected)
    again = sky.open_catalog(tmp_path / "nested").select(["k", "lightcurve"]).to_arrow()
    assert same(rows_of(again.sort_by(order)), expected)


def rows_of(table):
    return table.to_pylist()


def test_tables_as_sources_and_as_objects(left, tables):
    source = tables[1].select(["object", "s", "mjd", "flux"])
    plan = left.join_lightcurves(source, left_on="id", right_on="object", orphans="ignore")
    expected = curves(rows(left), source.to_pylist(), ("id", "object"), ["s", "mjd", "flux"])
    assert same([row["lightcurve"] for row in rows(plan)], expected)
    mine = sky.from_table(tables[0].select(["ra", "dec", "id"]))
    found = mine.join_lightcurves(source.to_pandas(types_mapper=pd.ArrowDtype), left_on="id",
                                  right_on="object", orphans="ignore")  # fmt: skip
    assert sum(len(r["lightcurve"]["s"]) for r in rows(found)) == sum(len(e["s"]) for e in expected)
    empty = left.join_lightcurves(source.slice(0, 0), left_on="id", right_on="object")
    assert all(row["lightcurve"]["s"] == [] for row in rows(empty))


def test_light_curves_asked_for_wrongly(left, right):
    with pytest.raises(SchemaError, match="already"):
        left.join_lightcurves(right, left_on="id", right_on="object", name="mag")
    with pytest.raises(SchemaError, match="there is no column"):
        left.join_lightcurves(right, left_on="id", right_on="object", columns=["fluxx"])
    with pytest.raises(InputError, match="orphans must be"):
        left.join_lightcurves(right, left_on="id", right_on="object", orphans="error")
    nested = left.join_lightcurves(right, left_on="id", right_on="object")
    with pytest.raises(SchemaError, match="holds light curves itself"):
        left.join_lightcurves(nested, on="id", name="again")


def asof_frames(tables):
    """Return both sides as pandas takes them: sorted in time, with known keys and times."""
    first, second = (
        table.to_pandas(types_mapper=pd.ArrowDtype).dropna(subset=["object", "mjd"])
        for table in tables
    )
    first, second = first[first["mjd"] == first["mjd"]], second[second["mjd"] == second["mjd"]]
    for frame in (first, second):
        frame["mjd"] = frame["mjd"].astype("float64")
        frame["object"] = frame["object"].astype("int64")
    return first.sort_values("mjd", kind="stable"), second.sort_values("mjd", kind="stable")


@pytest.mark.parametrize("direction", ["backward", "forward", "nearest"])
@pytest.mark.parametrize(("tolerance", "exact"), [(None, True), (1.25, True), (None, False)])
def test_as_pandas_merges_in_time(right, tables, direction, tolerance, exact, how_found):
    rng = np.random.default_rng(3)
    other = sources(tables[0], seed=6).select(["object", "ra", "dec", "mjd"])
    # one row for each object and time: of several pandas and we may take different ones
    frame = other.to_pandas(types_mapper=pd.ArrowDtype).drop_duplicates(["object", "mjd"])
    other = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    other = other.append_column("o", pa.array(rng.permutation(other.num_rows)))
    mine, theirs = asof_frames((tables[1], other))
    expected = pd.merge_asof(
        mine, theirs[["object", "mjd", "o"]], on="mjd", by="object", direction=direction,
        tolerance=tolerance, allow_exact_matches=exact,
    )  # fmt: skip
    plan = right.merge_asof(
        sky.from_table(other).select(["object", "mjd", "o"]), on="mjd", by="object",
        direction=direction, tolerance=tolerance, allow_exact_matches=exact,
    )  # fmt: skip
    found = plan.to_arrow()
    assert found.num_rows == len(right)
    ours = dict(zip(found["s"].to_pylist(), found["o"].to_pylist(), strict=True))
    known = dict(zip(expected["s"], expected["o"], strict=True))
    assert sum(not pd.isna(o) for o in known.values()) > 20
    for s, o in ours.items():
        partner = known.get(s)
        assert o == (None if partner is None or pd.isna(partner) else partner), s
    inner = right.merge_asof(
        sky.from_table(other).select(["object", "mjd", "o"]), on="mjd", by="object",
        direction=direction, tolerance=tolerance, allow_exact_matches=exact, how="inner",
    )  # fmt: skip
    assert len(inner) == sum(o is not None for o in ours.values())


def test_equal_times_and_timestamps():
    left = pa.table(
        {"ra": [0.0, 1.0], "dec": [0.0, 1.0], "id": [1, 1],
         "t": pa.array([10, 20], pa.timestamp("us"))}
    )  # fmt: skip
    times = pa.array([10_000, 10_000, 15_000, 20_000], pa.timestamp("ns"))
    right = pa.table({"id": [1, 1, 1, 2], "t": times, "v": list("abcd")})
    catalog = sky.from_table(left)
    for direction, expected in (
        ("backward", ["b", "c"]), ("forward", ["a", None]), ("nearest", ["b", "c"]),
    ):  # fmt: skip
        found = catalog.merge_asof(right, on="t", by="id", direction=direction)
        assert found.to_arrow()["v"].to_pylist() == expected
    with pytest.raises(SchemaError, match="one kind of time"):
        catalog.merge_asof(pa.table({"id": [1], "t": [1.0]}), on="t", by="id")
    with pytest.raises(InputError, match="direction must be"):
        catalog.merge_asof(right, on="t", by="id", direction="sideways")
    with pytest.raises(InputError, match="needs the times"):
        catalog.merge_asof(right, by="id")
    with pytest.raises(InputError, match="give by="):
        catalog.merge_asof(right, on="t")
