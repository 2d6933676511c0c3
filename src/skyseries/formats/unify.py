"""One schema for many files: what differs, and in which file, is found before work begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import pyarrow as pa
import pyarrow.types as pt

from skyseries.arrow import is_any_list, is_number
from skyseries.errors import SchemaError
from skyseries.formats.cast import check_columns
from skyseries.formats.inputs import InputFile
from skyseries.formats.times import TimeMeta, time_meta, with_time_meta
from skyseries.schema import ColumnMeta, column_meta, with_column_meta
from skyseries.units import same_unit

__all__ = ["promote", "unify_schemas"]


def unify_schemas(files: Sequence[InputFile], schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return the schema that holds the columns of all files without loss.

    Integer and float widths are promoted; int64 with uint64 gives uint64 and an integer column
    with a float column gives floats: `scan` then raises on a cell that does not fit exactly.
    All forms of text become ``string``. A column that is empty in one file (type null) takes
    the type it has in the others. The order is that of the first file. A unit that one file
    leaves out is taken from the others.

    Raises
    ------
    SchemaError
        If a column is missing in a file, or has incompatible types or different units: names
        the column, the two files, and what each has.
    """
    if len(files) != len(schemas) or not schemas:
        raise SchemaError(f"{len(files)} files and {len(schemas)} schemas: one is needed for each")
    merged = [_Column(field, files[0].path) for field in schemas[0]]
    names = schemas[0].names
    check_columns(files[0].path, names, names)
    for file, schema in zip(files, schemas, strict=True):
        if schema.equals(schemas[0], check_metadata=True):
            continue
        _check_same_columns(files[0].path, names, file.path, schema.names)
        for column in merged:
            column.merge(schema.field(column.name), file.path)
    return pa.schema([column.field() for column in merged])


def _check_same_columns(path: str, names: list[str], other: str, other_names: list[str]) -> None:
    check_columns(other, other_names, other_names)
    if missing := [name for name in names if name not in other_names]:
        raise SchemaError(f"column {missing[0]!r} is in {path} but not in {other}")
    if extra := [name for name in other_names if name not in names]:
        raise SchemaError(
            f"column {extra[0]!r} is in {other} but not in {path}; "
            "name the columns to read with columns= if it is not needed"
        )


class _Column:
    """The type and metadata of one column so far, and the file that each comes from."""

    def __init__(self, field: pa.Field, path: str) -> None:
        self.name = field.name
        self.type = _plain(field.type)
        self.type_path = path
        self.nullable = field.nullable
        self.metadata = field
        self.meta = column_meta(field)
        self.time = time_meta(field)
        self.unit_path = self.time_path = path

    def merge(self, field: pa.Field, path: str) -> None:
        """Take in what another file says of this column."""
        joint = promote(self.type, field.type)
        if joint is None:
            raise SchemaError(
                f"column {self.name!r} is {self.type} in {self.type_path} "
                f"but {field.type} in {path}"
            )
        if joint != self.type:
            self.type, self.type_path = joint, path
        self.nullable = self.nullable or field.nullable
        self._merge_meta(column_meta(field), path)
        self._merge_times(time_meta(field), path)

    def _merge_meta(self, other: ColumnMeta, path: str) -> None:
        mine = self.meta
        if mine.unit and other.unit and not same_unit(mine.unit, other.unit):
            raise SchemaError(
                f"column {self.name!r} is in {mine.unit} in {self.unit_path} "
                f"but in {other.unit} in {path}; convert one of them"
            )
        if other.unit and not mine.unit:
            self.unit_path = path
        self.meta = ColumnMeta(
            unit=mine.unit or other.unit,
            ucd=mine.ucd or other.ucd,
            description=mine.description or other.description,
        )

    def _merge_times(self, other: TimeMeta, path: str) -> None:
        for key in fields(TimeMeta):
            mine, its = getattr(self.time, key.name), getattr(other, key.name)
            if mine and its and mine != its:
                raise SchemaError(
                    f"column {self.name!r} has the time {key.name} {mine} in {self.time_path} "
                    f"but {its} in {path}; convert one of them"
                )
            if its and not mine:
                self.time, self.time_path = replace(self.time, **{key.name: its}), path

    def field(self) -> pa.Field:
        field = pa.field(self.name, self.type, self.nullable, self.metadata.metadata)
        return with_time_meta(with_column_meta(field, self.meta), self.time)


def _plain(type: pa.DataType) -> pa.DataType:
    """Return the type without dictionaries and with one kind of text, in nested types too."""
    if pt.is_dictionary(type):
        return _plain(type.value_type)
    if pt.is_large_string(type) or pt.is_string_view(type):
        return pa.string()
    if is_any_list(type):
        value = type.value_field
        plain = value.with_type(_plain(value.type))
        return type if plain.type == value.type else pa.list_(plain)
    if pt.is_struct(type):
        return pa.struct([field.with_type(_plain(field.type)) for field in type])
    return type


def promote(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that holds both without loss (checked cell by cell); None if there is none.

    Examples
    --------
    >>> promote(pa.int16(), pa.uint16())
    DataType(int32)
    """
    one, other = _plain(one), _plain(other)
    if one == other or pt.is_null(other):
        return one
    if pt.is_null(one):
        return other
    if pt.is_integer(one) and pt.is_integer(other):
        return _promote_integers(one, other)
    if is_number(one) and is_number(other):
        return _promote_floats(one, other)
    if is_any_list(one) and is_any_list(other):
        value = promote(one.value_type, other.value_type)
        return None if value is None else pa.list_(one.value_field.with_type(value))
    return _promote_structs(one, other) if pt.is_struct(one) and pt.is_struct(other) else None


def _promote_integers(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    widths = {True: 0, False: 0}
    for kind in (one, other):
        signed = bool(pt.is_signed_integer(kind))
        widths[signed] = max(widths[signed], kind.bit_width)
    signed_bits, unsigned_bits = widths[True], widths[False]
    if not unsigned_bits:
        return _INTEGERS[signed_bits]
    if not signed_bits:
        return _UNSIGNED[unsigned_bits]
    if unsigned_bits == 64:
        return pa.uint64()
    return _INTEGERS[max(signed_bits, 2 * unsigned_bits)]


_INTEGERS = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_UNSIGNED = {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}


def _promote_floats(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    def bits(type: pa.DataType) -> int:
        """Bits of the float that holds this type (an integer needs its width as mantissa)."""
        return int(type.bit_width if pt.is_floating(type) else 32 if type.bit_width < 32 else 64)

    return {16: pa.float16(), 32: pa.float32(), 64: pa.float64()}[max(bits(one), bits(other))]


def _promote_structs(one: pa.StructType, other: pa.StructType) -> pa.DataType | None:
    if sorted(field.name for field in one) != sorted(field.name for field in other):
        return None
    fields = []
    for field in one:
        joint = promote(field.type, other.field(field.name).type)
        if joint is None:
            return None
        fields.append(field.with_type(joint))
    return pa.struct(fields)
