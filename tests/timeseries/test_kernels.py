"""Kernels on their own, against NumPy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skyseries.timeseries.kernels.networks import NETWORK_LIMIT, sort_segments
from skyseries.timeseries.kernels.peaks import highest_peaks
from skyseries.timeseries.kernels.sorting import order_of, sort_row

few_values = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=300)  # many ties


@given(few_values)
def test_order_is_that_of_lexsort(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array([p[k] for p in pairs], np.float64) for k in (0, 1))
    assert order_of(a, b).tolist() == np.lexsort((b, a)).tolist()


@given(st.lists(st.floats(allow_nan=False), max_size=200))
def test_sorted_row(values: list[float]) -> None:
    row = np.array(values, np.float64)
    sort_row(row)
    assert row.tolist() == sorted(values)


@given(st.lists(st.lists(st.floats(allow_nan=False), max_size=70), max_size=20))
def test_segments_are_sorted_side_by_side(segments: list[list[float]]) -> None:
    segments.append([float(k % 7) for k in range(NETWORK_LIMIT + 1)])
    offsets = np.cumsum([0, *map(len, segments)])
    made = sort_segments(np.array([v for s in segments for v in s]), offsets)
    assert made.tolist() == [v for s in segments for v in sorted(s)]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=80), st.integers(1, 6), st.integers(1, 5))
def test_highest_peaks(values: list[int], reach: int, n_peaks: int) -> None:
    power = np.array(values, np.float64)
    tops = []
    for k, p in enumerate(values):
        before, after = values[max(0, k - reach) : k], values[k + 1 : k + reach + 1]
        if all(q < p for q in before) and all(q <= p for q in after):
            tops.append((-p, k))
    expected = [k for _, k in sorted(tops)[:n_peaks]]
    assert highest_peaks(power, reach, n_peaks).tolist() == expected


def test_import_is_light() -> None:
    code = (
        "import sys, skyseries.timeseries; "
        "sys.exit(bool({'matplotlib', 'pandas', 'astropy', 'duckdb'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
