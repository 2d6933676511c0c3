"""Encoders of formats without columns in columns: a light curve is a column for each field."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.types as pt

from skyseries.errors import InputError
from skyseries.formats.flat import flatten_batch, flatten_schema
from skyseries.formats.streams.base import Document, Encoder, slices
from skyseries.jit import expect

__all__ = ["FlatEncoder"]


class FlatEncoder(Encoder):
    """Struct columns are written as ``column.field``; bytes, which are no text, are refused."""

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        super().__init__(schema, document)
        expect(f"encode.{self.name}")
        self.flat = flatten_schema(schema)
        for field in self.flat:
            if _holds_bytes(field.type):
                raise InputError(
                    f"column {field.name!r} holds bytes, which this format cannot keep"
                )

    def batches(self, table: pa.Table, grown: float) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the flat schema, as many at once as make a piece; see `slices`."""
        for batch in slices(table, grown):
            yield flatten_batch(batch, self.flat)


def _holds_bytes(kind: pa.DataType) -> bool:
    if pt.is_nested(kind):
        return any(_holds_bytes(kind.field(i).type) for i in range(kind.num_fields))
    return bool(pt.is_binary(kind) or pt.is_fixed_size_binary(kind))
