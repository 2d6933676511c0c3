"""Rubin's feature sets of light curves of 80 epochs in six bands over one year, in one thread.

`rubin-ap` with the multiband period search down to an hour, the same without it, `rubin-drp` and
the DPDD's lcPeriodic. From a nested Arrow column in memory to an Arrow table, fluxes in float32,
bands as text; the fastest of several runs, the first, which loads compiled code, left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from results import Row, Target, save
from skyseries.schema import LightCurveFields
from skyseries.timeseries import compute_features
from skyseries.timeseries.features.registry import Feature, select
from systems import restart_in_one_thread

FIELDS = LightCurveFields(
    time="midpointMjdTai", band="band", flux="psfFlux", flux_err="psfFluxErr", flux_unit="nJy"
)


def light_curves(count: int, n_epochs: int, years: float) -> pa.StructArray:
    """Return variable stars, observed in random nights and bands."""
    rng = np.random.default_rng(5)
    shape = (count, n_epochs)
    t = np.floor(rng.uniform(0, 365 * years, shape)) + rng.normal(0.6, 0.08, shape)
    t = 61000 + np.sort(t, axis=1)
    band = rng.choice(list("ugrizy"), shape, p=[0.07, 0.1, 0.22, 0.22, 0.2, 0.19])
    frequency = 10 ** rng.uniform(-1, 0.7, (count, 1))
    flux = 1e4 * (1 + 0.3 * np.sin(2 * np.pi * frequency * t)) + rng.normal(0, 500, shape)
    columns = {
        "midpointMjdTai": t,
        "band": band,
        "psfFlux": flux.astype(np.float32),
        "psfFluxErr": rng.uniform(400, 600, shape).astype(np.float32),
    }
    offsets = pa.array(np.arange(0, count * n_epochs + 1, n_epochs), pa.int32())
    lists = [pa.ListArray.from_arrays(offsets, pa.array(v.ravel())) for v in columns.values()]
    return pa.StructArray.from_arrays(lists, list(columns))


def chosen(name: str, *, periodic: bool) -> list[Feature]:
    """Return the features of a preset, with or without those that search for periods."""
    features = select(name, has_error=True)
    return [f for f in features if periodic or f.cost != "n x frequencies"]


def seconds_of(
    column: pa.StructArray, features: Sequence[Feature] | str, repeats: int
) -> tuple[float, int]:
    """Return the least seconds for each light curve, and how many columns come out."""
    compute_features(column[:2], FIELDS, features, min_period=1 / 24)
    least = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        table = compute_features(column, FIELDS, features, min_period=1 / 24)
        least = min(least, time.perf_counter() - started)
    return least / len(column), table.num_columns


def row(
    title: str,
    column: pa.StructArray,
    features: Sequence[Feature] | str,
    repeats: int,
    below_us: float | None = None,
) -> Row:
    """Measure one set of features."""
    seconds, n_columns = seconds_of(column, features, repeats)
    n_epochs = len(column[0][FIELDS.time])
    us = round(1e6 * seconds, 1)
    limit = "" if below_us is None else f"< {below_us:g} us per object"
    if below_us is not None and below_us >= 1000:
        limit = f"< {below_us / 1000:g} ms per object"
    return Row(
        title, f"{len(column):,} objects x {n_epochs} epochs in 6 bands", "skyseries",
        process="warm", wall_s=round(seconds * len(column), 4),
        figures={"us per object": us, "columns": n_columns},
        targets=() if below_us is None else (Target(limit, us / 1000 if below_us >= 1000 else us,
                                                    us < below_us),),
    )  # fmt: skip


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=float, default=2000)
    parser.add_argument("--repeats", type=int, default=7)
    a = parser.parse_args()
    restart_in_one_thread()
    column, several = light_curves(int(a.objects), 80, 1), min(a.repeats, 3)
    # of 80 epochs few bands have the 32 that lcPeriodic asks for
    longer = light_curves(20, 300, 3)
    ap, drp = (chosen(name, periodic=True) for name in ("rubin-ap", "rubin-drp"))
    quick_ap, quick_drp = (chosen(name, periodic=False) for name in ("rubin-ap", "rubin-drp"))
    rows = [
        row("rubin-ap, periods from 1 h, 1 yr", column, ap, several, 5000),
        row("rubin-ap without the period search, 1 yr", column, quick_ap, a.repeats, 50),
        row("rubin-drp, periods from 1 h, 1 yr", column, drp, several),
        row("rubin-drp without the period search, 1 yr", column, quick_drp, several),
        row("lcPeriodic, periods from 1 h, 3 yr", longer, "lcPeriodic", several),
    ]
    notes = (
        "One thread, column in memory to table in memory, JIT cache warm, fastest of "
        f"{a.repeats} ({several} where there are periods)."
    )
    full = a.objects >= 2000
    save("rubin", "Rubin's features for each object", rows, notes, full=full)


if __name__ == "__main__":
    main()
