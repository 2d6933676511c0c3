"""Light curves of a catalog: one by its id, which field is what, features and periods as steps."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import CatalogError, InputError, SchemaError
from skyseries.hats.dataset import Dataset
from skyseries.schema import LightCurveFields
from skyseries.timeseries import compute_features, compute_periods
from tests.pipelines.survey import same, small_parts, write_parts


@pytest.fixture(params=["numbers", "text"])
def any_survey(request, survey, text_survey):
    return survey if request.param == "numbers" else text_survey


def import_small(folder, sources, **options):
    table = pa.table({"id": [1, 2], "ra": [10.0, 20.0], "dec": [1.0, 2.0]})
    with small_parts():
        sky.import_catalog(
            write_parts(folder / "o", table), folder / "c", id="id",
            lightcurves=write_parts(folder / "s", sources), progress=False, **options,
        )  # fmt: skip
    return sky.open_catalog(folder / "c")


def by_id(table, name):
    """Return the values of a column in the order of the ids."""
    return table.sort_by("id")[name].to_pylist()


# -- one by its id ------------------------------------------------------------------------------


def test_every_light_curve_by_its_id(any_survey):
    catalog = sky.open_catalog(any_survey.path)
    for row in any_survey.rows:
        curve = catalog.lightcurve(row["id"])
        assert (curve.id, curve.ra, curve.dec) == (row["id"], row["ra"], row["dec"])
        assert curve.time.tolist() == row["lightcurve"]["mjd"]
        assert curve.value.tolist() == row["lightcurve"]["flux"]
        assert curve.bands.tolist() == row["lightcurve"]["band"]


def test_one_row_group_is_read(any_survey, monkeypatch):
    seen = []
    real = Dataset.read_leaf

    def spy(self, leaf, paths, row_groups=None):
        table = real(self, leaf, paths, row_groups)
        seen.append((table.num_rows, tuple(paths), row_groups))
        return table

    monkeypatch.setattr(Dataset, "read_leaf", spy)
    catalog = sky.open_catalog(any_survey.path)
    for row in any_survey.rows[::10]:
        seen.clear()
        catalog.lightcurve(row["id"])
        heavy = [read for read in seen if "lightcurve" in read[1]]
        assert len(heavy) == 1
        assert len(heavy[0][2]) == 1
        assert heavy[0][0] <= 8


@pytest.mark.parametrize("id_", [0, -1, 2**53, 2**63, 2**64, -(2**63) - 1, 10**30])
def test_numbers_that_are_no_ids(catalog, id_):
    with pytest.raises(CatalogError, match=f"no object with id = {id_} in survey"):
        catalog.lightcurve(id_)


@pytest.mark.parametrize("id_", ["", "SKY", "SKY J0000", "￿"])
def test_texts_that_are_no_ids(text_survey, id_):
    with pytest.raises(CatalogError, match=re.escape(f"no object with id = {id_!r} in survey")):
        sky.open_catalog(text_survey.path).lightcurve(id_)


def test_ids_of_the_wrong_type_are_not_guessed(survey, text_survey):
    id_ = survey.rows[0]["id"]
    catalog = sky.open_catalog(survey.path)
    for wrong in (str(id_), float(id_), True, None, b"1", np.float64(3)):
        with pytest.raises(SchemaError):
            catalog.lightcurve(wrong)
    assert catalog.lightcurve(np.int64(id_)).id == id_
    words = "the ids of this catalog are string"
    for wrong, said in ((5, words), (None, "is missing"), (b"SKY J0000", words)):
        with pytest.raises(SchemaError, match=said):
            sky.open_catalog(text_survey.path).lightcurve(wrong)


@pytest.mark.parametrize("ids", [[7, 2**63 - 1], [2**64 - 1, 3], ["b", ""]])
def test_without_an_index_all_is_looked_through(tmp_path, ids):
    type_ = pa.uint64() if 2**64 - 1 in ids else None
    table = pa.table({"id": pa.array(ids, type_), "ra": [10.0, 200.0], "dec": [1.0, 2.0]})
    sources = pa.table({"id": pa.array(ids, type_), "mjd": [1.0, 2.0], "flux": [3.0, 4.0]})
    sky.import_catalog(
        write_parts(tmp_path / "o", table), tmp_path / "c", id="id", id_index=None, max_rows=1,
        lightcurves=write_parts(tmp_path / "s", sources), progress=False,
    )  # fmt: skip
    catalog = sky.open_catalog(tmp_path / "c")
    assert [catalog.lightcurve(id_).value.tolist() for id_ in ids] == [[3.0], [4.0]]
    missing = "c" if type_ is None and isinstance(ids[0], str) else 2**70
    with pytest.raises(CatalogError, match="no object with id"):
        catalog.lightcurve(missing)


# -- which field is what ------------------------------------------------------------------------


def test_recorded_roles(catalog):
    assert catalog.lightcurve_columns == ["lightcurve"]
    assert catalog.lightcurve_fields() == LightCurveFields(
        time="mjd", band="band", flux="flux", flux_err="flux_err", time_format="mjd",
        time_scale="tai", refposition="topocenter", flux_unit="nJy",
    )  # fmt: skip


def test_roles_that_are_set_hold_for_what_follows(catalog):
    other = catalog.set_lightcurve(flux="flux_err", time_scale="utc")
    fields = other.cone_search(0, 0, 3600).lightcurve_fields()
    assert (fields.flux, fields.time_scale, fields.time) == ("flux_err", "utc", "mjd")
    assert catalog.lightcurve_fields().flux == "flux"
    with pytest.raises(SchemaError, match="no field 'fluxx'"):
        catalog.set_lightcurve(flux="fluxx")
    with pytest.raises(SchemaError, match="no light-curve column"):
        catalog.set_lightcurve("mag", flux="flux")
    with pytest.raises(SchemaError, match="set_lightcurve"):
        catalog.set_lightcurve(colour="flux")


def test_a_catalog_without_light_curves(tmp_path):
    table = pa.table({"id": [1], "ra": [1.0], "dec": [1.0]})
    sky.import_catalog(write_parts(tmp_path, table), tmp_path / "c", progress=False)
    catalog = sky.open_catalog(tmp_path / "c")
    assert catalog.lightcurve_columns == []
    for ask in (catalog.lightcurve_fields, catalog.features, catalog.periods):
        with pytest.raises(SchemaError, match="no light curves"):
            ask()


# -- features and periods -----------------------------------------------------------------------


def test_features_are_lazy_and_those_of_the_whole_column(survey, catalog, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Dataset, "read_leaf", None)
        step = catalog.features()
        columns = step.columns
        repr(step)
    column = catalog[["lightcurve"]].to_arrow()["lightcurve"]
    wanted = compute_features(column, catalog.lightcurve_fields(), bands=["g", "r", "i"])
    assert columns == [*catalog.columns, *wanted.column_names]
    found = step.to_arrow()
    assert found.select(wanted.column_names).equals(
        wanted.cast(found.select(wanted.column_names).schema)
    )
    assert found.schema.field("g_fluxMean").metadata[b"unit"] == b"nJy"


def test_published_columns_read_the_other_flux_as_well(tmp_path):
    sources = pa.table(
        {
            "id": [1, 1, 2], "mjd": [1.0, 2.0, 3.0], "band": ["g", "g", "r"],
            "psfFlux": [1.0, 3.0, 5.0], "psfFluxErr": [1.0, 1.0, 1.0],
            "scienceFlux": [11.0, 13.0, 15.0], "scienceFluxErr": [1.0, 1.0, 2.0],
        }
    )  # fmt: skip
    catalog = import_small(tmp_path, sources)
    step = catalog.features("dp1", bands=["g", "r"])
    assert len(step.columns) == len(catalog.columns) + 1 + 2 * 22
    found = step.to_arrow()
    assert by_id(found, "nDiaSources") == [2, 1]
    assert by_id(found, "g_psfFluxMean") == [2.0, None]
    assert by_id(found, "g_scienceFluxMean") == [12.0, None]
    assert by_id(found, "r_scienceFluxMeanErr") == [None, 2.0]


def test_periods_are_lazy_and_those_of_the_whole_column(catalog, monkeypatch):
    options = {"min_period": 5.0, "max_period": 20.0, "n_peaks": 2}
    with monkeypatch.context() as patch:
        patch.setattr(Dataset, "read_leaf", None)
        step = catalog.periods(**options)
    column = catalog[["lightcurve"]].to_arrow()["lightcurve"]
    bands = ["g", "r", "i"]
    wanted = compute_periods(column, catalog.lightcurve_fields(), bands=bands, **options)
    found = step.to_arrow().select(wanted.column_names)
    assert step.columns[len(catalog.columns) :] == wanted.column_names
    assert same(found.to_pylist(), wanted.cast(found.schema).to_pylist())


def test_periods_of_chosen_bands_and_of_each_alone(catalog):
    step = catalog.periods(bands=["g"], single_bands=True, ranked=False, oversampling=3, **LIMITS)
    names = step.columns[len(catalog.columns) :]
    assert [n for n in names if not n.startswith("period")] == [
        "g_period_amplitude", "g_period", "g_period_err", "g_period_power", "g_period_fap",
        "g_period_fap_red", "g_period_flag",
    ]  # fmt: skip
    settings = json.loads(step.schema.field("period").metadata[b"skyseries_periods"])
    assert (settings["ranked"], settings["oversampling"]) == (False, 3.0)
    in_g = catalog.query("lightcurve.band = 'g'")
    alone = in_g.periods(ranked=False, oversampling=3, **LIMITS).to_arrow().to_pylist()
    found = step.to_arrow().to_pylist()
    assert any(row["g_period"] is not None for row in found)
    assert [r["g_period"] for r in found] == [r["period"] for r in alone]
    with pytest.warns(UserWarning, match="no epochs in band 'y'"):
        catalog.periods(bands=["y"])
    table = sky.from_table(catalog[["id", "ra", "dec", "lightcurve"]].to_arrow())
    assert "i_period_amplitude" in table.periods().columns


def test_only_what_is_wanted_of_the_features_is_computed(catalog, monkeypatch):
    seen = []
    real = Dataset.read_leaf

    def spy(self, leaf, paths, row_groups=None):
        seen.append(set(paths))
        return real(self, leaf, paths, row_groups)

    monkeypatch.setattr(Dataset, "read_leaf", spy)
    with_features = catalog.features()
    with_features.select(["id", "g_fluxMean"]).to_arrow()
    fields = {f"lightcurve.{name}" for name in ("mjd", "band", "flux", "flux_err")}
    assert set.union(*seen) == {"id", *fields}
    seen.clear()
    with_features.select(["id"]).to_arrow()
    assert set.union(*seen) == {"id"}
    with_features.periods(min_period=10).select(["period", "id"]).head()


def test_steps_that_clash(catalog):
    ways = r"has a column {} already.* prefix= or suffix=, or rename or drop that one"
    with pytest.raises(SchemaError, match=ways.format("'.*'")):
        catalog.features().features()
    with pytest.raises(SchemaError, match=ways.format("'period'")):
        catalog.periods().periods()
    for wrong in (None, 1, ["a"]):
        with pytest.raises(InputError, match="prefix must be text"):
            catalog.periods(prefix=wrong)
        with pytest.raises(InputError, match="suffix must be text"):
            catalog.features(suffix=wrong)
    for wrong in (catalog.periods, catalog.features):
        with pytest.raises(SchemaError, match="look like a field of a light curve"):
            wrong(prefix="lightcurve.")
    with pytest.raises(InputError, match=r"unknown method 'PDM'.*did you mean 'pdm'"):
        catalog.periods(method="PDM")
    with pytest.raises(SchemaError, match="no light curves"):
        catalog.select(["id"]).features()


LIMITS = {"min_period": 5.0, "max_period": 20.0}


def test_the_same_verb_twice_and_beside_a_column_of_the_name(catalog):
    plain, other = catalog.periods(**LIMITS), catalog.periods(method="pdm", n_bins=5, **LIMITS)
    columns = plain.columns[len(catalog.columns) :]
    both = plain.periods(method="pdm", n_bins=5, prefix="pdm_", **LIMITS)
    assert both.columns == [*plain.columns, *(f"pdm_{name}" for name in columns)]
    third = both.rename({"period": "truth"}).periods(suffix="_2", **LIMITS)
    found = third.to_arrow()
    for name in columns:
        of = other.to_arrow()[name]
        assert same(found[f"pdm_{name}"].to_pylist(), of.to_pylist())
        assert same(found[f"{name}_2"].to_pylist(), plain.to_arrow()[name].to_pylist())
        was = other.schema.field(name)
        assert third.schema.field(f"pdm_{name}").equals(was.with_name(f"pdm_{name}"), True)
    assert found["truth"].equals(found["period_2"])
    assert third.select(["pdm_period"]).to_arrow().column(0).equals(found["pdm_period"])
    mean = catalog.features(["Mean"], bands=["g"]).features(["Mean"], bands=["g"], suffix="_b")
    found = mean.to_arrow()
    assert found["g_fluxMean"].equals(found["g_fluxMean_b"])


def test_nights_of_another_observatory(catalog):
    night = {"features": ["numNights"], "bands": ["g", "r", "i"]}
    there = (139.7, 35.7, 40.0)
    found = catalog.features(**night).features(**night, location=there, prefix="tokyo_").to_arrow()
    column = catalog[["lightcurve"]].to_arrow()["lightcurve"]
    fields = catalog.lightcurve_fields()
    for prefix, place in (("", None), ("tokyo_", there)):
        wanted = compute_features(column, fields, **night, location=place)["numNights"]
        assert found[f"{prefix}numNights"].to_pylist() == wanted.to_pylist()
    assert found["numNights"] != found["tokyo_numNights"]
    with pytest.raises(InputError, match="location"):
        catalog.features(**night, location=139.7)


BANDS = pa.table(
    {
        "id": [1, 1, 1, 2], "mjd": [1.0, 2.0, 3.0, 4.0], "flux": [1.0, 2.0, 4.0, 8.0],
        "flux_err": [0.1] * 4, "band": ["SDSS g", "SDSS g", "SDSS r", ""],
        "filter_id": pa.array([1, 1, 2, 2], pa.int8()),
    }
)  # fmt: skip


def test_bands_whose_names_have_blanks_are_not_torn_apart(tmp_path):
    catalog = import_small(tmp_path, BANDS)
    with pytest.raises(sky.InputError, match="SDSS g"):
        catalog.features().to_arrow()
    found = catalog.features(["Mean"], bands=["SDSS g", "SDSS r"]).to_arrow()
    assert by_id(found, "SDSS g_fluxMean") == [1.5, None]


def test_bands_that_are_numbers(tmp_path):
    catalog = import_small(tmp_path, BANDS, band="filter_id")
    found = catalog.features(["Mean"]).to_arrow()
    assert by_id(found, "band1_fluxMean") == [1.5, None]
    assert by_id(found, "band2_fluxMean") == [4.0, 8.0]


def test_the_bands_of_one_field_are_not_those_of_another(tmp_path):
    sources = BANDS.set_column(4, "band", pa.array(["g", "g", "r", "r"]))
    catalog = import_small(tmp_path, sources, band="filter_id").set_lightcurve(band="band")
    found = catalog.features(["Mean"]).to_arrow()
    assert by_id(found, "g_fluxMean") == [1.5, None]
    assert by_id(found, "r_fluxMean") == [4.0, 8.0]
