"""Light curves before a search: flags, trends, outliers, nights; against a slow twin or a truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skyseries.errors import InputError, SchemaError
from skyseries.nested import Nested
from skyseries.timeseries import LightCurve, as_lightcurve
from skyseries.timeseries.cleaning import Cleaning, clean, cleaning_of
from skyseries.timeseries.simulate.variables import detached_binary
from tests.timeseries.build import FLUX, MAG, column

BANDS = np.array(list("ugrizy"))


def star(t: Any, y: Any, dy: Any = 0.01, band: Any = None, **more: Any) -> LightCurve:
    return as_lightcurve(t, y, dy, band, magnitude=True, **more)


# -- clipping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("in_flux", [False, True])
def test_eclipses_stay_and_bright_spikes_go(in_flux: bool) -> None:
    rng = np.random.default_rng(1)
    caught = spikes = 0
    for _ in range(25):
        n = int(rng.integers(80, 500))
        t, b = np.sort(60000 + rng.uniform(0, 3650, n)), rng.integers(0, 6, n)
        light = detached_binary(
            t, b, period=rng.uniform(0.7, 20), epoch=60000.0, radii=(0.12, 0.09),
            temperatures=(9000, rng.uniform(4000, 9000)), inclination=rng.uniform(86, 90),
        )  # fmt: skip
        is_spike = rng.random(n) < 0.01
        mag = 16 + light + rng.normal(0, 0.01, n) - is_spike * rng.uniform(0.3, 2, n)
        if in_flux:
            flux = 10 ** (0.4 * (31.4 - mag))
            curve = as_lightcurve(t, flux, 0.0092 * flux, BANDS[b], magnitude=False)
        else:
            curve = star(t, mag, band=BANDS[b])
        kept = np.isin(t, curve.clean(clip=5).time)
        assert kept[~is_spike].all()
        caught, spikes = caught + (~kept).sum(), spikes + is_spike.sum()
    assert caught >= 0.85 * spikes > 20  # one is kept where another is beside it


def outburst(t: Any) -> Any:
    return np.where((t > 100) & (t < 110), -2.0, 0.0)


def test_what_neighbours_confirm_stays() -> None:
    rng = np.random.default_rng(2)
    t = np.sort(rng.uniform(0, 300, 150))
    y = 18 + rng.normal(0, 0.02, t.size) + outburst(t)
    assert np.sum(outburst(t) < 0) > 1
    assert len(star(t, y).clean(clip=5)) == t.size
    y[[20, 120]] -= 1.0  # far from it
    found = star(t, y).clean(clip=5)
    assert sorted(set(t) - set(found.time)) == sorted(t[[20, 120]])
    assert found.cleaned == {"clipped": 2}
    assert "cleaned: 2 clipped" in repr(found)


def test_noise_beside_a_wild_epoch_does_not_confirm_it() -> None:
    rng = np.random.default_rng(3)
    t = 60000 + np.arange(3000) / 100
    y = 15 + rng.normal(0, 0.001, t.size)
    wild = rng.choice(3000, 15, replace=False)
    y[wild] -= 0.25  # each with four neighbours, of which some are at 2.5 sigma
    kept = star(t, y).clean(clip=5)
    assert len(kept) == 2985


def test_one_faint_epoch_goes_and_two_stay() -> None:
    rng = np.random.default_rng(3)
    t = np.arange(60.0)
    y = 18 + rng.normal(0, 0.02, t.size)
    one, two = y.copy(), y.copy()
    one[30] += 1.0
    two[[10, 40]] += 1.0
    assert set(t) - set(star(t, one).clean(clip=5).time) == {30.0}
    assert len(star(t, two).clean(clip=5)) == t.size


def test_a_star_that_is_faint_for_half_of_the_time_stays_whole() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        t = np.sort(rng.uniform(0, 700, 30))
        is_bright = rng.permutation(30) < 12  # the median absolute deviation is that of the others
        y = 15 - 0.6 * is_bright + rng.normal(0, 0.05, t.size)
        assert len(star(t, y, 0.02).clean(clip=4)) == t.size
        y[4] -= 4.0
        assert t[4] not in star(t, y, 0.02).clean(clip=4).time


def test_the_other_band_confirms_but_the_same_exposure_does_not() -> None:
    rng = np.random.default_rng(4)
    t = np.repeat(np.arange(40.0), 2)
    band = np.tile(["g", "r"], 40)
    y = 18 + rng.normal(0, 0.02, t.size)
    flare = y - np.where(t == 20, 1.0, 0.0)
    assert len(star(t, flare, band=band).clean(clip=5)) == t.size
    spike = y - np.where((t == 20) & (band == "g"), 1.0, 0.0)
    again = np.concatenate([spike, spike[40:41]])  # the same row twice confirms nothing
    twice = star(np.append(t, 20.0), again, band=np.append(band, "g"))
    assert len(twice.clean(clip=5)) == t.size - 1


def test_large_errors_few_epochs_and_what_cannot_be_used() -> None:
    t = np.arange(30.0)
    y = np.where(t == 9, 15.0, 18.0) + 0.01 * (t % 3)
    assert len(star(t, y).clean(clip=5)) == 29
    assert len(star(t, y, np.where(t == 9, 1.0, 0.01)).clean(clip=5)) == 30
    assert len(star(t[:4], y[6:10]).clean(clip=5)) == 4
    y[3] = np.nan
    assert len(star(t, y).clean(clip=5)) == 29


# -- trends -------------------------------------------------------------------------------------

T = np.sort(60000 + np.random.default_rng(5).uniform(0, 1500, 160))
WAVE = 0.3 * np.sin(2 * np.pi * T / 437.3 + 1)
FAST = 0.3 * np.sin(2 * np.pi * T / 23.4 + 1)
SLOW = 0.4 * ((T - 60700) / 800) ** 2 - 0.3 * (T - 60000) / 1500
NOISE = np.random.default_rng(6).normal(0, 0.005, T.size)
BAND = np.where(np.arange(160) % 2 == 0, "g", "r")


@pytest.mark.parametrize(
    ("wave", "options"),
    [
        (WAVE, {"trend": 2, "period": 437.3}),
        (WAVE, {"knots": 500, "period": 437.3}),
        (WAVE, {"knots": 30, "period": 437.3}),  # no nearer than the period
        (FAST, {"trend": 2, "period": "search"}),
    ],
)
def test_the_trend_goes_and_the_variation_stays(wave: Any, options: Any) -> None:
    y = 15 + wave + SLOW + NOISE
    found = star(T, y, band=BAND).clean(**options)
    for name in "gr":
        mine = np.flatnonzero(name == BAND)
        assert np.std((found.value - wave)[mine]) < 0.01
        np.testing.assert_allclose(found.value[mine].mean(), y[mine].mean(), atol=1e-9)
    assert found.cleaned == {"not detrended": 0}


def test_a_trend_alone_eats_of_the_variation() -> None:
    wave = 0.3 * np.sin(2 * np.pi * T / 1200 + 1)
    curve = star(T, 15 + wave + SLOW + NOISE)
    assert np.std(curve.clean(trend=2).value - wave) > 0.05
    assert np.std(curve.clean(trend=2, period=1200).value - wave) < 0.01


def test_a_polynomial_without_a_period_is_that_of_least_squares() -> None:
    y = 1000 + 50 * SLOW + NOISE
    curve = as_lightcurve(T, y, np.linspace(1, 2, T.size), magnitude=False)
    found = curve.clean(trend=3)
    x = (T - T.mean()) / 800
    fit = np.polynomial.Polynomial.fit(x, y, 3, w=1 / np.linspace(1, 2, T.size))(x)
    # the noise is far below the errors, so that all weights are nearly those of the errors
    np.testing.assert_allclose(found.value, y - fit + fit.mean(), atol=0.003)


def test_a_spline_follows_what_a_polynomial_cannot() -> None:
    y = 15 + 0.5 * np.sin(2 * np.pi * T / 700) + NOISE
    found = star(T, y).clean(knots=150)
    assert np.std(found.value) < 0.008
    assert np.std(star(T, y).clean(trend=2).value) > 0.1


def test_eclipses_do_not_bend_the_trend() -> None:
    eclipse = np.where(np.arange(T.size) % 11 == 0, 0.8, 0.0)
    found = star(T, 15 + SLOW + eclipse + NOISE).clean(trend=2)
    out = eclipse == 0
    assert np.std(found.value[out]) < 0.007


def test_what_cannot_be_told_apart_stays_as_it_is() -> None:
    y = 15 + SLOW + NOISE
    for options in ({"trend": 1, "period": 2000.0}, {"trend": 16}, {"knots": 1e-9}):
        few = star(T[:30], y[:30])
        found = few.clean(**options)
        assert found.cleaned == {"not detrended": 30}
        np.testing.assert_array_equal(found.value, y[:30])
        assert "30 not detrended" in repr(found)


def test_epochs_that_are_not_fitted_lose_the_trend_too() -> None:
    flag = np.arange(T.size) % 7 == 0
    y = 15 + SLOW + NOISE + 3 * flag
    found = star(T, y, flag=flag).clean(trend=2)
    rest = found.value - 3 * flag
    assert np.std(rest) < 0.007
    assert found.flag is not None
    assert found.flag.sum() == flag.sum()


# -- nights -------------------------------------------------------------------------------------


def nights_of(curve: LightCurve, longitude: float) -> list[tuple[float, str, float, float]]:
    """Return the means, found one night and band at a time."""
    assert curve.error is not None
    assert curve.bands is not None
    found = []
    night = np.floor(curve.time + longitude / 360 - 0.5)
    for key in sorted(set(zip(night, curve.bands, strict=True))):
        mine = (night == key[0]) & (curve.bands == key[1]) & curve.usable
        if mine.any():
            t, y, e = curve.time[mine], curve.value[mine], curve.error[mine]
            w = e**-2.0
            mean = np.average(y, weights=w)
            error = np.sqrt(1 / w.sum())
            if mine.sum() > 1:
                error *= max(1.0, np.sqrt(np.sum(((y - mean) / e) ** 2) / (mine.sum() - 1)))
            found.append((float(np.average(t, weights=w)), key[1], mean, error))
    return sorted(found)


@pytest.mark.parametrize("longitude", [0.0, -70.0, 149.0])
def test_nightly_means(longitude: float) -> None:
    rng = np.random.default_rng(7)
    t = 60000 + np.sort(rng.uniform(0, 40, 200))
    e = rng.uniform(0.01, 0.05, 200)
    y = np.where(np.arange(200) % 19 == 0, np.nan, 15 + rng.normal(0, 0.04, 200))
    curve = star(t, y, e, np.array(["g", "r", "i"])[rng.integers(0, 3, 200)], time_format="mjd")
    location = None if longitude == 0 else (longitude, 0.0, 0.0)
    found = curve.clean(nightly=True, location=location)
    assert found.bands is not None
    assert found.error is not None
    rows = sorted(zip(found.time, found.bands, found.value, found.error, strict=True))
    expected = nights_of(curve, longitude)
    assert [row[1] for row in rows] == [row[1] for row in expected]
    for k in (0, 2, 3):
        np.testing.assert_allclose([r[k] for r in rows], [r[k] for r in expected], rtol=1e-12)
    gone = int(np.isnan(y).sum())
    assert found.cleaned == {"unusable": gone, "averaged": 200 - gone - len(rows)}
    assert np.all(np.diff(found.time) >= 0)


def test_nights_of_julian_days_and_without_errors() -> None:
    t = np.array([0.1, 0.4, 0.6, 0.9])  # noon in Greenwich is between the second and the third
    curve = star(t + 2460000.5, [1.0, 2, 3, 4], None, time_format="jd")
    found = curve.clean(nightly=True)
    np.testing.assert_allclose(found.time - 2460000.5, [0.25, 0.75])
    assert found.value.tolist() == [1.5, 3.5]
    assert found.error is None


# -- flags --------------------------------------------------------------------------------------


def flagged(type_: pa.DataType, values: list[Any]) -> tuple[Nested, Any]:
    n = len(values)
    rows = {"time": list(range(n)), "band": ["g"] * n, "value": [1.0] * n, "error": [0.1] * n}
    fields = replace(FLUX, flag="bad")
    return Nested.from_arrow(column([rows | {"flag": values}], fields, flag_type=type_)), fields


@pytest.mark.parametrize(
    ("type_", "values", "flags", "kept"),
    [
        (pa.bool_(), [True, False, None], True, [1, 2]),
        (pa.int16(), [0, 1, 2, 3, None], True, [0, 4]),
        (pa.int16(), [0, 1, 2, 3, None], 2, [0, 1, 4]),
        (pa.uint64(), [0, 2**63, 1], 2**63, [0, 2]),
        (pa.float64(), [0.0, 6.0, float("nan")], 4, [0, 2]),
        (pa.int16(), [0, 1, 2, 3, None], [0, 3], [0, 3]),
        (pa.int16(), [0, 1, 2, 3, None], pd.Series([0, 3]), [0, 3]),
        (pa.int16(), [0, 1, 2, 3, None], pa.array([0, 3]), [0, 3]),
        (pa.int16(), [0, 1, 2, 3, None], range(2), [0, 1]),
        (pa.string(), ["ok", "bad", None], {"bad": ["ok"]}, [0]),
    ],
)
def test_flags(type_: pa.DataType, values: list[Any], flags: Any, kept: list[int]) -> None:
    nested, fields = flagged(type_, values)
    found, counts = clean(nested, fields, cleaning_of(fields, flags=flags))
    assert found.values(FLUX.time).to_pylist() == kept
    assert counts["epochs_flagged"].tolist() == [len(values) - len(kept)]
    assert found.type == nested.type


@pytest.mark.parametrize(
    ("type_", "flags", "error"),
    [
        (pa.int16(), 2**40, InputError), (pa.int16(), ["x"], InputError),
        (pa.bool_(), 4, SchemaError), (pa.string(), True, SchemaError),
        (pa.int16(), {"nothing": True}, SchemaError), (pa.int16(), pa.array([0, None]), InputError),
        (pa.int16(), {"error": 4}, InputError),
    ],
)  # fmt: skip
def test_flags_that_a_field_cannot_have(type_: pa.DataType, flags: Any, error: type) -> None:
    nested, fields = flagged(type_, [None, None])
    with pytest.raises(error):
        clean(nested, fields, cleaning_of(fields, flags=flags))


# -- all together -------------------------------------------------------------------------------


@pytest.mark.parametrize("value_type", [pa.float32(), pa.float64(), pa.int32()])
@pytest.mark.parametrize("large", [False, True])
def test_types_are_as_announced_and_rows_stay(value_type: pa.DataType, large: bool) -> None:
    rng = np.random.default_rng(8)
    row = {
        "time": 60000 + np.sort(rng.uniform(0, 90, 50)), "band": ["g", "r"] * 25,
        "value": rng.integers(900, 1100, 50), "error": rng.integers(5, 20, 50),
    }  # fmt: skip
    empty: dict[str, Any] = {name: [] for name in row}
    given = column([row, None, empty, row], FLUX, value_type=value_type, large=large)
    nested = Nested.from_arrow(given)
    for options in ({"clip": 3}, {"trend": 1}, {"nightly": True}, {"trend": 1, "nightly": True}):
        cleaning = cleaning_of(FLUX, **options)
        found, counts = clean(nested, FLUX, cleaning)
        arrow = found.to_arrow()
        assert arrow.type == cleaning.kept_type(given.type, FLUX)
        assert arrow.is_null().to_pylist() == [False, True, False, False]
        assert arrow[0] == arrow[3]
        assert list(counts) == cleaning.counted()
        n = sum(len(c) for c in (arrow[0].as_py()[FLUX.time], arrow[3].as_py()[FLUX.time]))
        gone = sum(int(c.sum()) for name, c in counts.items() if name != "epochs_not_detrended")
        assert n + gone == 100


def test_order_of_epochs_and_units_do_not_matter() -> None:
    order = np.random.default_rng(9).permutation(T.size)
    y = 15 + WAVE + SLOW + NOISE
    options: Any = {"trend": 2, "period": 437.3, "clip": 4, "nightly": True}
    one = star(T, y, band=BAND).clean(**options)
    other = star(T[order], y[order], band=BAND[order]).clean(**options)
    np.testing.assert_allclose(one.time, other.time, rtol=1e-14)
    np.testing.assert_allclose(one.value, other.value, rtol=1e-12)
    rows = {"time": T * 86400, "band": BAND, "value": y * 1000, "error": np.full(T.size, 10.0)}
    units = {"mjd": "s", "mag": "mmag", "magerr": "mmag"}
    fields = replace(MAG, time_format="mjd")
    nested = Nested.from_arrow(column([rows], fields))
    found, _ = clean(nested, fields, cleaning_of(fields, **options), units=units)
    np.testing.assert_allclose(found.values("mag").to_numpy() / 1000, one.value, rtol=1e-9)
    np.testing.assert_allclose(found.values("mjd").to_numpy() / 86400, one.time, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {}, {"trend": 1, "knots": 5}, {"period": 3.0}, {"period": 3.0, "clip": 5},
        {"trend": 0}, {"trend": 1.5}, {"trend": 21}, {"trend": "linear"}, {"clip": 0},
        {"clip": float("nan")}, {"clip": True}, {"knots": -5}, {"knots": float("inf")},
        {"trend": 1, "period": 0}, {"trend": 1, "period": "period"}, {"nightly": 1},
        {"clip": 5, "location": (0, 0, 0)}, {"nightly": True, "location": (0, 95, 0)},
        {"flags": 4}, {"flags": ["a"]}, {"flags": np.array([1, 2])},
    ],
)  # fmt: skip
def test_what_cannot_be_meant(options: Any) -> None:
    with pytest.raises(InputError):
        star(T, SLOW, flag=T > 0).clean(**options)


def test_a_flag_that_is_not_there() -> None:
    with pytest.raises(SchemaError, match=r"as_lightcurve\(..., flag=\)"):
        star(T, SLOW).clean(flags=True)
    assert len(star(T, SLOW, flag=T > 61000).clean(flags=True)) == np.sum(T <= 61000)


def test_folded_bands_and_said() -> None:
    curve = star(T, SLOW, band=BAND, id=7, ra=1.0, dec=2.0).clean(trend=1, nightly=True)
    assert (curve.id, curve.ra, curve.dec) == (7, 1.0, 2.0)
    assert curve.fold(3.0).cleaned == curve.cleaned
    assert curve.band("g").cleaned == {}
    words = str(Cleaning(order=2, period="search", clip=5.0, nightly=True))
    assert words == (
        "less a polynomial of order 2 beside a sinusoid (period search), clipped at 5 sigma, "
        "nightly means"
    )
