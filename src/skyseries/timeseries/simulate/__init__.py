"""LSST-like light curves with a known truth: cadence, variability, noise, and whole surveys."""

from skyseries.timeseries.simulate.cadence import Cadence, lsst_cadence
from skyseries.timeseries.simulate.noise import flux_error, magnitude_error, observe
from skyseries.timeseries.simulate.survey import simulate_survey

__all__ = [
    "Cadence",
    "flux_error",
    "lsst_cadence",
    "magnitude_error",
    "observe",
    "simulate_survey",
]
