"""The numbers of columns that are arrays in a VOTable, with something for those that are null."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from numpy.typing import NDArray

from skyseries.arrow import to_numpy
from skyseries.formats.flat import fixed_values
from skyseries.formats.streams.cells import list_parts
from skyseries.formats.votable_types import Form
from skyseries.lazy import pc

__all__ = ["filled", "innermost"]

_NUMPY_TYPES = {
    "unsignedByte": "u1", "short": "i2", "int": "i4", "long": "i8", "float": "f4", "double": "f8",
}  # fmt: skip


def innermost(column: pa.Array) -> tuple[pa.Array, NDArray[np.int64] | None]:
    """Return the values of all cells, and where those of each begin, if their number varies."""
    if not pt.is_list(column.type):
        return fixed_values(column), None
    offsets, values = list_parts(column)
    each, kind = 1, values.type
    while pt.is_fixed_size_list(kind):
        each, kind = each * kind.list_size, kind.value_type
    return fixed_values(values), offsets * each


def filled(values: pa.Array, form: Form) -> NDArray[Any]:
    """Return the values in the type of the column.

    Where one is null it is NaN, ``?`` of a boolean, else what the column declares, or 0.
    """
    if pt.is_boolean(values.type):
        letters = np.where(to_numpy(pc.fill_null(values, False)), ord("T"), ord("F"))
        letters[~to_numpy(values.is_valid())] = ord("?")
        return letters.astype(np.uint8)
    wide = values.cast(pa.from_numpy_dtype(np.dtype(_NUMPY_TYPES[form.datatype])))
    if wide.null_count:
        fill: Any = float("nan") if pt.is_floating(wide.type) else form.null or 0
        wide = pc.fill_null(wide, pa.scalar(fill, wide.type))
    return np.ascontiguousarray(to_numpy(wide))
