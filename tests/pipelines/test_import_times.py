"""Times come in as days, and say what they are."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from astropy.time import Time

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from tests.pipelines.meaning import EPOCHS, MJD, epochs, run, with_column
from tests.pipelines.survey import small_parts


@pytest.fixture(autouse=True)
def _small():
    with small_parts():
        yield


DATES = Time(MJD, format="mjd").to_datetime()


@pytest.mark.parametrize(
    "values",
    [
        pa.array(DATES, pa.timestamp("us")), pa.array(DATES, pa.timestamp("ns", "UTC")),
        pa.array([d - dt.timedelta(hours=3) for d in DATES], pa.timestamp("us")).cast(
            pa.timestamp("us")),
        pa.array([d.isoformat() for d in DATES]), pa.array([f" {d.isoformat()}Z" for d in DATES]),
        pa.array([d.strftime("%Y-%m-%d %H:%M:%S") for d in DATES]),
        pa.array([(d + dt.timedelta(hours=2)).isoformat() + "+02:00" for d in DATES]),
        pa.array([Decimal(str(t)) for t in MJD]), pa.array(MJD, pa.float64()),
        pa.array([[t + 2400000.0, 0.5] for t in MJD], pa.list_(pa.float64())),
    ],
    ids=["us", "ns-utc", "shifted", "iso", "z", "blank", "zone", "decimal", "float", "jd1-jd2"],
)  # fmt: skip
def test_whatever_is_a_time_becomes_days_of_mjd(tmp_path, request, values):
    shift = 0.125 if "shifted" in request.node.callspec.id else 0.0
    run(tmp_path, lightcurves=with_column(EPOCHS, "mjd", values))
    found = [row["mjd"] for row in epochs(tmp_path)]
    np.testing.assert_allclose(found, np.array(MJD)[[1, 0, 2]] - shift, rtol=0, atol=1e-10)
    assert sky.open_catalog(tmp_path / "c").lightcurve_fields().time_format == "mjd"


def test_dates_of_a_column_that_is_called_otherwise(tmp_path):
    rows = EPOCHS.rename_columns(["objectId", "jd", "band", "mag", "magerr"])
    rows = with_column(rows, "jd", pa.array(DATES, pa.timestamp("ms", "Africa/Lagos")))
    report = run(tmp_path, lightcurves=rows, time_scale="UTC")
    fields = sky.open_catalog(tmp_path / "c").lightcurve_fields()
    assert (fields.time_format, fields.time_scale) == ("mjd", "utc")
    assert [row["jd"] for row in epochs(tmp_path)] == [MJD[i] for i in (1, 0, 2)]
    assert "the dates in 'jd' become days of MJD" in report.notes
    with pytest.raises(InputError, match="leave time_format= out"):
        run(tmp_path, lightcurves=rows, time_format="jd", overwrite=True)


def test_days_alone_and_dates_that_are_missing(tmp_path):
    days = pa.array([dt.date(2023, 2, 25), None, dt.date(2023, 2, 26)], pa.date32())
    report = run(tmp_path, lightcurves=with_column(EPOCHS, "mjd", days))
    assert [row["mjd"] for row in epochs(tmp_path)] == [60000.0, None, 60001.0]
    assert "1 epoch has no time" in report.notes


@pytest.mark.parametrize("missing", ["", "  ", "NaT", "null", None])
def test_text_that_is_no_time(tmp_path, missing):
    texts = ["2023-02-25T12:00:00", missing, "2023-02-26"]
    report = run(tmp_path, lightcurves=with_column(EPOCHS, "mjd", texts))
    assert [row["mjd"] for row in epochs(tmp_path)] == [60000.5, None, 60001.0]
    assert "1 epoch has no time" in report.notes
    texts = ["2023-02-25T12:00:00", "yesterday", "2023-02-26"]
    with pytest.raises(InputError, match=r"part0\.parquet, row 2, column 'mjd': 'yesterday'.*days"):
        run(tmp_path, lightcurves=with_column(EPOCHS, "mjd", texts), overwrite=True)


@pytest.mark.parametrize("values", [pa.array([True] * 3), pa.array([dt.time(1)] * 3)])
def test_columns_that_hold_no_times(tmp_path, values):
    with pytest.raises(SchemaError, match=r"column 'mjd' \(time\) is (bool|time64)"):
        run(tmp_path, lightcurves=with_column(EPOCHS, "mjd", values))


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"time_format": "MJD", "time_scale": "TAI"}, ("mjd", "tai", None)),
        ({"time_format": "BJD"}, ("jd", None, "barycenter")),
        ({"time_format": "bkjd"}, ("bkjd", "tdb", "barycenter")),
        ({"refposition": "Heliocentre", "time_scale": "utc"}, ("mjd", "utc", "heliocenter")),
    ],
)
def test_words_for_times_are_settled(tmp_path, given, fields):
    run(tmp_path, **given)
    found = sky.open_catalog(tmp_path / "c").lightcurve_fields()
    assert (found.time_format, found.time_scale, found.refposition) == fields


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"time_format": "foo"}, "time_format must be one of mjd, jd"),
        ({"time_scale": "barycentric"}, "time_scale must be one of utc"),
        ({"refposition": "moon"}, "refposition must be one of topocenter"),
        ({"time_format": "bjd", "refposition": "sun"}, "refposition is said to be 'heliocenter'"),
        ({"time_format": 5}, "time_format must be text, not 5"),
    ],
)
def test_words_for_times_that_are_not_known(tmp_path, given, message):
    with pytest.raises(InputError, match=message):
        run(tmp_path, **given)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("metadata", "fields"),
    [
        ({"time_format": "jd", "time_scale": "utc"}, ("jd", "utc", None)),
        ({"time_origin": "2450000", "time_refposition": "heliocenter"},
         ("jd-2450000", None, "heliocenter")),
        ({"time_origin": "2400000.5"}, ("mjd", None, None)),
        ({"unit": "BJD - 2457000, days"}, ("btjd", "tdb", "barycenter")),
        ({"unit": "BJD - 2454833"}, ("bkjd", "tdb", "barycenter")),
        ({"unit": "JD"}, ("jd", None, None)),
        ({"time_scale": "local"}, ("mjd", None, None)),
    ],
)  # fmt: skip
def test_what_a_column_says_of_its_times(tmp_path, metadata, fields):
    rows = with_column(EPOCHS, "mjd", EPOCHS["mjd"].combine_chunks(), **metadata)
    run(tmp_path, lightcurves=rows)
    found = sky.open_catalog(tmp_path / "c").lightcurve_fields()
    assert (found.time_format, found.time_scale, found.refposition) == fields
    run(tmp_path, lightcurves=rows, time_scale="tt", time_format="rjd", overwrite=True)
    found = sky.open_catalog(tmp_path / "c").lightcurve_fields()
    assert (found.time_format, found.time_scale) == ("rjd", "tt")


@pytest.mark.parametrize(
    ("shift", "factor", "time_format", "word"),
    [
        (2400000.5, 1.0, "mjd", "they look like JD"), (0.0, 86400.0, "mjd", "seconds"),
        (-50000.0, 1.0, "jd", "1850 to 2100"), (0.0, 86400.0, None, "seconds"),
        (0.0, 1.0, "mjd", None), (2400000.5, 1.0, "jd", None),
    ],
)  # fmt: skip
def test_times_that_cannot_be(tmp_path, shift, factor, time_format, word):
    times = (np.array(MJD) + shift) * factor
    rows = with_column(EPOCHS, "mjd", times).rename_columns(
        ["objectId", "mine", "band", "mag", "magerr"]
    )
    report = run(tmp_path, lightcurves=rows, time="mine", time_format=time_format)
    doubts = [note for note in report.notes if note.startswith("times ")]
    assert len(doubts) == (word is not None)
    assert word is None or word in doubts[0]


@pytest.mark.parametrize(
    ("kind", "offset", "told"),
    [(pa.float32(), 2400000.5, True), (pa.float32(), 0.0, True), (pa.float64(), 2400000.5, False),
     (pa.float32(), -60000.0, False)],
)  # fmt: skip
def test_times_of_too_few_digits(tmp_path, kind, offset, told):
    rows = with_column(EPOCHS, "mjd", pa.array(np.array(MJD) + offset).cast(kind))
    report = run(tmp_path, lightcurves=rows)
    assert any("rounded to" in note for note in report.notes) == told
