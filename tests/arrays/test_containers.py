"""The same numbers, labels and times out of the containers of every library."""

import datetime as dt
import decimal

import astropy.units as u
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy.coordinates import Angle, SkyCoord
from astropy.table import Column, MaskedColumn
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked

from skyseries.arrays import (
    clock_of,
    day_number,
    days,
    days_long,
    labels,
    measured,
    number,
    numbers,
    position,
    positions,
    true_or_false,
)
from skyseries.arrays.times import warn_coarse
from skyseries.errors import InputError

NAN = [1.0, np.nan, 3.0]
NONE = [1.0, None, 3.0]
MASK = [False, True, False]

NUMBERS = {
    "list": NONE,
    "tuple": tuple(NONE),
    "generator": (x for x in NONE),
    "numpy": np.array(NAN),
    "objects": np.array(NONE, object),
    "big-endian": np.array(NAN, ">f8"),
    "float32": np.array(NAN, "f4"),
    "np.ma": np.ma.array([1.0, 99, 3], mask=MASK),
    "np.ma of integers": np.ma.array([1, 99, 3], mask=MASK),
    "Quantity": np.array(NAN) * u.deg,
    "Quantity in radians": np.radians(NAN) * u.rad,
    "Masked Quantity": Masked([3600.0, 99, 10800] * u.arcsec, mask=MASK),
    "Masked": Masked(np.array([1.0, 99, 3]), mask=MASK),
    "Angle": Angle(NAN, "deg"),
    "Column": Column(NAN, unit="deg"),
    "MaskedColumn": MaskedColumn([60.0, 99, 180], mask=MASK, unit="arcmin"),
    "list of Quantities": [1 * u.deg, None, 180 * u.arcmin],
    "Series": pd.Series(NAN),
    "Series of objects": pd.Series([1, pd.NA, 3], dtype=object),
    "Series with NA": pd.Series([1, None, 3], dtype="Int64"),
    "Series of Arrow": pd.Series([1, None, 3], dtype="int64[pyarrow]"),
    "sparse": pd.Series(pd.arrays.SparseArray(NAN)),
    "categories": pd.Categorical(NONE),
    "polars": pl.Series(NONE),
    "polars integers": pl.Series([1, None, 3]),
    "Arrow": pa.array(NONE),
    "Arrow chunks": pa.chunked_array([[1, None], [3]]),
    "Arrow dictionary": pa.array(NONE).dictionary_encode(),
    "decimals": pa.array([decimal.Decimal(1), None, decimal.Decimal(3)]),
    "decimals in a list": [decimal.Decimal(1), None, decimal.Decimal(3)],
    "Arrow scalars": [pa.scalar(1.0), None, pa.scalar(3.0)],
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name):
    found = numbers(NUMBERS[name], "deg", name)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, NAN, rtol=1e-15)


def test_plain_arrays_are_not_copied():
    array = np.array(NAN)
    assert numbers(array, "deg") is array
    single = array.astype("f4")
    assert numbers(single, keep_single=True) is single


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a"], "not text such as a"),
        (np.array([True]), "not true and false"),
        ([1 + 1j], "not complex numbers"),
        ("abc", "a row of values, not 'abc'"),
        (None, "a row of values, not None"),
        ([1.0, 2.0] * u.s, "in the unit 's', which is no unit of deg"),
        (np.array(["2020-01-01"], "M8[D]"), "not dates such as 2020-01-01"),
        (pd.Series(["a", None]), "must be a number, not 'a'"),
        ([[1], [1, 2]], "is no array"),
        ([1 * u.deg, 2 * u.s], "mixes units"),
        ([1 * u.deg, 2], "mixes units"),
    ],
)
def test_what_are_no_numbers(values, said):
    with pytest.raises(InputError, match=f"ra.*{said}"):
        numbers(values, "deg", "ra")


def test_values_tell_their_unit():
    assert measured([1, 2] * u.mmag, "y")[1] == "mmag"
    assert measured([1, 2], "y")[1] == ""
    assert measured([15.0] * u.ABmag, "y")[1] == "mag"
    with pytest.raises(InputError, match="dy is in the unit 'mag', but a plain number"):
        numbers([1] * u.mag, measured([1.0], "y")[1], "dy")


@pytest.mark.parametrize(
    "value",
    [
        5, 5.0, np.float32(5), np.int8(5), np.array(5), pa.scalar(5), decimal.Decimal(5),
        5 * u.arcsec, 5000 * u.mas, Angle(5, "arcsec"),
    ],
)  # fmt: skip
def test_one_number(value):
    assert number(value, "arcsec", "radius") == pytest.approx(5.0, rel=1e-15)


