"""What each feature declares of itself, verified by experiment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyseries.timeseries import Feature, all_features, compute_features, presets, register
from tests.timeseries.build import ONE_BAND, column

FEATURES = list(all_features())
by_name = pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.name)

RNG = np.random.default_rng(11)
T = 60000 + np.sort(RNG.uniform(0, 500, 40))
X = RNG.gamma(2.0, 30.0, 40) + 500
E = RNG.uniform(3, 30, 40)


def evaluate(feature: Feature, t: np.ndarray, x: np.ndarray, e: np.ndarray) -> float | None:
    made = column([{"time": t, "value": x, "error": e}], ONE_BAND)
    return compute_features(made, ONE_BAND, [feature.name]).column(0)[0].as_py()


@by_name
def test_minimum_number_of_epochs(feature: Feature) -> None:
    n = feature.min_epochs
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
    base, factor = evaluate(feature, T, X, E), 7.0
    assert base is not None
    scaled = evaluate(feature, T, factor * X, factor * E)
    expected = base * factor if feature.unit in ("value", "value/time") else base
    assert scaled == pytest.approx(expected, rel=1e-9)
    stretched = evaluate(feature, (T - 60000) * 10, X, E)
    if feature.unit == "value/time":
        assert stretched == pytest.approx(base / 10, rel=1e-6)
    elif feature.unit != "time":
        assert stretched == pytest.approx(base, rel=1e-9)


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
