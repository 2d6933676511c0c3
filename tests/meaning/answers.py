"""Answers as rows of numbers, so that two of them can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["column", "ids", "numbers", "periods", "spectrum"]


def numbers(*parts: Any) -> NDArray[np.float64]:
    """Return all numbers in a row, NaN for None."""
    rows = [np.asarray(part, object).ravel() for part in parts]
    flat = [np.nan if x is None else float(x) for row in rows for x in row]
    return np.array(flat)


def ids(catalog: Any) -> NDArray[np.float64]:
    """Return the ids of the rows, sorted."""
    return np.sort(numbers(catalog.to_arrow()["id"].to_pylist()))


def column(catalog: Any, *names: str) -> NDArray[np.float64]:
    """Return columns of a catalog in the order of the ids."""
    table = catalog.to_arrow()
    keys = [name for name in table.column_names if name.startswith("id")]
    table = table.sort_by([(name, "ascending") for name in keys])
    return numbers(*(table[name].to_pylist() for name in names))


def periods(catalog: Any, **options: Any) -> NDArray[np.float64]:
    """Return the periods of light curves, and their powers."""
    options = {"min_period": 1, "max_period": 5, "n_peaks": 2} | options
    return column(catalog.periods(**options), "period", "period_power")


def spectrum(periodogram: Any) -> NDArray[np.float64]:
    """Return frequencies and powers."""
    return numbers(periodogram.frequency, periodogram.power)
