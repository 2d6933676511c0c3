"""From survey tables to periods: simulate a small survey, import it, find its RR Lyrae stars.

Run it anywhere: ``python examples/survey_to_periods.py``. No ``__main__`` guard is needed.
"""

import tempfile
from pathlib import Path

import numpy as np

import skyseries as sky
from skyseries.formats import write_table
from skyseries.timeseries.simulate import simulate_survey

folder = Path(tempfile.mkdtemp())
objects, sources, truth = simulate_survey(
    n_constant=200, n_rr_lyrae_ab=20, n_rr_lyrae_c=0, n_detached_binary=0, n_contact_binary=0,
    n_long_period=0, n_microlensing=0, n_supernova_ia=0, years=2, seed=3,
)  # fmt: skip
write_table(objects, folder / "objects.parquet")
write_table(sources, folder / "sources.parquet")

report = sky.import_catalog(
    folder / "objects.parquet",
    folder / "survey",
    id="objectId",
    lightcurves=folder / "sources.parquet",
    progress=False,
)
print(f"{report.rows} objects, {report.epochs} epochs")

survey = sky.open_catalog(folder / "survey")
table = survey.features().periods(min_period=0.2, max_period=1.0).to_astropy()
variable = table[table["r_psfFluxReducedChi2"] > 5]

true_period = dict(zip(truth["objectId"].to_pylist(), truth["period"].to_pylist(), strict=True))
expected = np.array([true_period[id] for id in variable["objectId"]])
span = variable["timeSpan"].data
right = abs(1 / variable["period"].data - 1 / expected) < 1 / span
print(f"{len(variable)} variable stars, {int(right.sum())} with the right period")
