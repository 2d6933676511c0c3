"""Which period is reported of a star, what is said of it, and the whole row of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skyseries.timeseries import compute_periods
from skyseries.timeseries.kernels.choice import FLAGS
from skyseries.timeseries.kernels.evidence import NARROW, SINE, best_shape, make_bench
from skyseries.timeseries.kernels.ranking import rank_peaks
from skyseries.timeseries.periods import searching
from tests.timeseries.build import FLUX, MAG, column
from tests.timeseries.test_belief import nights, random_walk, sawtooth

TURN = 2 * np.pi
RNG = np.random.default_rng(17)
NIGHTS = nights(RNG, 200, 1800.0)
ANY = np.sort(RNG.uniform(0, 1800, 200))
NOISE = 0.03 * RNG.standard_normal(200)
HOUR = np.floor(NIGHTS) + 0.5 + 0.01 * RNG.standard_normal(200)
"""Times of one visit a night at the same hour."""


def row(t: Any, y: Any, error: Any = 0.03, bands: Any = "g") -> dict[str, Any]:
    n = len(t)
    names = [bands] * n if isinstance(bands, str) else list(bands)
    return {"time": 60000 + np.asarray(t), "band": names, "value": y, "error": np.full(n, error)}


def search(t: Any, y: Any, fields: Any = MAG, error: Any = 0.03, **options: Any) -> Any:
    """Search one light curve."""
    made = column([{**row(t, y, error), "flag": [False] * len(t)}], fields)
    return compute_periods(made, fields, **options).to_pylist()[0]


def fluxes(y: Any) -> tuple[Any, Any, Any]:
    """Return the fluxes of magnitudes, their fields, and the errors of 0.03 mag."""
    flux = 1000 * 10 ** (-0.4 * y)
    return flux, FLUX, 0.4 * np.log(10) * 0.03 * flux


def eclipses(phase: Any, second: float, width: float) -> Any:
    """Return two dips, the first of depth 1, as magnitudes rise."""
    one, two = (phase + 0.5) % 1 - 0.5, phase % 1 - 0.5
    return np.exp(-0.5 * (one / width) ** 2) + second * np.exp(-0.5 * (two / width) ** 2)


def contact(phase: Any) -> Any:
    """Return a star of two like minima, narrower than its maxima."""
    return -2.5 * np.log10(1 - 0.35 * np.abs(np.cos(TURN * phase)) ** 2.6)


FOUND: dict[str, tuple[Any, Any, float]] = {
    # times, values, period
    "rr lyrae": (NIGHTS, sawtooth(NIGHTS / 0.5432), 0.5432),
    "mira": (NIGHTS, np.sin(TURN * NIGHTS / 300), 300.0),
    "mira, at one hour": (HOUR, np.sin(TURN * HOUR / 300), 300.0),
    "sinusoid": (ANY, 0.3 * np.sin(TURN * ANY / 3.3), 3.3),
    "fast sinusoid": (ANY, 0.3 * np.sin(TURN * ANY / 0.15), 0.15),
    "slow sinusoid": (ANY, 0.3 * np.sin(TURN * ANY / 120), 120.0),
    "eclipses": (ANY, 0.6 * eclipses(ANY / 1.37, 0.5, 0.03), 1.37),
    "primary eclipse only": (ANY, 0.6 * eclipses(ANY / 1.37, 0.0, 0.05), 1.37),
    "contact binary": (ANY, contact(ANY / 0.27), 0.27),
}


@pytest.mark.parametrize("kind", FOUND)
def test_each_class_at_its_period(kind: str) -> None:
    t, y, period = FOUND[kind]
    found = search(t, y + NOISE)
    assert found["period"] == pytest.approx(period, abs=5 * found["period_err"])
    # one narrow dip a cycle: there may be two, which are alike
    assert found["period_flag"] == ("half" if kind == "primary eclipse only" else "ok")
    assert found["period_err"] < 0.01 * period
    assert found["period_fap"] < 1e-6
    assert found["period_fap_red"] < 1e-3
    assert found["period_peaks"][0] == found["period"]
    flux = search(t, *fluxes(y + NOISE))
    assert flux["period"] == pytest.approx(period, abs=5 * flux["period_err"])


def test_what_is_slower_than_fifty_days_is_no_orbit() -> None:
    for period in (60.0, 120.0):
        found = search(ANY, 0.6 * eclipses(ANY / period, 0.9, 0.08) + NOISE)
        assert found["period"] == pytest.approx(period / 2, rel=1e-2)


FLAGGED: dict[str, list[tuple[Any, Any, dict[str, Any]]]] = {
    "ok": [(NIGHTS, sawtooth(NIGHTS / 0.5432), {}), (ANY, 0.4 * np.sin(TURN * ANY / 29.53), {})],
    "noise": [(NIGHTS, 0.0, {}), (ANY[:5], np.sin(ANY[:5]), {})],
    "trend": [(NIGHTS, NIGHTS / 900, {}), (NIGHTS, (NIGHTS / 900 - 1) ** 2, {})],
    "few": [
        (ANY, np.sin(TURN * ANY / 1100), {}),
        (NIGHTS, 1.2 * np.exp(-(((NIGHTS - 900) / 25) ** 2)), {}),
    ],
    "red": [(NIGHTS, 0.3 * random_walk(np.random.default_rng(0), NIGHTS, 20.0), {})],
    "limit": [
        (ANY, 0.5 * np.sin(TURN * ANY / 0.5), {"min_period": 0.5}),
        (ANY, np.sin(TURN * ANY / 300), {"max_period": 290.0}),
    ],
    "daily": [
        (ANY, 0.3 * np.sin(TURN * ANY * 1.0027379), {}),
        (ANY, 0.3 * np.sin(TURN * ANY / 0.25), {}),
        (HOUR, np.sin(TURN * HOUR / 300), {"min_period": 0.2, "max_period": 1.2}),
    ],
    "monthly": [(ANY, 0.06 * np.sin(TURN * ANY / 29.530589), {})],
    "yearly": [(ANY, 0.06 * np.sin(TURN * ANY / 365.25), {})],
}


@pytest.mark.parametrize("word", FLAGGED)
def test_each_word_is_said(word: str) -> None:
    for t, y, options in FLAGGED[word]:
        assert search(t, y + NOISE[: len(t)], **options)["period_flag"] == word


def test_halves_that_are_alike_are_half_or_double() -> None:
    """Where there is noise the evidence cannot always tell one eclipse a cycle from two."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(80):
        t = np.sort(rng.uniform(0, 1800, 200))
        phase = t / rng.uniform(1, 5)
        y = 0.6 * eclipses(phase, k % 2, rng.uniform(0.02, 0.04)) + 0.05 * rng.standard_normal(200)
        y += 0.05 * (k % 4 < 2) * np.cos(2 * TURN * phase + rng.uniform(0, TURN))
        rows.append(row(t, y, 0.05))
    table = compute_periods(column(rows, MAG), MAG, min_period=0.2, max_period=40)
    seen = set()
    for found in table.to_pylist():
        word, peaks = found["period_flag"], np.array(found["period_peaks"])
        seen.add(word)
        if word in ("half", "double"):
            other = np.abs(peaks / found["period"] - (2 if word == "half" else 0.5)).argmin()
            assert peaks[other] == pytest.approx(
                peaks[0] * (2 if word == "half" else 0.5), rel=1e-3
            )
            evidence = found["period_evidence"]
            assert evidence[0] - evidence[other] < 6
    assert seen >= {"half", "double"}
    assert set(FLAGGED) | {"half", "double"} == set(FLAGS)


