"""Functions of users for each partition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import skyseries as sky
from skyseries.catalog.plan.calls import FunctionError
from skyseries.catalog.tables import from_table
from skyseries.errors import ExecutionError, InputError, SchemaError

WORKERS = {"serial": 1, "threads": 2, "processes": 1}


@pytest.fixture(scope="module", params=WORKERS)
def engine(request):
    """Return one engine after the other; workers are started once."""
    with sky.executors.create_executor(request.param, WORKERS[request.param]) as engine:
        yield engine


@pytest.fixture
def many_units(tune):
    """Divide even a small catalog into several tasks."""
    tune(unit_rows=300)


def parts_of(catalog, survey):
    """Return the known rows of each partition."""
    found = catalog.partitions.find(np.array([row["_healpix_29"] for row in survey.rows]))
    return [
        [row for row, i in zip(survey.rows, found, strict=True) if i == k] for k in np.unique(found)
    ]


def bright(table):
    return table.filter(pc.less(table["mag"], 19.5))


def is_bright(row):
    return row["mag"] is not None and row["mag"] < np.float32(19.5)


def test_every_partition_once_and_whole(catalog, survey, engine, many_units):
    def summary(table, factor, *, extra):
        return {
            "n": table.num_rows,
            "ids": str(sorted(table["id"].to_pylist())),
            "x": factor * extra,
        }

    with sky.executor(engine):
        found = catalog.map_partitions(summary, 2, extra=0.5).to_arrow().to_pylist()
    expected = [
        {"n": len(part), "ids": str(sorted(row["id"] for row in part)), "x": 1.0}
        for part in parts_of(catalog, survey)
    ]
    assert found == expected
    assert len(found) == len(catalog.partitions)


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars", "astropy", "numpy"])
def test_tables_of_all_libraries(catalog, survey, kind):
    seen = set()

    def look(table):
        seen.add(type(table).__module__.split(".")[0])
        if kind == "arrow":
            return table.select(["id", "mag"])
        if kind == "numpy":
            return {"id": table["id"], "mag": table["mag"]}
        return table[["id", "mag"]]

    mapped = catalog.map_partitions(look, table=kind)
    table = mapped.to_arrow()
    assert [str(t) for t in table.schema.types] == ["int64", "float"]
    assert table.to_pylist() == [{"id": r["id"], "mag": r["mag"]} for r in survey.rows]
    assert seen == {{"arrow": "pyarrow", "numpy": "builtins"}.get(kind, kind)}


def test_the_rows_as_the_steps_before_leave_them(catalog, survey):
    mapped = catalog.query("mag < 19").map_partitions(
        lambda t: {"n": t.num_rows, "m": pc.max(t["mag"]).as_py()}
    )
    expected = [
        [row for row in part if row["mag"] is not None and row["mag"] < 19]
        for part in parts_of(catalog, survey)
    ]
    assert mapped.to_arrow().to_pylist() == [
        {"n": len(part), "m": max(row["mag"] for row in part)} for part in expected if part
    ]


def test_never_called_without_rows(catalog):
    called = []

    def count(table):
        called.append(table.num_rows)
        return table

    nothing = catalog.query("mag > 1000").map_partitions(count, schema=catalog.schema)
    assert nothing.to_arrow().num_rows == 0
    assert called == []


def test_the_partition_is_passed(catalog, survey):
    def where(table, cell, name):
        return pa.table({"order": [cell.order], "npix": [cell.npix], "name": [name]})

    found = catalog.map_partitions(where, "x", pass_partition=True).to_arrow().to_pylist()
    assert found == [
        {"order": order, "npix": npix, "name": "x"}
        for order, npix in (tuple(c) for c in catalog.partitions)
    ]


def test_columns_after_it(catalog):
    mapped = catalog.map_partitions(
        lambda t: t.select(["id"]).append_column("two", pc.multiply(t["mag"], 2))
    )
    assert mapped.columns == ["id", "two"]
    assert mapped.query("two > 40").assign(four="2 * two").columns == ["id", "two", "four"]
    assert len(mapped) == 150
    assert str(mapped.explain()).count("map_partitions: <lambda> gives id, two") == 1


def test_light_curves_stay_known(catalog):
    renamed = catalog.set_lightcurve(flux="flux_err", flux_err="flux")
    mapped = renamed.map_partitions(bright)
    assert mapped.lightcurve_fields() == renamed.lightcurve_fields()
    assert (
        mapped.map_lightcurves(lambda t, f, e, b: f.max(initial=0), names="x")
        .to_arrow()["x"]
        .to_pylist()
    )


# -- types --------------------------------------------------------------------------------------


def test_learned_without_reading(catalog, monkeypatch):
    def nothing_is_read(*args):
        raise AssertionError

    monkeypatch.setattr("skyseries.catalog.run.run.first", nothing_is_read)
    mapped = catalog.map_partitions(bright)
    assert mapped.schema.equals(catalog.schema, check_metadata=True)


def test_learned_from_the_first_rows(catalog, survey):
    def fragile(table):
        return {"id": np.array(table["id"]), "first": [table["id"][0].as_py()] * table.num_rows}

    mapped = catalog.map_partitions(fragile)
    assert mapped.schema.types == [pa.int64(), pa.int64()]
    assert mapped.to_arrow()["id"].to_pylist() == [row["id"] for row in survey.rows]

    def objects(frame):
        return pd.DataFrame({"text": [str(i) for i in frame["id"]]})

    assert catalog.map_partitions(objects, table="pandas").to_arrow().num_rows == 150


def test_what_cannot_be_learned(catalog):
    with pytest.raises(SchemaError, match="do not tell all types"):
        catalog.map_partitions(lambda t: pa.table({"x": pa.nulls(t.num_rows)}))
    with pytest.raises(SchemaError, match="there are no rows"):
        catalog.query("mag > 1000").map_partitions(lambda t: {"x": t["id"][0].as_py()})
    with pytest.raises(SchemaError, match="no table"):
        catalog.map_partitions(lambda t: None)
    with pytest.raises(SchemaError, match="two columns of one name"):
        catalog.map_partitions(lambda t: pa.Table.from_arrays([t["id"], t["id"]], ["a", "a"]))
    with pytest.raises(InputError, match="table must be one of"):
        catalog.map_partitions(bright, table="dask")
    with pytest.raises(ExecutionError, match="learn the columns"):
        catalog.map_partitions(lambda t: 1 / 0)


def test_other_types_in_another_partition(catalog, survey):
    last = parts_of(catalog, survey)[-1][0]["id"]
    cell = catalog.partitions[len(catalog.partitions) - 1]

    def changes(table, value):
        late = last in table["id"].to_pylist()
        return pa.table({"x": [value if late else 1]})

    with pytest.raises(SchemaError, match=r"column 'x'.*is double, but should be int64") as caught:
        catalog.map_partitions(changes, 0.5).to_arrow()
    assert f"partition {cell}" in str(caught.value)
    with pytest.raises(SchemaError, match="is string, but should be int64"):
        catalog.map_partitions(changes, "x").to_arrow()
    assert catalog.map_partitions(changes, None).to_arrow()["x"].null_count == 1
    given = catalog.map_partitions(changes, 0.5, schema={"x": "float64"})
    assert given.to_arrow()["x"].to_pylist()[-1] == 0.5
    with pytest.raises(SchemaError, match="should be int64"):
        catalog.map_partitions(changes, 0.5, schema={"x": "int64"}).to_arrow()


@pytest.mark.parametrize(
    ("columns", "said"), [(["id", "ra"], "no column 'mag'"), (["id", "mag", "ra"], "'ra' more")]
)
def test_other_columns_in_another_partition(catalog, survey, columns, said):
    last = parts_of(catalog, survey)[-1][0]["id"]
    mapped = catalog.map_partitions(
        lambda t: t.select(columns if last in t["id"].to_pylist() else ["id", "mag"])
    )
    with pytest.raises(SchemaError, match=said):
        mapped.to_arrow()


# -- positions ----------------------------------------------------------------------------------


def ids(catalog):
    return sorted(catalog.to_arrow()["id"].to_pylist())


@pytest.mark.parametrize(
    "function",
    [
        bright,
        lambda t: bright(t).take(np.arange(bright(t).num_rows)[::-1].copy()),
        lambda t: bright(t).select(["dec", "ra", "id", "mag"]),
    ],
)
def test_searches_and_matches_after_it_as_before_it(catalog, function, many_units):
    mapped, plain = catalog.map_partitions(function), catalog.query("mag < 19.5")
    assert mapped._node.position == ("ra", "dec")
    assert ids(mapped) == ids(plain)
    for ra, dec in ((45.0, 0.0), (0.0, 89.0), (180.0, 10.0)):
        assert ids(mapped.cone_search(ra, dec, 40 * 3600)) == ids(
            plain.cone_search(ra, dec, 40 * 3600)
        )
    radius = 5 * 3600
    one = catalog.crossmatch(mapped, radius, n_neighbors=None).to_arrow()
    two = catalog.crossmatch(plain, radius, n_neighbors=None).to_arrow()
    assert sorted(one["_dist_arcsec"].to_pylist()) == sorted(two["_dist_arcsec"].to_pylist())
    assert one.num_rows > 50
    one = mapped.crossmatch(catalog, radius, one_to_one=True).to_arrow()
    two = plain.crossmatch(catalog, radius, one_to_one=True).to_arrow()
    assert sorted(one["id"].to_pylist()) == sorted(two["id"].to_pylist())


def test_regions_prune_partitions(catalog, survey):
    called = []

    def spy(table):
        called.append(table.num_rows)
        return table

    near = catalog.map_partitions(spy, schema=catalog.schema).cone_search(200.0, 60.0, 3600)
    near.to_arrow()
    assert len(called) < len(catalog.partitions)


def test_rows_repeated_or_moved_inside_their_partition(catalog):
    twice = catalog.map_partitions(lambda t: pa.concat_tables([t, t]))
    assert len(twice) == 300
    assert len(twice.cone_search(45.0, 0.0, 1)) == 2 * len(catalog.cone_search(45.0, 0.0, 1))


def test_rows_that_leave_their_partition(catalog):
    def move(table):
        i = table.schema.get_field_index("dec")
        return table.set_column(i, table.schema.field("dec"), pc.negate(table["dec"]))

    with pytest.raises(
        SchemaError, match=r"move moved \d+ rows out of partition Norder="
    ) as caught:
        catalog.map_partitions(move).to_arrow()
    assert "other names" in str(caught.value)


def test_rows_that_lose_their_position_stay(catalog, survey, many_units):
    def forget(table):
        some = pc.less(table["mag"], 19.5)
        i = table.schema.get_field_index("ra")
        ra = pc.if_else(pc.fill_null(some, False), pa.scalar(None, pa.float64()), table["ra"])
        return table.set_column(i, table.schema.field("ra"), ra)

    table = catalog.map_partitions(forget).to_arrow()
    assert table["id"].to_pylist() == [row["id"] for row in survey.rows]
    assert table["ra"].null_count == sum(map(is_bright, survey.rows)) > 10


def test_no_search_without_positions(catalog):
    lost = catalog.map_partitions(lambda t: t.select(["id", "mag"]))
    assert lost._node.position is None
    for after in (
        lambda: lost.cone_search(0.0, 0.0, 1.0).to_arrow(),
        lambda: len(lost.box_search((0.0, 10.0), (0.0, 10.0))),
        lambda: lost.crossmatch(catalog).to_arrow(),
        lambda: catalog.crossmatch(lost).to_arrow(),
    ):
        with pytest.raises(SchemaError, match="has no positions"):
            after()
    known = ids(catalog)[:3]
    assert ids(lost.id_search(known)) == known
    text = catalog.map_partitions(lambda t: {"ra": t["ra"].cast(pa.string()), "dec": t["dec"]})
    assert text._node.position is None


def test_a_table_in_memory_is_one_partition():
    table = pa.table({"ra": [10.0, None, 200.0], "dec": [0.0, 1.0, 2.0], "k": [1, 2, 3]})
    catalog = from_table(table, sky.Catalog)
    assert catalog.map_partitions(lambda t: {"n": t.num_rows}).to_arrow()["n"].to_pylist() == [3]
    kept = catalog.map_partitions(lambda t: t)
    assert sorted(kept.to_arrow()["k"].to_pylist()) == [1, 2, 3]
    assert kept.cone_search(200.0, 2.0, 1.0).to_arrow()["k"].to_pylist() == [3]
    with pytest.raises(ExecutionError, match="the whole table"):
        catalog.map_partitions(lambda t: 1 / 0, schema={"n": "int64"}).to_arrow()


# -- failures -----------------------------------------------------------------------------------


def fails_on(id):
    def fragile(table):
        if id in table["id"].to_pylist():
            raise KeyError("no such star")
        return table.select(["id", "ra", "dec"])

    return fragile


def test_an_exception_names_function_and_partition(catalog, survey, engine, many_units):
    part = parts_of(catalog, survey)[-1]
    cell = catalog.partitions[len(catalog.partitions) - 1]
    with (
        sky.executor(engine),
        pytest.raises(ExecutionError) as caught,
    ):
        catalog.map_partitions(fails_on(part[0]["id"])).to_arrow()
    assert f"map_partitions: fragile failed for partition {cell}: KeyError: 'no such star'" in str(
        caught.value
    )
    error = caught.value
    while not isinstance(error, FunctionError):
        error = error.__cause__
    assert isinstance(error.error, KeyError)


def test_a_partition_that_fails_is_a_row_that_says_so(catalog, survey, engine, many_units):
    parts = parts_of(catalog, survey)
    cell = catalog.partitions[3]
    with sky.executor(engine):
        mapped = catalog.map_partitions(fails_on(parts[3][0]["id"]), on_error="collect")
        rows = mapped.to_arrow().to_pylist()
    bad = [row for row in rows if row["_error"] is not None]
    assert bad == [{"id": None, "ra": None, "dec": None,
                    "_error": f"partition {cell}: KeyError: 'no such star'"}]  # fmt: skip
    good = [row["id"] for row in rows if row["_error"] is None]
    assert good == [row["id"] for part in parts[:3] + parts[4:] for row in part]
    assert ids(mapped.query("_error IS NULL")) == sorted(good)


def test_collected_without_positions(catalog, survey):
    parts = parts_of(catalog, survey)
    fragile = fails_on(parts[3][0]["id"])
    mapped = catalog.map_partitions(lambda t: {"n": fragile(t).num_rows}, on_error="collect")
    rows = mapped.to_arrow().to_pylist()
    assert [row["n"] for row in rows] == [
        None if i == 3 else len(part) for i, part in enumerate(parts)
    ]
    assert [row["_error"] is None for row in rows] == [i != 3 for i in range(len(parts))]
