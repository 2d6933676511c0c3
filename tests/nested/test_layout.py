"""Layouts of nested columns that are rare, and nested-pandas on plain ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from skyseries.errors import SchemaError
from skyseries.nested import Nested, concat


def test_values_of_one_chunk_are_not_copied() -> None:
    values = pa.array(np.arange(6.0))
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 5, 6], pa.int32()), values)
    column = pa.StructArray.from_arrays([lists], ["t"])
    nested = Nested.from_arrow(column)
    assert nested.values("t").buffers()[1].address == values.buffers()[1].address
    back = nested.to_arrow()
    assert back.field("t").values.buffers()[1].address == values.buffers()[1].address
    assert Nested.from_arrow(column.slice(1)).values("t").to_pylist() == [2, 3, 4, 5]


def test_field_metadata_names_and_nullability_are_kept() -> None:
    item = pa.field("element", pa.float32(), nullable=False, metadata={"u": "nJy"})
    fields = [
        pa.field("flux", pa.list_(item), nullable=False, metadata={"ucd": "phot.flux"}),
        pa.field("n", pa.large_list(pa.field("item", pa.int8()))),
    ]
    flux = pa.ListArray.from_arrays(
        pa.array([0, 2, 2, 3], pa.int32()), pa.array([2, 1, 3], pa.float32()), type=fields[0].type
    )
    n = pa.array([[1, 2], [], [3]], fields[1].type)
    column = pa.StructArray.from_arrays(
        [flux, n], fields=fields, mask=pa.array([False, True, False])
    )
    nested = Nested.from_arrow(column)
    for out in (nested, nested.sort("flux"), nested.filter([True, False, True])):
        assert out.to_arrow().type.equals(column.type, check_metadata=True)
        out.to_arrow().validate(full=True)
    schema = nested.flat_table().schema
    assert schema.field("flux").metadata == {b"u": b"nJy"}
    assert not schema.field("flux").nullable
    more = nested.with_field("flux", pa.array([None, 1, 2], pa.float32())).to_arrow()
    more.validate(full=True)
    assert more.to_pylist()[0]["flux"] == [None, 1]
    assert more.type.field("flux").type.value_field.nullable
    joined = concat(nested, nested)
    assert joined.to_arrow().type.equals(column.type, check_metadata=True)
    assert joined.to_arrow().to_pylist()[0] == {"flux": [2, 1, 2, 1], "n": [1, 2, 1, 2]}


def test_a_null_list_may_hide_values() -> None:
    lists = pa.ListArray.from_arrays(
        pa.array([0, 2, 4, 5], pa.int32()),
        pa.array([1, 2, 8, 9, 3]),
        mask=pa.array([False, True, False]),
    )
    whole = pa.ListArray.from_arrays(pa.array([0, 2, 2, 3], pa.int32()), pa.array([4, 5, 6]))
    column = pa.StructArray.from_arrays([lists, whole], ["a", "b"])
    nested = Nested.from_arrow(column)
    assert nested.values("a").to_pylist() == [1, 2, 3]
    assert nested.to_arrow().to_pylist() == column.to_pylist()
    hidden = pa.StructArray.from_arrays([whole], ["b"], mask=pa.array([True, False, False]))
    assert Nested.from_arrow(hidden).values("b").to_pylist() == [6]
    assert Nested.from_arrow(hidden).to_arrow().to_pylist() == hidden.to_pylist()


@pytest.mark.parametrize("make", [pa.list_, pa.large_list])
def test_a_list_of_structs_becomes_a_struct_of_lists(make: object) -> None:
    rows = [[{"t": 2.0, "b": "g"}, {"t": 1.0, "b": None}], None, [], [None, {"t": 0.0, "b": "r"}]]
    column = pa.array(rows, make(pa.struct([("t", pa.float64()), ("b", pa.string())])))
    nested = Nested.from_arrow(column)
    out = nested.to_arrow()
    out.validate(full=True)
    assert out.type == pa.struct([("t", make(pa.float64())), ("b", make(pa.string()))])
    expected = [
        {"t": [2.0, 1.0], "b": ["g", None]},
        None,
        {"t": [], "b": []},
        {"t": [None, 0.0], "b": [None, "r"]},
    ]
    assert out.to_pylist() == expected
    assert Nested.from_arrow(column.slice(2)).to_arrow().to_pylist() == expected[2:]


def test_beyond_32_bits_lists_become_large() -> None:
    half = pa.ListArray.from_arrays(pa.array([0, 2**31 - 1], pa.int32()), pa.nulls(2**31 - 1))
    chunk = pa.StructArray.from_arrays([half], ["nothing"])
    one = Nested.from_arrow(chunk)
    assert one.to_arrow().type == chunk.type
    two = Nested.from_arrow(pa.chunked_array([chunk, chunk]))
    assert two.n_epochs == 2**32 - 2
    out = two.to_arrow()
    assert out.type == pa.struct([("nothing", pa.large_list(pa.null()))])
    assert out.field(0).offsets.to_pylist() == [0, 2**31 - 1, 2**32 - 2]


def test_chunks_with_different_dictionaries() -> None:
    def chunk(bands: list[list[str | None]]) -> pa.StructArray:
        flat = pa.array([b for row in bands for b in row]).dictionary_encode()
        offsets = np.cumsum([0, *[len(row) for row in bands]]).astype(np.int32)
        return pa.StructArray.from_arrays([pa.ListArray.from_arrays(offsets, flat)], ["band"])

    column = pa.chunked_array([chunk([["r", "g"], []]), chunk([["z", None, "g"]])])
    nested = Nested.from_arrow(column)
    assert nested.to_arrow().type == column.type
    assert nested.sort("band").to_arrow().to_pylist() == [
        {"band": ["g", "r"]},
        {"band": []},
        {"band": ["g", "z", None]},
    ]
    assert nested.sort(("band", False)).to_arrow().to_pylist()[2] == {"band": ["z", "g", None]}
    assert nested.reduce("band", "min").to_pylist() == ["g", None, "g"]


def test_a_null_in_a_dictionary_is_null() -> None:
    flat = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 0, 2]), pa.array([None, "r", "g"]))
    nested = Nested.from_flat([0] * 5, pa.table({"band": flat}), 1)
    assert nested.reduce("band", "count").to_pylist() == [2]
    assert nested.sort("band").values("band").to_pylist() == ["g", "r", None, None, None]


@pytest.mark.parametrize(
    "type_",
    [
        pa.decimal128(25, 2),
        pa.binary(),
        pa.large_string(),
        pa.duration("s"),
        pa.date32(),
        pa.time32("s"),
        pa.uint64(),
        pa.float16(),
        pa.uint8(),
        pa.binary(2),
        pa.int16(),
        pa.string_view(),
    ],
    ids=str,
)
def test_other_types_are_ordered_and_moved(type_: pa.DataType) -> None:
    texts = [b"bb", b"aa", None, b"cc"]
    numbers = [5, 2, None, 2**63 if pa.types.is_uint64(type_) else 7]
    is_text = "binary" in str(type_) or "string" in str(type_)
    values = pa.array(texts if is_text else numbers, None if is_text else pa.uint64())
    if pa.types.is_temporal(type_):
        values = values.cast(pa.int64() if type_.bit_width == 64 else pa.int32())
    values = values.cast(type_)
    nested = Nested.from_flat([0, 0, 1, 1], pa.table({"x": values}), 2)
    expected = [values[j] for j in (1, 0, 3, 2)]
    got = nested.sort("x").values("x")
    assert got.type == type_
    assert [v.as_py() for v in got] == [v.as_py() for v in expected]
    assert [v.as_py() for v in nested.reduce("x", "max")] == [values[0].as_py(), values[3].as_py()]
    assert nested.filter([True, False, True, False]).values("x").to_pylist() == [
        values[0].as_py(),
        None,
    ]


def test_values_without_an_order_are_refused_but_moved() -> None:
    values = pa.array([[1, 2], None, [3]])
    nested = Nested.from_flat([1, 0, 1], pa.table({"x": values, "t": [2, 1, 1]}), 2)
    assert nested.sort("t").to_arrow().to_pylist() == [
        {"x": [None], "t": [1]},
        {"x": [[3], [1, 2]], "t": [1, 2]},
    ]
    with pytest.raises(SchemaError, match="have no order"):
        nested.sort("x")


def test_empty_columns() -> None:
    type_ = pa.struct([("t", pa.list_(pa.float64())), ("b", pa.list_(pa.string()))])
    for column in (pa.array([], type_), pa.chunked_array([], type_), pa.array([None, None], type_)):
        nested = Nested.from_arrow(column)
        assert nested.n_epochs == 0
        for out in (
            nested.sort(["b", "t"]),
            nested.filter([]),
            nested.head(3),
            concat(nested, nested),
        ):
            assert out.to_arrow().type == type_
            assert out.to_arrow().to_pylist() == column.to_pylist()
        assert nested.reduce("t", "median").to_pylist() == [None] * len(column)
        assert nested.reduce("t", "count").to_pylist() == [0] * len(column)


@pytest.mark.interop
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_agrees_with_nested_pandas() -> None:
    nested_pandas = pytest.importorskip("nested_pandas")
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 40, 60)
    m = int(lengths.sum())
    table = pa.table(
        {
            "mjd": rng.permutation(m) + 0.25,
            "mag": rng.normal(0, 1, m).astype(np.float32),
            "band": rng.choice(list("gri"), m),
        }
    )
    nested = Nested.from_flat(np.repeat(np.arange(60), lengths), table, 60)
    frame = nested_pandas.NestedFrame.from_flat(
        table.append_column("id", pa.array(nested.parents())).to_pandas(),
        base_columns=[],
        on="id",
        name="lc",
    )

    def lists(other: object) -> list[list[float]]:
        flat = other["lc"].nest.to_flat()
        return [flat.loc[[i], "mjd"].tolist() if i in flat.index else [] for i in range(60)]

    ordered = nested.sort("mjd").to_arrow().field("mjd").to_pylist()
    assert lists(frame.sort_values("lc.mjd")) == ordered
    bright = nested.filter(pc.greater(nested.values("mag"), 0)).to_arrow().field("mjd").to_pylist()
    assert lists(frame.query("lc.mag > 0")) == bright
