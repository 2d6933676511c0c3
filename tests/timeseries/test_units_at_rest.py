"""Nested columns as others write them: fields in other units, bands of every type."""

from __future__ import annotations

import warnings
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from skyseries.schema import LightCurveFields
from skyseries.timeseries import LightCurve, compute_features, compute_periods, feature_schema
from skyseries.timeseries.bands import tell_absent
from tests.timeseries.build import FLUX, MAG, column, random_rows

NAMES = ["Mean", "MeanErr", "TimeSpan", "firstTime", "MaxSlope"]
ROWS = random_rows(np.random.default_rng(7), 4, bands=tuple("gr"), mean=20.0)


def said(made: pa.StructArray, units: dict[str, str]) -> pa.StructArray:
    """Return the column with units in the metadata of its fields."""
    fields = [
        field.with_metadata({"unit": units[field.name]}) if field.name in units else field
        for field in made.type
    ]
    return pa.StructArray.from_arrays(made.flatten(), fields=fields, mask=made.is_null())


def scaled(factors: dict[str, float]) -> list[Any]:
    return [
        {role: np.asarray(v) * factors[role] if role in factors else v for role, v in row.items()}
        for row in ROWS
    ]


def numbers(table: pa.Table) -> np.ndarray:
    return np.array([c.to_numpy() for c in table.columns], np.float64)


@pytest.mark.parametrize(
    ("units", "factors"),
    [
        ({"mjd": "h"}, {"time": 24}),
        ({"mjd": "s"}, {"time": 86400}),
        ({"magerr": "mmag"}, {"error": 1000}),
        ({"mag": "mmag", "magerr": "mag"}, {"value": 1000}),
        ({"mjd": "d", "mag": "mag", "magerr": "mag"}, {}),
    ],
    ids=str,
)
@pytest.mark.parametrize("value_type", [pa.float32(), pa.float64()], ids=str)
def test_fields_are_converted(units: Any, factors: Any, value_type: pa.DataType) -> None:
    plain = column(ROWS, MAG, value_type=value_type)
    other = said(column(scaled(factors), MAG, value_type=value_type), units)
    expected = compute_features(plain, MAG, NAMES, bands="gr")
    found = compute_features(other, MAG, NAMES, bands="gr")
    assert found.schema.equals(expected.schema, check_metadata=True)
    np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-5)
    sliced = pa.chunked_array([other.slice(0, 1), other.slice(1)])
    assert compute_features(sliced, MAG, NAMES, bands="gr").equals(found)
    told = column(scaled(factors), MAG, value_type=value_type)
    assert compute_features(told, MAG, NAMES, bands="gr", units=units).equals(found)
    limits: Any = {"min_period": 100.0, "max_period": 1000.0}
    np.testing.assert_allclose(
        compute_periods(other, MAG, **limits)["period"].to_numpy(),
        compute_periods(plain, MAG, **limits)["period"].to_numpy(),
        rtol=1e-4,
    )
    curve, same = (LightCurve.from_struct(made[1], MAG) for made in (other, plain))
    np.testing.assert_allclose(curve.time, same.time, rtol=1e-12)
    np.testing.assert_allclose(curve.value, same.value, rtol=1e-5)
    assert curve.error is not None
    np.testing.assert_allclose(curve.error, same.error, rtol=1e-5)


def test_fluxes_have_the_unit_that_is_said() -> None:
    unsaid = FLUX.override()
    fields = LightCurveFields(**{**vars(unsaid), "flux_unit": None})
    made = said(column(scaled({"error": 1000}), FLUX), {"psfFlux": "uJy", "psfFluxErr": "nJy"})
    table = compute_features(made, fields, ["Mean", "MeanErr", "LinearSlope"], bands="gr")
    units = {f.name: (f.metadata or {}).get(b"unit") for f in table.schema}
    assert units["g_psfFluxMean"] == units["g_psfFluxMeanErr"] == b"uJy"
    assert units["g_psfFluxLinearSlope"] == b"uJy/d"
    assert feature_schema(fields, ["Mean"], bands="g", units={"psfFlux": "uJy"}).field(0).metadata[
        b"unit"
    ] == b"uJy"  # fmt: skip
    plain = compute_features(column(ROWS, fields), fields, ["Mean", "MeanErr"], bands="gr")
    assert b"unit" not in plain.schema.field("g_psfFluxMean").metadata
    found = compute_features(made, fields, ["Mean", "MeanErr"], bands="gr")
    np.testing.assert_allclose(numbers(found), numbers(plain), rtol=1e-9)
    in_njy = compute_features(made, FLUX, ["Mean", "MeanErr"], bands="gr")
    np.testing.assert_allclose(numbers(in_njy), 1000 * numbers(plain), rtol=1e-9)
    curve = LightCurve.from_struct(made[1], fields)
    assert curve.fields.flux_unit == "uJy"
    assert curve.to_arrow().schema.field("psfFluxErr").metadata[b"unit"] == b"uJy"
    np.testing.assert_allclose(curve.error, ROWS[1]["error"], rtol=1e-12)


