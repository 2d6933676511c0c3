"""A light curve of whatever holds one: tables, TimeSeries, objects like those of lightkurve."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.time.formats import TimeFromEpoch
from astropy.timeseries import BinnedTimeSeries, TimeSeries
from astropy.utils.masked import Masked

from skyseries.errors import InputError, SkyseriesError
from skyseries.schema import LightCurveFields
from skyseries.timeseries import (
    LightCurve,
    as_lightcurve,
    periodogram,
    prewhiten,
    search_drift,
    to_nested,
    window_function,
)

RNG = np.random.default_rng(11)
N = 120
T = 59000 + np.sort(RNG.uniform(0, 60, N))
Y = 15 + 0.3 * np.sin(2 * np.pi * T / 2.5) + RNG.normal(0, 0.02, N)
E = RNG.uniform(0.01, 0.03, N)
B = RNG.choice(["g", "r"], N)
FLAG = np.arange(N) % 10 == 3
COLUMNS = {"mjd": T, "mag": Y, "magerr": E, "band": B, "flag": FLAG}
LIMITS = {"min_period": 1.0, "max_period": 5.0}


def arrow() -> pa.Table:
    return pa.table({name: pa.array(column) for name, column in COLUMNS.items()})


HOLDERS: dict[str, Callable[[], Any]] = {
    "dict": lambda: dict(COLUMNS),
    "dict of lists": lambda: {name: column.tolist() for name, column in COLUMNS.items()},
    "DataFrame": lambda: pd.DataFrame(COLUMNS),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "Arrow": arrow,
    "Arrow in chunks": lambda: pa.concat_tables([arrow()[:50], arrow()[50:]]),
    "QTable": lambda: QTable({**COLUMNS, "mag": Y * u.mag, "magerr": E * 1000 * u.mmag}),
    "structured array": lambda: (
        pd.DataFrame({**COLUMNS, "band": B.astype("U1")})
        .to_records(index=False, column_dtypes={"band": "U1"})
        .view(np.ndarray)
    ),
    "row of a nested column": lambda: pa.array([{k: v.tolist() for k, v in COLUMNS.items()}])[0],
    "LightCurve": lambda: as_lightcurve(T, Y, E, B, magnitude=True, flag=FLAG, time_format="mjd"),
    "its table": lambda: HOLDERS["LightCurve"]().to_arrow(),
    "TimeSeries": lambda: TimeSeries(
        time=Time(T, format="mjd"),
        data={"mag": Y * u.mag, "magerr": E * u.mag, "band": B, "flag": FLAG},
    ),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_objects_that_hold_all(name: str) -> None:
    curve = as_lightcurve(HOLDERS[name]())
    assert curve.fields.is_magnitude
    assert curve.fields.time_format == "mjd"
    np.testing.assert_allclose(curve.time, T, rtol=0, atol=1e-9)
    for found, wanted in ((curve.value, Y), (curve.error, E)):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)  # type: ignore[arg-type]
    assert curve.bands is not None
    assert curve.bands.tolist() == B.tolist()
    assert curve.flag is not None
    assert curve.flag.tolist() == FLAG.tolist()


@pytest.mark.parametrize("name", HOLDERS)
def test_searches_take_them(name: str) -> None:
    held, good = HOLDERS[name](), ~FLAG
    arrays = (T[good], Y[good], E[good], B[good])
    found, wanted = periodogram(held, **LIMITS), periodogram(*arrays, **LIMITS)
    assert found.n_epochs == good.sum()
    assert found.period_at_max_power == pytest.approx(wanted.period_at_max_power, rel=1e-9)
    np.testing.assert_allclose(
        window_function(held, [0.1, 1.0]), window_function(T[good], [0.1, 1.0]), rtol=1e-6
    )
    if name in ("DataFrame", "LightCurve"):
        modes = prewhiten(held, n=1, **LIMITS)
        np.testing.assert_allclose(modes.period, prewhiten(*arrays, n=1, **LIMITS).period)
        drift = search_drift(held, max_rate=1e-4, **LIMITS)
        assert drift.period == search_drift(*arrays, max_rate=1e-4, **LIMITS).period


def test_columns_are_named() -> None:
    table = {"when": T - 50000, "V": Y, "e": E, "bad": FLAG, "mag": Y + 1}
    curve = as_lightcurve(
        table, time="when", mag="V", mag_err="e", band="V", flag="bad", time_format="jd-2450000"
    )
    assert curve.value.tolist() == Y.tolist()
    assert curve.error is not None
    assert curve.error.tolist() == E.tolist()
    assert set(curve.bands) == {"V"}  # type: ignore[arg-type]
    assert curve.usable.sum() == N - FLAG.sum()
    assert curve.fields.time_format == "jd-2450000"
    beside = as_lightcurve({"mjd": T, "mag": Y}, dy=0.02, flag=FLAG, id=7, ra=10, dec=-5)
    assert beside.error is not None
    assert set(beside.error) == {0.02}
    assert (beside.id, beside.ra, beside.usable.sum()) == (7, 10.0, N - FLAG.sum())


def test_one_error_and_one_band_in_a_dict() -> None:
    curve = as_lightcurve({"mjd": T, "mag": Y, "magerr": 0.02, "band": "g"})
    assert set(curve.error) == {0.02}  # type: ignore[arg-type]
    assert set(curve.bands) == {"g"}  # type: ignore[arg-type]
    assert as_lightcurve({"mjd": T, "mag": Y, "magerr": None}).error is None
    assert as_lightcurve({"mjd": T[0], "mag": 15.0 * u.mag}).value.tolist() == [15.0]


@pytest.mark.parametrize(
    ("dy", "band"),
    [(np.array(0.02), np.array("g")), (pa.scalar(0.02), pa.scalar("g")),
     (20 * u.mmag, np.bytes_(b"g"))],
)  # fmt: skip
def test_single_values_of_any_library(dy: Any, band: Any) -> None:
    for curve in (
        as_lightcurve(T, Y, dy, band, magnitude=True),
        as_lightcurve({"mjd": T, "mag": Y, "magerr": dy, "band": band}),
    ):
        assert curve.error.tolist() == [0.02] * N  # type: ignore[union-attr]
        assert curve.bands.tolist() == ["g"] * N  # type: ignore[union-attr]
    found = periodogram(T, Y * u.mag, dy, band, min_period=2, max_period=3)
    assert found.period_at_max_power == pytest.approx(2.5, abs=0.01)


def test_rows_that_give_their_values_once() -> None:
    curve = as_lightcurve(iter(T), iter(Y), iter(E), iter(B), magnitude=True)
    assert curve.value.tolist() == Y.tolist()
    row = pa.scalar({"t": T.tolist(), "y": Y.tolist()})
    assert as_lightcurve(row["t"], row["y"], magnitude=True).value.tolist() == Y.tolist()


@pytest.mark.parametrize("kind", [np.asarray, list, pd.Series, pa.array])
def test_bands_beside_a_table(kind: Any) -> None:
    curve = as_lightcurve(pd.DataFrame({"mjd": T, "mag": Y}), band=kind(B))
    assert curve.bands.tolist() == B.tolist()  # type: ignore[union-attr]


def test_times_in_several_scales() -> None:
    times = Time(T, format="mjd", scale="tdb")
    mixed = [t.utc if i % 2 else t for i, t in enumerate(times)]
    curve = as_lightcurve(mixed, Y, magnitude=True)
    np.testing.assert_allclose(curve.time, T, rtol=0, atol=1e-9)
    assert curve.fields.time_scale == "tdb"
    found = periodogram(mixed[1:], Y[1:], min_period=2, max_period=3)
    same = periodogram(times.utc[1:], Y[1:], min_period=2, max_period=3)
    np.testing.assert_allclose(found.power, same.power, rtol=1e-6)


def test_who_says_what_the_values_are() -> None:
    assert as_lightcurve(T, Y * u.mag).fields.is_magnitude
    assert as_lightcurve(T, Y, 20 * u.mmag).fields.is_magnitude
    assert as_lightcurve(T, Y, mag="psfMag").fields.value == "psfMag"
    flux = as_lightcurve(T, Y * u.uJy, E * 1000 * u.nJy)
    assert (flux.fields.is_magnitude, flux.fields.flux_unit) == (False, "uJy")
    np.testing.assert_allclose(flux.error, E)  # type: ignore[arg-type]
    assert not as_lightcurve(T, Y, magnitude=False).fields.is_magnitude
    assert as_lightcurve(T, Y, flux="psfFlux", flux_unit="nJy").fields.flux_unit == "nJy"


class Btjd(TimeFromEpoch):
    """The times of TESS, as lightkurve registers them."""

    name = "btjd"
    unit = 1.0
    epoch_val = 2457000
    epoch_val2 = None
    epoch_scale = "tdb"
    epoch_format = "jd"


class Lightkurve(TimeSeries):
    """The columns and the header of what lightkurve reads."""


def lightkurve_object() -> Lightkurve:
    gone = np.arange(N) % 11 == 0
    flux = np.where(np.arange(N) % 9 == 0, np.nan, 1000 + 50 * np.sin(2 * np.pi * T / 2.5))
    unit = u.electron / u.s
    made = Lightkurve(
        time=Time(T - 56999.5, format="btjd", scale="tdb"),
        data={
            "flux": Masked(flux, mask=gone) * unit,
            "flux_err": np.full(N, 0.5) * unit,
            "sap_flux": flux * 2 * unit,
            "pdcsap_flux": flux * 3 * unit,
            "quality": np.arange(N) % 5,
            "cadenceno": np.arange(N),
        },
    )
    made.meta.update(TARGETID=261136679, RA=84.3, DEC=-80.5, QUALITY_BITMASK="default")
    return made


def test_objects_of_lightkurve() -> None:
    curve = as_lightcurve(lightkurve_object())
    np.testing.assert_allclose(curve.time, T, rtol=0, atol=1e-9)
    assert (curve.id, curve.ra, curve.dec) == (261136679, 84.3, -80.5)
    fields = curve.fields
    assert (fields.flux, fields.flux_err, fields.flag) == ("flux", "flux_err", None)
    assert (fields.time_format, fields.time_scale) == ("mjd", "tdb")
    assert fields.refposition == "barycenter"
    assert fields.flux_unit == "electron / s"
    k = np.arange(N)
    assert curve.usable.tolist() == ((k % 9 != 0) & (k % 11 != 0)).tolist()
    assert curve.periodogram(**LIMITS).period_at_max_power == pytest.approx(2.5, rel=1e-3)
    other = as_lightcurve(lightkurve_object(), flux="sap_flux", flag="quality")
    assert other.fields.flux == "sap_flux"
    assert other.usable.tolist() == ((k % 9 != 0) & (k % 5 == 0)).tolist()


def test_what_lightkurve_has_folded() -> None:
    class Folded(Lightkurve):
        @property
        def phase(self) -> Any:
            return self.time

    with pytest.raises(InputError, match="has phases for times"):
        as_lightcurve(Folded(lightkurve_object()))


def test_errors_that_are_all_missing_are_none() -> None:
    held = lightkurve_object()
    held["flux_err"][:] = np.nan
    curve = as_lightcurve(held)
    assert curve.error is None
    assert curve.usable.any()
    assert as_lightcurve({"mjd": T, "mag": Y, "magerr": [None] * N}).error is None


def test_flags_of_a_table_that_lightkurve_has_not_read() -> None:
    held = lightkurve_object()
    del held.meta["QUALITY_BITMASK"]
    assert as_lightcurve(held).fields.flag == "quality"


def test_binned_time_series() -> None:
    held = BinnedTimeSeries(
        time_bin_start=Time(T, format="mjd"), time_bin_size=0.5 * u.d, data={"flux": Y * u.uJy}
    )
    np.testing.assert_allclose(as_lightcurve(held).time, T + 0.25, rtol=0, atol=1e-9)


def test_stars_of_a_table() -> None:
    assert as_lightcurve({**COLUMNS, "objectId": np.full(N, 2**53 + 1)}).id == 2**53 + 1
    assert len(as_lightcurve({**COLUMNS, "oid": np.where(B == "g", 7, 8)})) == N
    with pytest.raises(InputError, match="2 stars by its column 'objectId'"):
        as_lightcurve({**COLUMNS, "objectId": np.arange(N) % 2})


def test_dips_of_magnitudes_are_faint() -> None:
    box = np.where((T / 2.5) % 1 < 0.1, 0.5, 0.0) + RNG.normal(0, 0.02, N)
    curve = as_lightcurve(T, 15 + box, 0.02, magnitude=True)
    for found in (
        periodogram(curve, method="bls", **LIMITS),
        periodogram(T, (15 + box) * u.mag, 0.02, method="bls", **LIMITS),
        curve.periodogram(method="bls", **LIMITS),
    ):
        assert found.options["dips"] == "up"
    flux = as_lightcurve(T, 15 - box, 0.02, magnitude=False)
    assert periodogram(flux, method="bls", **LIMITS).options["dips"] == "down"


def test_models_of_dates() -> None:
    found = periodogram(HOLDERS["TimeSeries"](), **LIMITS)
    values = found.model(Time(T[:5], format="mjd", scale="utc"), 0.4, "g")
    np.testing.assert_allclose(values, found.model(T[:5], 0.4, "g"), rtol=1e-9)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((T, Y), "not known whether y holds magnitudes"),
        ((T,), "y is missing"), ((None,), "y is missing"), (("star.fits",), "y is missing"),
        ((COLUMNS, Y), "y is given beside it"),
        ((T, Y * u.mag, None, None, False), "by their unit 'mag', but not by magnitude=False"),
        (({**COLUMNS, "mag": Y * u.mag}, None, None, None, False), "magnitude=False"),
        ((T, Y * u.uJy, None, None, True), "but not by their unit 'uJy'"),
        ((T, Y, None, None, "yes"), "magnitude must be"),
        (({"mjd": T, "V": Y},), "columns are not recognised.*mjd, V"),
        (({"mjd": T, "mag": Y[:5]},), "differ in length"),
        ((T, Y[:5], None, None, True), "value has shape"),
        ((T, Y, E[:5], None, True), "error has shape"),
        ((T, Y, E, ["g"] * 5, True), "bands has shape"),
        ((T, Y, -0.1, None, True), "above zero"), ((T, Y, 0.1, True, True), "text or whole"),
        ((T, Y, 0.1, ["g"] * 5 + [1] * 115, True), "mixes text and numbers"),
        ((T, ["a"] * N, None, None, True), "must be numbers"),
        ((T, pd.DataFrame({"V": Y}), None, None, True), "not a table: take one of V"),
        ((T, pl.DataFrame({"V": Y}), None, None, True), "not a table: take one of V"),
        ((pa.array([{"mjd": 1, "mag": 2.0}])[0],), "is a list, not"),
        ((HOLDERS["LightCurve"](), None, 0.1), "says itself what it is"),
    ],
)  # fmt: skip
def test_what_is_refused(given: tuple[Any, ...], said: str) -> None:
    t, y, dy, band, magnitude = (*given, *[None] * (5 - len(given)))
    with pytest.raises(SkyseriesError, match=said):
        as_lightcurve(t, y, dy, band, magnitude=magnitude)


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"magnitud": True}, "'magnitud' is no role"), ({"mag": Y}, "mag must be text"),
        ({"mag": "Mag"}, "did you mean 'mag'"), ({"flag": "bad"}, "no column 'bad' for flag"),
        ({"time_scale": "abc"}, "time_scale must be one of"),
    ],
)  # fmt: skip
def test_roles_that_are_refused(roles: Any, said: str) -> None:
    with pytest.raises(SkyseriesError, match=said):
        as_lightcurve({"mjd": T, "mag": Y}, **roles)


@pytest.mark.parametrize("size", [0, 1])
def test_too_few_epochs(size: int) -> None:
    for curve in (
        as_lightcurve(T[:size], Y[:size], 0.1, "g", magnitude=True),
        as_lightcurve(pd.DataFrame(COLUMNS)[:size]),
    ):
        assert len(curve) == size
        assert curve.features(["nObs"]) == {"nObs": int(curve.usable.sum())}
        assert set(curve.periods().values()) <= {None, curve.periods().get("period_flag")}
        with pytest.raises(InputError, match=f"of {size} usable epochs"):
            curve.periodogram()


def test_a_null_row_has_no_epochs() -> None:
    rows = pa.array([{"mjd": [1.0], "mag": [2.0]}, None, {"mjd": None, "mag": None}])
    assert [len(as_lightcurve(row)) for row in rows] == [1, 0, 0]


def test_bytes_are_bands() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for bands in (B.astype("S1"), [band.encode() for band in B.tolist()]):
            curve = as_lightcurve(T, Y, E, bands, magnitude=True)
            assert curve.bands is not None
            assert curve.bands.tolist() == B.tolist()


def test_rows_of_nested_columns_keep_their_units() -> None:
    curve = as_lightcurve(T, Y * 1000 * u.uJy, E * u.mJy, B)
    column, fields = to_nested([curve, curve])
    assert fields == LightCurveFields(
        time="time", band="band", flux="flux", flux_err="flux_err", flux_unit="uJy"
    )
    again = as_lightcurve(column[1])
    assert again.fields.flux_unit == "uJy"
    assert isinstance(again, LightCurve)
    assert again.value.tolist() == curve.value.tolist()
