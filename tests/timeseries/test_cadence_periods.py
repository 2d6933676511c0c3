"""RR Lyrae stars at the visits of a published simulation of LSST's first two years."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyseries.photometry import UGRIZY
from skyseries.timeseries import compute_periods
from skyseries.timeseries.simulate import observe
from skyseries.timeseries.simulate.classes import CLASSES
from tests.timeseries.build import FLUX, column


@pytest.mark.data
def test_rr_lyrae_are_found_after_two_years(shared_data: Path) -> None:
    rng = np.random.default_rng(4)
    visits = pq.read_table(shared_data / "lsst_cadence.parquet").to_pandas().sort_values("mjd")
    fields = [field for _, field in visits.groupby(["field", "ra", "dec"])]
    rows, truth = [], []
    for k in range(48):
        star = CLASSES["rr_lyrae_c" if k % 4 == 3 else "rr_lyrae_ab"].draw(rng, 0.0, 1.0)
        field = fields[k % len(fields)]
        field = field[field["mjd"] < field["mjd"].min() + 730.5]
        t, band = field["mjd"].to_numpy(), field["band"].to_numpy().astype(str)
        code = np.array([UGRIZY.index(name) for name in band])
        flux, error = observe(star.flux(t, code), field["m5"].to_numpy(), code, rng)
        rows.append({"time": t, "band": band.tolist(), "value": flux, "error": error})
        truth.append((star.period, np.ptp(t)))
    period, span = np.array(truth).T
    found = compute_periods(column(rows, FLUX), FLUX, min_period=0.2, max_period=1.2)
    right = np.abs(1 / found["period"].to_numpy() - 1 / period) < 1 / span
    assert right.mean() >= 0.95
