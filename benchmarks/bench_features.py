"""The same 25 features of light curves of 150 epochs in memory, against light-curve 0.13.

Both in this process, in one thread each, by turns; the fastest of several runs counts. light-curve
gets the arrays in the form that it takes fastest (a list of triples, or an Arrow list of structs)
and is told that they are sorted and need no check; ours is the whole call, from a nested Arrow
column to a table, with its checks. The numbers are compared before a ratio is printed.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import light_curve as lc
import numpy as np
import pyarrow as pa

from results import Row, Target, save
from skyseries.schema import LightCurveFields
from skyseries.timeseries import compute_features

FIELDS = LightCurveFields(time="mjd", flux="flux", flux_err="err")
REPEATS = 15
EXTRACTORS = {
    "Amplitude": ["Amplitude"],
    "AndersonDarlingNormal": ["AndersonDarling"],
    "BeyondNStd": ["BeyondMean1Std"],
    "Cusum": ["Cusum"],
    "Eta": ["Eta"],
    "EtaE": ["EtaE"],
    "ExcessVariance": ["ExcessVariance"],
    "InterPercentileRange": ["IQR"],
    "Kurtosis": ["Kurtosis"],
    "LinearFit": ["LinearSlope", "LinearSlopeErr", "LinearReducedChi2"],
    "LinearTrend": ["LinearTrend", "LinearTrendErr", "LinearTrendNoise"],
    "MagnitudePercentageRatio": ["PercentileRatioMid20"],
    "MaximumSlope": ["MaxAbsSlope"],
    "Mean": ["ArithmeticMean"],
    "MeanVariance": ["MeanVariance"],
    "Median": ["Median"],
    "MedianAbsoluteDeviation": ["MAD"],
    "MedianBufferRangePercentage": ["MedianBufferHalfRange"],
    "PercentAmplitude": ["MedianAmplitude"],
    "PercentDifferenceMagnitudePercentile": ["PercentDifference"],
    "ReducedChi2": ["ReducedChi2"],
    "Skew": ["Skew"],
    "StandardDeviation": ["Sigma"],
    "StetsonK": ["StetsonK"],
    "WeightedMean": ["Mean"],
}
NAMES = [name for names in EXTRACTORS.values() for name in names]
OTHER_QUANTILE = {"IQR", "PercentileRatioMid20", "PercentDifference"}
"""The quantile of light-curve is Hyndman and Fan's definition 5, ours is 7."""

Arrays = list[np.ndarray[Any, Any]]


def generate(n_objects: int, n_epochs: int) -> Arrays:
    """Return times, values and errors, each (n_objects, n_epochs); times ascend."""
    rng = np.random.default_rng(0)
    shape = (n_objects, n_epochs)
    t = np.sort(rng.uniform(60000, 63650, shape), axis=1)
    return [t, rng.normal(20, 0.3, shape), rng.uniform(0.03, 0.08, shape)]


def peers(arrays: Arrays) -> dict[str, Callable[[], Any]]:
    """Return light-curve's extractor on its two kinds of input."""
    extractor = lc.Extractor(*(getattr(lc, name)() for name in EXTRACTORS))
    options = {"sorted": True, "check": False, "n_jobs": 1}
    curves = list(zip(*arrays, strict=True))
    structs = pa.StructArray.from_arrays([pa.array(a.ravel()) for a in arrays], ["t", "m", "sigma"])
    column = pa.ListArray.from_arrays(offsets_of(arrays), structs)
    roles = {"t": "t", "m": "m", "sigma": "sigma"}
    return {
        "list of arrays": lambda: extractor.many(curves, **options),
        "Arrow list": lambda: extractor.many(column, arrow_fields=roles, **options),
    }


def offsets_of(arrays: Arrays) -> pa.Array:
    """Return where each light curve begins."""
    n_objects, n_epochs = arrays[0].shape
    return pa.array(np.arange(0, n_objects * n_epochs + 1, n_epochs), pa.int32())


def ours(arrays: Arrays) -> Callable[[], pa.Table]:
    """Return our call on a nested column."""
    offsets = offsets_of(arrays)
    lists = [pa.ListArray.from_arrays(offsets, pa.array(a.ravel())) for a in arrays]
    column = pa.StructArray.from_arrays(lists, ["mjd", "flux", "err"])
    return lambda: compute_features(column, FIELDS, NAMES)


def compare(arrays: Arrays, table: pa.Table, peer: np.ndarray[Any, Any]) -> None:
    """Stop unless the numbers are the same."""
    for k, name in enumerate(NAMES):
        got, expected = table[f"flux{name}"].to_numpy(), peer[:, k]
        if name not in OTHER_QUANTILE:
            np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-14, err_msg=name)
    values = arrays[1]
    hazen = np.quantile(values, [0.25, 0.75], axis=1, method="hazen")
    linear = np.quantile(values, [0.25, 0.75], axis=1)
    np.testing.assert_allclose(peer[:, NAMES.index("IQR")], hazen[1] - hazen[0])
    np.testing.assert_allclose(table["fluxIQR"].to_numpy(), linear[1] - linear[0])


def best_of(calls: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the least time of each call, which take turns."""
    least = dict.fromkeys(calls, np.inf)
    for _ in range(repeats):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            least[name] = min(least[name], time.perf_counter() - started)
    return least


def run(n_objects: int, n_epochs: int) -> list[Row]:
    """Measure both, and return their rows."""
    arrays = generate(n_objects, n_epochs)
    theirs, own = peers(arrays), ours(arrays)
    compare(arrays, own(), theirs["list of arrays"]())
    seconds = best_of({"skyseries": own, **theirs}, REPEATS)
    us = {name: 1e6 * s / n_objects for name, s in seconds.items()}
    fastest = min(theirs, key=us.__getitem__)
    ratio = us[fastest] / us["skyseries"]
    size = f"{n_objects:,} light curves x {n_epochs} epochs"
    task = f"{len(EXTRACTORS)} common features ({len(NAMES)} numbers)"
    # the issue asks it of light curves of 150 epochs
    target = (Target(">= 2x light-curve", round(ratio, 2), ratio >= 2),) if n_epochs == 150 else ()
    return [
        Row(
            task, size, "skyseries", process="warm", wall_s=round(seconds["skyseries"], 4),
            ratio=round(ratio, 2), figures={"us_per_light_curve": round(us["skyseries"], 2)},
            targets=target,
        ),
        Row(
            task, size, f"light-curve {version('light-curve')}", jit_cache="-", process="warm",
            wall_s=round(seconds[fastest], 4),
            figures={f"us_per_light_curve, {name}": round(us[name], 2) for name in theirs},
        ),
    ]  # fmt: skip


def main() -> None:
    """Compare and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=5e3)
    parser.add_argument("--epochs", type=int, nargs="+", default=[150, 13, 80, 500])
    a = parser.parse_args()
    warnings.simplefilter("ignore")
    notes = (
        "In memory, one process, one thread each, by turns, fastest of "
        f"{REPEATS}. light-curve reads a list of arrays or an Arrow list, is told that the data "
        "are sorted and need no check, and returns an array; ours goes from a nested Arrow column "
        "to an Arrow table and checks every epoch. The numbers agree to 1e-8; the quantile of "
        "light-curve is Hyndman and Fan's definition 5, ours (and NumPy's) 7."
    )
    rows = [row for n in a.epochs for row in run(int(a.objects), n)]
    save("features", "Features in memory", rows, notes, full=a.objects >= 5e3)


if __name__ == "__main__":
    main()