@pytest.mark.parametrize(
    "value", ["5", None, True, [5], np.ones(2), np.ma.masked, 1j, pd.NA, 10**400, 5 * u.s]
)
def test_what_is_not_one_number(value):
    with pytest.raises(InputError, match="radius"):
        number(value, "arcsec", "radius")


BANDS = ["g", None, "r"]
LABELS = {
    "list": BANDS,
    "bytes": [b"g", None, b"r"],
    "blanks": np.array(["g ", "", " r"]),
    "numpy bytes": np.array([b"g", b"", b"r"]),
    "NaN": np.array(["g", np.nan, "r"], object),
    "Series": pd.Series(BANDS),
    "NA": pd.Series(BANDS, dtype="string"),
    "categories": pd.Categorical(BANDS),
    "polars": pl.Series(BANDS),
    "polars categories": pl.Series(BANDS, dtype=pl.Categorical),
    "Arrow": pa.array(BANDS),
    "views": pa.array(BANDS, pa.string_view()),
    "dictionary": pa.array(BANDS).dictionary_encode(),
    "np.ma": np.ma.array(["g", "x", "r"], mask=MASK),
    "MaskedColumn": MaskedColumn(["g", "x", "r"], mask=MASK),
}
CODES = {
    "floats": [1.0, np.nan, 2.0],
    "NA": pd.array([1, None, 2], "Int64"),
    "Arrow": pa.array([1, None, 2], pa.int8()),
    "objects": [1, None, 2.0],
}


@pytest.mark.parametrize("name", LABELS)
def test_text_labels(name):
    found, there = labels(LABELS[name])
    assert there.tolist() == [True, False, True]
    assert found[there].tolist() == ["g", "r"]


@pytest.mark.parametrize("name", CODES)
def test_labels_that_are_numbers(name):
    found, there = labels(CODES[name])
    assert there.tolist() == [True, False, True]
    assert found[there].tolist() == [1, 2]


def test_one_label_for_all():
    assert labels("g", size=2)[0].tolist() == ["g", "g"]
    for bad in ([1.5], [True], np.array([True, False])):
        with pytest.raises(InputError, match="band must be text or whole numbers"):
            labels(bad)


T = [51544.25, np.nan, 51545.5]
MORNING, NOON = dt.datetime(2000, 1, 1, 6), dt.datetime(2000, 1, 2, 12)
TIMES = {
    "numbers": T,
    "hours": np.array(T) * 24 * u.h,
    "Time": Time(np.ma.array([51544.25, 1, 51545.5], mask=MASK), format="mjd"),
    "list of Time": [Time(51544.25, format="mjd"), None, Time(51545.5, format="mjd")],
    "datetime64": np.array(["2000-01-01T06:00", "NaT", "2000-01-02T12:00"], "M8[ns]"),
    "pandas": pd.Series(pd.to_datetime([MORNING, None, NOON])),
    "with a zone": pd.Series(pd.to_datetime([MORNING, None, NOON])).dt.tz_localize("UTC"),
    "text": ["2000-01-01T06:00", None, "2000-01-02 12:00:00Z"],
    "numpy text": np.array(["2000-01-01T06:00", "", "2000-01-02T12:00"]),
    "datetime": [MORNING, None, NOON.replace(tzinfo=dt.UTC)],
    "Arrow": pa.array([MORNING, None, NOON]),
    "Arrow with a zone": pa.array([MORNING, None, NOON], pa.timestamp("us", "UTC")),
    "polars": pl.Series([MORNING, None, NOON]),
}


@pytest.mark.parametrize("name", TIMES)
def test_times(name):
    np.testing.assert_allclose(days(TIMES[name]), T, rtol=1e-15)


def test_lengths_of_time():
    lengths = (
        36 * u.h, TimeDelta(1.5, format="jd"), dt.timedelta(hours=36), np.timedelta64(36, "h"), 1.5
    )  # fmt: skip
    assert [day_number(length, "p") for length in lengths] == [1.5] * 5
    assert day_number(Time(51544.25, format="mjd"), "epoch") == 51544.25
    np.testing.assert_array_equal(days(np.array([36, 48], "m8[h]")), [1.5, 2.0])
    np.testing.assert_array_equal(days(TimeDelta([1.0, 2], format="jd")), [1.0, 2.0])
    np.testing.assert_array_equal(days(np.array(["2000-01"], "M8[M]")), [51544.0])
    np.testing.assert_array_equal(days([dt.date(2000, 1, 1)]), [51544.0])


