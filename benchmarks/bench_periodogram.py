"""Periodograms on one thread, in one process, against nifty-ls, finufft, cuperiod and astropy.

Each case is timed several times and the best time of each system is kept; the powers are compared.
Needs nifty-ls, finufft and cuperiod (peers.txt) in the environment. ``--cost`` prints what the cost
model of `skyseries.timeseries.periods.nufft` is made from.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results import Row, Target, save
from skyseries.timeseries import periodogram
from skyseries.timeseries.kernels.harmonics import exact_powers, prepare
from skyseries.timeseries.kernels.lombscargle import grid_power
from skyseries.timeseries.periods.nufft import nufft_power
from systems import restart_in_one_thread

Array = NDArray[Any]
YEAR = 365.25
NOTE = (
    "One thread, JIT cache warm, best of several runs. Pairs are epochs x frequencies; frequencies "
    "are 5 per 1/T. `kernel` is the sums and the power on the grid; `call` is the whole "
    "`periodogram()` as the peers' calls are. Errors of the power are the largest differences "
    "from the slow float64 sums (ours for six bands; astropy's slow method for one band). "
    "LombScargleMultiband has the same model (one sinusoid, a mean for each band, no "
    "regularisation) by its flexible method; its fast method has another one."
)


def light_curve(n: int, n_bands: int, years: float, seed: int = 0) -> tuple[Array, ...]:
    """Return t, y, dy, band of a sinusoid with noise."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, years * YEAR, n))
    band = rng.integers(0, n_bands, n)
    y = 0.4 * np.sin(2 * np.pi * 1.7321 * t) + 0.3 * band + rng.normal(0, 0.3, n)
    return t, y, rng.uniform(0.1, 0.4, n), band


