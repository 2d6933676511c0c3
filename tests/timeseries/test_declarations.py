"""What each feature declares of itself, verified by experiment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyseries.timeseries import Feature, all_features, compute_features, presets, register
from skyseries.timeseries.registry import UNITS
from tests.timeseries.build import FLUX, ONE_BAND, column

FEATURES = [feature for feature in all_features() if not feature.parts]
TWO_BANDS = ("g", "r")
by_name = pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.name)

RNG = np.random.default_rng(11)
T = 60000 + np.sort(RNG.uniform(0, 500, 40))
X = RNG.gamma(2.0, 30.0, 40) + 500
E = RNG.uniform(3, 30, 40)


def evaluate(
    feature: Feature, t: np.ndarray, x: np.ndarray, e: np.ndarray, stretch: float = 1.0
) -> float | None:
    """Return the feature of one light curve; that of two bands takes each second epoch as r."""
    limits = {"min_period": 0.5 * stretch, "max_period": 100.0 * stretch}
    if feature.scope != "pair":
        made = column([{"time": t, "value": x, "error": e}], ONE_BAND)
        table = compute_features(made, ONE_BAND, [feature], **limits)
    else:
        t, x, e = (np.repeat(a, 2) for a in (t, x, e))
        x = x * np.where(np.arange(len(x)) % 2, 1.0, 1.5)
        epochs = {"time": t, "band": list(TWO_BANDS) * (len(t) // 2), "value": x, "error": e}
        made = column([epochs], FLUX)
        table = compute_features(made, FLUX, [feature], bands=TWO_BANDS, **limits)
    return table.column(0)[0].as_py()


@by_name
def test_minimum_number_of_epochs(feature: Feature) -> None:
    n = feature.min_epochs
    if feature.name in {"MultiAmp", "MultiPhase"}:
        return  # need others in other bands: see test_rubin
    assert evaluate(feature, T[:n], X[:n], E[:n]) is not None
    if n > 0:
        assert evaluate(feature, T[: n - 1], X[: n - 1], E[: n - 1]) is None


@by_name
def test_inputs(feature: Feature) -> None:
    other = np.random.default_rng(12)
    base = evaluate(feature, T, X, E)
    changed = {
        "time": evaluate(feature, 60000 + np.sort(other.uniform(0, 700, 40)) ** 1.1, X, E),
        "value": evaluate(feature, T, other.gamma(2.0, 35.0, 40) + 480, E),
        "error": evaluate(feature, T, X, other.uniform(3, 300, 40)),
    }
    # a robust statistic or a fraction may stay as it is by chance in one draw, not in the other
    order = evaluate(feature, T, X[::-1], E[::-1])
    for name, result in changed.items():
        if name not in feature.inputs:
            assert result == base, name
        elif name == "time" and feature.name == "Eta":
            assert order == pytest.approx(base)  # only the order of the times matters to it
        else:
            assert result != base, name
    if "time" not in feature.inputs and feature.name != "Mean":
        assert order == pytest.approx(base, rel=1e-12)


@by_name
def test_order_of_the_rows_is_no_matter(feature: Feature) -> None:
    shuffled = RNG.permutation(40)
    assert evaluate(feature, T[shuffled], X[shuffled], E[shuffled]) == evaluate(feature, T, X, E)


@by_name
def test_unit(feature: Feature) -> None:
    base, factor, stretch = evaluate(feature, T, X, E), 7.0, 10.0
    assert base is not None
    value, time = UNITS[feature.unit]
    scaled = evaluate(feature, T, factor * X, factor * E)
    assert scaled == pytest.approx(base * factor**value, rel=1e-9)
    if feature.name in {"firstTime", "lastTime", "LinearIntercept"}:
        return  # not differences of times, or at time zero
    if feature.presets == ("dpdd-columns",) and feature.cost == "n x frequencies":
        return  # the day and the year of their aliases do not stretch: see test_dpdd
    stretched = evaluate(feature, (T - 60000) * stretch, X, E, stretch)
    assert stretched == pytest.approx(base * stretch**time, rel=1e-6)


@by_name
def test_shift(feature: Feature) -> None:
    base, offset = evaluate(feature, T, X, E), 1234.5
    moved = evaluate(feature, T, X + offset, E)
    assert base is not None
    assert moved is not None
    if feature.shift == "moves":
        assert moved == pytest.approx(base + offset, rel=1e-12)
    elif feature.shift == "invariant":
        assert moved == pytest.approx(base, rel=1e-9, abs=1e-10)
    else:
        assert abs(moved - base) > 1e-3 * abs(base)


@by_name
def test_text_is_complete(feature: Feature) -> None:
    assert feature.description
    assert feature.formula
    assert "|" not in feature.description + feature.formula + feature.reference


def test_names_are_unique_and_new_ones_register_once() -> None:
    with pytest.raises(ValueError, match="already registered"):
        register(FEATURES[0])
    with pytest.raises(ValueError, match="already registered"):
        register(replace(FEATURES[0], name="default"))
    assert set(presets()) >= {"default", "all"}
    required = {"Ndata", "Mean", "MeanErr", "Sigma", "ReducedChi2", "StetsonJ", "Percentile50"}
    assert required | {"nObs", "timeSpan"} <= set(presets()["default"])


def test_a_registered_feature_reaches_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    import skyseries.timeseries.registry as registry

    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    register(
        Feature(
            "Twice", "Twice the largest value", "2 max(x)",
            lambda s: 2 * np.maximum.reduceat(s.value, s.offsets[:-1])[np.newaxis],
        )
    )  # fmt: skip
    made = column([{"time": [1, 2], "value": [3, 4], "error": [1, 1]}], ONE_BAND)
    assert compute_features(made, ONE_BAND, ["Twice"])["fluxTwice"].to_pylist() == [8.0]
