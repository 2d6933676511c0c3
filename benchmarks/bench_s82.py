"""Real stars: periods of the Stripe 82 RR Lyrae (Sesar et al. 2010, ApJ 708, 717).

Objects and sources are imported, and the period search runs on the catalog. A period is right
if its frequency is within 1/T of the published one, T being the time span of the light curve.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from results import WORK, Row, Target, measured_row, save
from systems import skyseries

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

PROGRAM = """
import json, time
import numpy as np
import pyarrow.parquet as pq
import skyseries as sky

sky.import_catalog({objects!r}, {output!r}, name="s82", id="object_id",
                   columns=["object_id", "ra", "dec"],  # without the published period
                   lightcurves={sources!r}, time="mjd", band="band", mag="mag", mag_err="magerr",
                   workers={workers}, progress=False)
catalog = sky.open_catalog({output!r})
started = time.perf_counter()
found = catalog.periods(min_period=0.2, max_period=1.2).to_arrow()
seconds = time.perf_counter() - started
truth = pq.read_table({objects!r}, columns=["object_id", "period"]).to_pydict()
truth = dict(zip(truth["object_id"], truth["period"]))
times = pq.read_table({sources!r}, columns=["object_id", "mjd"]).to_pandas()
span = times.groupby("object_id")["mjd"].agg(lambda t: t.max() - t.min())
first = five = 0
columns = (found[name].to_pylist() for name in ("object_id", "period", "period_peaks"))
for key, best, peaks in zip(*columns):
    near = [abs(1 / p - 1 / truth[key]) < 1 / span[key] for p in peaks[:5]]
    first += abs(1 / best - 1 / truth[key]) < 1 / span[key]
    five += any(near)
print(json.dumps({{"stars": len(found), "top1": int(first), "top5": int(five),
                   "periods_s": round(seconds, 2)}}))
"""


def run(workers: int) -> Row:
    """Import, search, compare."""
    output = WORK / "s82"
    shutil.rmtree(output, ignore_errors=True)
    program = PROGRAM.format(
        objects=str(DATA / "s82_rrlyrae_objects.parquet"),
        sources=str(DATA / "s82_rrlyrae_lightcurves.parquet"),
        output=str(output), workers=workers,
    )  # fmt: skip
    measured = skyseries(program)
    found = json.loads(measured.stdout.strip().splitlines()[-1])
    top1, top5 = (100 * found[k] / found["stars"] for k in ("top1", "top5"))
    return measured_row(
        measured, "import, periods 0.2 to 1.2 d", f"{found['stars']} stars", "skyseries",
        figures={
            "top-1 right %": round(top1, 1), "top-5 right %": round(top5, 1),
            "periods_s": found["periods_s"],
            "periods ms/star": round(1e3 * found["periods_s"] / found["stars"], 1),
        },
        targets=(
            Target("top-1 >= 75 %", round(top1, 1), top1 >= 75),
            Target("top-5 >= 97 %", round(top5, 1), top5 >= 97),
        ),
    )  # fmt: skip


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    a = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit("the real data (../shared/data) is not beside the project")
    WORK.mkdir(exist_ok=True)
    run(a.workers)  # fills the cache of compiled kernels
    save("s82", "Real RR Lyrae of SDSS Stripe 82", [run(a.workers)])


if __name__ == "__main__":
    main()