def test_alternatives_and_their_evidence() -> None:
    for t, y, _ in [*FOUND.values(), (NIGHTS, 0 * NIGHTS, None)]:
        found = search(t, y + NOISE, n_peaks=8)
        peaks, evidence = found["period_peaks"], found["period_evidence"]
        assert len(peaks) == len(evidence) == 8
        assert peaks[0] == found["period"]
        assert evidence[1:] == sorted(evidence[1:], reverse=True)
        f = np.sort(1 / np.array(peaks))
        assert np.diff(f).min() > 0.15 / np.ptp(t)
        assert all(found["period_min"] * 0.999 <= p <= found["period_max"] * 1.001 for p in peaks)


def test_peaks_are_ordered_by_evidence_and_prior() -> None:
    y = 0.5 * np.sin(TURN * ANY / 1.7) + 0.3 * np.sin(TURN * ANY / 23.0) + NOISE
    bench = make_bench(ANY, y, np.full(200, 0.03), np.array([0, 200]), 0.0, 0.0)
    width = 1 / bench.span
    found = np.array([0.3333, 1 / 23, 1 / 1.7 + 0.2 * width])
    score, share, shape = np.empty(3), np.empty(3), np.empty(3, np.int64)
    rank_peaks(bench, 0.0, found, score, shape, share)
    assert found[:2] == pytest.approx([1 / 1.7, 1 / 23], abs=0.05 * width)  # climbed
    assert (np.diff(score) < 0).all()
    for f, worth, place, known in zip(found[:2], score, shape, share, strict=False):
        evidence = best_shape(bench, f, SINE, NARROW, known)
        assert worth == pytest.approx(evidence[0] - np.log(f), abs=0.5)
        assert place == evidence[1]
    beside = [best_shape(bench, found[0] + d * width, SINE, NARROW, 0.8)[0] for d in (-0.02, 0.02)]
    assert max(beside) < score[0] + np.log(found[0])


