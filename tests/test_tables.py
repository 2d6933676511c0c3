"""Tables of other libraries as Arrow ones."""

import astropy.units as u
import nested_pandas as npd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.utils.masked import Masked

from skyseries.arrow import plain_array, plain_type
from skyseries.errors import InputError, SchemaError
from skyseries.schema import column_meta
from skyseries.tables import to_table


def test_polars():
    frame = pl.DataFrame(
        {"a": ["x", None], "b": pl.Series(["p", "q"], dtype=pl.Categorical), "c": [[1], [2, 3]]}
    )
    table = to_table(frame)
    assert table.to_pydict() == {"a": ["x", None], "b": ["p", "q"], "c": [[1], [2, 3]]}
    assert table.schema.field("b").type == table.schema.field("a").type == pa.large_string()


def test_named_indexes_of_pandas_are_columns():
    frame = pd.DataFrame({"objid": [5, 6], "ra": [1.0, 2.0]})
    assert to_table(frame.set_index("objid")).to_pydict() == {"objid": [5, 6], "ra": [1.0, 2.0]}
    assert to_table(frame.set_index("objid", drop=False)).column_names == ["objid", "ra"]
    assert to_table(frame[1:]).column_names == ["objid", "ra"]
    several = frame.set_index(["objid", "ra"])
    assert to_table(several.assign(v=1)).column_names == ["objid", "ra", "v"]
    other = frame.set_index(pd.Index([7, 8], name="objid"))
    with pytest.raises(SchemaError, match="both called 'objid', and differ"):
        to_table(other)


def test_what_pandas_has():
    frame = pd.DataFrame(
        {
            "i": pd.array([2**63 - 1, None], "Int64"),
            "c": pd.Categorical(["x", None]),
            "s": pd.arrays.SparseArray([1.0, 0.0]),
            "f": [np.nan, 2.0],
        }
    )
    expected = {"i": [2**63 - 1, None], "c": ["x", None], "s": [1.0, 0.0], "f": [None, 2.0]}
    assert to_table(frame).to_pydict() == expected


def test_astropy():
    table = to_table(
        QTable(
            {
                "ra": Masked([1.0, 99] * u.hourangle, mask=[False, True]),
                "t": Time([1.0, 2.0], format="mjd", scale="tdb"),
                "where": SkyCoord([1, 2], [3, 4], unit="deg"),
                "v": np.ones((2, 3)),
                "s": np.array([b"a", b"b"]),
            }
        )
    )
    assert table.column_names == ["ra", "t", "where_ra", "where_dec", "v", "s"]
    assert table["ra"].to_pylist() == [1.0, None]
    assert table["s"].to_pylist() == ["a", "b"]
    assert table["v"].to_pylist() == [[1.0] * 3] * 2
    assert column_meta(table.schema.field("ra")).unit == "hourangle"
    said = table.schema.field("t").metadata
    assert said == {b"unit": b"d", b"time_format": b"mjd", b"time_scale": b"tdb"}
    masked = Table({"a": MaskedColumn([1, 99], mask=[False, True], description="what")})
    assert to_table(masked)["a"].to_pylist() == [1, None]
    assert column_meta(to_table(masked).schema.field("a")).description == "what"


def test_dicts_of_all_kinds():
    table = to_table(
        {
            "a": [1, None],
            "b": np.ma.array([1, 99], mask=[False, True]),
            "c": [1, 2] * u.rad,
            "d": pl.Series(["a", "b"]),
            "e": pd.Series([1, pd.NA], dtype="Int64"),
            "f": [1 * u.mas, 2 * u.arcsec],
            "g": np.array([2**63 - 1, 1], np.uint64),
        }
    )
    assert table.to_pydict() == {
        "a": [1, None], "b": [1, None], "c": [1.0, 2.0], "d": ["a", "b"], "e": [1, None],
        "f": [1.0, 2000.0], "g": [2**63 - 1, 1],
    }  # fmt: skip
    assert [column_meta(table.schema.field(name)).unit for name in "cf"] == ["rad", "mas"]


def test_rows_of_a_fits_file_have_its_units_and_nulls(tmp_path):
    columns = [
        fits.Column("id", "K", array=[1, -9, 3], null=-9),
        fits.Column("ra", "D", array=[0.1, 0.2, 0.3], unit="rad"),
        fits.Column("n", "I", array=np.array([1, 2, 3]), bzero=32768),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    table = to_table(fits.getdata(tmp_path / "t.fits"))
    assert table.to_pydict() == {"id": [1, None, 3], "ra": [0.1, 0.2, 0.3], "n": [1, 2, 3]}
    assert [column_meta(field).unit for field in table.schema] == ["", "rad", ""]
    called = np.rec.array([(1, 2.0)], dtype=[("columns", "i8"), ("x", "f8")])
    assert to_table(called).to_pydict() == {"columns": [1], "x": [2.0]}


def test_other_tables():
    structured = np.array([(1, 2.0)], dtype=[("a", ">i4"), ("b", "f8")])
    assert to_table(structured).to_pydict() == {"a": [1], "b": [2.0]}
    coordinates = SkyCoord([1, 2], [3, 4], unit="deg")
    assert to_table(coordinates).column_names == ["ra", "dec"]
    batch = pa.record_batch({"a": [1]})
    assert to_table(batch).to_pydict() == {"a": [1]}
    assert to_table({"ra": [], "dec": []}).num_rows == 0


def test_light_curves_of_nested_pandas():
    epochs = pd.DataFrame({"mjd": [1.0, 2.0, 3.0], "band": ["g", "r", "g"]}, index=[0, 0, 1])
    frame = npd.NestedFrame({"id": [1, 2]}, index=[0, 1]).join_nested(epochs, "lc")
    table = to_table(frame)
    assert table["lc"].to_pylist() == [
        {"mjd": [1.0, 2.0], "band": ["g", "r"]}, {"mjd": [3.0], "band": ["g"]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": [1, 2], "b": [1]}, "differ in length: 'a' has 2 rows, 'b' 1"),
        ({"a": [1, "x"]}, "column 'a' cannot be taken"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of one name, 'a'"),
        ({"ra": 1.0}, "column 'ra' cannot be taken: it is one value"),
        ({"ra": "abc"}, "column 'ra'"),
        ([1, 2], "cannot take a list"),
        (pd.Series([1, 2]), "cannot be taken"),
        (None, "cannot take a NoneType"),
    ],
)
def test_what_is_no_table(table, said):
    with pytest.raises(InputError, match=said):
        to_table(table)


def test_plain_lists_of_structs():
    rows = [[{"m": 0.0}], [{"m": 1.0}], None, [{"m": 2.0}, {"m": 3.0}], []]
    expected = [{"m": [1.0]}, None, {"m": [2.0, 3.0]}, {"m": []}]
    for kind in (pa.list_, pa.large_list):
        array = pa.array(rows, kind(pa.struct([("m", pa.float64())])))[1:]
        assert plain_array(array).to_pylist() == expected
    assert plain_type(pa.list_(pa.string_view())) == pa.list_(pa.large_string())
    inner = pa.array([{"s": ["a"]}, None], pa.struct([("s", pa.list_(pa.string_view()))]))
    assert plain_array(inner).to_pylist() == [{"s": ["a"]}, None]
