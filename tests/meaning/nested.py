"""Containers of light curves: nested columns whose fields say their units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tests.meaning.containers import Container
from tests.meaning.tables import Columns

__all__ = ["NESTED"]

_SIZE = 40
"""Epochs of each."""


def _fields(columns: Columns, kind: Any) -> tuple[list[pa.Array], list[pa.Field]]:
    arrays, fields = [], []
    for name, c in columns.items():
        flat = pa.array(c.values.tolist(), mask=c.gone)
        offsets = pa.array(np.arange(0, len(flat) + 1, _SIZE), "i8" if kind.large else "i4")
        arrays.append(kind.array.from_arrays(offsets, flat))
        said = None if c.unit is None else {"unit": c.unit}
        fields.append(pa.field(name, arrays[-1].type, metadata=said))
    return arrays, fields


class _Lists:
    large, array = False, pa.ListArray


class _LargeLists:
    large, array = True, pa.LargeListArray


def _struct(columns: Columns, kind: Any = _Lists) -> Any:
    arrays, fields = _fields(columns, kind)
    return pa.StructArray.from_arrays(arrays, fields=fields)


def _chunked(columns: Columns) -> Any:
    whole = _struct(columns)
    return pa.chunked_array([whole[:1], whole[1:]])


def _nested(name: str, make: Any) -> Container:
    return Container(name, lambda c, gone, unit: make(c), "N", says="may", any_unit=True)


NESTED = (
    _nested("struct of lists", _struct),
    _nested("struct of large lists", lambda c: _struct(c, _LargeLists)),
    _nested("chunks", _chunked),
)