def test_a_third_of_the_orbit_is_told() -> None:
    """Three humps a cycle, which are not alike."""
    angle = TURN * ANY / 2.1
    y = 0.3 * np.cos(3 * angle) + 0.2 * np.cos(6 * angle) + 0.2 * np.cos(angle) + NOISE
    assert search(ANY, y, ranked=False)["period"] == pytest.approx(0.7, rel=1e-4)
    found = search(ANY, y)
    assert found["period"] == pytest.approx(2.1, rel=1e-4)
    assert found["period_flag"] == "ok"


def test_limits_are_told() -> None:
    found = search(ANY, FOUND["sinusoid"][1] + NOISE)
    assert found["period_max"] == pytest.approx(np.ptp(ANY))
    assert found["period_min"] == pytest.approx(0.04)
    found = search(ANY, FOUND["sinusoid"][1] + NOISE, min_period=1.0, max_period=10.0)
    assert (found["period_min"], found["period_max"]) == (1.0, 10.0)


@pytest.mark.parametrize(
    ("t", "limits"),
    [
        (np.linspace(0, 90, 60), {"min_period": 500, "max_period": 1000}),
        (ANY[:5] / 20, {"max_period": 5}),
        (ANY / 20, {"min_period": 1.0, "max_period": 1.01}),
    ],
)
def test_no_period_beyond_the_limits(t: Any, limits: dict[str, float]) -> None:
    for ranked in (True, False):
        for y in (NOISE[: len(t)], np.sin(TURN * t / 3)):
            found = search(t, y, ranked=ranked, **limits)
            least, most = limits.get("min_period", 0), limits["max_period"]
            assert least * (1 - 1e-9) <= found["period"] <= most * (1 + 1e-9)


def test_an_error_far_too_small_does_not_spoil_that_of_the_period() -> None:
    t, y, period = FOUND["rr lyrae"]
    plain = search(t, y + NOISE)
    wild = np.full(200, 0.03)
    wild[17] = 1e-12
    found = search(t, y + NOISE, error=wild)
    assert found["period"] == pytest.approx(period, abs=5 * plain["period_err"])
    assert found["period_err"] == pytest.approx(plain["period_err"], rel=0.2)


def test_one_visit_a_night_does_not_make_a_day_of_what_is_slow() -> None:
    rng = np.random.default_rng(0)
    for period in (20.0, 80.0, 700.0):
        t = np.sort(np.floor(rng.uniform(0, 2000, 300)) + rng.normal(0, 0.05, 300))
        found = search(t, 1.5 * np.sin(TURN * t / period) + 0.05 * rng.standard_normal(300))
        assert found["period"] == pytest.approx(period, rel=0.02)


def test_reversed_saw_teeth_are_weighed_down() -> None:
    curve = sawtooth(ANY / 0.5432) + NOISE
    up, down = search(ANY, curve), search(ANY, -curve)
    assert (
        up["period"] == pytest.approx(down["period"], rel=1e-5) == pytest.approx(0.5432, rel=1e-5)
    )
    assert up["period_evidence"][0] > down["period_evidence"][0] + 2
    flux = search(ANY, *fluxes(curve))
    assert flux["period_evidence"][0] == pytest.approx(up["period_evidence"][0], abs=1.0)


