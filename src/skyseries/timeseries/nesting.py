"""Light curves as a nested Arrow column, as catalogs keep them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skyseries.errors import InputError

if TYPE_CHECKING:
    from skyseries.schema import LightCurveFields
    from skyseries.timeseries.lightcurve import LightCurve

__all__ = ["to_nested"]


def to_nested(curves: Iterable[LightCurve]) -> tuple[pa.StructArray, LightCurveFields]:
    """Make a nested column of light curves, for `compute_features` and `compute_periods`.

    Parameters
    ----------
    curves : iterable of (n) LightCurve
        All with the same fields: names, units, format and scale of times.

    Returns
    -------
    column : (n,) struct array of lists
    fields : LightCurveFields
        Which field is what.

    Raises
    ------
    InputError
        If there is none, or one has other fields than the first.
    """
    curves = list(curves) if isinstance(curves, Iterable) else [curves]
    if not curves:
        raise InputError("a nested column needs one light curve or more: its fields are theirs")
    if wrong := [curve for curve in curves if not hasattr(curve, "named_fields")]:
        raise InputError(f"{wrong[0]!r:.60} is no LightCurve: as_lightcurve makes one of it")
    fields = curves[0].named_fields
    for place, curve in enumerate(curves):
        if curve.named_fields != fields:
            raise InputError(
                f"light curve {place} has other fields than the first one: {curve.named_fields}, "
                f"not {fields}"
            )
    tables = [curve.to_arrow() for curve in curves]
    try:
        table = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    except pa.ArrowException as error:
        raise InputError(f"the light curves hold values of different types: {error}") from None
    offsets = np.concatenate([[0], np.cumsum([len(curve) for curve in curves])])
    lists = [
        pa.LargeListArray.from_arrays(pa.array(offsets), column.combine_chunks())
        for column in table.columns
    ]
    whole = [
        pa.field(field.name, array.type, metadata=field.metadata)
        for field, array in zip(table.schema, lists, strict=True)
    ]
    return pa.StructArray.from_arrays(lists, fields=whole), fields
