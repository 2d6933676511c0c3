"""RR Lyrae stars on the LSST cadence: how many periods are right after two years.

Each star is a simulated RR Lyrae (three of four of type ab) with g between 18 and 22, observed at
the visits of one field of the published simulation of LSST during that field's first years, with
the noise of each visit's depth and 8 % of the visits lost. A period is right if its frequency is
within 1/T of the true one, T being the time span of the light curve.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from results import Row, Target, save
from skyseries.photometry import UGRIZY
from skyseries.schema import LightCurveFields
from skyseries.timeseries import compute_periods
from skyseries.timeseries.simulate import observe
from skyseries.timeseries.simulate.classes import CLASSES, Draw

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "lsst_cadence.parquet"
FIELDS = LightCurveFields(time="mjd", band="band", flux="flux", flux_err="err", flux_unit="nJy")
YEAR = 365.25
LEAST_VISITS = 50
LOST_VISITS = 0.08
G_LIMITS = (18.0, 22.0)
Array = np.ndarray[Any, Any]


def visits(years: float) -> list[pd.DataFrame]:
    """Return the first years of each field that was visited often enough in them."""
    table = pq.read_table(DATA).to_pandas().sort_values("mjd")
    fields = [field for _, field in table.groupby(["field", "ra", "dec"])]
    first = [field[field["mjd"] < field["mjd"].min() + years * YEAR] for field in fields]
    return [field for field in first if len(field) >= LEAST_VISITS]


def draw(rng: np.random.Generator, kind: str) -> tuple[Draw, float]:
    """Draw a star until its mean g is within the limits; return it with that magnitude."""
    phase = np.linspace(0.0, 1.0, 200, endpoint=False)
    while True:
        star = CLASSES[kind].draw(rng, 0.0, 1.0)
        flux = star.flux(star.period * phase, np.full(phase.size, UGRIZY.index("g")))
        g = 31.4 - 2.5 * float(np.log10(flux.mean()))
        if G_LIMITS[0] <= g <= G_LIMITS[1]:
            return star, g


def stars(count: int, years: float, seed: int = 4) -> tuple[pa.StructArray, dict[str, Array]]:
    """Return the light curves, and the truth about them."""
    rng = np.random.default_rng(seed)
    fields = visits(years)
    parts: list[tuple[Array, ...]] = []
    truth = []
    for k in range(count):
        star, g = draw(rng, "rr_lyrae_c" if k % 4 == 3 else "rr_lyrae_ab")
        field = fields[k % len(fields)]
        field = field[rng.random(len(field)) >= LOST_VISITS]
        t, names = field["mjd"].to_numpy(), field["band"].to_numpy().astype(str)
        band = np.array([UGRIZY.index(name) for name in names])
        flux, error = observe(star.flux(t, band), field["m5"].to_numpy(), band, rng)
        parts.append((t, names, flux, error))
        truth.append((star.period, np.ptp(t), t.size, g))
    offsets = pa.array(np.cumsum([0] + [len(part[0]) for part in parts]), pa.int32())
    flat = [np.concatenate(column) for column in zip(*parts, strict=True)]
    lists = [pa.ListArray.from_arrays(offsets, pa.array(values)) for values in flat]
    column = pa.StructArray.from_arrays(lists, ["mjd", "band", "flux", "err"])
    columns = [np.array(values) for values in zip(*truth, strict=True)]
    return column, dict(zip(("period", "span", "epochs", "g"), columns, strict=True))


def run(count: int, years: float) -> Row:
    """Simulate, search, compare."""
    column, truth = stars(count, years)
    limits = {"min_period": 0.2, "max_period": 1.2}
    compute_periods(column[:1], FIELDS, **limits)
    started = time.perf_counter()
    found = compute_periods(column, FIELDS, **limits)
    seconds = time.perf_counter() - started
    peaks = 1 / np.array(found["period_peaks"].to_pylist())
    away = np.abs(peaks - 1 / truth["period"][:, None]) * truth["span"][:, None]
    right = away < 1
    first, five = (100 * float(r.mean()) for r in (right[:, 0], right.any(axis=1)))
    size = (
        f"{count} stars in {len(visits(years))} fields, {years:g} yr, "
        f"{truth['epochs'].min():.0f} to {truth['epochs'].max():.0f} epochs"
    )
    aim = (Target("period right >= 99 %", round(first, 1), first >= 99),) if years == 2 else ()
    return Row(
        "RR Lyrae on the LSST cadence", size, "skyseries", process="warm",
        wall_s=round(seconds, 2),
        figures={
            "top-1 right %": round(first, 1), "top-5 right %": round(five, 1),
            "faintest fifth, top-1 right %": round(
                100 * float(right[truth["g"] >= np.quantile(truth["g"], 0.8), 0].mean()), 1
            ),
            "ms/star": round(1e3 * seconds / count, 1),
        },
        targets=aim,
    )  # fmt: skip


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=504)
    a = parser.parse_args()
    if not DATA.is_file():
        raise SystemExit("the real data (../shared/data) is not beside the project")
    notes = (
        "Periods 0.2 to 1.2 d, default options; g between 18 and 22; "
        f"{100 * LOST_VISITS:.0f} % of the visits of a field miss the star. Fields with fewer "
        f"than {LEAST_VISITS} visits in the time are left out: none of the 24 in two years (the "
        "least has 106 visits), one in one year, which is for information."
    )
    rows = [run(a.stars, years) for years in (2.0, 1.0)]
    save("cadence", "RR Lyrae stars on the LSST cadence", rows, notes, full=a.stars >= 500)


if __name__ == "__main__":
    main()
