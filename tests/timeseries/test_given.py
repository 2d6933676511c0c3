"""Arrays of every library, with units, masks and dates, in every function of light curves."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import MaskedColumn
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked

import skyseries.timeseries as ts
from skyseries.errors import InputError
from skyseries.timeseries import periodogram, prewhiten, search_drift, window_function
from skyseries.timeseries.periods.periodogram import Periodogram

RNG = np.random.default_rng(5)
N = 60
T = np.sort(RNG.uniform(0, 40, N))
Y = 15 + 0.3 * np.sin(2 * np.pi * T / 2.5) + RNG.normal(0, 0.02, N)
E = RNG.uniform(0.01, 0.03, N)
B = RNG.choice(list("gri"), N)
FREQUENCY = [0.1, 0.4, 0.7]
GONE = np.arange(N) % 6 == 0

SEARCHES: dict[str, Callable[..., Any]] = {
    "periodogram": lambda *a, **k: periodogram(*a, frequency=FREQUENCY, **k).power,
    "prewhiten": lambda *a, **k: prewhiten(*a, n=1, min_period=2.0, max_period=3.0, **k).frequency,
    "search_drift": lambda *a, **k: [
        search_drift(*a, max_rate=1e-4, min_period=2.0, max_period=3.0, **k).frequency
    ],
}
TAKERS = [*SEARCHES, "window_function"]


def moments() -> list[dt.datetime]:
    return [dt.datetime(2020, 1, 1) + dt.timedelta(days=float(x)) for x in T]


TIMES: dict[str, Callable[[], Any]] = {
    "list": lambda: T.tolist(),
    "hours": lambda: T * 24 * u.h,
    "years": lambda: (T * u.d).to(u.yr),
    "Time": lambda: Time(T + 59000, format="mjd"),
    "Time of JD": lambda: Time(T + 2459000.5, format="jd", scale="tdb"),
    "list of Time": lambda: list(Time(T + 59000, format="mjd")),
    "TimeDelta": lambda: TimeDelta(T, format="jd"),
    "datetime64": lambda: np.array(moments(), "M8[ns]"),
    "timedelta64": lambda: (T * 86400e9).astype("m8[ns]"),
    "datetimes": moments,
    "ISO text": lambda: [moment.isoformat() for moment in moments()],
    "pandas": lambda: pd.Series(moments()),
    "list of pandas' own": lambda: list(pd.Series(moments())),
    "pandas with a zone": lambda: pd.Series(moments()).dt.tz_localize("UTC"),
    "polars": lambda: pl.Series(moments()),
    "Arrow": lambda: pa.array(moments()),
    "Arrow numbers": lambda: pa.chunked_array([T[:9], T[9:]]),
}


@pytest.mark.parametrize("name", TIMES)
def test_times(name: str) -> None:
    t = TIMES[name]()
    for search in SEARCHES.values():
        np.testing.assert_allclose(search(t, Y, E), search(T, Y, E), rtol=1e-7)
    window = window_function(t, FREQUENCY)
    np.testing.assert_allclose(window, window_function(T, FREQUENCY), rtol=1e-6)


MASKS: dict[str, Callable[[Any], Any]] = {
    "numpy": lambda x: np.ma.array(x, mask=GONE),
    "MaskedColumn": lambda x: MaskedColumn(x, mask=GONE),
    "Masked": lambda x: Masked(x, mask=GONE),
    "masked Quantity": lambda x: Masked(x * u.d, mask=GONE),
    "None": lambda x: [None if gone else v for v, gone in zip(x.tolist(), GONE, strict=True)],
    "pandas": lambda x: pd.Series(x, dtype="Float64").mask(GONE),
    "polars": lambda x: pl.Series([None if g else v for v, g in zip(x, GONE, strict=True)]),
    "Arrow": lambda x: pa.array(x, mask=GONE),
    "NaN": lambda x: np.where(GONE, np.nan, x),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks(name: str) -> None:
    mask, kept = MASKS[name], ~GONE
    under = np.where(GONE, 99.0, Y)
    is_unit = name == "masked Quantity"
    for search in SEARCHES.values():
        right = search(T[kept], Y[kept], E[kept])
        np.testing.assert_allclose(search(mask(T), under, E), right, rtol=1e-9)
        if not is_unit:
            np.testing.assert_allclose(search(T, mask(under), E), right, rtol=1e-9)
            np.testing.assert_allclose(search(T, under, mask(E)), right, rtol=1e-9)
    right = window_function(T[kept], FREQUENCY)
    np.testing.assert_allclose(window_function(mask(T), FREQUENCY), right, rtol=1e-9)


VALUES: dict[str, tuple[Any, Any, Any]] = {
    "mag and mmag": (Y * u.mag, E * 1000 * u.mmag, 20 * u.mmag),
    "AB": (Y * u.ABmag, E * 1000 * u.mmag, 0.02 * u.mag),
    "mmag and mag": (Y * 1000 * u.mmag, E * u.mag, 0.02 * u.mag),
    "fluxes": (Y * u.uJy, E * 1000 * u.nJy, 20 * u.nJy),
    "errors without a unit": (Y * u.uJy, E, 0.02),
    "float32": (Y.astype("f4"), E.astype("f4"), np.float32(0.02)),
    "big-endian": (Y.astype(">f8"), E.astype(">f8"), 0.02),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_and_their_errors(name: str) -> None:
    y, e, floor = VALUES[name]
    found = periodogram(T, y, e, frequency=FREQUENCY, error_floor=floor)
    right = periodogram(T, Y, E, frequency=FREQUENCY, error_floor=0.02)
    np.testing.assert_allclose(found.power, right.power, rtol=1e-5)


def test_one_error_and_one_band() -> None:
    right = periodogram(T, Y, np.full(N, 0.02), frequency=FREQUENCY).power
    for one in (0.02, np.float32(0.02), np.array(0.02), 20 * u.mmag):
        y = Y * u.mag if hasattr(one, "unit") else Y
        found = periodogram(T, y, one, frequency=FREQUENCY).power
        np.testing.assert_allclose(found, right, rtol=1e-7)
    for band in ("g", b"g", 1, 1.0, np.int8(1)):
        found = periodogram(T, Y, 0.02, band, frequency=FREQUENCY)
        assert found.n_bands == 1
        np.testing.assert_allclose(found.power, right, rtol=1e-9)


def missing(kind: Any) -> Any:
    return [kind if gone else b for b, gone in zip(B.tolist(), GONE, strict=True)]


BANDS: dict[str, Callable[[], Any]] = {
    "None": lambda: missing(None),
    "NaN": lambda: pd.Series(missing(np.nan), dtype=object),
    "pandas NA": lambda: pd.Series(missing(None), dtype="string"),
    "Categorical": lambda: pd.Categorical(missing(np.nan)),
    "numpy mask": lambda: np.ma.array(B, mask=GONE),
    "MaskedColumn": lambda: MaskedColumn(B, mask=GONE),
    "Arrow": lambda: pa.array(missing(None)),
    "Arrow dictionary": lambda: pa.array(missing(None)).dictionary_encode(),
    "polars": lambda: pl.Series(missing(None)),
    "polars categories": lambda: pl.Series(missing(None), dtype=pl.Categorical),
    "bytes": lambda: np.array(missing("")).astype("S"),
    "blanks": lambda: np.where(GONE, "  ", np.char.add(B, " ")),
    "text of NaN": lambda: np.array(missing(np.nan)),
    "text of None": lambda: np.array(missing(None), object).astype(str),
    "floats": lambda: pd.Series(missing(None)).map({"g": 1.0, "r": 2.0, "i": 3.0}).to_numpy(),
    "nullable numbers": lambda: (
        pd.Series(missing(None)).map({"g": 1, "r": 2, "i": 3}).astype("Int8")
    ),
}


@pytest.mark.parametrize("name", BANDS)
def test_a_missing_band_is_none(name: str) -> None:
    kept = ~GONE
    for label, search in SEARCHES.items():
        right = search(T[kept], Y[kept], E[kept], B[kept])
        np.testing.assert_allclose(search(T, Y, E, BANDS[name]()), right, rtol=1e-9, err_msg=label)
    found = periodogram(T, Y, E, BANDS[name](), frequency=FREQUENCY)
    assert (found.n_bands, found.n_epochs) == (3, kept.sum())


WRONG: dict[str, tuple[Any, str]] = {
    "text": ("abc", "{}"), "none": (None, "{}"), "true and false": (T > 1, "not true and false"),
    "complex": (T + 1j, "not complex numbers"), "metres": (T * u.m, "in the unit 'm'"),
    "objects": (np.array([object()] * N), "{}"), "words": (["a"] * N, "{}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("place", ["t", "y", "dy"])
def test_what_is_refused_by_name(place: str, kind: str) -> None:
    given: dict[str, Any] = {"t": T, "y": Y * u.mag, "dy": E}
    if place == "dy" and kind == "none":
        return
    wrong, said = WRONG[kind]
    given[place] = wrong
    if (place, kind) == ("y", "metres"):
        given["dy"], place = E * u.s, "dy"
        said = "in the unit 's'"
    with pytest.raises(InputError, match=rf"^{place}\b.*{said.format('')}"):
        periodogram(**given, frequency=FREQUENCY)


@pytest.mark.parametrize(
    ("dy", "said"),
    [(0, "above zero"), (-0.1, "above zero"), (np.nan, "above zero"), (E * u.mag, "'mag'"),
     (True, "dy must be a number"), (E[1:], "one length")],
)  # fmt: skip
def test_errors_that_are_refused(dy: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        periodogram(T, Y, dy, frequency=FREQUENCY)


@pytest.mark.parametrize(
    "band", [B == "g", np.full(N, 1.5), [["g"]] * N, ["g", 1] * (N // 2), np.full(N, 1j)]
)
def test_bands_that_are_refused(band: Any) -> None:
    with pytest.raises(InputError, match=r"^band"):
        periodogram(T, Y, E, band, frequency=FREQUENCY)


LENGTHS = {
    "Quantity": 6 * u.h, "days": 0.25 * u.d, "TimeDelta": TimeDelta(0.25, format="jd"),
    "timedelta": dt.timedelta(hours=6), "timedelta64": np.timedelta64(6, "h"),
    "pandas": pd.Timedelta(hours=6), "numpy": np.array(0.25), "number": 0.25,
}  # fmt: skip
WRONG_NUMBERS = ["a", True, np.nan, np.inf, -1, 5 * u.m, [1, 2], 1j]


def scalars(function: Callable[..., Any]) -> set[str]:
    """Return the parameters that are one number, found in the signature."""
    known = {"min_period", "max_period", "error_floor", "oversampling", "max_rate", "n", "nterms"}
    return known & set(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", LENGTHS)
def test_limits_with_units(name: str) -> None:
    one = periodogram(T, Y, E, min_period=LENGTHS[name], max_period=120 * u.h)
    same = periodogram(T, Y, E, min_period=0.25, max_period=5.0)
    np.testing.assert_array_equal(one.frequency, same.frequency)


@pytest.mark.parametrize("function", [periodogram, prewhiten, search_drift])
def test_numbers_that_are_none_are_refused_by_name(function: Callable[..., Any]) -> None:
    needed = {"max_rate": 1e-4} if function is search_drift else {}
    for name in scalars(function):
        for wrong in WRONG_NUMBERS:
            with pytest.raises(InputError, match=name):
                function(T, Y, E, **{**needed, "min_period": 1.0, "max_period": 5.0, name: wrong})
    with pytest.raises(InputError, match="min_period must be a length of time"):
        function(T, Y, E, **needed, min_period=Time(5.0, format="mjd"))


def test_frequencies_and_rates_with_units() -> None:
    found = periodogram(T, Y, E, frequency=(FREQUENCY / u.d).to(u.uHz))
    np.testing.assert_allclose(found.power, periodogram(T, Y, E, frequency=FREQUENCY).power)
    np.testing.assert_allclose(found.power_at(0.4 / u.d), found.power_at(0.4))
    np.testing.assert_allclose(found.model([1.0], 0.4 / u.d), found.model([1.0], 0.4))
    np.testing.assert_allclose(
        window_function(T, FREQUENCY / u.d), window_function(T, FREQUENCY), rtol=1e-12
    )
    for wrong in ("a", [0.4, np.nan], [0.0], [0.4] * u.d, [], None):
        if wrong is not None:
            with pytest.raises(InputError, match="frequency"):
                periodogram(T, Y, E, frequency=wrong)
        with pytest.raises(InputError, match="frequency"):
            found.power_at(wrong)
    limits: Any = {"min_period": 2.0, "max_period": 3.0}
    drift = search_drift(T, Y, E, max_rate=(1e-4 / u.d).to(1 / u.s), **limits)
    assert drift.frequency == pytest.approx(
        search_drift(T, Y, E, max_rate=1e-4, **limits).frequency
    )


@pytest.mark.parametrize(
    "durations",
    [[2.4] * u.h, 2.4 * u.h, TimeDelta(0.1, format="jd"), dt.timedelta(hours=2.4),
     np.array([144], "m8[m]"), [2.4 * u.h]],
)  # fmt: skip
def test_durations_with_units_are_times(durations: Any) -> None:
    box: Any = {"method": "bls", "frequency": [0.4, 0.5]}
    right = periodogram(T, Y, E, durations=0.1, duration_unit="time", **box)
    for more in ({}, {"duration_unit": "time"}):
        found = periodogram(T, Y, E, durations=durations, **more, **box)
        np.testing.assert_allclose(found.power, right.power, rtol=1e-12)
        assert found.options["duration_unit"] == "time"
    with pytest.raises(InputError, match="durations are times"):
        periodogram(T, Y, E, durations=durations, duration_unit="fraction", **box)


@pytest.mark.parametrize("wrong", ["a", None, True, [np.nan], [-1.0], 3 * u.deg, []])
def test_durations_that_are_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="durations"):
        periodogram(T, Y, E, method="bls", durations=wrong, frequency=FREQUENCY)


@pytest.mark.parametrize("name", TAKERS)
def test_rounded_times_are_told_where_they_are_given(name: str) -> None:
    jd = (T + 2459000).astype("f4")
    search = SEARCHES.get(name, lambda t, *_: window_function(t, FREQUENCY))
    with pytest.warns(UserWarning, match=r"times t are float32.*rounded to 0\.25 d") as told:
        search(jd, Y, E)
    assert {warning.filename for warning in told} == {__file__}
    with pytest.warns(UserWarning, match=r"rounded to 0\.167 d"):  # 4 h
        periodogram(jd * np.float32(24) * u.h, Y, E, frequency=FREQUENCY)


def test_models_at_dates() -> None:
    start = Time(59000.0, format="mjd", scale="utc")
    dated = periodogram(start + T * u.d, Y, E, frequency=FREQUENCY)
    plain = periodogram(T + 59000, Y, E, frequency=FREQUENCY)
    later = start + [1.0, 2.5] * u.d
    right = plain.model(later.mjd, 0.4)
    for t in (later, later.tai, later.tdb, later.mjd, list(later)):
        np.testing.assert_allclose(dated.model(t, 0.4), right, rtol=1e-8)
    with pytest.raises(InputError, match="dates, but the times before were numbers"):
        plain.model(later, 0.4)


def test_bands_of_models() -> None:
    found = periodogram(T, Y, E, B, frequency=FREQUENCY)
    right = found.model([1.0, 2.0], 0.4, "g")
    for band in ("g ", b"g", ["g", "g"], np.array(["g", "g"]), pa.array(["g", "g"])):
        np.testing.assert_array_equal(found.model([1.0, 2.0], 0.4, band), right)
    for wrong, said in (
        (["g", None], "no band None"),
        (["g"], "1 bands for 2"),
        ("z", "no band 'z'"),
    ):
        with pytest.raises(InputError, match=said):
            found.model([1.0, 2.0], 0.4, wrong)


METHODS_OF = {
    "false_alarm_probability": [
        {"power": "a"}, {"method": "bootstrap", "n_bootstrap": "a"}, {"method": 5},
        {"method": "bootstrap", "n_bootstrap": 2, "seed": "a"}, {"power": [0.1 * u.m]},
    ],
    "peaks": [{"n": 0}, {"n": "a"}, {"n": 1.5}, {"n": None}],
    "candidates": [{"n": 0}, {"n": "a"}],
    "power_at": [{"frequency": "a"}],
    "model": [{"t": "a"}, {"t": [1.0], "frequency": "a"}, {"t": [1.0], "frequency": -1}],
    "box": [{"frequency": "a"}],
    "plot": [{"n": "a"}, {"n": -1}, {"x": "time"}],
}  # fmt: skip


def test_every_method_of_a_periodogram_refuses_in_our_words() -> None:
    own = {
        name for name, f in inspect.getmembers(Periodogram, inspect.isfunction) if name[0] != "_"
    }
    assert own == set(METHODS_OF)
    found = periodogram(T, Y, E, method="bls", frequency=FREQUENCY)
    for name, calls in METHODS_OF.items():
        for wrong in calls:
            with pytest.raises(InputError):
                getattr(found, name)(**wrong)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "BLS"}, "did you mean 'bls'"), ({"method": None}, "unknown method"),
        ({"method": ["bls"]}, "unknown method"), ({"normalization": 5}, "normalization"),
        ({"nterms": "a"}, "nterms"), ({"nterms": True}, "nterms"), ({"foo": 1}, "no option 'foo'"),
    ],
)  # fmt: skip
def test_words_that_are_refused(options: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        periodogram(T, Y, E, frequency=FREQUENCY, **options)


@pytest.mark.parametrize("small", [1e-7, 1e-9, 1e-30])
def test_one_error_far_below_all_others_is_told_and_hides_none(small: float) -> None:
    e = np.where(np.arange(N) == 7, small, E)
    with pytest.warns(UserWarning, match=rf"smallest error, {small:.3g}.*dy"):
        found = periodogram(T, Y, e, frequency=FREQUENCY)
    others = np.arange(N) != 7  # every model goes through the one
    y, w = (Y - Y[7])[others], E[others] ** -2.0
    for f, power in zip(FREQUENCY, found.power, strict=True):
        waves = np.exp(2j * np.pi * f * T)
        design = np.stack([(waves - waves[7]).real, (waves - waves[7]).imag], axis=1)[others]
        fit = np.linalg.lstsq(design * np.sqrt(w)[:, None], y * np.sqrt(w), rcond=None)[0]
        wanted = 1 - np.sum(w * (y - design @ fit) ** 2) / np.sum(w * y**2)
        assert power == pytest.approx(wanted, abs=1e-6)


def test_values_beyond_their_squares() -> None:
    with pytest.raises(InputError, match=r"up to 1\.5.e\+201.*scale them"):
        periodogram(T, Y * 1e200, E * 1e30, frequency=FREQUENCY)


def test_what_takes_times_is_known_here() -> None:
    """A new function with arrays must be added to these tests."""
    arrays = {"t", "y", "dy", "band", "time", "column"}
    takers = {
        name
        for name in ts.__all__
        if inspect.isroutine(getattr(ts, name))
        and arrays & set(inspect.signature(getattr(ts, name)).parameters)
    }
    elsewhere = {"as_lightcurve", "barycentric_times", "compute_features", "compute_periods"}
    assert takers == {*TAKERS, *elsewhere}
