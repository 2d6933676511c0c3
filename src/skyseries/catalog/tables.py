"""Tables in memory, of whichever library, as the start of a plan."""

from __future__ import annotations

from typing import Any, TypeVar

import pyarrow as pa

from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import names_list
from skyseries.errors import InputError, SchemaError
from skyseries.hats.collection import Collection
from skyseries.schema.conversion import in_degrees
from skyseries.schema.recognition import find_position
from skyseries.schema.roles import did_you_mean
from skyseries.store.files import Location
from skyseries.tables import to_table

__all__ = ["as_held", "from_table"]

H = TypeVar("H", bound=CatalogBase)


def as_held(other: Any, kind: type[H], ra: str | None, dec: str | None) -> CatalogBase:
    """Return a catalog as it is, and a table as a catalog in memory."""
    if isinstance(other, CatalogBase):
        if ra is not None or dec is not None:
            raise InputError("ra= and dec= are for tables; a catalog knows its positions")
        return other
    return from_table(other, kind, ra, dec, "other")


def from_table(
    table: Any, kind: type[H], ra: str | None = None, dec: str | None = None, name: str = "table"
) -> H:
    """Return a table of any library as a catalog in memory.

    Parameters
    ----------
    table : table or dict of columns
        As for `skyseries.tables.to_table`; a SkyCoord is a table of positions.
    kind : type
        The class of catalogs.
    ra, dec : str, optional
        Its columns of the positions, degrees or another unit that they say; by default those with
        a usual name. In the catalog they are in degrees.
    name : str

    Raises
    ------
    InputError
        If it is no table, or its positions are not found or in no unit of an angle.
    """
    data = to_table(table, name)
    ra, dec = _position_columns(data.schema, ra, dec)
    data = _as_floats(data, (ra, dec))
    data = in_degrees(data.schema, ra, dec).apply(data)
    node = plan.Memory.of(data, ra, dec, name)
    return kind(node, Location(name, "memory"), Collection(name, ""))


def _position_columns(schema: pa.Schema, ra: str | None, dec: str | None) -> tuple[str, str]:
    if (ra is None) != (dec is None):
        raise InputError("give both ra= and dec=, or neither")
    if ra is None or dec is None:
        known = find_position(schema.names, lambda name: _is_number(schema.field(name).type))
        if known is None:
            raise SchemaError(
                f"the positions of the table are not found among {', '.join(schema.names)}; "
                "say which columns they are with ra= and dec="
            )
        ra, dec = known
    for name in names_list((ra, dec), "ra and dec"):
        if name not in schema.names:
            hint = did_you_mean(name, schema.names)
            raise SchemaError(f"the table has no column {name!r}{hint}")
    return ra, dec


def _as_floats(data: pa.Table, names: tuple[str, str]) -> pa.Table:
    """Return the positions as floating-point numbers, which some tables have as whole ones."""
    for name in names:
        field = data.schema.field(name)
        if _is_number(field.type) and not pa.types.is_floating(field.type):
            column = data.column(name).cast(pa.float64())
            index = data.schema.get_field_index(name)
            data = data.set_column(index, field.with_type(pa.float64()), column)
    return data


def _is_number(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_null)
    return any(is_kind(type_) for is_kind in kinds)