def test_what_are_no_times():
    for bad, said in ((["abc"], "not 'abc'"), ([True], "true and false"), ([1] * u.deg, "'deg'")):
        with pytest.raises(InputError, match=said):
            days(bad)


def test_moments_of_pandas_in_a_list():
    moments = [pd.Timestamp("2020-01-01T06:00"), pd.NaT]
    np.testing.assert_array_equal(days(moments), [58849.25, np.nan])
    assert day_number(pd.Timedelta(hours=6), "period") == 0.25
    assert days_long(dt.timedelta(hours=6), "period") == 0.25
    for moment in (pd.Timestamp("2020-01-01"), Time(5, format="mjd")):
        with pytest.raises(InputError, match="period must be a length of time"):
            days_long(moment, "period")


@pytest.mark.filterwarnings("error")
def test_text_with_an_offset_from_utc():
    told = ["2020-01-01T06:00:00+02:00", "2020-01-01 01:30:00.0-0230", None, "2020-01-01"]
    moments = [58849 + 4 / 24, 58849 + 4 / 24, np.nan, 58849]
    for text in (told, np.array([t or "" for t in told], "S30"), ["2020-01-01T06+02", *told[1:]]):
        np.testing.assert_allclose(days(text), moments, rtol=1e-15)
    with pytest.raises(InputError, match="must be days"):
        days(["2020-13-01T06:00+02:00"])


def test_choices_are_true_or_false():
    assert [true_or_false(value, "choice") for value in (True, np.False_)] == [True, False]
    for wrong in ("no", 1, None, np.array([True])):
        with pytest.raises(InputError, match="choice must be True or False"):
            true_or_false(wrong, "choice")


def test_what_moments_are_told_by():
    time = Time([59000.0], format="mjd", scale="tai")
    for values in (time, list(time), time[0]):
        assert clock_of(values) == "tai"
    for values in (time.datetime64, time.isot, list(time.datetime), pd.Series(time.datetime64)):
        assert clock_of(values) == ""
    for values in ([1.0], np.ones(2), [1] * u.d, time - time, np.ma.array([1.0]), 5, None, []):
        assert clock_of(values) is None


def test_text_of_nothing_is_no_label():
    for nothing in (
        np.array(["g", np.nan]),
        ["g", "nan"],
        np.array(["g", None], object).astype(str),
    ):
        found, there = labels(nothing)
        assert (found[0], there.tolist()) == ("g", [True, False])
    with pytest.raises(InputError, match="mixes text and numbers"):
        labels(["g", 1])
    with pytest.raises(InputError, match="band must be text"):
        labels([["g"], ["r"]])


def test_rounded_times_are_told():
    jd = np.array([2459000.3, 2459001.7])
    with pytest.warns(UserWarning, match=r"float32.*rounded to 0\.25 d"):
        warn_coarse(jd.astype("f4"))
    warn_coarse(jd)
    warn_coarse((jd - 2459000).astype("f4"))


def test_positions():
    pole = SkyCoord(l=0, b=90, unit="deg", frame="galactic")
    assert position(pole) == pytest.approx((192.859, 27.128), abs=1e-3)
    assert position(10 * u.hourangle, 1 * u.rad) == pytest.approx((150.0, 57.29578))
    ra, dec = positions(SkyCoord([1, 2], [3, 4], unit="deg"))
    np.testing.assert_allclose([ra, dec], [[1, 2], [3, 4]])
    for bad in (
        (95, 95),
        (np.nan, 0),
        ("10h", "0d"),
        (1,),
        (SkyCoord([1, 2], [3, 4], unit="deg"),),
    ):
        with pytest.raises(InputError):
            position(*bad)
    with pytest.raises(InputError, match=r"90\.00000000000001 is beyond"):
        positions([1.0], [90.00000000000001])


def test_positions_in_a_list_of_angles():
    ra, dec = positions([1 * u.hourangle, 90 * u.deg], [None, 60 * u.arcmin])
    np.testing.assert_allclose(ra, [15.0, 90.0])
    np.testing.assert_allclose(dec, [np.nan, 1.0])
    assert [part.tolist() for part in positions(decimal.Decimal("1.5"), 2)] == [[1.5], [2.0]]
    for wrong in ([[1.0], 2.0], [1 * u.s], {1: 2.0}, "1"):
        with pytest.raises(InputError):
            positions(wrong, [1.0])
