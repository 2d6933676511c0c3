"""COOSYS and TIMESYS of columns."""

from __future__ import annotations

import pyarrow as pa
import pytest

from skyseries.formats.times import TimeMeta, with_time_meta
from skyseries.formats.votable_systems import Systems
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.schema.columns import with_frame


def number(name: str, **meta: str) -> pa.Field:
    return with_column_meta(pa.field(name, pa.float64()), ColumnMeta(**meta))


@pytest.mark.parametrize(
    ("field", "element"),
    [
        (with_time_meta(number("t"), TimeMeta("mjd", "tai", "topocenter")),
         '<TIMESYS ID="timesys1" timeorigin="MJD-origin" timescale="TAI" '
         'refposition="TOPOCENTER"/>'),
        (with_time_meta(number("t"), TimeMeta("jd", "tdb")),
         '<TIMESYS ID="timesys1" timeorigin="JD-origin" timescale="TDB" refposition="UNKNOWN"/>'),
        (with_time_meta(number("t"), TimeMeta("", "utc", "barycenter", "2455197.5")),
         '<TIMESYS ID="timesys1" timeorigin="2455197.5" timescale="UTC" '
         'refposition="BARYCENTER"/>'),
        (with_time_meta(number("t"), TimeMeta("isot", "utc")),
         '<TIMESYS ID="timesys1" timescale="UTC" refposition="UNKNOWN"/>'),
        (number("t", unit="BJD - 2457000, days"),
         '<TIMESYS ID="timesys1" timeorigin="2457000.0" timescale="TDB" '
         'refposition="BARYCENTER"/>'),
        (number("ra", ucd="POS.EQ.RA;meta.main"), '<COOSYS ID="coosys1" system="ICRS"/>'),
        (with_frame(number("ra", ucd="pos.eq.ra"), "fk5"),
         '<COOSYS ID="coosys1" system="eq_FK5"/>'),
    ],
)  # fmt: skip
def test_elements(field: pa.Field, element: str) -> None:
    systems = Systems(pa.schema([field]), "1.4")
    assert systems.elements() == [element]
    assert systems.of(field) in element


def test_words_of_version_5() -> None:
    schema = pa.schema([with_frame(number("l"), "galactic")])
    assert Systems(schema, "1.5").elements() == ['<COOSYS ID="coosys1" system="GALACTIC"/>']


def test_columns_share_a_system_and_others_have_none() -> None:
    fields = [
        number("ra", ucd="pos.eq.ra"), number("dec", ucd="pos.eq.dec"), number("x"),
        with_frame(number("odd", ucd="pos.eq.ra"), "somewhere"),
        with_frame(number("b"), "galactic"),
    ]  # fmt: skip
    systems = Systems(pa.schema(fields), "1.4")
    assert [systems.of(field) for field in fields] == ["coosys1", "coosys1", "", "", "coosys2"]
    assert len(systems.elements()) == 2