def test_published_columns_are_in_one_unit() -> None:
    made = column(ROWS, FLUX)
    parts = dict(zip([f.name for f in made.type], made.flatten(), strict=True))
    science = {"scienceFlux": parts["psfFlux"], "scienceFluxErr": parts["psfFluxErr"]}
    both = pa.StructArray.from_arrays([*parts.values(), *science.values()], [*parts, *science])
    uJy = {"scienceFlux": "uJy", "scienceFluxErr": "uJy"}
    table = compute_features(said(both, uJy), FLUX, "dp1", bands="g")
    found = table["g_scienceFluxMean"].to_numpy()
    np.testing.assert_allclose(found, 1000 * table["g_psfFluxMean"].to_numpy(), rtol=1e-9)
    assert table.schema.field("g_scienceFluxMean").metadata[b"unit"] == b"nJy"


@pytest.mark.parametrize("units", [{"mjd": "m"}, {"magerr": "nJy"}, {"mag": "furlong"}])
def test_what_cannot_be_converted_is_refused(units: dict[str, str]) -> None:
    made = said(column(ROWS, MAG), units)
    (name,) = units
    for use in (
        lambda: compute_features(made, MAG, NAMES, bands="gr"),
        lambda: compute_periods(made, MAG),
        lambda: LightCurve.from_struct(made[0], MAG),
    ):
        with pytest.raises(InputError, match=f"field '{name}' is in the unit '{units[name]}'"):
            use()


def test_float32_times_are_told() -> None:
    made = column(ROWS, MAG)
    parts = dict(zip([f.name for f in made.type], made.flatten(), strict=True))
    jd = pa.ListArray.from_arrays(
        parts["mjd"].offsets,
        pa.array((parts["mjd"].values.to_numpy() + 2400000.5).astype("f4")),
    )
    coarse = pa.StructArray.from_arrays([jd, *list(parts.values())[1:]], list(parts))
    for use in (
        lambda: compute_features(coarse, MAG, ["Mean"]),
        lambda: compute_periods(coarse, MAG, min_period=50.0),
        lambda: LightCurve.from_struct(coarse[1], MAG),
    ):
        with pytest.warns(UserWarning, match=r"float32.*0\.25 d"):
            use()


BANDS: dict[str, pa.Array] = {
    "text": pa.array(["g", "r", None, "g "]),
    "large": pa.array(["g", "r", "", " g"], pa.large_string()),
    "views": pa.array(["g", "r", "nan", "g"], pa.string_view()),
    "bytes": pa.array([b"g", b"r", None, b"g"]),
    "dictionary": pa.array(["g", "r", None, "g "]).dictionary_encode(),
    "dictionary of bytes": pa.array([b"g", b"r", b"", b"g"]).dictionary_encode(),
    "int8": pa.array([1, 2, None, 1], pa.int8()),
    "floats": pa.array([1.0, 2.0, np.nan, 1.0]),
    "float32": pa.array([1.0, 2.0, None, 1.0], pa.float32()),
    "dictionary of numbers": pa.array([1.0, 2.0, None, 1.0]).dictionary_encode(),
}
PLAIN = {"time": [1, 2, 3, 4], "value": [1.0, 2.0, 3.0, 5.0], "error": [1.0] * 4}


def banded(bands: pa.Array) -> pa.StructArray:
    made = column([{**PLAIN, "band": ["g"] * 4}], MAG)
    parts = dict(zip([f.name for f in made.type], made.flatten(), strict=True))
    parts["band"] = pa.ListArray.from_arrays(pa.array([0, 4], pa.int32()), bands)
    return pa.StructArray.from_arrays(list(parts.values()), list(parts))


@pytest.mark.parametrize("kind", BANDS)
def test_bands_of_every_type(kind: str) -> None:
    made = banded(BANDS[kind])
    one, two = bands = ("g", "r") if kind in list(BANDS)[:6] else (1, 2)
    prefix = ["g_", "r_"] if one == "g" else ["band1_", "band2_"]
    for asked in (bands, list(bands), np.array(bands), pa.array(bands)):
        table = compute_features(made, MAG, ["Ndata", "Mean", "nExcluded"], bands=asked)
        row = table.to_pylist()[0]
        assert [row[f"{p}magNdata"] for p in prefix] == [2, 1]
        assert [row[f"{p}magMean"] for p in prefix] == [3.0, 2.0]
        assert row["nExcluded"] == 1
    curve = LightCurve.from_struct(made[0], MAG)
    assert curve.bands is not None
    assert curve.bands.tolist() == [one, two, None, one]
    assert curve.periodogram(frequency=[0.3]).n_epochs == 3
    assert curve.band(one).value.tolist() == [1.0, 5.0]
    if one == "g":
        assert compute_features(made, MAG, ["Ndata"])["r_magNdata"].to_pylist() == [1]
    else:
        with pytest.raises(InputError, match="'band' are not text"):
            compute_features(made, MAG, ["Ndata"])
    wrong = ["g"] if one == 1 else [1]
    with pytest.raises(InputError, match="cannot be looked for in 'band'"):
        compute_features(made, MAG, ["Ndata"], bands=wrong)


