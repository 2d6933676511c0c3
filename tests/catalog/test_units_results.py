"""What verbs put together or make says its units, and what is missing stays so."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import astropy.units as u
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.table import QTable, Table
from astropy.time import Time

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from skyseries.schema import column_meta

PLACES = {"id": [1, 2], "ra": [10.0, 20.0], "dec": [0.0, 0.0]}


def catalog(**columns):
    return sky.from_table(QTable({**PLACES, **columns}))


def unit(table, name):
    return column_meta(table.schema.field(name)).unit


def curves(unit, kind=pa.list_, text="string"):
    """Return a catalog with light curves whose fluxes say a unit."""
    fields = [
        pa.field("flux", kind(pa.float64()), metadata={"unit": unit} if unit else None),
        pa.field("band", kind(pa.type_for_alias(text))),
    ]
    values = [{"flux": [1.0, 2.0], "band": ["g", "r"]}, None]
    return sky.from_table({**PLACES, "lc": pa.array(values, pa.struct(fields))})


# --- concat ---------------------------------------------------------------------------------------


def test_concat_refuses_fields_of_other_units_and_other_times():
    with pytest.raises(SchemaError, match=r"'lc\.flux' is in uJy in catalog 2 and in nJy"):
        curves("nJy").concat(curves("uJy"))
    same = curves("uJy").assign({"lc.flux": "IN_UNIT(lc.flux, 'nJy')"})
    both = curves("nJy").concat(same).assign(top="MAX(lc.flux)").to_arrow()
    assert sorted(v for v in both["top"].to_pylist() if v is not None) == [2.0, 2000.0]
    first, second = (
        sky.from_table(Table({**PLACES, "t": Time([1.0, 2.0], format="mjd", scale=scale)}))
        for scale in ("utc", "tdb")
    )
    with pytest.raises(SchemaError, match="times 't' are tdb in catalog 2 and utc"):
        first.concat(second)


@pytest.mark.parametrize("turned", [False, True])
def test_concat_keeps_the_unit_that_one_of_them_says(turned):
    parts = [catalog(f=[1.0, 2.0] * u.nJy), catalog(f=[1.0, 2.0])]
    nested = [curves("nJy"), curves("")]
    first, second = reversed(parts) if turned else parts
    assert unit(first.concat(second).to_arrow(), "f") == "nJy"
    one, other = reversed(nested) if turned else nested
    assert unit(one.concat(other).assign(m="MAX(lc.flux)").to_arrow(), "m") == "nJy"


def test_concat_of_types_that_differ_in_width_only():
    wide = {**PLACES, "n": pa.array([2**40, None]), "t": pa.array(["a", None], pa.large_string())}
    slim = {
        "id": pa.array([1, 2], pa.int32()),
        "ra": [10, 20],
        "dec": pa.array([0, 0], pa.float32()),
        "n": pa.array([1, 2], pa.int16()),
        "t": ["b", "c"],
    }
    for first, second in [(wide, slim), (slim, wide)]:
        rows = sky.from_table(first).concat(sky.from_table(second)).to_arrow()
        assert sorted(rows["n"].drop_null().to_pylist()) == [1, 2, 2**40]
        assert sorted(rows["t"].drop_null().to_pylist()) == ["a", "b", "c"]
        assert rows["ra"].to_pylist() == [20.0, 20.0, 10.0, 10.0]
    both = curves("nJy").concat(curves("nJy", pa.large_list, "large_string"))
    found = both.query("lc.band = 'g'").to_arrow()["lc"].to_pylist()
    assert found.count({"flux": [1.0], "band": ["g"]}) == 2


# --- groups and histograms ------------------------------------------------------------------------


def test_aggregates_say_their_units():
    stars = catalog(f=[1.0, 2.0] * u.nJy)
    assert unit(stars.aggregate(m="MAX(f)"), "m") == "nJy"
    table = stars.group_by("f").aggregate(v="VARIANCE(ra)", n="COUNT(*)")
    assert (unit(table, "f"), unit(table, "n")) == ("nJy", "")
    assert unit(stars.value_counts("f"), "f") == "nJy"


def test_nan_and_null_are_one_group():
    mags = pa.array([1.0, float("nan"), None, 1.0])
    stars = sky.from_table({"ra": [1.0, 2.0, 3.0, 4.0], "dec": [0.0] * 4, "m": mags})
    expected = [{"m": 1.0, "n": 2}, {"m": None, "n": 2}]
    assert stars.group_by("m").aggregate(n="COUNT(*)").to_pylist() == expected
    assert sorted(stars.value_counts("m")["count"].to_pylist()) == [2, 2]
    with pytest.raises(InputError, match="the edges of bins must be finite"):
        stars.histogram("m", bins=[0.0, float("nan")])


# --- matches, light curves, functions -------------------------------------------------------------


def test_an_error_below_zero_is_none():
    stars = catalog(e=[-999.0, 1.0] * u.arcsec)
    found = stars.crossmatch(catalog(), 5, left_error="e", right_error=1, density=1).to_arrow()
    by_id = dict(zip(found["id"].to_pylist(), found["_match_probability"].to_pylist(), strict=True))
    assert np.isnan(by_id[1])
    assert by_id[2] > 0.9


def test_light_curves_are_sorted_by_dates_of_any_type_and_by_no_text():
    days = [dt.date(2026, 1, 2), dt.date(2026, 1, 1)]
    for times in (days, [Decimal("1.5"), Decimal("0.5")], np.array([2**63 + 1, 1], np.uint64)):
        found = catalog().join_lightcurves({"id": [1, 1], "t": times}, on="id", time="t").to_arrow()
        (curve,) = (row["t"] for row in found["lightcurve"].to_pylist() if row["t"])
        assert curve == sorted(curve)
        assert len(curve) == 2
    with pytest.raises(SchemaError, match="'t' is string: light curves are sorted by times"):
        catalog().join_lightcurves({"id": [1], "t": ["a"]}, on="id", time="t")


def test_answers_of_partitions_are_in_one_unit():
    stars = catalog(f=[1.0, 2.0] * u.nJy)
    nano = pa.schema([pa.field("f", pa.float64(), metadata={"unit": "nJy"})])
    made = stars.map_partitions(lambda t: QTable({"f": [1.0] * u.uJy}), schema=nano)
    assert made.to_arrow()["f"].to_pylist() == [1000.0]
    wrong = stars.map_partitions(lambda t: QTable({"f": [1.0] * u.s}), schema=nano)
    with pytest.raises(InputError, match="column 'f' of an answer is in the unit 's'"):
        wrong.to_arrow()
    moved = stars.map_partitions(lambda t: QTable({"ra": [0.1] * u.rad, "dec": [0.1] * u.rad}))
    degrees = float(np.degrees(0.1))
    (row,) = moved.cone_search(degrees, degrees, 1).to_arrow().to_pylist()
    assert row == {"ra": pytest.approx(degrees), "dec": pytest.approx(degrees)}
    assert unit(moved.to_arrow(), "ra") == "deg"


def test_answers_of_rows_may_be_na():
    found = catalog().map_rows(lambda i: {"y": pd.NA if i == 1 else 1.5}, ["id"]).to_arrow()
    assert dict(zip(found["id"].to_pylist(), found["y"].to_pylist(), strict=True)) == {
        1: None,
        2: 1.5,
    }


def test_names_that_are_no_text():
    with pytest.raises(InputError, match="must be given as text"):
        sky.from_table({"a": [1.0], "b": [2.0]}, ra=1, dec="b")
    with pytest.raises(InputError, match="must be given as text"):
        catalog().crossmatch(catalog(), 1, nested=5)
    decimals = sky.from_table({"ra": [Decimal("1.5")], "dec": [Decimal("2.5")]})
    assert len(decimals.cone_search(1.5, 2.5, 1)) == 1
