"""How columns are declared."""

from __future__ import annotations

import pyarrow as pa
import pytest

from skyseries.formats.votable_types import Form, form_of
from skyseries.schema import ColumnMeta, with_column_meta
from skyseries.schema.columns import declare, declared

NO_NULL = pa.field("item", pa.int32(), nullable=False)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (pa.int8(), Form("short")),
        (pa.uint8(), Form("unsignedByte")),
        (pa.uint32(), Form("long")),
        (pa.uint64(), Form("char", "*")),
        (pa.float16(), Form("float")),
        (pa.bool_(), Form("boolean")),
        (pa.string(), Form("unicodeChar", "*")),
        (pa.dictionary(pa.int8(), pa.large_string()), Form("unicodeChar", "*")),
        (pa.date32(), Form("char", "*")),
        (pa.duration("s"), Form("long")),
        (pa.timestamp("us"), Form("char", "*", "timestamp")),
        (pa.list_(pa.float64()), Form("double", "*")),
        (pa.list_(pa.uint8()), Form("short", "*", null=-(2**15))),
        (pa.list_(pa.int8()), Form("short", "*", null=-(2**15))),
        (pa.list_(pa.int16()), Form("int", "*", null=-(2**31))),
        (pa.list_(pa.int64(), 3), Form("long", "3", null=-(2**63))),
        (pa.list_(NO_NULL), Form("int", "*")),
        (pa.list_(pa.list_(pa.float32(), 32), 6), Form("float", "32x6")),
        (pa.list_(pa.list_(pa.float32(), 2)), Form("float", "*")),
        (pa.list_(pa.uint64()), Form("char", "*")),
        (pa.list_(pa.list_(pa.int8())), Form("char", "*")),
        (pa.list_(pa.string()), Form("unicodeChar", "*")),
        (pa.list_(pa.float32(), 0), Form("char", "*")),
    ],
)
def test_form(kind: pa.DataType, form: Form) -> None:
    assert form_of(pa.field("x", kind)) == form


def test_what_columns_say_of_themselves() -> None:
    text, number = pa.field("t", pa.string()), pa.field("u", pa.uint64())
    integers = pa.field("l", pa.list_(pa.uint8()))
    assert form_of(declare(text, "char")) == Form("char", "*")
    assert form_of(declare(number, "long")) == Form("long")
    assert form_of(declare(integers, "unsignedByte")) == Form("unsignedByte", "*")
    point = with_column_meta(pa.field("p", pa.list_(pa.float64(), 2)), ColumnMeta(xtype="point"))
    assert form_of(point) == Form("double", "2", "point")
    assert (declared(text), declared(declare(text, "char"))) == ("", "char")