def test_bands_that_are_none() -> None:
    empty = banded(pa.nulls(4))
    row = compute_features(empty, MAG, ["Ndata", "nExcluded"]).to_pylist()[0]
    assert row["g_magNdata"] == 0
    assert row["nExcluded"] == 4
    for bands in (pa.array([True, False, None, True]), pa.array([1.5, 2.0, 1.0, 1.0])):
        for use in (
            lambda made: compute_features(made, MAG, ["Mean"], bands=[1]),
            lambda made: compute_periods(made, MAG),
        ):
            with pytest.raises(InputError, match=r"field 'band'.*whole numbers"):
                use(banded(bands))


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ([True], "text or whole numbers"), (["g", None], "names or whole numbers"),
        (["g", "g"], "more than once"), ([1.5], "whole numbers"), ([["g"]], "whole numbers"),
        (["g", 1], "mixes"), ({"g": 1}, "bands must be"),
    ],
)  # fmt: skip
def test_lists_of_bands_that_are_none(bands: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compute_features(banded(BANDS["text"]), MAG, ["Mean"], bands=bands)
    with pytest.raises(InputError, match=message):
        feature_schema(MAG, ["Mean"], bands=bands)


def test_bands_that_the_data_lack_are_told() -> None:
    with pytest.warns(UserWarning, match="no epochs in band 'q'.*they have 'g', 'r'"):
        tell_absent(["g", "q"], ["g", "r"])
    tell_absent(["r"], ["g", "r"])
    tell_absent(["q"], None)
    tell_absent(None, ["g"])


def test_columns_of_other_libraries() -> None:
    import pandas as pd
    import polars as pl

    made = column(ROWS, MAG)
    expected = compute_features(made, MAG, NAMES)
    lists = pa.array(
        [[dict(zip(r, v, strict=True)) for v in zip(*r.values(), strict=True)] for r in (
            {"mjd": q["time"], "band": q["band"], "mag": q["value"], "magerr": q["error"]}
            for q in ROWS
        )]
    )  # fmt: skip
    for other in (pl.Series(made), pd.Series(made, dtype=pd.ArrowDtype(made.type)), lists):
        assert compute_features(other, MAG, NAMES).equals(expected)
    for bad in (pa.array([1, 2]), "abc", None, [1, 2]):
        with pytest.raises(SchemaError, match="struct of lists"):
            compute_features(bad, MAG)


def test_settings_with_units() -> None:
    made = column(ROWS, MAG)
    plain: Any = {"min_period": 50.0, "max_period": 500.0, "error_floor": 0.02}
    other: Any = {
        "min_period": 1200 * u.h, "max_period": 500 * u.d, "error_floor": 20 * u.mmag
    }  # fmt: skip
    one, two = (compute_periods(made, MAG, **options) for options in (plain, other))
    assert one.equals(two)
    assert one.schema.equals(two.schema, check_metadata=True)
    names = ["multiPeriod"]
    limits = [
        {key: options[key] for key in ("min_period", "max_period")} for options in (plain, other)
    ]
    assert compute_features(made, MAG, names, **limits[0]).equals(
        compute_features(made, MAG, names, **limits[1])
    )
    for bad in ("a", None, True, np.nan, -1, 5 * u.m):
        for name in ("min_period", "max_period"):
            if bad is not None:
                with pytest.raises(InputError, match=name):
                    compute_features(made, MAG, names, **{name: bad})
            with pytest.raises(InputError, match=name) if bad is not None else np.errstate():
                compute_periods(made, MAG, **{**plain, name: bad})
    for name, wrong in {
        "n_peaks": "a",
        "ranked": -1,
        "oversampling": "a",
        "error_floor": "a",
    }.items():
        with pytest.raises(InputError, match=name):
            compute_periods(made, MAG, **{**plain, name: wrong})


@pytest.mark.parametrize("zero", ["mjd", "jd", "rjd", "jd-2450000", None])
def test_nights_do_not_depend_on_the_format(zero: str | None) -> None:
    from skyseries.schema.times import zero_point

    night = np.repeat(np.arange(59000, 59020), 2) + np.tile([-0.1, 0.1], 20)  # midnight in London
    for format in (zero,) if zero else ("mjd", "jd"):
        t = night - zero_point(format)
        row = {"time": t, "band": ["g"] * 40, "value": [1.0] * 40, "error": [1.0] * 40}
        fields = MAG.override(time_format=zero)
        table = compute_features(column([row], fields), fields, ["numNights", "NumNights"])
        assert table["numNights"].to_pylist() == [20] == table["g_magNumNights"].to_pylist()
    noon = {"time": [59000.49, 59000.51], "band": "gg", "value": [1, 1], "error": [1, 1]}
    table = compute_features(column([noon], MAG), MAG, ["numNights"])
    assert table["numNights"].to_pylist() == [2]


@pytest.mark.parametrize("zero", ["mjd", "jd", "rjd", None])
@pytest.mark.parametrize("longitude", [139.7, -220.3, -70.7, 0.0, 18.5, -155.5])
def test_nights_are_those_of_the_observatory(zero: str | None, longitude: float) -> None:
    from skyseries.schema.times import zero_point

    midnight = np.arange(59000, 59020) - longitude / 360
    t = np.sort([midnight - 0.49, midnight - 0.1, midnight + 0.49], axis=None)
    t -= zero_point(zero or "mjd")
    row = {"time": t, "band": ["g"] * 60, "value": [1.0] * 60, "error": [1.0] * 60}
    fields = MAG.override(time_format=zero)
    names = ["numNights", "epochsPerNight", "NumNights", "numSeasons"]
    for place in ((longitude, -30.0, 2000.0), (longitude * u.deg, 60 * u.deg, 0 * u.km)):
        (found,) = compute_features(
            column([row], fields), fields, names, location=place
        ).to_pylist()
        assert (found["numNights"], found["g_magNumNights"], found["epochsPerNight"]) == (20, 20, 3)
        assert found["numSeasons"] == 1
    (found,) = compute_features(column([row], fields), fields, names).to_pylist()
    assert found["numNights"] == len(set(np.floor(t + zero_point(zero or "mjd") - 0.5)))
    with pytest.raises(InputError, match="location"):
        compute_features(column([row], fields), fields, names, location="Tokyo")


def test_bands_that_the_light_curves_lack_are_told() -> None:
    made = column([{"time": [1.0, 2.0], "band": "gr", "value": [1, 2], "error": [1, 1]}], MAG)
    words = "no epochs in band 'Q', 'u', of which nothing can be computed; they have 'g', 'r'"
    for given in (made, pa.chunked_array([made, made])):
        with pytest.warns(UserWarning, match=words):
            table = compute_features(given, MAG, ["Mean"], bands=["g", "Q", "u"])
        assert table["Q_magMean"].null_count == len(given)
    catalog = sky.from_table(pa.table({"id": [1], "ra": [1.0], "dec": [1.0], "lc": made}))
    roles = {name: str(getattr(MAG, name)) for name in ("time", "band", "mag", "mag_err")}
    catalog = catalog.set_lightcurve(**roles)
    with pytest.warns(UserWarning, match=words):
        catalog.cone_search(1, 1, 9).features(["Mean"], bands=["Q", "u"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compute_features(made, MAG, ["Mean"], bands=["r"])
        compute_features(made[:0], MAG, ["Mean"], bands=["r"])
        catalog.features(["Mean"], bands=["g"]).to_arrow()
        catalog.features(["Mean"]).to_arrow()


@pytest.mark.parametrize("item", [pa.null(), pa.string(), pa.int8()])
def test_chunks_without_any_band(item: pa.DataType) -> None:
    row = {"time": [1.0, 2.0], "band": "gg", "value": [1, 2], "error": [1, 1]}
    made = column([row], MAG)
    names = [field.name for field in made.type]
    lists = [made.field(name) for name in names]
    lists[names.index(str(MAG.band))] = pa.array([[None, None]], pa.list_(item))
    without = pa.StructArray.from_arrays(lists, names=names)
    for bands in (["g"], None) if item != pa.int8() else ([1],):
        table = compute_features(without, MAG, ["Ndata", "nObs"], bands=bands)
        assert table["nObs"].to_pylist() == [0]
    assert compute_periods(without, MAG)["period"].to_pylist() == [None]


def test_times_in_seconds_are_told() -> None:
    t = np.sort(np.random.default_rng(0).uniform(0, 100, 60))
    row = {"time": t * 86400, "band": ["g"] * 60, "value": np.sin(t), "error": [0.1] * 60}
    days = {**row, "time": t}
    with pytest.warns(UserWarning, match="no periods of light curves .* not in days, give them a"):
        table = compute_periods(column([days, row], MAG), MAG, min_period=0.01, max_period=100)
    assert table["period"].is_null().to_pylist() == [False, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compute_periods(column([days], MAG), MAG)
        compute_periods(
            column([days, {**row, "time": t[:0], "band": [], "value": [], "error": []}], MAG), MAG
        )
