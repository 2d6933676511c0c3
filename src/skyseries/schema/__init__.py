"""What columns mean: units and descriptions, and the roles of the fields of a light curve."""

from skyseries.schema.columns import ColumnMeta, column_meta, with_column_meta
from skyseries.schema.lightcurve import LightCurveFields

__all__ = ["ColumnMeta", "LightCurveFields", "column_meta", "with_column_meta"]
