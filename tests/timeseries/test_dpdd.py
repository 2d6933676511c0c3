"""The lists of the DPDD against slow twins, and frequencies that were planted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from skyseries.timeseries import all_features, compute_features
from skyseries.timeseries.features.builtin.dpdd import NON_PERIODIC
from skyseries.timeseries.features.registry import UNITS
from tests.timeseries.build import FLUX, ONE_BAND, Epochs, column
from tests.timeseries.twins import TWINS
from tests.timeseries.twins_dpdd import NAMES, periodic_twin
from tests.timeseries.twins_stochastic import quasar

MIN_PERIOD, MAX_PERIOD = 0.4, 60.0
LIMITS = {"min_period": MIN_PERIOD, "max_period": MAX_PERIOD}
PHASES = [name for name in NAMES if name.startswith("FreqPhase")]


def three_sinusoids(
    rng: np.random.Generator, n: int, span: float, noise: float, highest: float = 2.4
) -> tuple[Epochs, np.ndarray]:
    """Return a light curve with a trend and three sinusoids, and their frequencies."""
    t = np.sort(rng.uniform(0, span, n))
    f = rng.uniform(0.03, highest, 3)
    phase = rng.uniform(0, 2 * np.pi, 3)
    x = 5e-3 * t + sum(
        a * np.sin(2 * np.pi * g * t + p) for a, g, p in zip((10, 6, 3.5), f, phase, strict=True)
    )
    e = rng.uniform(0.5, 1.5, n) * noise
    return {"time": 60000 + t, "value": 300 + x + rng.normal(0, e), "error": e}, f


@pytest.mark.parametrize("n", [200, 90, 45, 36])
def test_each_number_is_that_of_the_slow_twin(n: int) -> None:
    row, _ = three_sinusoids(np.random.default_rng(n), n, 300.0, 1.0)
    table = compute_features(column([row], ONE_BAND), ONE_BAND, "dpdd-columns", **LIMITS)
    t, x, e = row["time"], row["value"], row["error"]
    expected = dict(
        zip(NAMES, periodic_twin(t, x, e, (1 / MAX_PERIOD, 1 / MIN_PERIOD)), strict=True)
    )
    expected |= {name: TWINS[name](t, x, e) for name in NON_PERIODIC if name in TWINS}
    scale = 2.5 / math.log(10) / np.median(x)  # fluxes as magnitudes about the median
    quasars = quasar(t, -scale * (x - np.median(x)), scale * e, "g")
    expected |= zip(("Chi2QSO", "Chi2False"), quasars, strict=True)
    got = {name.removeprefix("flux"): table[name][0].as_py() for name in table.column_names}
    assert set(got) == set(expected)
    for name, value in expected.items():
        if name in PHASES:
            assert np.angle(np.exp(1j * (got[name] - value))) == pytest.approx(0, abs=1e-6), name
        else:
            assert got[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("seed", [12, 22, 42, 47])
def test_a_better_alias_takes_the_place_of_a_frequency(seed: int) -> None:
    # one epoch a night: each of these light curves has a wrong peak, a day away, at first
    rng = np.random.default_rng(seed)
    t = 60000 + np.sort(rng.choice(300, 70, replace=False) + rng.normal(0, 0.06, 70))
    f, phase = rng.uniform(0.03, 2.4, 3), rng.uniform(0, 6.28, 3)
    waves = (
        a * np.sin(2 * np.pi * g * t + p) for a, g, p in zip((10, 6, 3.5), f, phase, strict=True)
    )
    e = np.ones(70)
    x = 300 + sum(waves) + rng.normal(0, 1, 70)
    row = {"time": t, "value": x, "error": e}
    names = list(NAMES)
    table = compute_features(column([row], ONE_BAND), ONE_BAND, names, **LIMITS)
    expected = periodic_twin(t, x, e, (1 / MAX_PERIOD, 1 / MIN_PERIOD))
    for name, value in zip(names[:16], expected[:16], strict=True):
        assert table[f"flux{name}"][0].as_py() == pytest.approx(value, rel=1e-6, abs=1e-9), name
    found = sorted(table[f"fluxFreq{i}"][0].as_py() for i in (1, 2, 3))
    right = sum(abs(a - b) < 1 / 600 for a, b in zip(found, sorted(f), strict=True))
    assert right == (2 if seed == 22 else 3)  # another one stays wrong by an alias


def test_lists_hold_the_columns_band_after_band() -> None:
    rng = np.random.default_rng(2)
    parts = [three_sinusoids(rng, 70, 200.0, 1.0)[0] for _ in "gr"]
    row = {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}
    made = column([{**row, "band": ["g"] * 70 + ["r"] * 70}, None], FLUX)
    lists = compute_features(made, FLUX, "dpdd", **LIMITS)
    columns = compute_features(made, FLUX, "dpdd-columns", **LIMITS)
    wanted = {"lcPeriodic": NAMES, "lcNonPeriodic": NON_PERIODIC}
    for name in lists.column_names:
        assert lists.schema.field(name).type.list_size == 6 * len(wanted[name])
        names = [f"{b}_psfFlux{part}" for b in "ugrizy" for part in wanted[name]]
        for k in range(2):
            assert lists[name][k].as_py() == [columns[each][k].as_py() for each in names]
    assert "lcPeriodic" in lists.column_names
    assert sum(v is not None for v in lists["lcPeriodic"][0].as_py()) == 2 * 32
    assert "lcNonPeriodic" in lists.column_names


def test_the_lists_have_as_many_numbers_as_the_dpdd_says() -> None:
    assert len(set(NAMES)) == 32
    assert len(set(NON_PERIODIC)) == 20
    listed = next(f for f in all_features() if f.name == "lcNonPeriodic")
    assert listed.parts == NON_PERIODIC


def test_planted_frequencies_are_found() -> None:
    rng = np.random.default_rng(5)
    found = [three_sinusoids(rng, 300, 3650.0, 2.0) for _ in range(40)]
    names = [f"fluxFreq{i}" for i in (1, 2, 3)]
    table = compute_features(
        column([row for row, _ in found], ONE_BAND), ONE_BAND, "dpdd-columns", **LIMITS
    )
    got = np.stack([table[name].to_numpy() for name in names], axis=1)
    away = np.abs(got - np.stack([f for _, f in found]))
    assert np.all(away[:, 0] < 1e-5)
    assert np.mean(away[:, 1] < 2e-5) > 0.9
    assert np.all(table["fluxFreqAmp11"].to_numpy() == pytest.approx(10, rel=0.1))
    assert np.all(table["fluxPeriodicTrend"].to_numpy() == pytest.approx(5e-3, rel=0.1))
    assert np.all(table["fluxFreqSignif"].to_numpy() > 20)


def test_frequencies_do_not_depend_on_where_time_begins() -> None:
    row, _ = three_sinusoids(np.random.default_rng(7), 80, 100.0, 1.0)
    moved = {**row, "time": row["time"] - 60000}
    both = compute_features(column([row, moved], ONE_BAND), ONE_BAND, "dpdd-columns", **LIMITS)
    for name in both.column_names:
        one, other = both[name].to_pylist()
        assert other == pytest.approx(one, rel=1e-6, abs=1e-8), name


def test_numbers_stretch_with_time_as_their_units_say() -> None:
    row, _ = three_sinusoids(np.random.default_rng(7), 80, 100.0, 1.0)
    slow = {**row, "time": 4.0 * (row["time"] - 60000)}
    longer = {name: 4.0 * value for name, value in LIMITS.items()}
    names = list(NAMES)
    base = compute_features(column([row], ONE_BAND), ONE_BAND, names, **LIMITS)
    stretched = compute_features(column([slow], ONE_BAND), ONE_BAND, names, **longer)
    features = {f.name: f for f in all_features()}
    for name in names:
        factor = 4.0 ** UNITS[features[name].unit][1]
        one, other = (table[f"flux{name}"][0].as_py() for table in (base, stretched))
        assert other == pytest.approx(one * factor, rel=1e-6, abs=1e-8), name


def test_what_the_model_explains_wholly_has_no_further_frequency() -> None:
    t = np.linspace(0, 50, 60) + 0.1 * np.sin(np.arange(60.0))
    wave = {"time": t, "value": np.sin(2 * np.pi * 0.31 * t), "error": np.ones(60)}
    line = {"time": t, "value": 3.0 * t, "error": np.ones(60)}
    short = {role: values[:31] for role, values in wave.items()}
    table = compute_features(
        column([wave, line, short], ONE_BAND), ONE_BAND, "dpdd-columns", **LIMITS
    )
    assert table["fluxFreq1"].to_pylist() == [pytest.approx(0.31, rel=1e-9), None, None]
    assert table["fluxFreqAmp11"].to_pylist() == [pytest.approx(1, rel=1e-9), None, None]
    for name in ("Freq2", "FreqAmp21", "FreqPhase34", "FreqSignifRatio2"):
        assert table[f"flux{name}"].to_pylist() == [None, None, None], name
