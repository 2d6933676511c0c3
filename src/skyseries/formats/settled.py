"""What a look at all values tells of columns before they are written to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import is_any_list
from skyseries.errors import InputError
from skyseries.formats.flat import Source, fixed_values, flatten_batch, flatten_schema
from skyseries.formats.streams.cells import JSON_TEXT, cells_of
from skyseries.formats.votable_types import DATATYPES, form_of
from skyseries.lazy import pc
from skyseries.schema.columns import declare

__all__ = ["Rows", "settled"]

_LARGEST_LONG = 2**63 - 1
_LAST_OF_ASCII = 127
_TOLD = {"votable": "VOTable", "fits": "FITS"}


@dataclass(frozen=True)
class Rows:
    """The rows of a file, and their schema."""

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows."""
        for batch in self.batches():
            yield pa.Table.from_batches([batch.cast(self.schema)], self.schema)


def settled(source: Source, format: str) -> Rows:
    """Return the rows of a source, with a schema that says what the format needs to know.

    Text of a VOTable is declared ``char`` if all of it is ASCII, and integers without a sign
    ``long`` if none needs the last bit.

    Raises
    ------
    InputError
        If there is a null in a list of integers, and the format has no mark of it that all
        readers know.
    """
    if format not in _TOLD:
        return Rows(source.schema, source.batches)
    flat = flatten_schema(source.schema)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in source.batches():
            yield flatten_batch(batch, flat)

    if any(_is_open(field.type) for field in flat):
        source.make_repeatable()
        found = _natures(batches(), flat, format)
        flat = pa.schema([declare(f, found[i]) if found.get(i) else f for i, f in enumerate(flat)])
    return Rows(flat, batches)


def _is_open(kind: pa.DataType) -> bool:
    """Return whether values decide how a column is declared."""
    return bool(pt.is_string(kind) or pt.is_uint64(kind) or pt.is_nested(kind))


def _natures(batches: Iterator[pa.RecordBatch], flat: pa.Schema, format: str) -> dict[int, str]:
    """Return what columns can be declared as, by their numbers."""
    found = {i: _wish(field) for i, field in enumerate(flat) if _is_open(field.type)}
    arrays = {i for i in found if _is_array(flat.field(i), format)}
    for batch in batches:
        for place in list(found):
            column = batch.column(place)
            if place in arrays:
                _refuse_nulls(column, flat.field(place).name, _TOLD[format])
            elif format == "votable" and not _is(found[place], column):
                del found[place]
    return found


def _wish(field: pa.Field) -> str:
    if pt.is_uint64(field.type):
        return "long"
    value = field.type
    while is_any_list(value):
        value = value.value_type
    return "char" if form_of(field).is_text else DATATYPES[value]


def _is_array(field: pa.Field, format: str) -> bool:
    """Return whether a column is written as arrays, not as text."""
    kind = field.type
    has_arrays = pt.is_list(kind) and pt.is_nested(kind.value_type)
    return pt.is_nested(kind) and not form_of(field).is_text and not (
        has_arrays and format == "fits"
    )  # fmt: skip


def _is(datatype: str, column: pa.Array) -> bool:
    if datatype == "long":
        above = pc.greater(column, pa.scalar(_LARGEST_LONG, pa.uint64()))
        return not pc.any(above).as_py()
    if pt.is_nested(column.type):
        return not (cells_of(column, JSON_TEXT).data > _LAST_OF_ASCII).any()
    return pc.all(pc.string_is_ascii(column)).as_py() in (True, None)


def _refuse_nulls(column: pa.Array, name: str, told: str) -> None:
    values = column.drop_null()
    if pt.is_list(values.type):
        values = values.flatten()
    values = fixed_values(values)
    if not pt.is_floating(values.type) and values.null_count:
        raise InputError(f"column {name!r} has nulls inside its lists, which {told} cannot keep")
