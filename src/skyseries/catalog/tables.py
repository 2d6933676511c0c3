"""Tables in memory, of whichever library, as the start of a plan."""

from __future__ import annotations

from typing import Any, TypeVar

import pyarrow as pa

from skyseries.catalog.held import Held
from skyseries.catalog.names import POSITION_NAMES, nearest_names
from skyseries.catalog.nodes.memory import Memory
from skyseries.errors import InputError, SchemaError
from skyseries.hats.collection import Collection
from skyseries.hats.files import Location

__all__ = ["as_held", "from_table", "to_arrow"]

H = TypeVar("H", bound=Held)


def as_held(other: Any, kind: type[H], ra: str | None, dec: str | None) -> Held:
    """Return a catalog as it is, and a table as a catalog in memory."""
    if isinstance(other, Held):
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
    table : pyarrow.Table, pandas.DataFrame, polars.DataFrame, astropy.table.Table or dict
    kind : type
        The class of catalogs.
    ra, dec : str, optional
        Its columns of the positions, degrees; by default those with a usual name.
    name : str

    Raises
    ------
    InputError
        If it is no table, or its positions are not found.
    """
    data = to_arrow(table)
    ra, dec = _position_columns(data.schema, ra, dec)
    node = Memory.of(data, ra, dec, name)
    return kind(node, Location(name, "memory"), Collection(name, ""))


def to_arrow(table: Any) -> pa.Table:
    """Return a table of any library as a pyarrow one."""
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if isinstance(table, dict):
        return pa.table(table)
    if hasattr(table, "colnames") and hasattr(table, "itercols"):
        return _from_astropy(table)
    if type(table).__module__.startswith("pandas"):
        return pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    raise InputError(
        f"cannot take a {type(table).__name__} for a table; give a catalog, or a table of pyarrow, "
        "pandas, polars or astropy"
    )


def _from_astropy(table: Any) -> pa.Table:
    import numpy as np

    columns, fields = [], []
    for column in table.itercols():
        values = np.ma.getdata(column)
        values = np.asarray(getattr(values, "value", values))
        if values.ndim != 1:
            raise InputError(
                f"column {column.info.name!r} has shape {values.shape}, not one value a row"
            )
        if not values.dtype.isnative:
            values = values.astype(values.dtype.newbyteorder("="))
        mask = np.ma.getmaskarray(column) if hasattr(column, "mask") else None
        array = pa.array(values.tolist() if values.dtype.kind in "SO" else values, mask=mask)
        if values.dtype.kind == "S":
            array = array.cast(pa.string())
        unit = getattr(column, "unit", None)
        metadata = {"unit": str(unit)} if unit is not None else None
        columns.append(array)
        fields.append(pa.field(column.info.name, array.type, metadata=metadata))
    return pa.table(columns, schema=pa.schema(fields))


def _position_columns(schema: pa.Schema, ra: str | None, dec: str | None) -> tuple[str, str]:
    if (ra is None) != (dec is None):
        raise InputError("give both ra= and dec=, or neither")
    if ra is None or dec is None:
        known = [pair for pair in POSITION_NAMES if set(pair) <= set(schema.names)]
        if not known:
            raise SchemaError(
                f"the positions of the table are not found among {', '.join(schema.names)}; "
                "say which columns they are with ra= and dec= (degrees)"
            )
        ra, dec = known[0]
    for name in (ra, dec):
        if name not in schema.names:
            near = nearest_names(name, schema.names)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SchemaError(f"the table has no column {name!r}{hint}")
        kind = schema.field(name).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            raise SchemaError(
                f"the column {name!r} is {kind}; positions must be numbers of degrees"
            )
    return ra, dec