def binaries(n: int = 6) -> pa.StructArray:
    """Return eclipsing binaries and pulsators in three bands of unlike amplitudes."""
    rng = np.random.default_rng(3)
    rows = []
    for k in range(n):
        t = nights(rng, 150, 900.0)
        code = rng.integers(0, 3, 150)
        phase = t / (0.6 + 0.37 * k)
        y = eclipses(phase, 0.5, 0.05) if k % 2 else sawtooth(phase)
        y = 18 + code + y * np.array([1.0, 0.8, 0.6])[code] + 0.03 * rng.standard_normal(150)
        rows.append({**row(t, y, 0.03, np.array(list("gri"))[code]), "flag": [False] * 150})
    return column(rows, MAG)


def close(one: pa.Table, other: pa.Table, shift: float = 0.0, rel: float = 1e-6) -> None:
    """Assert that two tables agree, times but for a shift."""
    assert one.column_names == other.column_names
    for name in one.column_names:
        a, b = one[name].to_pylist(), other[name].to_pylist()
        if name == "period_flag":
            assert a == b
        elif name.startswith("period_epoch"):
            np.testing.assert_allclose(np.array(a) + shift, b, rtol=0, atol=1e-4)
        elif "fap" in name:  # of the order of the rounding of a power near 1
            np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-12)
        else:
            flat = [np.hstack([np.nan if v is None else v for v in x]) for x in (a, b)]
            np.testing.assert_allclose(flat[0], flat[1], rtol=rel, atol=1e-6)


