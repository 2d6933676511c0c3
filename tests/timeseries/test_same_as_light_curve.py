"""The preset ``light-curve`` against the extractors of the package light-curve, one by one.

Left out there, because they are no statistics of one band alone: BazinFit, VillarFit, LinexpFit
and RainbowFit (non-linear fits), Periodogram, LaflerKinmanStringLength (wants a period), the
colours, DmDt (a map), the counts of non-detections before the first detection, and what only
combines others (Bins, Bootstrap, Extractor).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from skyseries.timeseries import all_features, compute_features, presets
from tests.timeseries.build import ONE_BAND, column

lc = pytest.importorskip("light_curve")

SAME = {
    "Amplitude": ["Amplitude"],
    "AndersonDarlingNormal": ["AndersonDarling"],
    "BeyondNStd": ["BeyondMean1Std"],
    "BiweightScale": ["BiweightScale"],
    "Chi2Pvar": ["Chi2Pvar"],
    "Cusum": ["Cusum"],
    "Duration": ["TimeSpan"],
    "Eta": ["Eta"],
    "EtaE": ["EtaE"],
    "ExcessVariance": ["ExcessVariance"],
    "Kurtosis": ["Kurtosis"],
    "LinearFit": ["LinearSlope", "LinearSlopeErr", "LinearReducedChi2"],
    "LinearTrend": ["LinearTrend", "LinearTrendErr", "LinearTrendNoise"],
    "MaximumSlope": ["MaxAbsSlope"],
    "MaximumTimeInterval": ["MaxTimeInterval"],
    "Mean": ["ArithmeticMean"],
    "MeanVariance": ["MeanVariance"],
    "Median": ["Median"],
    "MedianAbsoluteDeviation": ["MAD"],
    "MedianBufferRangePercentage": ["MedianBufferHalfRange"],
    "MinimumTimeInterval": ["MinTimeInterval"],
    "ObservationCount": ["Ndata"],
    "OtsuSplit": ["OtsuMeanDiff", "OtsuStdLower", "OtsuStdUpper", "OtsuLowerFraction"],
    "ParabolaFit": ["ParabolaCurvature", "ParabolaExtremum", "ParabolaReducedChi2"],
    "PeakToPeakVar": ["PeakToPeakVar"],
    "PercentAmplitude": ["MedianAmplitude"],
    "QnScale": ["QnScale"],
    "ReducedChi2": ["ReducedChi2"],
    "Roms": ["RoMS"],
    "Skew": ["Skew"],
    "StandardDeviation": ["Sigma"],
    "StetsonK": ["StetsonK"],
    "TimeMean": ["TimeMean"],
    "TimeStandardDeviation": ["TimeStandardDeviation"],
    "WeightedMean": ["Mean"],
}
"""Extractor -> the same numbers, by the same definition."""


def _range(q: Callable[[float], float], p: float) -> float:
    return q(1 - p) - q(p)


QUANTILES: dict[str, tuple[str, Callable[[Callable[[float], float]], float]]] = {
    "InterPercentileRange": ("IQR", lambda q: _range(q, 0.25)),
    "MagnitudePercentageRatio": (
        "PercentileRatioMid20", lambda q: _range(q, 0.4) / _range(q, 0.05)
    ),
    "PercentDifferenceMagnitudePercentile": (
        "PercentDifference", lambda q: _range(q, 0.05) / q(0.5)
    ),
}  # fmt: skip
"""Extractor -> feature and formula. The formula is the same, the quantile is another: ours is
NumPy's (definition 7 of Hyndman & Fan 1996, as in Rubin's columns), light-curve's definition 5."""

LENGTHS = (4, 5, 6, 7, 8, 13, 30, 31, 80, 150, 700)
"""From the number of epochs on at which every extractor is defined."""


def light_curve(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    t = 60000 + np.sort(rng.uniform(0, 1000, n))
    x = 100 + rng.normal(0, 1, n) + 3 * np.sin(t / 30) * (rng.random(n) < 0.5)
    return t, x, rng.uniform(0.3, 2, n)


def theirs(name: str, t: np.ndarray, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.atleast_1d(getattr(lc, name)()(t, x, e))


def ours(
    names: list[str], curves: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> list[tuple[float, ...]]:
    rows = [{"time": t, "value": x, "error": e} for t, x, e in curves]
    table = compute_features(column(rows, ONE_BAND), ONE_BAND, names)
    return list(zip(*(table[f"flux{n}"].to_pylist() for n in names), strict=True))


CURVES = [light_curve(100 * n + seed, n) for n in LENGTHS for seed in range(3)]


@pytest.mark.parametrize("name", SAME)
def test_same_numbers(name: str) -> None:
    for curve, got in zip(CURVES, ours(SAME[name], CURVES), strict=True):
        np.testing.assert_allclose(
            got, theirs(name, *curve), rtol=1e-8, atol=1e-11, err_msg=f"n = {len(curve[0])}"
        )


@pytest.mark.parametrize("name", QUANTILES)
def test_same_formula_with_another_quantile(name: str) -> None:
    feature, formula = QUANTILES[name]
    for curve, (got,) in zip(CURVES, ours([feature], CURVES), strict=True):
        x = curve[1]
        assert got == pytest.approx(formula(lambda p, x=x: float(np.quantile(x, p))))
        hazen = formula(lambda p, x=x: float(np.quantile(x, p, method="hazen")))
        assert theirs(name, *curve)[0] == pytest.approx(hazen)


def test_preset_is_this_table() -> None:
    table = {feature for features in SAME.values() for feature in features}
    of_band = {f.name for f in all_features() if f.scope == "band"}
    assert of_band & set(presets()["light-curve"]) == table | {
        feature for feature, _ in QUANTILES.values()
    }
