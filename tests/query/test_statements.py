"""Statements over one table: rows, columns, errors, explanations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries import adql
from skyseries.schema import column_meta
from tests.query.compare import assert_same
from tests.query.oracle import answer

STATEMENTS = [
    "SELECT objectId, ra, dec FROM survey",
    "SELECT objectId AS id, gMag - rMag AS colour FROM survey WHERE nObs > 3",
    "SELECT TOP 7 objectId, rMag FROM survey WHERE rMag < 20 ORDER BY rMag",
    "SELECT TOP 5 objectId, rMag FROM survey ORDER BY rMag DESC, objectId OFFSET 3",
    "SELECT objectId, gMag FROM survey ORDER BY 2, 1",
    "SELECT objectId, gMag AS mag FROM survey ORDER BY mag DESC, objectId",
    "SELECT objectId FROM survey ORDER BY ABS(dec), objectId",
    "SELECT ra AS dec, dec AS ra, ra AS again FROM survey WHERE ra > 100",
    "SELECT DISTINCT kind FROM survey",
    "SELECT DISTINCT kind, nObs FROM survey WHERE nObs IS NOT NULL ORDER BY kind DESC, 2",
    "SELECT COUNT(*) FROM survey",
    "SELECT COUNT(*), COUNT(gMag), COUNT(DISTINCT kind), MIN(name), MAX(objectId) FROM survey",
    "SELECT SUM(nObs), AVG(nObs), SUM(rMag), AVG(gMag), MIN(gMag), MAX(gMag) FROM survey",
    "SELECT COUNT(*), MAX(ra), SUM(nObs) FROM survey WHERE ra > 1000",
    "SELECT kind, COUNT(*) FROM survey GROUP BY kind",
    "SELECT kind, COUNT(*) AS n FROM survey GROUP BY kind HAVING COUNT(*) > 14 ORDER BY n, kind",
    "SELECT COUNT(*) AS n FROM survey GROUP BY kind, nObs ORDER BY n DESC",
    "SELECT FLOOR(rMag) AS bin, AVG(gMag) FROM survey GROUP BY bin ORDER BY bin",
    "SELECT kind, MAX(rMag) - MIN(rMag) FROM survey GROUP BY kind ORDER BY MAX(rMag)",
    "SELECT COUNT(*) FROM survey GROUP BY kind HAVING MAX(rMag) > 21",
    "SELECT DISTINCT COUNT(*) AS n FROM survey GROUP BY kind, nObs ORDER BY n",
    "SELECT kind FROM survey GROUP BY kind",
    "SELECT nObs / 2, -7 / 2, 7 / -2, nObs / 0 FROM survey",
    "SELECT 1.0 * nObs / 0, gMag + 1, gMag + rMag FROM survey",
    "SELECT objectId FROM survey WHERE objectId = 9223372036854775808",
    "SELECT objectId FROM survey WHERE NOT (gMag < 19 OR rMag < 19)",
    "SELECT objectId FROM survey WHERE gMag <> 19",
    "SELECT name || '!' AS loud, UPPER(kind) FROM survey WHERE kind LIKE '%a%'",
    "SELECT objectId FROM survey WHERE kind IS NULL",
    "SELECT TOP 0 objectId FROM survey",
    "SELECT objectId FROM survey ORDER BY objectId OFFSET 1000",
]


@pytest.fixture(scope="module")
def catalog(world):
    return world.catalog


def asked(catalog, statement, **options):
    return sky.sql(statement, {"survey": catalog}, **options)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_rows_are_those_of_a_slow_interpreter(world, catalog, statement):
    query = adql.parse(statement)
    assert_same(asked(catalog, statement).to_arrow(), answer(query, world.objects), query)


EPOCHS = [
    "SELECT objectId, mjd, flux FROM survey.lc WHERE band = 'r'",
    "SELECT COUNT(*), AVG(flux) FROM survey.lc",
    "SELECT TOP 9 mjd, band, flux / fluxErr AS snr FROM survey.lc ORDER BY mjd DESC OFFSET 2",
    "SELECT band, COUNT(*) AS n, MAX(flux) FROM survey.lc WHERE flux > 800 GROUP BY band",
    "SELECT objectId, COUNT(*) FROM survey.lc WHERE MOD(flags, 2) = 0 GROUP BY objectId",
    "SELECT ra, mjd FROM survey.lc WHERE ra > 180 AND mjd < 60050 AND (ra > 300 OR flux > 900)",
    "SELECT DISTINCT band FROM survey.lc",
]


@pytest.mark.parametrize("statement", EPOCHS)
def test_epochs_are_a_table(world, catalog, statement):
    query = adql.parse(statement)
    assert_same(asked(catalog, statement).to_arrow(), answer(query, world.epochs), query)


def test_objects_are_left_out_before_their_epochs_are_taken_apart(world, catalog):
    one = world.epochs[0]["objectid"]
    found = asked(catalog, f"SELECT mjd FROM survey.lc WHERE objectId = {one}")  # noqa: S608
    assert sum(scan.partitions for scan in found.explain().scans) == 1
    mine = sorted(row["mjd"] for row in world.epochs if row["objectid"] == one)
    assert sorted(found.to_arrow()["mjd"].to_pylist()) == mine


def test_aggregates_of_the_light_curve_in_a_table_of_objects(world, catalog):
    text = "SELECT objectId, COUNT(lc.mjd) AS n FROM survey WHERE MAX(lc.flux) > 1500 ORDER BY n"
    found = asked(catalog, text).to_arrow()
    flux = {}
    for row in world.epochs:
        flux.setdefault(row["objectid"], []).append(row["flux"])
    wanted = {
        key: len(values)
        for key, values in flux.items()
        if any(v is not None and v > 1500 for v in values)
    }
    assert dict(zip(*found.to_pydict().values(), strict=True)) == wanted
    assert found["n"].to_pylist() == sorted(wanted.values())


def test_everything_is_the_table_without_the_cells_that_it_is_filed_by(world, catalog):
    found = asked(catalog, "SELECT * FROM survey WHERE nObs = 3").to_arrow()
    plain = catalog.query("nObs = 3").drop("_healpix_29").to_arrow()
    assert found.schema.equals(plain.schema)
    assert repr(found.to_pylist()) == repr(plain.to_pylist())


def test_what_is_known_of_columns_goes_through(catalog):
    text = "SELECT lc.flux AS f, flux / 2 AS half, mjd, COUNT(*) FROM survey.lc GROUP BY 1"
    found = asked(catalog, "SELECT ra AS x, dec + 1 AS y, objectId FROM survey").schema
    main = replace(column_meta(catalog.schema.field("ra")), ucd="pos.eq.ra;meta.main")
    assert column_meta(found.field("x")) == main
    assert column_meta(found.field("y")).unit == "deg"
    assert found.field("objectId").type == pa.uint64()
    with pytest.raises(sky.QueryError):
        asked(catalog, text)


def test_names_of_columns_are_unique(catalog):
    text = "SELECT ra, ra, COUNT(*), COUNT(*), MAX(ra) AS count FROM survey GROUP BY ra"
    assert asked(catalog, text).columns == ["ra", "ra_2", "count_2", "count_3", "count"]
    assert asked(catalog, "SELECT 1 + 1, 'a' || 'b', -ra FROM survey").columns == [
        "column_1", "column_2", "ra",
    ]  # fmt: skip


ERRORS = [
    ("SELECT foo FROM survey", "no column foo"),
    ("SELECT ra FROM survy", "no table survy; did you mean survey"),
    ("SELECT gmga, rmga FROM survey", "2 mistakes:\n- no column gmga; did you mean gMag"),
    ("SELECT ra, COUNT(*) FROM survey", "ra differs between the rows of a group"),
    ("SELECT ra FROM survey GROUP BY dec", "ra differs between the rows of a group"),
    ("SELECT ra FROM survey WHERE COUNT(*) > 1", "aggregates have no place in WHERE"),
    ("SELECT lc.mjd + 1 FROM survey", "a value for each epoch of lc"),
    ("SELECT ra FROM survey ORDER BY 2", "no column 2 to order by: 1 are selected"),
    ("SELECT DISTINCT ra FROM survey ORDER BY dec", "ordered by what is selected"),
    ("SELECT POINT(ra, dec) AS p FROM survey ORDER BY p", "p is a point, which has no order"),
    ("SELECT ivo_histogram(ra, 0, 9, 3) FROM survey ORDER BY 1", "1 is a list, which has no order"),
    ("SELECT DISTINCT lc FROM survey", "DISTINCT compares values, and lc is a light curve"),
    ("SELECT t.ra FROM survey", "no table t in FROM; there is survey"),
    ("SELECT survey.ra FROM survey AS s", "no table survey in FROM; there is s"),
    ("SELECT objectId.ra FROM survey AS s", "no table objectId in FROM; there is s"),
    ("SELECT ra AS x FROM survey WHERE x > 3", "x is a name of the result, which is not known"),
    ("SELECT LN(ra) FROM survey", "no function LN: write LOG(x)"),
    ("SELECT STDDEV(ra) FROM survey", 'dialect="python" knows it'),
    ("SELECT v.nothing FROM survey JOIN x ON a = b", "no table x"),
    ("SELECT v.nothing FROM survey AS v JOIN survey AS w ON v.ra = w.a", "2 mistakes"),
    ("SELECT ra FROM survey JOIN survey AS t ON 1 = 1", "ra can be several columns"),
    ("SELECT ra FROM survey WHERE ra IN (SELECT ra, dec FROM survey)", "has 2 columns (line 1"),
    ("SELECT ra FROM survey UNION SELECT ra, dec FROM survey", "as many columns on both sides"),
    ("SELECT t.* FROM survey", "no table t in FROM; there are survey"),
    ("SELECT 'a' + 1 FROM survey", "takes numbers"),
    ("SELECT ra FROM survey WHERE lc.band = 'r'", "a value for each epoch of lc"),
    ("SELECT COUNT(*) FROM survey GROUP BY lc.band", "a value for each epoch of lc"),
    ("SELECT COUNT(*) FROM survey HAVING MIN(ra) > 1 AND lc.mjd > 1", "a value for each epoch of"),
    ("SELECT COUNT(*) FROM survey GROUP BY lc", "lc is a light curve; rows are grouped by values"),
    ("SELECT COUNT(*) FROM survey GROUP BY POINT(ra, dec)", "POINT(ra, dec) is a point; rows"),
    ("SELECT COUNT(*), COUNT(lc.mjd) FROM survey", "(lc.mjd) differs between the rows"),
    ("SELECT DISTINCT ra, POINT(ra, dec) FROM survey", "point is a point (line 1, column 21)"),
    ("SELECT ra FROM survey ORDER BY 'ra'", "'ra' is the same in all rows: order by a column"),
    ("SELECT ra FROM survey WHERE kind IN (1)", "CAST(kind AS DOUBLE PRECISION)"),
    ("SELECT lc.mjd + AVG(lc.mjd) FROM survey", "a value for each epoch of lc"),
]


@pytest.mark.parametrize(("statement", "message"), ERRORS)
def test_errors_say_where_and_what(catalog, statement, message):
    with pytest.raises(sky.QueryError) as caught:
        asked(catalog, statement)
    assert message in str(caught.value)


def test_nothing_is_read_before_the_result_is_asked_for(catalog, monkeypatch):
    def read(*_):
        raise AssertionError("something is read")

    monkeypatch.setattr("skyseries.catalog.run.run.run_tasks", read)
    result = asked(catalog, "SELECT kind, COUNT(*) FROM survey WHERE ra > 3 GROUP BY kind")
    assert "a row for each kind" in str(result.explain())
    assert "Result(kind, count)" in repr(result)


def test_what_the_steps_are(catalog):
    text = "SELECT TOP 5 objectId, gMag - rMag AS colour FROM survey WHERE ra > 3 ORDER BY colour"
    assert str(asked(catalog, text).explain(footers=True)).splitlines()[:5] == [
        "select objectId, colour",
        "  the first 5 rows by colour",
        "    select objectId, colour",
        "      assign colour = gMag - rMag",
        "        where ra > 3",
    ]


def test_what_rows_are_ordered_by_is_named(catalog):
    text = "SELECT -rMag AS gMag FROM survey ORDER BY gMag, rMag, nObs"
    assert asked(catalog, text).columns == ["gMag"]
    assert str(asked(catalog, text).explain()).splitlines()[1:4] == [
        "  all rows by gMag (selected), rMag, nObs",
        "    select gMag (selected), rMag, nObs",
        "      assign gMag (selected) = -rMag",
    ]


def test_results_go_everywhere(catalog, tmp_path):
    result = asked(catalog, "SELECT objectId, ra, dec, nObs FROM survey ORDER BY objectId")
    table = result.to_arrow()
    assert pa.concat_tables(result.iter_tables()).equals(table)
    assert result.to_pandas()["objectId"].tolist() == table["objectId"].to_pylist()
    assert result.to_polars().shape == (100, 4)
    assert str(result.to_astropy()["ra"].unit) == "deg"
    written = result.write_catalog(tmp_path / "again", id="objectId")
    again = sky.open_catalog(written.path).to_arrow().sort_by("objectId")
    assert again["objectId"].equals(table["objectId"])


def test_rows_are_streamed_to_a_catalog(world, catalog, tmp_path, monkeypatch):
    def collected(*_, **__):
        raise AssertionError("all rows are collected")

    monkeypatch.setattr("skyseries.query.result.Result.to_arrow", collected)
    text = "SELECT objectId, ra, dec, gMag - rMag AS colour, lc FROM survey WHERE nObs > 2"
    written = asked(catalog, text).write_catalog(tmp_path / "some", id="objectId")
    again = sky.open_catalog(written.path)
    monkeypatch.undo()
    wanted = [row for row in world.objects if row["nobs"] is not None and row["nobs"] > 2]
    assert sorted(again.to_arrow()["objectId"].to_pylist()) == sorted(r["objectid"] for r in wanted)
    assert column_meta(again.schema.field("colour")) == column_meta(
        asked(catalog, text).schema.field("colour")
    )
    assert again.lightcurve_fields().time == "mjd"
    assert sky.validate_catalog(written.path).ok


def test_rows_without_positions_are_no_catalog(catalog, tmp_path):
    with pytest.raises(sky.InputError, match="positions"):
        asked(catalog, "SELECT objectId FROM survey").write_catalog(tmp_path / "none")


def test_tables_are_named_by_what_they_are_given_as(world, catalog):
    found = {"dp1.Object": catalog, "s": world.path}
    for text in ("SELECT COUNT(*) AS n FROM dp1.Object", "SELECT COUNT(*) AS n FROM object",
                 "SELECT COUNT(*) AS n FROM S"):  # fmt: skip
        assert sky.sql(text, found).to_arrow()["n"].to_pylist() == [100]
    count = sky.sql("SELECT COUNT(*) AS n FROM dp1.Object_lc", found).to_arrow()["n"].to_pylist()
    assert count == [len(world.epochs)]
    both = {"a.Object": catalog, "b.Object": catalog}
    with pytest.raises(sky.QueryError, match=r"Object can be a\.Object or b\.Object"):
        sky.sql("SELECT ra FROM Object", both)
    first = {"b": catalog.query("nObs = 3"), "a.b": catalog, "lc": pa.table({"n": [1, 2]}),
             "columns": pa.table({"n": []})}  # fmt: skip
    for name, rows in (("b", None), ("a.b", 100), ("lc", 2), ("columns", 0)):
        n = sky.sql(f"SELECT COUNT(*) AS n FROM {name}", first).to_arrow()["n"][0].as_py()  # noqa: S608
        assert n == (rows if rows is not None else sum(r["nobs"] == 3 for r in world.objects))
    assert sky.sql("SELECT COUNT(*) FROM t", {"t": pa.table({})}).to_arrow()[0].to_pylist() == [0]
    for wrong in (
        {"tap_schema": catalog},
        {"a.b.c": catalog},
        {"": catalog},
        {"a": 3},
        [catalog],
        {"a": catalog, "A": catalog},
    ):
        with pytest.raises(sky.InputError):
            sky.sql("SELECT 1 FROM a", wrong)


def test_what_there_is_can_be_asked(catalog):
    def rows(text):
        return asked(catalog, text).to_arrow().to_pylist()

    names = [row["table_name"] for row in rows("SELECT table_name FROM tap_schema.tables")]
    assert names == [
        "survey", "survey.lc", "tap_schema.schemas", "tap_schema.tables", "tap_schema.columns",
        "tap_schema.keys", "tap_schema.key_columns",
    ]  # fmt: skip
    columns = rows(
        "SELECT column_name, datatype, unit, indexed FROM tap_schema.columns "
        "WHERE table_name = 'survey.lc' ORDER BY column_index"
    )
    assert [row["column_name"] for row in columns] == [
        "objectId", "ra", "dec", "mjd", "band", "flux", "fluxErr", "flags",
    ]  # fmt: skip
    assert columns[1] == {"column_name": "ra", "datatype": "double", "unit": "deg", "indexed": 1}
    keys = rows("SELECT from_table, target_table FROM tap_schema.keys")
    assert keys[0] == {"from_table": "survey.lc", "target_table": "survey"}
    links = rows(
        "SELECT from_table, from_column, target_table, target_column FROM tap_schema.keys "
        "JOIN tap_schema.key_columns USING (key_id)"
    )
    assert {tuple(link.values()) for link in links} == {
        ("survey.lc", "objectId", "survey", "objectId"),
        ("tap_schema.tables", "schema_name", "tap_schema.schemas", "schema_name"),
        ("tap_schema.columns", "table_name", "tap_schema.tables", "table_name"),
        ("tap_schema.keys", "from_table", "tap_schema.tables", "table_name"),
        ("tap_schema.keys", "target_table", "tap_schema.tables", "table_name"),
        ("tap_schema.key_columns", "key_id", "tap_schema.keys", "key_id"),
    }
    described = {row["table_name"] for row in rows("SELECT table_name FROM tap_schema.columns")}
    assert described == set(names)
    assert rows('SELECT MAX("size") AS s FROM tap_schema.columns') == [{"s": None}]


def test_ids_of_64_bits_are_exact(world, catalog):
    largest = max(world.ids)
    text = f"SELECT objectId FROM survey WHERE objectId >= {largest}"  # noqa: S608
    assert asked(catalog, text).to_arrow()["objectId"].to_pylist() == [largest]
    assert largest > 2**63
    text = f"SELECT ra FROM survey WHERE objectId IN ({largest}, {largest - 1})"  # noqa: S608
    assert asked(catalog, text).to_arrow().num_rows == 1


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_engines_give_the_same(catalog, engines, name):
    text = "SELECT kind, COUNT(*) AS n, SUM(rMag) AS s FROM survey GROUP BY kind ORDER BY kind"
    plain = asked(catalog, text).to_arrow()
    with sky.executor(engines(name)):
        assert asked(catalog, text).to_arrow().equals(plain)


def test_a_catalog_with_a_plan_is_a_table_too(world, catalog):
    bright = catalog.query("rMag < 19").assign(colour="gMag - rMag")
    found = sky.sql("SELECT COUNT(*) AS n, MAX(colour) AS c FROM b", {"b": bright}).to_arrow()
    rows = [r for r in world.objects if r["rmag"] is not None and r["rmag"] < 19]
    assert found["n"].to_pylist() == [len(rows)]
    values = [np.float64(r["gmag"]) - r["rmag"] for r in rows if r["gmag"] is not None]
    assert found["c"].to_pylist() == [pytest.approx(np.nanmax(values))]


def test_columns_can_be_left_out(catalog):
    text = "SELECT objectId, gMag - rMag AS colour, lc FROM survey WHERE nObs > 3 ORDER BY colour"
    result = asked(catalog, text)
    less = result.drop(["colour", "lc"])
    assert less.to_arrow().equals(result.to_arrow().select(["objectId"]))
    assert len(less) == less.to_arrow().num_rows
    assert not any("lc" in scan.columns for scan in less.explain().scans)
    with pytest.raises(sky.SchemaError, match="no column 'color'; did you mean 'colour'"):
        result.drop("color")
    with pytest.raises(sky.InputError, match="no column would be left"):
        asked(catalog, "SELECT ra FROM survey").drop("ra")
    with pytest.raises(sky.InputError, match="which rows differ"):
        asked(catalog, "SELECT DISTINCT ra, dec FROM survey").drop("ra")


def test_epochs_are_counted_by_a_field_that_is_read_anyway(catalog):
    result = asked(catalog, "SELECT band, AVG(flux) FROM survey.lc GROUP BY band")
    assert set(result.explain().scans[0].columns) == {"lc.band", "lc.flux"}


def test_a_field_of_a_light_curve_is_an_array_of_its_epochs(catalog):
    wanted = catalog.query("nObs = 3").select(["objectId", "lc"]).to_arrow().to_pylist()
    for name in ("lc.flux", '"lc.flux"', "s.lc.flux", 's."lc.flux"', "LC.Flux"):
        text = f"SELECT objectId, {name} AS f FROM survey AS s WHERE nObs = 3"  # noqa: S608
        found = asked(catalog, text)
        assert pa.types.is_list(found.schema.field("f").type)
        assert found.to_arrow().to_pylist() == [
            {"objectId": row["objectId"], "f": row["lc"] and row["lc"]["flux"]} for row in wanted
        ]
    both = (
        "SELECT a.objectId, a.lc.mjd FROM survey AS a JOIN survey AS b ON a.objectId = b.objectId"
    )
    assert asked(catalog, both).schema.names == ["objectId", "mjd"]
    with pytest.raises(sky.QueryError, match="ask the table of its epochs"):
        asked(catalog, "SELECT lc.flux + 1 FROM survey")
