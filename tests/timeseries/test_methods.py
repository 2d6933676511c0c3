"""The period-finding methods against slow twins and astropy, and on signals of their kind."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.timeseries import BoxLeastSquares

from skyseries.errors import InputError
from skyseries.schema import LightCurveFields
from skyseries.timeseries import all_methods, compute_periods, period_schema, periodogram
from skyseries.timeseries.periods.methods import find_method
from skyseries.timeseries.periods.methods.registry import COMMON
from tests.timeseries import twins_periods as twins

Array = np.ndarray


def noise(n: int, n_bands: int, seed: int = 1, span: float = 200.0) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    t = 60000 + rng.uniform(0, span, n)
    band = rng.integers(0, n_bands, n)
    band[: 2 * n_bands] = np.repeat(np.arange(n_bands), 2)
    e = rng.uniform(0.05, 0.5, n)
    y = 1e4 + band + np.sin(2 * np.pi * t / 3.3) + rng.normal(0, e)
    return t, y, e, band


CASES: list[tuple[str, Any, dict[str, Any]]] = [
    ("pdm", twins.pdm, {"n_bins": 10, "n_covers": 1}),
    ("pdm", twins.pdm, {"n_bins": 5, "n_covers": 3}),
    ("ce", twins.ce, {"n_phases": 10, "n_levels": 5}),
    ("ce", twins.ce, {"n_phases": 3, "n_levels": 12}),
    ("stringlength", twins.string, {"kind": "lafler-kinman", "weighted": True}),
    ("stringlength", twins.string, {"kind": "lafler-kinman", "weighted": False}),
    ("stringlength", twins.string, {"kind": "dworetsky", "weighted": True}),
    ("mhaov", twins.aov, {"nterms": 1}),
    ("mhaov", twins.aov, {"nterms": 3}),
    *(
        ("bls", twins.bls, {"durations": (0.06, 0.2), "bins_per_duration": 3, "dips": dips,
                            "depths": depths})
        for dips in ("down", "up", "both") for depths in ("band", "shared")
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "twin", "options"), CASES, ids=lambda v: getattr(v, "__name__", str(v))
)
@pytest.mark.parametrize("n_bands", [1, 3])
def test_against_a_slow_twin(method: str, twin: Any, options: dict[str, Any], n_bands: int) -> None:
    for n, seed in ((7 * n_bands, 1), (60, 2)):
        t, y, e, band = noise(n, n_bands, seed)
        if method == "mhaov" and n < 60:
            continue
        result = periodogram(
            t, y, e, band, method=method, min_period=2.9, max_period=100, **options
        )
        every = max(1, result.frequency.size // 23)
        f = result.frequency[::every]
        expected = [twin(t, y, e, band, x, **options) for x in f]
        np.testing.assert_allclose(result.power[::every], expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(result.power_at(f), expected, rtol=1e-6, atol=1e-7)


def test_boxes_against_astropy() -> None:
    rng = np.random.default_rng(3)
    t = rng.uniform(0, 40, 300)
    y = 1 - 0.02 * (t % 2.5 < 0.25) + rng.normal(0, 0.01, 300)
    e = rng.uniform(0.005, 0.02, 300)
    t[0] = 0.0
    duration, oversample = 0.25, 4
    periods = np.arange(20, 100) / 16  # a whole number of bins, which have no rounding
    theirs = BoxLeastSquares(t, y, e).power(
        periods, [duration, 0.5], objective="snr", oversample=oversample
    )
    ours = periodogram(
        t, y, e, method="bls", frequency=1 / periods, durations=(duration, 0.5),
        duration_unit="time", bins_per_duration=oversample, normalization="psd",
    )  # fmt: skip
    # where a cycle ends, astropy 8 puts the first bins over the last one, and we go around
    boxes = [ours.box(1 / p) for p in periods]
    middles = np.array([[b.transit_time for b in boxes], theirs.transit_time])
    halves = np.array([[b.duration for b in boxes], theirs.duration]) / 2
    inside = (middles > halves) & (middles + halves < periods - duration / oversample)
    inner = inside.all(axis=0)
    assert inner.mean() > 0.7
    np.testing.assert_allclose(np.sqrt(2 * ours.power[inner]), theirs.power[inner], rtol=1e-9)
    np.testing.assert_allclose([b.signal_to_noise for b in boxes], np.sqrt(2 * ours.power))
    best = int(theirs.power.argmax())
    assert periods[best] == pytest.approx(2.5)
    box = ours.box(1 / 2.5)
    assert box.duration == pytest.approx(theirs.duration[best])
    assert box.depth[None] == pytest.approx(theirs.depth[best], rel=1e-9)
    assert box.depth_error[None] == pytest.approx(theirs.depth_err[best], rel=1e-9)
    assert box.signal_to_noise == pytest.approx(theirs.depth_snr[best], rel=1e-9)
    assert box.transit_time == pytest.approx(0.125)  # as planted
    assert box.transit_time == pytest.approx(theirs.transit_time[best], abs=duration / oversample)


def eclipses(t: Array, period: float) -> Array:
    phase = t / period % 1
    return 0.5 * np.exp(-0.5 * ((phase - 0.3) / 0.05) ** 2) + 0.3 * np.exp(
        -0.5 * ((phase - 0.68) / 0.05) ** 2
    )


def sawtooth(t: Array, period: float) -> Array:
    return t / period % 1


def box(t: Array, period: float) -> Array:
    return 0.3 * (t / period % 1 < 0.05)


def overtone(t: Array, period: float) -> Array:
    return 0.1 * np.sin(2 * np.pi * t / period) + 0.3 * np.cos(4 * np.pi * t / period)


@pytest.mark.parametrize(
    ("method", "signal", "n"),
    [
        ("bls", box, 300),
        ("pdm", eclipses, 400),
        ("ce", eclipses, 400),
        ("stringlength", sawtooth, 120),
        ("mhaov", overtone, 200),
        ("lombscargle", sawtooth, 120),
    ],
)
@pytest.mark.parametrize("bands", ["g", "gri"])
def test_planted_signals_are_found(method: str, signal: Any, n: int, bands: str) -> None:
    rng = np.random.default_rng(4)
    for period in (0.7312, 2.6117):
        t = 60000 + rng.uniform(0, 120, n)
        code = rng.integers(0, len(bands), n)
        y = 18 + 0.7 * code + signal(t, period) + rng.normal(0, 0.02, n)
        band = np.array(list(bands))[code]
        options = {"dips": "up"} if method == "bls" else {}
        result = periodogram(
            t, y, np.full(n, 0.02), band, method=method, min_period=0.5, max_period=5, **options
        )
        assert abs(result.frequency_at_max_power - 1 / period) < 0.2 / 120
        assert result.power_at(result.frequency_at_max_power) >= result.power.max() * (1 - 1e-6)


def test_a_box_in_three_bands() -> None:
    rng = np.random.default_rng(5)
    n, period = 600, 1.7
    t = 60000 + rng.uniform(0, 200, n)
    band = np.array(list("gri"))[rng.integers(0, 3, n)]
    deep = {"g": 0.5, "r": 0.3, "i": 0.2}
    y = 18 + np.array([deep[b] for b in band]) * ((t - 60000.4) / period % 1 < 0.08)
    y += rng.normal(0, 0.02, n)
    for depths in ("band", "shared"):
        result = periodogram(
            t, y, np.full(n, 0.02), band, method="bls", dips="up", depths=depths, min_period=1,
            max_period=3,
        )  # fmt: skip
        found = result.box()
        assert found.period == pytest.approx(period, abs=1e-3)
        middle = (found.transit_time - 60000.4) / period % 1
        assert middle == pytest.approx(0.04, abs=0.02)
        assert found.transit_time - t.min() <= period
        assert found.duration / period == pytest.approx(0.1, abs=0.03)
        chi2 = np.sum(((y - result.model(t, band=band)) / 0.02) ** 2)
        power = result.power_at(result.frequency_at_max_power)[0]
        start = sum(twins.scatter(y[band == b], np.full((band == b).sum(), 0.02)) for b in "gri")
        assert 1 - chi2 / start == pytest.approx(power, rel=1e-6)
        assert found.signal_to_noise**2 == pytest.approx(power * start, rel=1e-6)
        if depths == "band":
            for b, depth in deep.items():
                assert found.depth[b] == pytest.approx(depth, rel=0.35)
                assert found.depth_error[b] < 0.01
        else:
            assert len(set(found.depth.values())) == 1


def planted(
    n: int = 2000, odd: float = 0.02, even: float = 0.02, noise: float = 0.002, seed: int = 0
) -> tuple[Array, Array]:
    """Return fluxes with boxes of 0.1 d every 2 d from 0.65 d on, in turns of two depths."""
    rng = np.random.default_rng(seed)
    t = np.sort(np.append(rng.uniform(0, 40, n - 1), 0.0))
    since = t - 0.6
    depth = np.where(np.floor(since / 2) % 2 == 0, odd, even)
    return t, 1 - depth * (since % 2 < 0.1) + rng.normal(0, noise, n)


BOX: dict[str, Any] = {"method": "bls", "frequency": [0.5], "durations": 0.05}


def test_a_box_without_errors_has_those_of_the_residuals() -> None:
    t, y = planted()
    free = periodogram(t, y, **BOX).box()
    told = periodogram(t, y, np.full(t.size, 0.002), **BOX).box()
    assert free.depth[None] == pytest.approx(told.depth[None])
    assert free.depth_error[None] == pytest.approx(told.depth_error[None], rel=0.05)
    assert free.signal_to_noise == pytest.approx(told.signal_to_noise, rel=0.05)
    assert told.signal_to_noise > 90
    scaled = periodogram(t, 1000 * y, **BOX).box()
    assert scaled.depth_error[None] == pytest.approx(1000 * free.depth_error[None])
    assert scaled.signal_to_noise == pytest.approx(free.signal_to_noise)
    left = y - periodogram(t, y, **BOX).model(t)
    assert free.depth_error[None] == pytest.approx(
        told.depth_error[None] / 0.002 * np.sqrt(np.sum(left**2) / (t.size - 2)), rel=2e-3
    )
    pulls = []
    for seed in range(40):
        t, y = planted(300, noise=0.005, seed=seed)
        box = periodogram(t, y, **BOX).box(0.5)
        pulls.append((box.depth[None] - 0.02) / box.depth_error[None])
    assert 0.7 < np.std(pulls) < 1.4


@pytest.mark.parametrize("depths", ["band", "shared"])
def test_the_errors_of_a_box_are_those_of_each_band(depths: str) -> None:
    rng = np.random.default_rng(8)
    t, y = planted(1500)
    band = np.array(list("gr"))[rng.integers(0, 2, t.size)]
    noise = np.where(band == "g", 0.002, 0.02)
    y = y + rng.normal(0, noise)
    given = periodogram(t, y, np.hypot(noise, 0.002), band, depths=depths, **BOX).box()
    free = periodogram(t, y, band=band, depths=depths, **BOX).box()
    for b in "gr":
        if depths == "band":
            assert free.depth_error[b] == pytest.approx(given.depth_error[b], rel=0.1)
            assert free.depth_odd_error[b] == pytest.approx(given.depth_odd_error[b], rel=0.1)
    if depths == "shared":  # equal weights tell less of it
        assert free.depth_error["g"] == free.depth_error["r"] > given.depth_error["g"]
        assert abs(free.depth["g"] - 0.02) < 4 * free.depth_error["g"]


@pytest.mark.parametrize("errors", [True, False])
def test_odd_and_even_boxes(errors: bool) -> None:
    for odd, even in ((0.02, 0.02), (0.02, 0.012), (0.012, 0.02), (0.02, 0.0)):
        t, y = planted(odd=odd, even=even)
        dy = np.full(t.size, 0.002) if errors else None
        for sign, dips in ((1, "down"), (-1, "up")):
            box = periodogram(t, sign * y, dy, dips=dips, **BOX).box()
            assert box.transit_time == pytest.approx(0.65, abs=1e-6)
            found = box.depth_odd[None], box.depth_even[None]
            spread = np.hypot(box.depth_odd_error[None], box.depth_even_error[None])
            assert found[0] == pytest.approx(odd, abs=5 * box.depth_odd_error[None])
            assert found[1] == pytest.approx(even, abs=5 * box.depth_even_error[None])
            assert min(found) <= box.depth[None] <= max(found)
            sigma = abs(found[0] - found[1]) / spread
            assert box.odd_even_sigma == pytest.approx(sigma, rel=0.05)
            assert (box.odd_even_sigma > 10) == (odd != even)
    few = periodogram([0.0, 0.5, 0.62, 0.68, 1.5, 2.1], [1.0, 1.1, 0.1, 0.1, 1.0, 1.1], **BOX).box()
    assert np.isnan(few.odd_even_sigma)
    assert few.depth[None] == pytest.approx(few.depth_odd[None])
    assert np.isnan(few.depth_even[None])


def test_a_box_is_no_longer_than_half_the_period() -> None:
    t, y, e, band = noise(60, 2)
    f = np.array([0.1, 0.2, 0.25, 0.2500001, 0.5, 2.0, 4.9, 5.1])
    both: dict[str, Any] = {"method": "bls", "duration_unit": "time", "frequency": f}
    short = periodogram(t, y, e, band, durations=0.1, **both)
    pair = periodogram(t, y, e, band, durations=(0.1, 2.0), **both)
    np.testing.assert_array_equal(pair.power[3:], short.power[3:])
    assert np.all(pair.power[:3] >= short.power[:3])
    assert np.any(pair.power[:3] > short.power[:3])
    assert pair.power[-1] == 0
    for x in f[:-1]:
        assert pair.box(x).duration <= 0.5 / x * (1 + 1e-9)
    for wrong in (lambda: pair.box(5.1), lambda: pair.model(t, 5.1, band)):
        with pytest.raises(InputError, match=r"at most half a period: 0\.1 d"):
            wrong()
    limits = {"method": "bls", "durations": 5.0, "duration_unit": "time", "max_period": 5}
    with pytest.raises(InputError, match="durations must be at most half a period"):
        periodogram(t, y, e, band, **limits)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="durations must be at most half a period"):
        period_schema(**limits)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"at most 0.5 of the period, not 0.7"):
        period_schema(method="bls", durations=0.7)


def test_dips_are_those_of_the_unit() -> None:
    t, y = planted()
    mag = 15 - 2.5 * np.log10(y)
    cases: list[tuple[Any, str, str]] = [
        (mag * u.mag, "up", "dips (higher values)"), (mag * 1000 * u.mmag, "up", "dips (higher"),
        (y * u.Jy, "down", "dips (lower values)"), (y * u.ct, "down", "dips (lower values)"),
    ]  # fmt: skip
    for values, dips, said in cases:
        found = periodogram(t, values, **BOX)
        assert found.options["dips"] == dips
        assert said in found.box().looked_for
        assert found.box().transit_time == pytest.approx(0.65, abs=1e-6)
        other = {"up": "down", "down": "up"}[dips]
        assert "brightenings" in periodogram(t, values, dips=other, **BOX).box().looked_for
    assert "brightenings of magnitudes" in periodogram(t, y, **BOX).box().looked_for
    assert "dips of magnitudes" in periodogram(t, y, dips="up", **BOX).box().looked_for
    assert periodogram(t, y, dips="both", **BOX).box().looked_for == "dips and brightenings"
    with pytest.warns(UserWarning, match="may be magnitudes.*dips='up'"):
        periodogram(t, mag, **BOX)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in (y, 1000 * y, y - 1, mag * u.mag):
            periodogram(t, values, **BOX)
        for given in ("down", "up", "both"):
            periodogram(t, mag, dips=given, **BOX)


def test_models() -> None:
    rng = np.random.default_rng(6)
    t = rng.uniform(0, 100, 400)
    band = rng.integers(0, 2, 400)
    y = np.sin(2 * np.pi * t / 3) * (1 + band) + 5 * band + rng.normal(0, 0.05, 400)
    for method in ("mhaov", "pdm"):
        result = periodogram(t, y, np.full(400, 0.05), band, method=method, min_period=2)
        left = y - result.model(t, 1 / 3.0, band)
        assert left.std() < (0.06 if method == "mhaov" else 0.4)
        assert abs(left.mean()) < 0.01
    for method in ("ce", "stringlength"):
        with pytest.raises(ValueError, match="no model"):
            periodogram(t, y, method=method, min_period=2).model(t)
    with pytest.raises(ValueError, match="boxes are for"):
        periodogram(t, y, min_period=2).box()


def test_single_epochs_of_a_band_do_not_move_the_phases() -> None:
    t, y, e, band = noise(60, 2)
    early = np.append(t, t.min() - 3.21), np.append(y, 1.0), np.append(e, 0.1), np.append(band, 7)
    for method in ("pdm", "bls"):
        plain = periodogram(t, y, e, band, method=method, min_period=2)
        more = periodogram(*early, method=method, min_period=2)
        np.testing.assert_array_equal(plain.power, more.power)
        np.testing.assert_allclose(plain.model(t, 0.3, band), more.model(t, 0.3, band), rtol=1e-12)


@pytest.mark.parametrize("method", [m.name for m in all_methods()])
def test_a_constant_and_a_factor_change_nothing(method: str) -> None:
    t, y, e, band = noise(50, 2)
    f = np.linspace(0.05, 1.5, 60)
    power = periodogram(t, y, e, band, method=method, frequency=f).power
    moved = periodogram(t, 8 * (y + 2.0**20), 8 * e, band, method=method, frequency=f).power
    np.testing.assert_allclose(moved, power, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("method", [m.name for m in all_methods()])
def test_fast_signals_over_ten_years(method: str) -> None:
    t, y, e, band = noise(80, 2, span=3650.0)
    result = periodogram(t, y, e, band, method=method, min_period=0.0200, max_period=0.02002)
    every = max(1, result.frequency.size // 40)
    f = result.frequency[::every]
    close = np.isclose(result.power[::every], result.power_at(f), rtol=1e-4, atol=1e-5)
    assert close.mean() > 0.9  # an epoch on the border of two bins may be in either


@pytest.mark.parametrize("method", [m.name for m in all_methods()])
def test_bad_light_curves(method: str) -> None:
    for t, y in (([], []), ([1.0], [2.0]), ([1.0, 2.0], [3.0, 3.0]), ([1.0, 1.0], [3.0, 4.0])):
        with pytest.raises(ValueError, match="no periodogram"):
            periodogram(t, y, method=method)
    rng = np.random.default_rng(7)
    for n in range(2, 9):
        t, y = rng.uniform(0, 10, n), rng.normal(0, 1, n)
        for band in (None, ["g"] * n, [*"gr", *["i"] * (n - 2)]):
            if band is not None and n < 4:
                continue
            result = periodogram(t, y, band=band, method=method, min_period=0.5)
            assert np.isfinite(result.power).all()
            assert result.period_at_max_power > 0
    repeated = np.repeat(t, 2)
    assert np.isfinite(periodogram(repeated, rng.normal(0, 1, 16), method=method).power).all()
    huge = periodogram(t, 1e100 * y, np.full(t.size, 1e99), method=method)
    assert np.isfinite(huge.power).all()
    constant_in_one = np.where(np.arange(8) < 4, 1.0, rng.normal(0, 1, 8))
    one = periodogram(t, constant_in_one, band=[*"ggggrrrr"], method=method)
    assert np.isfinite(one.power).all()


def test_wrong_options() -> None:
    t, y, e, _ = noise(30, 1)
    for method, options, message in (
        ("bls", {"nterms": 2}, "has no option 'nterms'"),
        ("bls", {"durations": (0.1, -1)}, "durations"),
        ("bls", {"durations": ()}, "durations"),
        ("bls", {"durations": 0.7}, "at most 0.5"),
        ("bls", {"dips": "left"}, "dips"),
        ("pdm", {"n_bins": 1}, "n_bins"),
        ("pdm", {"n_covers": 0}, "n_covers"),
        ("ce", {"n_levels": 2.5}, "n_levels"),
        ("ce", {"normalization": "log"}, "means nothing"),
        ("stringlength", {"kind": "x"}, "kind"),
        ("stringlength", {"weighted": 3}, "weighted"),
        ("mhaov", {"nterms": "two"}, "nterms"),
    ):
        with pytest.raises(ValueError, match=message):
            periodogram(t, y, e, method=method, **options)
    with pytest.raises(ValueError, match="stringlength"):
        find_method("nothing")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"maxperiod": 10}, "did you mean max_period"), ({"npeaks": 3}, "did you mean n_peaks"),
        ({"nterm": 3}, "did you mean nterms"), ({"xyz": 3}, "every search takes min_period"),
        ({"method": "BLS"}, "did you mean 'bls'"), ({"max_period": "10"}, "max_period must be"),
    ],
)  # fmt: skip
def test_the_nearest_name_is_told(options: dict[str, Any], said: str) -> None:
    fields = LightCurveFields(time="t", mag="mag")
    for search in (
        lambda: compute_periods([{"t": [1.0], "mag": [2.0]}], fields, **options),
        lambda: periodogram([1.0, 2.0], [2.0, 3.0], **options),
    ):
        with pytest.raises(InputError, match=said):
            search()


def test_parameters_of_other_searches() -> None:
    fields = LightCurveFields(time="t", mag="mag")
    with pytest.raises(InputError, match="frequency= is not for this search"):
        compute_periods([{"t": [1.0], "mag": [2.0]}], fields, frequency=[1.0])
    with pytest.raises(InputError, match="n_peaks= is not for this search"):
        periodogram([1.0, 2.0], [2.0, 3.0], n_peaks=3)


def test_what_every_search_takes_is_known() -> None:
    taken = {
        name
        for search in (periodogram, compute_periods)
        for name, parameter in inspect.signature(search).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert taken == set(COMMON)


def test_false_alarms_by_the_f_distribution() -> None:
    rng = np.random.default_rng(8)
    for nterms in (1, 2):
        probabilities = []
        for _ in range(200):
            t = rng.uniform(0, 60, 80)
            result = periodogram(
                t, rng.normal(0, 1, 80), np.ones(80), rng.integers(0, 2, 80), method="mhaov",
                nterms=nterms, min_period=1.0, max_period=30,
            )  # fmt: skip
            probabilities.append(float(result.false_alarm_probability()))
        below = np.mean(np.array(probabilities) < 0.2)
        assert 0.07 < below < 0.4
    assert result.false_alarm_probability([0.0, 1e9]) == pytest.approx([1.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("method", ["lombscargle", "ce", "bls"])
def test_bootstrap(method: str) -> None:
    rng = np.random.default_rng(9)
    t, band = rng.uniform(0, 50, 80), rng.integers(0, 2, 80)
    wave = np.sin(2 * np.pi * t / 4.4) + 3 * band
    settings: dict[str, Any] = {"method": method, "min_period": 3.5, "max_period": 6}
    draws = {"method": "bootstrap", "n_bootstrap": 99}
    found = periodogram(t, wave + rng.normal(0, 0.1, 80), np.ones(80), band, **settings)
    assert found.false_alarm_probability(**draws) == pytest.approx(0.01)
    noise = periodogram(t, 3 * band + rng.normal(0, 1, 80), np.ones(80), band, **settings)
    chance = noise.false_alarm_probability(**draws)
    assert chance > 0.01
    assert chance == noise.false_alarm_probability(**draws)
    assert chance != pytest.approx(noise.false_alarm_probability(**draws, seed=1), abs=1e-12)
    given = periodogram(
        t, noise._data.value, np.ones(80), band, method=method, frequency=noise.frequency
    )
    assert given.false_alarm_probability(**draws) == pytest.approx(float(chance), abs=0.03)
    with pytest.raises(ValueError, match="n_bootstrap"):
        noise.false_alarm_probability(method="bootstrap", n_bootstrap=0)
    with pytest.raises(ValueError, match="'analytic' or 'bootstrap'"):
        noise.false_alarm_probability(method="guess")


def test_bootstrap_agrees_with_baluev() -> None:
    rng = np.random.default_rng(10)
    t = rng.uniform(0, 50, 60)
    result = periodogram(t, rng.normal(0, 1, 60), np.ones(60), min_period=1, max_period=20)
    levels = np.quantile(result.power, [0.97, 0.99, 1.0]) * 1.2
    drawn = result.false_alarm_probability(levels, method="bootstrap", n_bootstrap=400)
    formula = result.false_alarm_probability(levels)
    assert (drawn <= formula + 0.08).all()
    assert (drawn >= 0.3 * formula - 0.05).all()