def changed(made: pa.StructArray, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    roles = {"time": "mjd", "band": "band", "value": "mag", "error": "magerr"}
    rows = [{role: np.array(x[name]) for role, name in roles.items()} for x in made.to_pylist()]
    return column([{**change(r), "flag": [False] * len(r["time"])} for r in rows], MAG)


def test_what_should_not_matter_does_not() -> None:
    made = binaries()
    table = compute_periods(made, MAG, bands="gri")
    assert table["period_flag"].to_pylist().count("ok") >= 5
    rng = np.random.default_rng(8)

    def shuffled(r: dict[str, Any]) -> dict[str, Any]:
        order = rng.permutation(len(r["time"]))
        return {name: x[order] for name, x in r.items()}

    assert compute_periods(changed(made, shuffled), MAG, bands="gri").equals(table)
    later = changed(made, lambda r: {**r, "time": r["time"] + 1024})
    close(table, compute_periods(later, MAG, bands="gri"), 1024)
    fainter = changed(made, lambda r: {**r, "value": r["value"] + 2})
    close(table, compute_periods(fainter, MAG, bands="gri"))
    names = dict(zip("gri", "zxa", strict=True))
    named = changed(made, lambda r: {**r, "band": [names[b] for b in r["band"]]})
    again = compute_periods(named, MAG, bands="zxa")
    close(table, again.rename_columns(table.column_names))


def test_fluxes_in_any_unit() -> None:
    t, y, period = FOUND["eclipses"]
    small, large = (
        search(t, s * (100 - 60 * (y + NOISE)), FLUX, 1.8 * s, bands="g") for s in (1.0, 2.0**30)
    )
    assert small.pop("g_period_amplitude") == pytest.approx(
        large.pop("g_period_amplitude") / 2**30, rel=1e-9
    )
    assert small.pop("period_flag") == large.pop("period_flag") == "ok"
    assert small["period"] == pytest.approx(period, rel=1e-4)
    for name, value in small.items():
        assert large[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


def test_columns_of_the_shape() -> None:
    rng = np.random.default_rng(4)
    t, period = np.sort(rng.uniform(0, 300, 300)), 0.61
    code = rng.integers(0, 2, 300)
    angle = TURN * t / period
    # r21 0.4, r31 0.2, phases of cosines: phi21 = 1.3 - 2 x 0.5, phi31 = 2.9 - 3 x 0.5
    wave = np.cos(angle + 0.5) + 0.4 * np.cos(2 * angle + 1.3) + 0.2 * np.cos(3 * angle + 2.9)
    scale = np.array([0.3, 0.2])[code]
    names = np.array(["g", "r"])[code]
    made = column(
        [row(t, 18 + code + scale * wave + 0.005 * rng.standard_normal(300), 0.005, names)], MAG
    )
    found = compute_periods(made, MAG, bands=["g", "r", "z"]).to_pylist()[0]
    assert found["period"] == pytest.approx(period, abs=5 * found["period_err"])
    assert (found["period_r21"], found["period_r31"]) == pytest.approx((0.4, 0.2), abs=0.01)
    assert found["period_phi21"] == pytest.approx(0.3, abs=0.05)
    assert found["period_phi31"] == pytest.approx(1.4, abs=0.1)
    x = np.linspace(0, 1, 20_001)
    fine = sum(
        a * np.cos(k * TURN * x + p) for a, k, p in ((1, 1, 0.5), (0.4, 2, 1.3), (0.2, 3, 2.9))
    )
    for name, size in (("g", 0.3), ("r", 0.2)):
        assert found[f"{name}_period_amplitude"] == pytest.approx(size * np.ptp(fine), rel=0.02)
    assert found["z_period_amplitude"] is None
    for name, place in (("epoch_max", fine.argmin()), ("epoch_min", fine.argmax())):
        cycles = (found[f"period_{name}"] - 60000) / period - x[place]
        assert cycles - round(cycles) == pytest.approx(0, abs=0.01)
        assert abs(found[f"period_{name}"] - 60000 - t.mean()) < 5
    assert found["period_cycles"] == pytest.approx(np.ptp(t) / period)
    assert found["period_cycles_seen"] <= found["period_cycles"] + 1
    assert found["period_psi"] == pytest.approx(0.025, abs=0.01)


def test_pull_of_the_error() -> None:
    rng = np.random.default_rng(12)
    rows, periods = [], rng.uniform(0.3, 0.9, 60)
    for period in periods:
        t = nights(rng, 80, 700.0)
        y = 18 + 0.3 * np.sin(TURN * t / period)
        y += 0.1 * np.sin(2 * TURN * t / period + 1) + 0.03 * rng.standard_normal(80)
        rows.append(row(t, y))
    table = compute_periods(column(rows, MAG), MAG, min_period=0.2, max_period=1.0)
    difference = table["period"].to_numpy() - periods
    right = np.abs(difference) < 1e-3 * periods
    assert right.mean() >= 0.95
    pull = difference[right] / table["period_err"].to_numpy()[right]
    assert abs(pull.mean()) < 0.4
    assert pull.std() == pytest.approx(1, abs=0.28)


@pytest.mark.parametrize("way", ["_WORTH_A_LOOK", "CHUNK"])
def test_every_way_of_searching_gives_the_same(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = binaries(4)
    direct = compute_periods(made, MAG, bands="gri")
    streamed: list[int] = []
    plain = searching.search_streaming

    def noted(*args: Any) -> None:
        streamed.append(len(args[3]))
        plain(*args)

    monkeypatch.setattr(searching, "search_streaming", noted)
    monkeypatch.setattr(searching, way, 0)
    if way == "_WORTH_A_LOOK":
        monkeypatch.setattr(searching, "is_faster", lambda *args: True)
    again = compute_periods(made, MAG, bands="gri")
    assert sum(streamed) == 4
    close(direct, again, rel=1e-5)


EDGES: dict[str, tuple[Any, Any]] = {
    "constant": (ANY[:40], np.full(40, 18.0)),
    "equal times": (np.full(40, 5.0), 18 + NOISE[:40]),
    "twice each": (np.repeat(ANY[:40], 2), np.repeat(18 + np.sin(ANY[:40]), 2)),
    "huge": (ANY[:40], 1e30 * np.sin(ANY[:40])),
    "tiny": (ANY[:40], 1e-30 * np.sin(ANY[:40])),
    "two values": (ANY[:40], np.where(np.arange(40) % 2, 18.0, 18.5)),
    **{f"{n} epochs": (ANY[:n], 18 + np.sin(ANY[:n])) for n in range(7)},
}


@pytest.mark.parametrize("kind", EDGES)
@pytest.mark.parametrize("value_type", [pa.float32(), pa.float64()], ids=str)
def test_light_curves_at_the_edge(kind: str, value_type: pa.DataType) -> None:
    t, y = EDGES[kind]
    for error in (0.03, 1e-12):
        made = column([row(t, y, error), row(ANY, np.sin(ANY) + NOISE)], MAG, value_type=value_type)
        found, other = compute_periods(made, MAG).to_pylist()
        assert other["period"] == pytest.approx(TURN, rel=1e-3)  # the neighbour is as ever
        if kind in {"constant", "equal times"} or len(t) < 5:
            assert found == dict.fromkeys(found)
            continue
        numbers = [v for name, v in found.items() if name != "period_flag" and v is not None]
        assert np.isfinite(np.hstack(numbers)).all()
        assert found["period"] > 0
        assert found["period_flag"] in FLAGS
        if len(t) < 7:
            assert found["period_flag"] in {"noise", "few"}
