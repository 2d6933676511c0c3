"""Columns that are brought to another unit where they come in: their values and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from skyseries.arrow import is_number
from skyseries.errors import InputError, SchemaError
from skyseries.lazy import pc
from skyseries.schema.columns import ColumnMeta, column_meta, frame_of, with_column_meta
from skyseries.units import factor_to

__all__ = ["Conversion", "in_degrees", "to_unit"]

T = TypeVar("T", pa.Table, pa.RecordBatch)


@dataclass(frozen=True)
class Conversion:
    """Which columns are multiplied by what, and the unit that they are in then."""

    columns: Mapping[str, tuple[float, str]]

    def __bool__(self) -> bool:
        return bool(self.columns)

    def schema(self, before: pa.Schema) -> pa.Schema:
        """Return the columns as they are afterwards."""
        fields = [self._field(field) for field in before]
        return pa.schema(fields, before.metadata)

    def apply(self, rows: T) -> T:
        """Return rows with the columns multiplied; as they are if there is nothing to do."""
        if not self.columns:
            return rows
        schema = self.schema(rows.schema)
        columns = [
            to_unit(column, self.columns[name][0]) if name in self.columns else column
            for name, column in zip(rows.schema.names, rows.columns, strict=True)
        ]
        return type(rows).from_arrays(columns, schema=schema)

    def said(self, before: pa.Schema) -> list[str]:
        """Return a line for people about each column."""
        return [
            f"{name!r} is converted from {column_meta(before.field(name)).unit} to {unit}"
            for name, (_, unit) in self.columns.items()
        ]

    def _field(self, field: pa.Field) -> pa.Field:
        if field.name not in self.columns:
            return field
        type_ = field.type if pa.types.is_floating(field.type) else pa.float64()
        return with_column_meta(
            field.with_type(type_), ColumnMeta(unit=self.columns[field.name][1])
        )


def to_unit(values: Any, factor: float) -> Any:
    """Return an Arrow array of numbers multiplied; whole numbers become float64."""
    if factor == 1.0 and pa.types.is_floating(values.type):
        return values
    if not pa.types.is_floating(values.type):
        values = values.cast(pa.float64())
    return pc.multiply(values, pa.scalar(factor, values.type))


def in_degrees(schema: pa.Schema, ra: str, dec: str) -> Conversion:
    """Return how the columns of the positions become degrees.

    Raises
    ------
    SchemaError
        If a column is missing or holds no numbers.
    InputError
        If its unit is not that of an angle, or its frame another than ICRS.
    """
    found = {}
    for name in (ra, dec):
        field = schema.field(name)
        type_ = field.type
        if not (is_number(type_) or pa.types.is_null(type_)):
            raise SchemaError(
                f"column {name!r} is {type_}, not a number; positions must be in degrees, or in "
                "another unit of an angle that the column says"
            )
        if frame := frame_of(field):
            raise InputError(
                f"column {name!r} is in the frame {frame!r}, and positions are needed in ICRS: "
                "write it as SkyCoord.icrs gives it"
            )
        unit = column_meta(field).unit
        factor = factor_to(unit, "deg", f"column {name!r}")
        if factor != 1.0:
            found[name] = (factor, "deg")
    return Conversion(found)
