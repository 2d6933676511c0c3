"""The DPDD's lcPeriodic: three planted sinusoids found again on the LSST cadence, and its speed.

The times are those of one band of one simulated LSST field over ten years. Amplitudes are 1,
0.4 to 0.7 and 0.2 to 0.35; frequencies are even in their logarithm from 0.05 to 9.9 /d; the noise
is a fifth (or a tenth) of the first amplitude where the depth of the epoch is the median, and
follows the depth.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from results import WORK, Row, Target, measured_row, save
from systems import skyseries

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "lsst_cadence.parquet"

COMMON = """
import json, time
import numpy as np
import pyarrow as pa
from skyseries.schema import LightCurveFields
from skyseries.timeseries import compute_features

FIELDS = LightCurveFields(time="mjd", band="band", flux="flux", flux_err="err")

def nested(rows):
    offsets = pa.array(np.cumsum([0] + [len(row[0]) for row in rows]), pa.int32())
    parts = [np.concatenate(part) for part in zip(*rows)]
    lists = [pa.ListArray.from_arrays(offsets, pa.array(part)) for part in parts]
    return pa.StructArray.from_arrays(lists, ["mjd", "band", "flux", "err"])

def fastest(column, names, repeats=3, **options):
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        compute_features(column, FIELDS, names, **options)
        seconds.append(time.perf_counter() - started)
    return min(seconds) / len(column) * 1e3
"""

PLANTED = (
    COMMON
    + """
import pyarrow.parquet as pq

rng = np.random.default_rng(1)
cadence = pq.read_table({data!r}).to_pandas()
runs = [run for _, run in cadence.groupby(["field", "band"]) if len(run) >= {least}]
rows, planted = [], []
for k in range({count}):
    run = runs[k % len(runs)]
    t = np.sort(run["mjd"].to_numpy())
    f = np.exp(rng.uniform(np.log(0.05), np.log(9.9), 3))
    a = [1.0, rng.uniform(0.4, 0.7), rng.uniform(0.2, 0.35)]
    phase = rng.uniform(0, 2 * np.pi, 3)
    x = sum(a[i] * np.sin(2 * np.pi * f[i] * t + phase[i]) for i in range(3))
    depth = run["m5"].to_numpy()
    e = {noise} * 10 ** (-0.4 * (depth - np.median(depth)))
    rows.append((t, np.full(len(t), "r"), x + rng.normal(0, e), e))
    planted.append(f)
column = nested(rows)
compute_features(column[:1], FIELDS, "dpdd-columns", bands=["r"], max_period=50.0)
started = time.perf_counter()
found = compute_features(column, FIELDS, "dpdd-columns", bands=["r"])
seconds = time.perf_counter() - started
away = [
    np.abs(found[f"r_fluxFreq{{i + 1}}"].to_numpy() - np.array(planted)[:, i]) for i in range(3)
]
print(json.dumps({{
    "epochs": int(np.median([len(row[0]) for row in rows])), "seconds": round(seconds, 2),
    "found": [round(100 * float(np.mean(d < 1e-5)), 1) for d in away],
}}))
"""
)

SPEED = (
    COMMON
    + """
rng = np.random.default_rng(2)

def light_curves(n_curves, n_epochs, span):
    rows = []
    for _ in range(n_curves):
        t = np.sort(np.floor(rng.uniform(0, span, n_epochs)) + rng.normal(0, 0.08, n_epochs))
        band = np.array(list("ugrizy"))[np.arange(n_epochs) % 6]
        x = np.sin(2 * np.pi * t * rng.uniform(0.1, 5)) + rng.normal(0, 0.2, n_epochs)
        rows.append((t, band, x, np.full(n_epochs, 0.2)))
    return nested(rows)

long, short = light_curves(5, 1020, 3650.0), light_curves(200, 80, 365.0)
fastest(long[:1], ["lcPeriodic", "multiPeriod"], 1)
print(json.dumps({
    "lcPeriodic": fastest(long, "lcPeriodic"),
    "multiPeriod": fastest(short, ["multiPeriod", "MultiAmp"], min_period=1 / 24),
}))
"""
)


def planted(count: int, least: int, noise: float) -> Row:
    """Plant, search, compare."""
    program = PLANTED.format(data=str(DATA), count=count, least=least, noise=noise)
    measured = skyseries(program)
    found = json.loads(measured.stdout.strip().splitlines()[-1])
    share = found["found"][0]
    aim = (Target("f1 within 1e-5 /d for >= 99 %", share, share >= 99),) if least >= 300 else ()
    return measured_row(
        measured, f"three sinusoids, noise {noise}", f"{count} bands, {found['epochs']} epochs",
        "skyseries",
        figures={
            **{f"f{i + 1} right %": value for i, value in enumerate(found["found"])},
            "ms/band": round(1e3 * found["seconds"] / count, 1),
        },
        targets=aim,
    )  # fmt: skip


def speed() -> list[Row]:
    """Time lcPeriodic on ten years and the shared period on one, one thread."""
    measured = skyseries(SPEED)
    found = json.loads(measured.stdout.strip().splitlines()[-1])
    sizes = {
        "lcPeriodic": "6 x 170 epochs, 10 yr, to 10 /d",
        "multiPeriod": "80 epochs in 6 bands, 1 yr, to 24 /d",
    }
    return [
        measured_row(
            measured, name, size, "skyseries", process="warm",
            figures={"ms/light curve": round(found[name], 2)},
            targets=(Target("< 5 ms", round(found[name], 2), found[name] < 5),)
            if name == "multiPeriod" else (),
        )
        for name, size in sizes.items()
    ]  # fmt: skip


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    a = parser.parse_args()
    if not DATA.is_file():
        raise SystemExit("the real data (../shared/data) is not beside the project")
    WORK.mkdir(exist_ok=True)
    rows = [planted(a.count, 300, 0.2), planted(a.count, 0, 0.1), *speed()]
    notes = (
        "The times are those of one band of one simulated LSST field; noise is in units of the "
        "amplitude of the first sinusoid. Fewer epochs in the second row: all bands, u and g too."
    )
    save("dpdd", "The DPDD's periodic numbers", rows, notes, full=a.count >= 1000)


if __name__ == "__main__":
    main()
