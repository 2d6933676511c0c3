"""Whole numbers and pairs, of whatever is given for them."""

import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skyseries.arrays import pair, whole, whole_numbers
from skyseries.errors import InputError


@pytest.mark.parametrize("given", [5, 5.0, np.int16(5), np.float32(5), np.array(5), pa.scalar(5)])
def test_whole(given):
    assert whole(given, "n") == 5
    assert type(whole(given, "n")) is int


def test_whole_is_exact_and_limited():
    assert whole(2**63 + 1, "n") == 2**63 + 1
    for wrong in (5.5, "5", True, None, np.nan, np.inf, [5], 5 * u.s):
        with pytest.raises(InputError, match="n "):
            whole(wrong, "n")
    with pytest.raises(InputError, match="n must not be negative, not -1"):
        whole(-1, "n", least=0)
    with pytest.raises(InputError, match="n must be 1 or more, not 0"):
        whole(0, "n", least=1)
    with pytest.raises(InputError, match="n must be 9 or less, not 10"):
        whole(10, "n", most=9)


def test_whole_numbers():
    for given in ([1, 2], np.array([1.0, 2.0]), pd.Series([1, 2]), pa.array([1, 2], pa.uint8())):
        assert whole_numbers(given, "n").tolist() == [1, 2]
    assert whole_numbers([(1, 2), (3, 4)], "n").shape == (2, 2)
    for wrong in ([1, 2.5], [1, None], ["1"], [True], np.ma.array([1, 2], mask=[0, 1]), [1e300]):
        with pytest.raises(InputError, match="n"):
            whole_numbers(wrong, "n")


def test_pairs():
    for given in ((60, 120) * u.arcmin, [1 * u.deg, 2 * u.deg], (1, 2), np.array([1.0, 2.0])):
        assert pair(given, "deg", "limits") == pytest.approx((1.0, 2.0))
    for wrong in (1, (1, 2, 3), "ab", None, (1, 2) * u.s, [(1, 2)]):
        with pytest.raises(InputError, match="limits"):
            pair(wrong, "deg", "limits")
