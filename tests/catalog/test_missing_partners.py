"""Rows without a partner have nulls, whatever is declared of the columns, and empty lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import SchemaError

LEFT = {"id": [1, 2, 3], "ra": [10.0, 11.0, 50.0], "dec": [0.0, 0.0, 0.0]}


def required(name: str, type_: pa.DataType) -> pa.Field:
    return pa.field(name, type_, nullable=False)


LISTS = pa.list_(required("item", pa.float64()))
TYPES = {
    "rid": pa.int64(), "ra": pa.float64(), "dec": pa.float64(), "word": pa.string(),
    "code": pa.dictionary(pa.int32(), pa.string()),
    "lc": pa.struct([required("mjd", LISTS), required("flux", LISTS)]),
    "pair": pa.list_(required("item", pa.float32()), 2),
    "map": pa.map_(pa.string(), required("value", pa.int64())),
}  # fmt: skip
REQUIRED = pa.schema([required(name, type_) for name, type_ in TYPES.items()])


def rows_of_required(n: int = 3) -> pa.Table:
    """Return rows of which no column, and nothing in one, may be null."""
    values: dict[str, list[Any]] = {
        "rid": list(range(n)), "ra": [11.0 + i for i in range(n)], "dec": [0.0] * n,
        "word": ["a"] * n, "code": ["x"] * n, "lc": [{"mjd": [2.0, 1.0], "flux": [3.0, 4.0]}] * n,
        "pair": [[1.0, 2.0]] * n, "map": [[("k", 1)]] * n,
    }  # fmt: skip
    return pa.table([pa.array(values[f.name], f.type) for f in REQUIRED], schema=REQUIRED)


@pytest.fixture(scope="module", params=["table", "disk"])
def right(request, tmp_path_factory):
    table = rows_of_required()
    if request.param == "table":
        return sky.from_table(table)
    folder = tmp_path_factory.mktemp("required")
    flat = ["rid", "ra", "dec", "word"]
    pq.write_table(table.select([*flat, "lc"]), folder / "t.parquet")
    sky.import_catalog(folder / "t.parquet", folder / "c", id="rid", progress=False,
                       executor="serial")  # fmt: skip
    catalog = sky.open_catalog(folder / "c")
    assert not catalog.schema.field("rid").nullable
    return catalog


def honest(result: sky.Catalog, folder: Path) -> pa.Table:
    """Return a result; that it is valid, and the same when it is written, is looked up."""
    table = result.to_arrow()
    table.validate(full=True)
    for field, column in zip(table.schema, table.columns, strict=True):
        assert field.nullable or not column.null_count
    result.write_catalog(folder)
    assert sky.open_catalog(folder).to_arrow().num_rows == table.num_rows
    assert len(result.to_pandas()) == table.num_rows
    return table


def ids(table: pa.Table, name: str) -> list[Any]:
    return sorted(table[name].to_pylist(), key=str)


def test_columns_that_may_not_be_null(right, tmp_path):
    left = sky.from_table(LEFT)
    match = {"radius_arcsec": 1, "suffixes": ("", "_r")}
    found = honest(left.crossmatch(right, how="left", **match), tmp_path / "1")
    assert ids(found, "rid") == [0, None, None]
    assert found["lc"].null_count == 2
    found = honest(left.crossmatch(right, how="outer", **match), tmp_path / "2")
    assert ids(found, "rid") == [0, 1, 2, None, None]
    found = honest(right.crossmatch(left, how="outer", **match), tmp_path / "3")
    assert ids(found, "rid") == [0, 1, 2, None, None]
    inner = left.crossmatch(right, **match)
    assert not inner.schema.field("rid").nullable
    assert ids(honest(inner, tmp_path / "4"), "rid") == [0]
    found = honest(left.crossmatch_many({"x": right, "y": right}, 1), tmp_path / "5")
    assert ids(found, "rid_x") == ids(found, "rid_y") == [0, None, None]
    joined = left.join(right, left_on="id", right_on="rid", how="left", suffixes=("", "_r"))
    assert honest(joined, tmp_path / "6")["lc"].null_count == 1
    flat = right.select(["rid", "ra", "dec", "word"])
    nested = left.crossmatch(flat, 1, how="left", nested="near")
    found = honest(nested, tmp_path / "7")
    assert sorted(map(len, pa.compute.struct_field(found["near"], "rid").to_pylist())) == [0, 0, 1]
    curves = left.join_lightcurves(flat, left_on="id", right_on="rid", time="ra", orphans="ignore")
    assert honest(curves, tmp_path / "8").num_rows == 3


def test_required_beside_nullable(tmp_path):
    """A union may be null where one of its parts may, inside of the columns too."""
    strict = sky.from_table(rows_of_required()).select(["rid", "ra", "dec", "word", "pair"])
    strict_lc = sky.from_table(rows_of_required()).select(["rid", "ra", "dec", "lc"])
    names = ["rid", "ra", "dec", "word", "pair"]
    loose = pa.table(
        {"rid": [7], "ra": [1.0], "dec": [2.0], "word": pa.nulls(1, pa.string()),
         "pair": pa.nulls(1, pa.list_(pa.float32(), 2))}
    )  # fmt: skip
    for n, both in enumerate(
        [strict.concat(sky.from_table(loose)), sky.from_table(loose).concat(strict)]
    ):
        found = honest(both, tmp_path / str(n))
        assert found["word"].null_count == found["pair"].null_count == 1
        assert sorted(found.column_names) == sorted(names)
    assert not strict.concat(strict).schema.field("rid").nullable
    curve = [{"mjd": [1.0, None], "flux": [None, 2.0]}]
    plain = pa.struct([("mjd", pa.list_(pa.float64())), ("flux", pa.list_(pa.float64()))])
    other = sky.from_table({"rid": [9], "ra": [1.0], "dec": [2.0], "lc": pa.array(curve, plain)})
    found = strict_lc.concat(other).to_arrow()
    assert found["lc"].to_pylist().count(curve[0]) == 1
    assert found.num_rows == 4


def test_declared_otherwise(tmp_path):
    """Columns that are declared not to be null, but are."""
    fields = [
        required("id", pa.int64()),
        required("ra", pa.float64()),
        required("dec", pa.float64()),
    ]
    table = pa.table([pa.array([1, None]), pa.array([10.0, 11.0]), pa.array([0.0, 0.0])],
                     schema=pa.schema(fields))  # fmt: skip
    held = sky.from_table(table)
    assert [f.nullable for f in held.schema] == [True, False, False]
    assert ids(honest(held, tmp_path / "1"), "id") == [1, None]
    left = sky.from_table(LEFT)
    assert ids(left.crossmatch(table, 1).to_arrow(), "id_other") == [1, None]
    said = pa.schema([pa.field("id", pa.int64()), required("v", pa.string())])
    times = pa.table([pa.array([1, 1]), pa.array([None, "x"])], schema=said)
    assert ids(left.join(times, on="id").to_arrow(), "v") == [None, "x"]
    strict = pa.schema([required("y", pa.int64())])
    some = left.map_rows(lambda i: None if i == 1 else i, ["id"], schema=strict).to_arrow()
    assert ids(some, "y") == [2, 3, None]


def without_values() -> dict[str, Any]:
    """Return columns of type null, alone and inside of others."""
    lists = pa.struct([("mjd", pa.list_(pa.float64())), ("q", pa.list_(pa.null()))])
    return LEFT | {
        "note": pa.nulls(3),
        "ln": pa.array([[None, None], [], None], pa.list_(pa.null())),
        "lc": pa.array([{"mjd": [2.0, 1.0], "q": [None, None]}] * 3, lists),
    }


def test_columns_without_any_value(tmp_path):
    empty, other = (
        sky.from_table(without_values()),
        sky.from_table(LEFT | {"ra": [10.0, 11.0, 80.0]}),
    )
    assert honest(empty, tmp_path / "1").num_rows == 3
    disk = sky.open_catalog(tmp_path / "1")
    match = {"radius_arcsec": 1, "suffixes": ("", "_r")}
    for n, held in enumerate((empty, disk)):
        folder = tmp_path / f"results{n}"
        folder.mkdir()
        for how, rows in (("inner", 2), ("left", 3), ("outer", 4)):
            found = honest(other.crossmatch(held, how=how, **match), folder / how)
            assert found.num_rows == rows
            assert found["note"].null_count == rows
        flat = held.select(["id", "ra", "dec", "note"])
        near = other.crossmatch(flat, 1, how="left", nested="near")
        found = honest(near, folder / "nested").sort_by("id")["near"].to_pylist()
        assert [row["note"] for row in found] == [[None], [None], []]
        assert ids(near.assign(n="COUNT(near.note)").to_arrow(), "n") == [0, 0, 0]
        joined = other.join(held, on="id", how="left", suffixes=("", "_r"))
        assert honest(joined, folder / "join").num_rows == 3
        later = other.merge_asof(flat, left_on="dec", right_on="dec", by="id")
        assert honest(later, folder / "asof")["note"].null_count == 3
        curves = other.join_lightcurves(flat, on="id", time="ra", orphans="ignore")
        assert honest(curves, folder / "curves").num_rows == 3
        assert honest(held.concat(held), folder / "concat").num_rows == 6
        assert honest(held.sort_lightcurves("mjd"), folder / "sorted").num_rows == 3


def test_conditions_on_columns_without_any_value():
    held = sky.from_table(without_values())
    for text in ("> 3", "= 'a'", "= id", "IN (1, 2)", "IN ('a')", "+ 1 > 2", "LIKE 'a'"):
        assert len(held.query(f"note {text}")) == 0
    assert len(held.query("note IS NULL")) == 3
    values = held.assign(a="COALESCE(note, id)", n="COUNT(lc.q)", m="MAX(lc.q)").to_arrow()
    assert [ids(values, name) for name in "anm"] == [[1, 2, 3], [0, 0, 0], [None] * 3]
    assert held.sort_values("note").num_rows == 3
    assert held.group_by("note").aggregate(n="COUNT(*)").to_pylist() == [{"note": None, "n": 3}]
    assert len(held.drop_duplicates("note")) == 1
    words = sky.from_table(LEFT | {"note": ["a", "b", None]}).select(["id", "ra", "dec", "note"])
    for both in (
        held.select(words.columns).concat(words),
        words.concat(held.select(words.columns)),
    ):
        assert ids(both.to_arrow(), "note") == [None] * 4 + ["a", "b"]
    with pytest.raises(SchemaError, match="whole numbers or text"):
        held.join({"k": [1]}, left_on="note", right_on="k")


@pytest.mark.parametrize("how", ["inner", "left"])
def test_lists_where_nothing_is_near(tmp_path, how):
    """A unit of work, a leaf that is written, a side may be without any pair."""
    left = sky.from_table(LEFT)
    far = {"rid": [1], "ra": [200.0], "dec": [0.0]}
    for n, right in enumerate((sky.from_table(far), sky.from_table(far).query("rid > 1"))):
        matched = left.crossmatch(right, 1, how=how, nested="near")
        rows = honest(matched, tmp_path / str(n)).to_pylist()
        lists = {"rid": [], "ra": [], "dec": [], "_dist_arcsec": []}
        assert [row["near"] for row in rows] == [lists] * (3 if how == "left" else 0)
        assert len(left.query("id > 9").crossmatch(right, 1, how=how, nested="near")) == 0
