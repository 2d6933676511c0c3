"""What columns mean: units and descriptions, and the roles of the fields of a light curve."""

from skyseries.schema.casting import as_schema, as_type, honest
from skyseries.schema.columns import ColumnMeta, column_meta, with_column_meta
from skyseries.schema.lightcurve import LightCurveFields
from skyseries.schema.nullable import as_nullable, common_fields, common_type

__all__ = [
    "ColumnMeta",
    "LightCurveFields",
    "as_nullable",
    "as_schema",
    "as_type",
    "column_meta",
    "common_fields",
    "common_type",
    "honest",
    "with_column_meta",
]
