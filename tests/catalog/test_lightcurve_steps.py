"""One light curve by its id is what the steps of the catalog leave of it, as `id_search` gives."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.catalog.run.run import prepare
from skyseries.errors import CatalogError, InputError, SchemaError
from skyseries.hats.dataset import Dataset

STEPS = {
    "as it is": lambda c: c,
    "epochs of a band": lambda c: c.query("lightcurve.band = 'r'"),
    "no epochs": lambda c: c.query("lightcurve.flux > 1e9"),
    "bright objects": lambda c: c.query("mag < 20"),
    "cone": lambda c: c.cone_search(0, 0, 200_000),
    "many epochs": lambda c: c.query("COUNT(lightcurve.mjd) > 7"),
    "sorted": lambda c: c.sort_lightcurves("flux DESC"),
    "brightest": lambda c: c.sort_lightcurves("flux DESC").slice_lightcurves(0, 3),
    "shifted": lambda c: c.assign({"lightcurve.flux": "lightcurve.flux - 100"}),
    "position": lambda c: c.assign(ra="ra + 1"),
    "no position": lambda c: c.drop(["ra", "dec"]),
    "cleaned": lambda c: c.clean_lightcurves(trend=1, clip=2, nightly=True),
    "some fields": lambda c: c.select(["id", "lightcurve.mjd", "lightcurve.flux"]),
    "renamed": lambda c: c.rename({"id": "number", "lightcurve": "lc", "ra": "alpha"}),
    "id computed": lambda c: c.assign(id="id + 1"),
    "names exchanged": lambda c: c.assign(k="id + 1").rename({"k": "id", "id": "k"}),
    "some ids": lambda c: c.id_search(c.to_arrow()["id"].to_pylist()[::3]),
    "sample": lambda c: c.sample(50),
    "features": lambda c: c.features(["Mean"]).query("r_fluxMean > 1000"),
    "function": lambda c: c.map_rows(lambda mag: 2.0, "mag", schema=pa.float64(), names="two"),
    "partitions": lambda c: c.map_partitions(lambda rows: rows.slice(0, 8)),
    "without duplicates": lambda c: c.concat(c).drop_duplicates(),
    "of several": lambda c: c.rename({"id": "x"}).concat(c.rename({"id": "x"}).query("mag < 0")),
    "left side": lambda c: c.crossmatch(c.query("mag < 20"), 1, how="left"),
    "anti": lambda c: c.crossmatch(c.query("mag < 20"), 1, how="anti"),
    "joined": lambda c: c.join(c.query("mag < 20").select(["id", "mag"]), on="id"),
}


@pytest.fixture(params=["numbers", "text"])
def any_catalog(request, survey, text_survey):
    return sky.open_catalog((survey if request.param == "numbers" else text_survey).path)


def expected(rows, catalog, column):
    """Return the first row of a table as time, value, error, band, ra and dec, nothing cached."""
    fields = catalog.lightcurve_fields(column)
    row = rows[column].to_pylist()[0]
    names = (fields.time, fields.value, fields.error, fields.band)
    return [None if name is None else row[name] for name in names]


def found_in(curve):
    arrays = (curve.time, curve.value, curve.error, curve.bands)
    return [None if array is None else array.tolist() for array in arrays]


@pytest.mark.parametrize("name", STEPS)
def test_it_is_what_id_search_gives(survey, name):
    catalog = sky.open_catalog(survey.path)
    steps = STEPS[name](catalog)
    column = steps.lightcurve_columns[0]
    here = 0
    for row in survey.rows[::11]:
        rows = steps.id_search(row["id"]).to_arrow()
        if not len(rows):
            with pytest.raises(CatalogError, match=f"= {row['id']} in survey after its steps"):
                steps.lightcurve(row["id"], column)
            continue
        here += 1
        curve = steps.lightcurve(row["id"], column)
        assert found_in(curve) == expected(rows, steps, column)
        at = [n for n in ("ra", "alpha") if n in steps.columns]
        assert curve.ra == (rows[at[0]][0].as_py() if at else row["ra"])
        assert curve.id == row["id"]
    assert here or name in ("id computed", "names exchanged")


def test_an_id_that_is_computed_is_the_id(survey, catalog):
    row = survey.rows[20]
    for steps in (STEPS["id computed"](catalog), STEPS["names exchanged"](catalog)):
        assert steps.lightcurve(row["id"] + 1, id_column="id").ra == row["ra"]
    # the column that the catalog names is followed when it is renamed
    assert STEPS["names exchanged"](catalog).lightcurve(row["id"]).ra == row["ra"]


def test_what_the_steps_leave_out_is_told_from_what_was_never_there(survey, catalog):
    id_ = next(row["id"] for row in survey.rows if row["mag"] is not None and row["mag"] > 20)
    bright = catalog.query("mag < 20")
    with pytest.raises(CatalogError, match="the catalog on disk has it, the steps leave it out"):
        bright.lightcurve(id_)
    with pytest.raises(CatalogError, match="no object with id = 7 in survey after its steps"):
        bright.lightcurve(7)
    with pytest.raises(CatalogError, match=r"no object with id = 7 in survey$"):
        catalog.lightcurve(7)


def test_without_the_columns_that_it_takes(catalog, survey):
    id_ = survey.rows[0]["id"]
    with pytest.raises(SchemaError, match="no light curves"):
        catalog.drop("lightcurve").lightcurve(id_)
    with pytest.raises(SchemaError, match=r"ids of survey \('id'\) are not among its columns"):
        catalog.select(["lightcurve"]).lightcurve(id_)
    with pytest.raises(SchemaError, match="not among its columns"):
        # another column has the name of the ids now
        catalog.rename({"id": "x", "mag": "id"}).drop("x").lightcurve(5)
    with pytest.raises(SchemaError, match="has no field"):
        catalog.select(["id", "lightcurve.mjd"]).lightcurve(id_)
    with pytest.raises(SchemaError, match="no column 'identifier'"):
        catalog.lightcurve(id_, id_column="identifier")


def test_a_row_group_is_read_with_steps_too(any_catalog, monkeypatch):
    ids = any_catalog.to_arrow()["id"].to_pylist()[::20]
    seen = []
    real = Dataset.read_leaf

    def spy(self, leaf, paths, row_groups=None):
        table = real(self, leaf, paths, row_groups)
        seen.append(table.num_rows)
        return table

    steps = (
        any_catalog.query("mag > 0 AND lightcurve.band <> 'i'")
        .assign(twice="2 * mag")
        .rename({"id": "number"})
        .sample(140)
        .slice_lightcurves(0, 2)
    )
    prepare(steps._node)  # the sample is chosen
    monkeypatch.setattr(Dataset, "read_leaf", spy)
    for id_ in ids:
        seen.clear()
        try:
            steps.lightcurve(id_)
        except CatalogError:
            assert steps.id_search(id_).to_arrow().num_rows == 0
            continue
        assert max(seen) <= 8  # the rows of a row group
        assert len(seen) <= 5  # columns of the steps, one after the other


@pytest.mark.parametrize("id_", [np.ma.masked, float("nan"), None, "5", b"5", 5.0, True, np.True_])
def test_values_that_are_no_ids(catalog, id_):
    for ask in (catalog.lightcurve, catalog.id_search, catalog.query("mag < 20").lightcurve):
        with pytest.raises(SchemaError):
            ask(id_)


def test_ids_of_every_library(catalog, survey):
    row = survey.rows[9]
    masked = np.ma.array([row["id"], 5], mask=[False, True])
    for id_ in (np.int64(row["id"]), np.array(row["id"]), pa.scalar(row["id"]), masked[0]):
        assert catalog.lightcurve(id_).id == row["id"]
        assert catalog.id_search(id_).to_arrow()["id"].to_pylist() == [row["id"]]
    with pytest.raises(SchemaError, match="id 1 of those that are looked for is missing"):
        catalog.id_search(masked)
    for table in (pa.table({"id": [1]}), catalog.head(1)):
        with pytest.raises(SchemaError, match="ids are one column"):
            catalog.id_search(table)
    with pytest.raises(InputError, match="of one object"):
        catalog.lightcurve([row["id"], survey.rows[0]["id"]])


# -- of several catalogs ------------------------------------------------------------------------


def test_of_either_side_of_a_match(catalog, survey):
    shifted = catalog.slice_lightcurves(0, 2).assign(id="id + 5").drop("mag")
    pairs = catalog.crossmatch(shifted, 1, suffixes=("", "_right"))
    row = survey.rows[30]
    assert pairs.lightcurve(row["id"], "lightcurve").time.tolist() == row["lightcurve"]["mjd"]
    assert (
        pairs.lightcurve(row["id"], "lightcurve_right").time.tolist()
        == (row["lightcurve"]["mjd"][:2])
    )
    by_right = pairs.lightcurve(row["id"] + 5, "lightcurve", id_column="id_right")
    assert by_right.time.tolist() == row["lightcurve"]["mjd"]
    with pytest.raises(SchemaError, match="several light-curve columns"):
        pairs.lightcurve(row["id"])


def test_the_right_ids_of_a_match_with_itself_are_not_looked_up_as_the_left_ones(survey, catalog):
    pairs = catalog.self_match(60_000, n_neighbors=2)
    table = pairs.select(["id", "id_other"]).to_arrow().to_pylist()
    for asked in (table[0]["id_other"], table[-1]["id_other"]):
        wanted = [pair["id"] for pair in table if pair["id_other"] == asked]
        found = pairs.id_search(asked, column="id_other").to_arrow()["id"].to_pylist()
        assert found == wanted != []
    assert "without an index" in str(pairs.id_search(1, column="id_other").explain())


def test_several_rows_of_one_object(survey, catalog):
    near = catalog.crossmatch(catalog, 300_000, n_neighbors=4, suffixes=("", "_near"))
    row = next(row for row in survey.rows if len(row["lightcurve"]["mjd"]) > 5)
    assert len(near.id_search(row["id"])) == 4
    assert near.lightcurve(row["id"], "lightcurve").time.tolist() == row["lightcurve"]["mjd"]
    with pytest.raises(CatalogError, match=r"4 rows .* different light curves"):
        near.lightcurve(row["id"], "lightcurve_near")
    both = catalog.concat(catalog.slice_lightcurves(0, 1))
    with pytest.raises(CatalogError, match="2 rows"):
        both.lightcurve(row["id"])
    nan = catalog.assign({"lightcurve.flux": "SQRT(lightcurve.flux - 1e9)"})
    curve = nan.concat(nan).lightcurve(row["id"])
    assert all(map(math.isnan, curve.value))


def test_a_table_in_memory(catalog, survey):
    table = catalog.select(["id", "ra", "dec", "lightcurve"]).to_arrow()
    memory = sky.from_table(table)
    row = survey.rows[70]
    with pytest.raises(InputError, match="which of its columns is the id: give id_column="):
        memory.lightcurve(row["id"])
    curve = memory.slice_lightcurves(0, 2).lightcurve(row["id"], id_column="id")
    assert curve.time.tolist() == row["lightcurve"]["mjd"][:2]
    with pytest.raises(CatalogError, match="no object with id = 5"):
        memory.lightcurve(5, id_column="id")


def test_of_a_map_of_partitions_without_positions(survey, catalog):
    found = catalog.map_partitions(lambda rows: rows.select(["id", "lightcurve"]))
    row = survey.rows[11]
    curve = found.lightcurve(row["id"])
    assert curve.time.tolist() == row["lightcurve"]["mjd"]
    assert (curve.ra, curve.dec) == (None, None)


# -- roles and bands ----------------------------------------------------------------------------


def test_roles_follow_the_column_not_its_name(catalog):
    assert catalog.rename({"lightcurve": "lc"}).lightcurve_fields("lc").time_scale == "tai"
    assert catalog.map_partitions(lambda rows: rows).lightcurve_fields().time_scale == "tai"
    assert catalog.sample(10).lightcurve_fields().time_scale == "tai"
    table = catalog.select(["id", "ra", "dec", "lightcurve"]).to_arrow()
    other = catalog.drop("lightcurve").crossmatch(sky.from_table(table), 1)
    assert other.lightcurve_fields("lightcurve").time_scale is None
    utc = catalog.set_lightcurve(time_scale="utc")
    assert utc.drop("lightcurve").crossmatch(table, 1).lightcurve_fields().time_scale is None
    assert utc.lightcurve_fields().time_scale == "utc"


def bands_of(catalog):
    names = catalog.features(["Ndata"]).columns
    return [name.removesuffix("_fluxNdata") for name in names if name.endswith("_fluxNdata")]


def test_bands_are_those_of_the_light_curves(catalog):
    assert bands_of(catalog) == ["g", "r", "i"]
    assert bands_of(catalog.query("lightcurve.band = 'r'")) == ["g", "r", "i"]
    assert bands_of(catalog.rename({"lightcurve": "lc"})) == ["g", "r", "i"]
    assert bands_of(catalog.concat(catalog.query("mag < 20"))) == ["g", "r", "i"]
    assert bands_of(catalog.crossmatch(catalog["ra", "dec"], how="outer")) == ["g", "r", "i"]
    capital = catalog.assign({"lightcurve.band": "UPPER(lightcurve.band)"})
    with pytest.raises(sky.InputError, match="give the bands, for instance"):
        capital.features(["Ndata"]).to_arrow()
    ours = capital.drop("lightcurve").crossmatch(catalog["ra", "dec", "lightcurve"])
    assert bands_of(ours) == ["g", "r", "i"]
    theirs = catalog.drop("lightcurve").crossmatch(capital["ra", "dec", "lightcurve"])
    with pytest.raises(sky.InputError, match="give the bands, for instance"):
        theirs.features(["Ndata"]).to_arrow()
    both = catalog.concat(capital)
    with pytest.raises(sky.InputError, match="give the bands, for instance"):
        both.features(["Ndata"]).to_arrow()


def test_ids_follow_the_column_not_its_name(catalog, survey):
    renamed = catalog.rename({"id": "number", "mag": "id"})
    again = renamed.concat(renamed.query("id < 20")).drop_duplicates("number")
    assert len(again) == len(survey.rows)
    assert len(renamed.drop_duplicates()) == len(survey.rows)
    assert len(renamed.self_match(50_000)) == len(catalog.self_match(50_000))
    assert len(renamed.self_match(50_000, id="number")) == len(catalog.self_match(50_000))
    sources = pa.table({"id": [row["id"] for row in survey.rows], "mjd": np.arange(150.0)})
    found = renamed.drop("lightcurve").join_lightcurves(sources, columns=["mjd"]).to_arrow()
    assert [curve["mjd"] for curve in found["lightcurve"].to_pylist()] == [[i] for i in range(150)]