def best_of(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the shortest time, and what the call gives."""
    best, result = np.inf, call()
    for _ in range(repeats):
        started = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - started)
    return best, result


def kernel_arguments(t: Array, y: Array, dy: Array, band: Array, n_bands: int) -> tuple[Any, ...]:
    """Return what the kernels take."""
    order = np.argsort(band, kind="stable")
    offsets = np.searchsorted(band[order], np.arange(n_bands + 1))
    arrays = [np.empty(t.size) for _ in range(3)]
    start = np.empty(n_bands + 1, np.int64)
    kept, _ = prepare(t[order], y[order], dy[order], offsets, 0.0, 0.0, *arrays, start)
    return *arrays, start, kept


def kernel_rate(
    n: int, n_bands: int, years: float, f_max: float, at_least: float, repeats: int
) -> Row:
    """Measure the grid kernel in pairs per second, and its error."""
    t, y, dy, band = light_curve(n, n_bands, years)
    curve = kernel_arguments(t, y, dy, band, n_bands)
    f0, df = 0.01, 1 / (5 * np.ptp(t))
    power = np.empty(int((f_max - f0) / df) + 1, np.float32)
    seconds, _ = best_of(lambda: grid_power(*curve, f0, df, power), repeats)
    some = np.unique(np.r_[np.arange(0, power.size, 97), np.argsort(power)[-200:]])
    exact = exact_powers(*curve, 1, f0 + some * df)
    error = float(np.abs(power[some] - exact).max())
    rate = n * power.size / seconds / 1e9
    return Row(
        "multiband periodogram, kernel" if n_bands > 1 else "periodogram, kernel",
        f"N={n}, {n_bands} bands, {years:g} yr, fmax {f_max:g}/d", "skyseries", process="warm",
        wall_s=round(seconds, 5), figures={"1e9 pairs/s": round(rate, 2), "error": f"{error:.1e}"},
        targets=(
            Target(f">= {at_least} 1e9 pairs/s", round(rate, 2), rate >= at_least),
            Target("power within 1e-5", error, error <= 1e-5),
        ),
    )  # fmt: skip


def against_astropy(repeats: int) -> Row:
    """Compare with astropy's slow method at 50 cycles a day over ten years."""
    from astropy.timeseries import LombScargle

    t, y, dy, _ = light_curve(200, 1, 10)
    frequency = 49.9 + np.arange(1000) / (5 * 10 * YEAR)
    found = periodogram(t, y, dy, min_period=1 / 50, max_period=1 / 49.9)
    frequency = found.frequency
    slow = LombScargle(t, y, dy).power(frequency, method="slow")
    error = float(np.abs(found.power - slow).max())
    return Row(
        "accuracy against astropy's slow method", "N=200, 10 yr, 49.9 to 50/d", "skyseries",
        process="warm", figures={"error": f"{error:.1e}", "frequencies": frequency.size},
        targets=(Target("power within 1e-5", error, error <= 1e-5),),
    )  # fmt: skip


def single_band(n: int, years: float, f_max: float, at_least: float, repeats: int) -> list[Row]:
    """Compare whole calls with nifty-ls."""
    import nifty_ls

    t, y, dy, _ = light_curve(n, 1, years)
    limits = {"min_period": 1 / f_max, "max_period": 100.0}
    ours, found = best_of(lambda: periodogram(t, y, dy, **limits), repeats)
    f = found.frequency
    theirs, other = best_of(
        lambda: nifty_ls.lombscargle(
            t, y, dy, fmin=f[0], fmax=f[-1], Nf=f.size, nthreads=1, backend="finufft"
        ),
        repeats,
    )
    difference = float(np.abs(found.power - other.power).max())
    size = f"N={n}, 1 band, {years:g} yr, fmax {f_max:g}/d"
    ratio = theirs / ours
    return [
        Row("periodogram, call", size, "skyseries", process="warm", wall_s=round(ours, 5),
            ratio=round(ratio, 1), figures={"difference": f"{difference:.1e}"},
            targets=(Target(f">= {at_least:g}x nifty-ls", round(ratio, 1), ratio >= at_least),)),
        Row("periodogram, call", size, "nifty-ls 1.1.0", jit_cache="-", process="warm",
            wall_s=round(theirs, 5)),
    ]  # fmt: skip


def seven_transforms(t: Array, w: Array, band: Array, f: Array) -> None:
    """Do the transforms that six bands with floating means ask for, and nothing else."""
    import finufft

    df = f[1] - f[0]
    x = 2 * np.pi * (df * t - np.round(df * t))
    for b in range(6):
        inside = band == b
        finufft.nufft1d1(x[inside], w[inside] + 0j, f.size, eps=1e-7, nthreads=1)
    finufft.nufft1d1(x, w + 0j, f.size, eps=1e-7, nthreads=1)


def six_bands(n: int, repeats: int) -> list[Row]:
    """Compare whole calls with seven transforms, our own transforms, and cuperiod."""
    import cuperiod

    t, y, dy, band = light_curve(n, 6, 10)
    ours, found = best_of(
        lambda: periodogram(t, y, dy, band, min_period=0.1, max_period=100.0), repeats
    )
    f = found.frequency
    curve = kernel_arguments(t, y, dy, band, 6)
    power = np.empty(f.size, np.float32)
    own, _ = best_of(lambda: nufft_power(*curve, f[0], f[1] - f[0], power), repeats)
    seven, _ = best_of(lambda: seven_transforms(t, dy**-2.0, band, f), repeats)
    data = cuperiod.MultiBandLightCurve(
        {b: cuperiod.LightCurve(t[band == k], y[band == k], dy[band == k])
         for k, b in enumerate("ugrizy")}
    )  # fmt: skip
    settings = cuperiod.GLSSettings(
        minimum_frequency=float(f[0]), maximum_frequency=float(f[-1]), mb_model="offsets",
        fap_method="none", nufft_eps=1e-7,
    )  # fmt: skip
    cu, _ = best_of(
        lambda: cuperiod.periodogram(data, "GLS", backend="cpu", settings=settings), repeats
    )
    size = f"N={n}, 6 bands, 10 yr, fmax 10/d"
    targets = (
        Target(">= 1.5x seven NUFFTs", round(seven / ours, 1), seven / ours >= 1.5),
        Target(">= 5x cuperiod", round(cu / ours, 1), cu / ours >= 5),
    )
    task = "multiband periodogram, call"
    return [
        Row(task, size, "skyseries", process="warm", wall_s=round(ours, 5),
            ratio=round(cu / ours, 1),
            figures={"own transforms_s": round(own, 4), "frequencies": f.size}, targets=targets),
        Row(task, size, "seven NUFFTs (finufft)", jit_cache="-", process="warm",
            wall_s=round(seven, 5)),
        Row(task, size, f"cuperiod {cuperiod.__version__}", jit_cache="-", process="warm",
            wall_s=round(cu, 5)),
    ]  # fmt: skip


def against_multiband(n: int, repeats: int) -> list[Row]:
    """Compare whole calls with astropy's multiband periodogram of the same model.

    That is one amplitude and phase for all bands and a mean for each, without regularisation.
    Astropy's quick method knows another model only, one sinusoid a band; it is timed beside.
    """
    from astropy.timeseries import LombScargleMultiband

    t, y, dy, band = light_curve(n, 6, 1)
    ours, found = best_of(
        lambda: periodogram(t, y, dy, band, min_period=0.1, max_period=100.0), repeats
    )
    f, names = found.frequency, np.array(list("ugrizy"))[band]

    def theirs(method: str) -> Array:
        model = LombScargleMultiband(
            t, y, names, dy, nterms_base=1, nterms_band=0, reg_band=None,
            regularize_by_trace=False,
        )  # fmt: skip
        power: Array = model.power(f, method=method, sb_method="fast")
        return power

    # it takes seconds: twice is enough
    flexible, other = best_of(partial(theirs, "flexible"), 1)
    quick, _ = best_of(partial(theirs, "fast"), min(repeats, 3))
    difference = float(np.abs(found.power - other).max())
    exact = float(np.abs(found.power_at(f[::50]) - other[::50]).max())
    size, task = f"N={n}, 6 bands, 1 yr, fmax 10/d", "multiband periodogram, call"
    ratio = flexible / ours
    return [
        Row(task, size, "skyseries", process="warm", wall_s=round(ours, 5), ratio=round(ratio, 1),
            figures={"difference": f"{difference:.1e}", "difference in float64": f"{exact:.1e}",
                     "frequencies": f.size, "quick method / ours": round(quick / ours, 1)},
            targets=(Target(">= 10x astropy multiband", round(ratio, 1), ratio >= 10),
                     Target("float64 power within 1e-8", exact, exact <= 1e-8))),
        Row(task, size, f"astropy {version('astropy')} LombScargleMultiband", jit_cache="-",
            process="warm", wall_s=round(flexible, 5),
            figures={"quick method, another model, s": round(quick, 5)}),
    ]  # fmt: skip


def print_costs() -> None:
    """Print direct sums and transforms over sizes, and the constants of a fit."""
    rows, seconds = [], []
    for n, m, n_bands in (
        (1000, 10_000, 1), (1000, 182_500, 1), (20_000, 182_500, 1), (100_000, 50_000, 1),
        (1000, 182_500, 6), (20_000, 50_000, 6), (2000, 900_000, 1), (300, 2000, 1),
    ):  # fmt: skip
        t, y, dy, band = light_curve(n, n_bands, 10)
        curve, power = kernel_arguments(t, y, dy, band, n_bands), np.empty(m, np.float32)
        grid = (*curve, 0.01, 1e-4 / 2, power)
        direct, _ = best_of(partial(grid_power, *grid), 3)
        transforms, _ = best_of(partial(nufft_power, *grid), 3)
        print(f"{n:7} {m:7} {n_bands}: direct {n * m / direct / 1e9:.2f} Gpair/s "
              f"{direct * 1e3:.2f} ms, transforms {transforms * 1e3:.2f} ms")  # fmt: skip
        rows.append([n_bands + 2, (n_bands + 2) * m, 3 * n])
        seconds.append(transforms)
    weight = 1 / np.array(seconds)
    fit = np.linalg.lstsq(np.array(rows) * weight[:, None], np.ones(len(rows)), rcond=None)[0]
    print(
        f"each transform {fit[0]:.2e} s, {1 / fit[1]:.2e} frequencies/s, {1 / fit[2]:.2e} epochs/s"
    )


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--cost", action="store_true")
    a = parser.parse_args()
    restart_in_one_thread()
    if a.cost:
        print_costs()
        return
    rows = [
        kernel_rate(80, 1, 1, 24, 1.7, a.repeats),
        kernel_rate(80, 6, 1, 24, 1.7, a.repeats),
        kernel_rate(200, 1, 10, 10, 2.0, a.repeats),
        kernel_rate(200, 6, 10, 10, 2.0, a.repeats),
        kernel_rate(1030, 6, 10, 10, 2.0, a.repeats),
        kernel_rate(200, 1, 10, 50, 2.0, a.repeats),
        against_astropy(a.repeats),
        *single_band(80, 1, 24, 5, a.repeats),
        *single_band(200, 10, 10, 2, a.repeats),
        *six_bands(291, a.repeats),
        *six_bands(1030, a.repeats),
        *against_multiband(80, a.repeats),
        *against_multiband(800, a.repeats),
    ]
    save("periodogram", "Periodograms", rows, NOTE)


if __name__ == "__main__":
    main()
