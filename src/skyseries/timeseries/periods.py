"""The best periods of every light curve of a nested column."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.schema import ColumnMeta, LightCurveFields, with_column_meta
from skyseries.timeseries.epochs import Epochs, iter_epochs
from skyseries.timeseries.kernels.search import search_periods
from skyseries.timeseries.measured import measured_field
from skyseries.timeseries.segments import split_by_band

__all__ = ["DEFAULT_FLOOR_FRACTION", "MIN_SPARE", "compute_periods", "period_schema"]

DEFAULT_FLOOR_FRACTION = 0.5
MIN_SPARE = 2


def error_floor_terms(error_floor: float | None) -> tuple[float, float]:
    """Return the absolute floor and the fraction of the scatter that `error_floor` stands for."""
    if error_floor is None:
        return 0.0, DEFAULT_FLOOR_FRACTION
    if not (math.isfinite(error_floor) and error_floor >= 0):
        raise InputError(f"error_floor must be a finite number from 0 on, not {error_floor}")
    return float(error_floor), 0.0
