"""Which column is meant by "the light curves", and which of its fields is the time or the flux."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from skyseries.arrow import is_number
from skyseries.catalog.plan.names import fields_of, nested_columns
from skyseries.errors import SchemaError
from skyseries.hats.dataset import Dataset
from skyseries.hats.properties import split_list
from skyseries.schema import LightCurveFields

__all__ = ["known_fields", "overridden", "recorded_bands", "selected", "the_column"]


def the_column(schema: pa.Schema, column: str | None) -> str:
    """Return the nested column that is meant.

    Raises
    ------
    SchemaError
        If there is none, or several and none is named.
    """
    there = nested_columns(schema)
    if column is not None:
        if column not in there:
            raise SchemaError(
                f"{column!r} is no light-curve column; "
                + (f"there are: {', '.join(there)}" if there else "this catalog has none")
            )
        return column
    if len(there) != 1:
        raise SchemaError(
            f"there are several light-curve columns: name one of {', '.join(there)} with column="
            if there
            else "this catalog has no light curves (no column that is a struct of lists)"
        )
    return there[0]


def known_fields(
    recorded: LightCurveFields | None, schema: pa.Schema, column: str
) -> LightCurveFields:
    """Return the roles as recorded, or as recognised from the names.

    Fields that are not selected have no role.
    """
    names = fields_of(schema, column)
    fields = recorded or LightCurveFields.guess(names)
    if fields is None:
        raise SchemaError(
            f"the fields of {column!r} are not recognised ({', '.join(names)}); say which is "
            "which with set_lightcurve(time=..., flux=..., ...)"
        )
    return selected(fields, names)


def selected(fields: LightCurveFields, names: Sequence[str]) -> LightCurveFields:
    """Return the roles of the fields that are there.

    Raises
    ------
    SchemaError
        If the times or all values are left out.
    """
    optional = ("band", "flux", "flux_err", "mag", "mag_err", "flag")
    gone = {role: None for role in optional if getattr(fields, role) not in names}
    if not {"flux", "mag"} <= set(gone):
        fields = replace(fields, **gone)  # type: ignore[arg-type]  # optional roles may be None
    fields.check(names)
    return fields


def overridden(
    schema: pa.Schema, column: str, before: LightCurveFields | None, roles: Mapping[str, str]
) -> LightCurveFields:
    """Return the roles with some replaced."""
    names = fields_of(schema, column)
    known = before or LightCurveFields.guess(names)
    try:
        fields = LightCurveFields(**roles) if known is None else known.override(**roles)
    except TypeError as error:
        raise SchemaError(f"set_lightcurve: {error}") from None
    fields.check(names)
    return fields


def recorded_bands(dataset: Dataset, column: str, band: str | None) -> list[str | int] | None:
    """Return the bands that the import has seen in this field; None if it is not recorded."""
    text = dataset.properties.get(f"skyseries_lightcurve.{column}.bands")
    recorded = LightCurveFields.from_properties(dataset.properties, column)
    if text is None or recorded is None or recorded.band is None or recorded.band != band:
        return None
    type_ = dataset.schema.field(column).type.field(band).type.value_type
    names = split_list(text)
    return [int(float(name)) for name in names] if is_number(type_) else list(names)
