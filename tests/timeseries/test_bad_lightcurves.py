"""Light curves that nobody wants: NULL or a documented value, never a crash, never a warning."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skyseries.timeseries import LightCurve, compute_features, compute_periods
from tests.timeseries.build import FLUX, MAG, Epochs, column

N = 12
RNG = np.random.default_rng(1)
GOOD: Epochs = {
    "time": 60000 + np.sort(RNG.uniform(0, 50, N)),
    "band": ["g", "r"] * (N // 2),
    "value": RNG.normal(18, 0.3, N),
    "error": np.full(N, 0.02),
}


def with_(**changes: Any) -> Epochs:
    return {**GOOD, **changes}


def first(n: int) -> Epochs:
    return {role: list(values)[:n] for role, values in GOOD.items()}


def numbers(scalar: pa.Scalar) -> list[Any]:
    """Return the number, or those of a list, None for NULL; none of a text."""
    value = scalar.as_py()
    if isinstance(value, str):
        return []
    return value if isinstance(value, list) else [value]


BAD: dict[str, tuple[Epochs | None, int, bool]] = {
    # name: (row, usable epochs, whether it has a period)
    "null": (None, 0, False),
    "empty": (first(0), 0, False),
    "one epoch": (first(1), 1, False),
    "two epochs": (first(2), 2, False),
    "values all NaN": (with_(value=[np.nan] * N), 0, False),
    "values all null": (with_(value=[None] * N), 0, False),
    "infinite values": (with_(value=[np.inf, -np.inf] * (N // 2)), 0, False),
    "times all NaN": (with_(time=[np.nan] * N), 0, False),
    "one infinite time": (with_(time=[np.inf, *list(GOOD["time"])[1:]]), N - 1, True),
    "errors zero": (with_(error=[0.0] * N), 0, False),
    "errors negative": (with_(error=[-0.1] * N), 0, False),
    "errors infinite": (with_(error=[np.inf] * N), 0, False),
    "errors tiny": (with_(error=[1e-300] * N), N, True),
    "errors huge": (with_(error=[1e300] * N), N, False),
    "values huge": (with_(value=[1e300, -1e300, 1e299] * (N // 3)), N, False),
    "constant": (with_(value=[0.1] * N), N, False),
    "all at one time": (with_(time=[60000.0] * N), N, False),
    "repeated times": (with_(time=np.repeat(np.asarray(GOOD["time"])[:6], 2)), N, True),
    "unsorted": (with_(time=np.asarray(GOOD["time"])[::-1]), N, True),
    "one band": (with_(band=["g"] * N), N, True),
    "bands all null": (with_(band=[None] * N), 0, False),
    "values at zero": (with_(value=[0.0] * N), N, False),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("value_type", [pa.float32(), pa.float64()], ids=str)
def test_bad_light_curve(name: str, value_type: pa.DataType) -> None:
    row, usable, has_period = BAD[name]
    if value_type == pa.float32() and name in {"errors tiny", "errors huge", "values huge"}:
        usable, has_period = 0, False  # beyond float32: zero or infinite
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = column([GOOD, row, GOOD], MAG, value_type=value_type)
        features = compute_features(made, MAG, "all")
        fluxes = compute_features(made, MAG, "all", space="flux")
        periods = compute_periods(made, MAG, min_period=0.5, max_period=20)
    total = 0 if row is None else len(row["time"])
    assert features["nObs"][1].as_py() == usable
    assert features["nExcluded"][1].as_py() == total - usable
    for table in (features, fluxes, periods):
        assert table.slice(0, 1).equals(table.slice(2, 1))  # the neighbours are as ever
        for column_ in table.columns:
            assert all(value is None or np.isfinite(value) for value in numbers(column_[1]))
    assert (periods["period"][1].as_py() is not None) == has_period
    if usable == 0:
        names = features.column_names
        kept = {n for n in names if any(v is not None for v in numbers(features[n][1]))}
        assert kept == {"nObs", "nExcluded", "nEpochs", *(n for n in names if n.endswith("Ndata"))}


@pytest.mark.parametrize("name", BAD)
def test_light_curve_object(name: str) -> None:
    row, usable, has_period = BAD[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve = LightCurve.from_struct(column([row], MAG)[0], MAG)
        assert usable == curve.usable.sum()
        assert repr(curve)
        assert len(curve.fold(1.5)) == len(curve)
        assert curve.to_arrow().num_rows == len(curve)
        if has_period:
            assert curve.periodogram(min_period=0.5).period_at_max_power > 0


def test_constant_values_have_no_scatter_at_all() -> None:
    table = compute_features(column([with_(value=[0.1] * N)], MAG), MAG, "all")
    for stat, expected in {
        "Sigma": 0.0, "Chi2": 0.0, "MAD": 0.0, "IQR": 0.0, "Amplitude": 0.0, "MaxSlope": 0.0,
        "Mean": 0.1, "Median": 0.1, "Skew": None, "Kurtosis": None, "Eta": None, "StetsonK": None,
        "PercentileRatioMid50": None, "LinearSlope": 0.0, "StetsonJ": -1.0, "Beyond1Std": 0.0,
    }.items():  # fmt: skip
        assert table[f"g_mag{stat}"].to_pylist() == [expected], stat


def test_a_million_epochs() -> None:
    rng = np.random.default_rng(2)
    n = 1_000_000
    offsets = pa.array([0, n], pa.int32())
    t = rng.uniform(0, 1000, n)
    parts = {
        "mjd": t,
        "band": np.zeros(n, np.int8),
        "mag": np.sin(2 * np.pi * t / 3.3) + rng.normal(0, 1, n),
        "magerr": np.ones(n),
    }
    lists = [pa.ListArray.from_arrays(offsets, pa.array(a)) for a in parts.values()]
    made = pa.StructArray.from_arrays(lists, list(parts))
    table = compute_features(made, MAG, bands=[0])
    assert table["nObs"].to_pylist() == [n]
    periods = compute_periods(made, MAG, min_period=3.2, max_period=3.4)
    assert periods["period"][0].as_py() == pytest.approx(3.3, abs=1e-3)


def test_a_long_light_curve_beside_empty_ones() -> None:
    rng = np.random.default_rng(8)
    n = 5001
    long = {
        "time": 60000 + np.sort(rng.uniform(0, 900, n)), "band": ["g"] * n,
        "value": rng.normal(100, 15, n), "error": np.full(n, 5.0),
    }  # fmt: skip
    empty: dict[str, list[Any]] = {"time": [], "band": [], "value": [], "error": []}
    made = column([empty, long, empty], FLUX)
    table = compute_features(made, FLUX, "rubin-drp", min_period=10.0)
    alone = compute_features(made.slice(1, 1), FLUX, "rubin-drp", min_period=10.0)
    assert table.slice(1, 1).equals(alone)
    assert table["g_psfFluxDRWTau"].is_valid().to_pylist() == [False, True, False]
    assert table["g_psfFluxNdata"].to_pylist() == [0, n, 0]
