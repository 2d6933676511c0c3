"""The sorts against NumPy's own stable sorts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skyseries.spatial.order import argsort, count_between, group_order

ANY_INT64 = st.integers(-(2**63), 2**63 - 1)


@given(arrays(np.int64, st.integers(0, 200), elements=ANY_INT64 | st.integers(0, 3)))
def test_argsort_is_the_stable_order(keys):
    assert np.array_equal(argsort(keys), np.argsort(keys, kind="stable"))


@pytest.mark.parametrize("spread", [1, 1000, 2**62])
def test_argsort_of_many_rows(spread):
    keys = np.random.default_rng(1).integers(0, spread, 300_000)
    assert np.array_equal(argsort(keys), np.argsort(keys, kind="stable"))


def test_argsort_settles_keys_that_differ_in_the_last_bits_only():
    keys = np.concatenate([[0, 2**62], 2**61 + np.arange(50_000)[::-1] // 3])
    assert np.array_equal(argsort(keys), np.argsort(keys, kind="stable"))


@given(st.data())
def test_group_order_is_a_lexsort(data):
    n = data.draw(st.integers(0, 100))
    group = data.draw(arrays(np.int64, n, elements=st.integers(0, 4)))
    value = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1.0])
    within = data.draw(arrays(np.float64, n, elements=value))
    order, offsets = group_order(group, 5, within)
    assert np.array_equal(order, np.lexsort((np.arange(n), within, group)))
    assert np.array_equal(np.diff(offsets), np.bincount(group, minlength=5))


def test_group_order_of_many_nearly_equal_times():
    rng = np.random.default_rng(2)
    group = rng.integers(0, 7, 50_000)
    within = 60_000 + rng.integers(0, 9, 50_000) * 1e-9
    order, _ = group_order(group, 7, within)
    assert np.array_equal(order, np.lexsort((np.arange(50_000), within, group)))


@given(st.lists(st.integers(0, 50), max_size=60), st.lists(st.integers(-5, 55), max_size=20))
def test_count_between(keys, bounds):
    keys, bounds = np.sort(np.array(keys, np.int64)), np.sort(np.array(bounds, np.int64))
    slow = [((keys >= a) & (keys < b)).sum() for a, b in pairwise(bounds)]
    assert count_between(keys, bounds).tolist() == slow


def test_count_between_by_bisection():
    keys = np.sort(np.random.default_rng(3).integers(0, 1000, 10_000))
    assert count_between(keys, np.array([0, 500, 1000])).tolist() == [
        (keys < 500).sum(),
        (keys >= 500).sum(),
    ]
