from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from skyseries.errors import SchemaError
from skyseries.formats import InputFile, unify_schemas
from skyseries.formats.unify import promote
from skyseries.schema import ColumnMeta, column_meta, with_column_meta

FILES = [InputFile("a.parquet", "parquet", 1), InputFile("b.parquet", "parquet", 1)]


def _unify(one: Any, other: Any) -> pa.Schema:
    return unify_schemas(FILES, [pa.schema(one), pa.schema(other)])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (pa.int8(), pa.int64(), pa.int64()),
        (pa.uint8(), pa.uint32(), pa.uint32()),
        (pa.int16(), pa.uint16(), pa.int32()),
        (pa.int8(), pa.uint32(), pa.int64()),
        (pa.int64(), pa.uint64(), pa.uint64()),
        (pa.float32(), pa.float64(), pa.float64()),
        (pa.int16(), pa.float32(), pa.float32()),
        (pa.int32(), pa.float32(), pa.float64()),
        (pa.string(), pa.large_string(), pa.string()),
        (pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.string()),
        (pa.large_string(), pa.large_string(), pa.string()),
        (pa.null(), pa.int8(), pa.int8()),
        (pa.null(), pa.null(), pa.null()),
        (pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float64())),
        (pa.list_(pa.int16(), 2), pa.list_(pa.int16()), pa.list_(pa.int16())),
        (pa.int64(), pa.string(), None),
        (pa.bool_(), pa.int8(), None),
        (pa.list_(pa.int8()), pa.int8(), None),
        (pa.struct([("t", pa.int8())]), pa.struct([("u", pa.int8())]), None),
    ],
)
def test_promote(one: pa.DataType, other: pa.DataType, expected: pa.DataType | None) -> None:
    assert promote(one, other) == expected
    assert promote(other, one) == expected


def test_order_of_the_first_file_and_metadata_of_both() -> None:
    flux = pa.field("flux", pa.float32())
    first = with_column_meta(flux, ColumnMeta(description="PSF flux"))
    second = with_column_meta(flux.with_type(pa.float64()), ColumnMeta(unit="nJy"))
    schema = _unify([("id", pa.int64()), first], [second, ("id", pa.int32())])
    assert schema.names == ["id", "flux"]
    assert schema.types == [pa.int64(), pa.float64()]
    assert column_meta(schema.field("flux")) == ColumnMeta("nJy", "", "PSF flux")


def test_one_file() -> None:
    schema = pa.schema([("s", pa.dictionary(pa.int8(), pa.string()))])
    assert unify_schemas(FILES[:1], [schema]).types == [pa.string()]


def test_missing_column() -> None:
    with pytest.raises(SchemaError, match=r"'dec' is in a\.parquet but not in b\.parquet"):
        _unify([("ra", pa.int8()), ("dec", pa.int8())], [("ra", pa.int8())])
    with pytest.raises(SchemaError, match=r"'dec' is in b\.parquet but not in a\.parquet"):
        _unify([("ra", pa.int8())], [("ra", pa.int8()), ("dec", pa.int8())])


def test_types_that_do_not_fit() -> None:
    with pytest.raises(SchemaError, match=r"'id' is int64 in a\.parquet but string in b\.parquet"):
        _unify([("id", pa.int64())], [("id", pa.string())])


@pytest.mark.parametrize(("one", "other"), [("nJy", "mJy"), ("deg", "rad"), ("nJy", "banana")])
def test_mixed_units(one: str, other: str) -> None:
    fields = [
        with_column_meta(pa.field("flux", pa.float64()), ColumnMeta(unit=unit))
        for unit in (one, other)
    ]
    with pytest.raises(SchemaError, match=rf"'flux' is in {one} in a\.parquet but in {other} in b"):
        _unify([fields[0]], [fields[1]])


@pytest.mark.parametrize(("one", "other"), [("nJy", "nanoJansky"), ("deg", " deg"), ("", "mJy")])
def test_same_units(one: str, other: str) -> None:
    fields = [
        with_column_meta(pa.field("flux", pa.float64()), ColumnMeta(unit=unit))
        for unit in (one, other)
    ]
    schema = _unify([fields[0]], [fields[1]])
    assert column_meta(schema.field("flux")).unit == (one or other)


def test_repeated_column() -> None:
    with pytest.raises(SchemaError, match="2 columns named 'a'"):
        _unify([("a", pa.int8()), ("a", pa.int8())], [("a", pa.int8())])
