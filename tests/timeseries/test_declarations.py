"""What each feature declares of itself, verified by experiment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyseries.timeseries import Feature, all_features, compute_features, presets, register
from skyseries.timeseries.features.registry import UNITS
from tests.timeseries.build import FLUX, ONE_BAND, column
from tests.timeseries.experiments import (
    ABSOLUTE_TIMES,
    CURVES,
    MINIMUM,
    ORDER_ONLY,
    OWN_TIME_SCALE,
    SEVERAL_BANDS,
)

FEATURES = [feature for feature in all_features() if not feature.parts]
TWO_BANDS = ("g", "r")
by_name = pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.name)

RNG = np.random.default_rng(11)
T = 60000 + np.sort(RNG.uniform(0, 500, 40))
X = RNG.gamma(2.0, 30.0, 40) + 500
E = RNG.uniform(3, 30, 40)
N_DRAWS = 8


def evaluate(
    feature: Feature, t: np.ndarray, x: np.ndarray, e: np.ndarray, stretch: float = 1.0
) -> float | None:
    """Return the feature of one light curve; that of two bands with running means as the second."""
    limits = {"min_period": 0.5 * stretch, "max_period": 100.0 * stretch}
    if feature.scope != "pair" and feature.name not in SEVERAL_BANDS:
        made = column([{"time": t, "value": x, "error": e}], ONE_BAND)
        table = compute_features(made, ONE_BAND, [feature], **limits)
    else:
        ordered = np.argsort(t)
        x = x[ordered]
        x = np.stack([x, (np.roll(x, 1) + x + np.roll(x, -1)) / 3], axis=1).ravel()
        t, e = (np.repeat(a[ordered], 2) for a in (t, e))
        epochs = {"time": t, "band": list(TWO_BANDS) * (len(t) // 2), "value": x, "error": e}
        made = column([epochs], FLUX)
        table = compute_features(made, FLUX, [feature], bands=TWO_BANDS, **limits)
    return table.column(0)[0].as_py()


@by_name
def test_minimum_number_of_epochs(feature: Feature) -> None:
    n = feature.min_epochs
    if feature.name in {"MultiAmp", "MultiPhase"}:
        return  # need others in other bands: see test_rubin
    t, x, e = MINIMUM.get(feature.name, (T, X, E))
    assert evaluate(feature, t[:n], x[:n], e[:n]) is not None
    if n > 0:
        assert evaluate(feature, t[: n - 1], x[: n - 1], e[: n - 1]) is None


@by_name
def test_inputs(feature: Feature) -> None:
    t, x, e = CURVES.get(feature.name, (T, X, E))
    base = evaluate(feature, t, x, e)
    # a robust statistic or a fraction may stay as it is by chance in one draw, not in all
    for name in ("time", "value", "error"):
        results = []
        for seed in range(12, 12 + N_DRAWS):
            other = np.random.default_rng(seed)
            drawn = {
                "time": (60000 + np.sort(other.uniform(0, 700, 40)) ** 1.1, x, e),
                "value": (t, other.gamma(2.0, 35.0, 40) + 480, e),
                "error": (t, x, other.uniform(3, 300, 40)),
            }
            results.append(evaluate(feature, *drawn[name]))
        if name not in feature.inputs or (name == "time" and feature.name in ORDER_ONLY):
            assert results == [base] * N_DRAWS, name
        else:
            assert any(result != base for result in results), name
    other = np.random.default_rng(11)
    is_joint = feature.scope == "pair" or feature.name in SEVERAL_BANDS
    # the second band is made of running means: only reversed do both bands keep their values
    orders = [np.arange(40)[::-1] if is_joint else other.permutation(40) for _ in range(N_DRAWS)]
    shuffled = [evaluate(feature, t, x[order], e[order]) for order in orders]
    if feature.name in ORDER_ONLY:
        assert any(result != base for result in shuffled)
    elif "time" not in feature.inputs and feature.name != "Mean":
        assert shuffled == pytest.approx([base] * N_DRAWS, rel=1e-12)


@by_name
def test_order_of_the_rows_is_no_matter(feature: Feature) -> None:
    shuffled = RNG.permutation(40)
    t, x, e = CURVES.get(feature.name, (T, X, E))
    assert evaluate(feature, t[shuffled], x[shuffled], e[shuffled]) == evaluate(feature, t, x, e)


@by_name
def test_unit(feature: Feature) -> None:
    t, x, e = CURVES.get(feature.name, (T, X, E))
    base, factor, stretch = evaluate(feature, t, x, e), 7.0, 10.0
    assert base is not None
    value, time = UNITS[feature.unit]
    scaled = evaluate(feature, t, factor * x, factor * e)
    assert scaled == pytest.approx(base * factor**value, rel=1e-9)
    if feature.name in ABSOLUTE_TIMES:
        return
    if feature.presets == ("dpdd-columns",) and feature.cost == "n x frequencies":
        return  # the day and the year of their aliases do not stretch: see test_dpdd
    stretched = evaluate(feature, (t - 60000) * stretch, x, e, stretch)
    expected = pytest.approx(base * stretch**time, rel=1e-6)
    assert (stretched == expected) == (feature.name not in OWN_TIME_SCALE)


@by_name
def test_shift(feature: Feature) -> None:
    t, x, e = CURVES.get(feature.name, (T, X, E))
    base, offset = evaluate(feature, t, x, e), 1234.5
    moved = evaluate(feature, t, x + offset, e)
    assert base is not None
    assert moved is not None
    if feature.shift == "moves":
        assert moved == pytest.approx(base + offset, rel=1e-12)
    elif feature.shift == "invariant":
        assert moved == pytest.approx(base, rel=1e-9, abs=1e-10)
    else:
        assert abs(moved - base) > (0 if feature.name in ABSOLUTE_TIMES else 1e-3 * abs(base))


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
    import skyseries.timeseries.features.registry as registry

    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    register(
        Feature(
            "Twice", "Twice the largest value", "2 max(x)",
            lambda s: 2 * np.maximum.reduceat(s.value, s.offsets[:-1])[np.newaxis],
        )
    )  # fmt: skip
    made = column([{"time": [1, 2], "value": [3, 4], "error": [1, 1]}], ONE_BAND)
    assert compute_features(made, ONE_BAND, ["Twice"])["fluxTwice"].to_pylist() == [8.0]
