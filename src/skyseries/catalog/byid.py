"""Objects by their ids, whatever steps a catalog has: which column, which values, which index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.catalog.held import Held
from skyseries.catalog.ids import as_id, index_of
from skyseries.catalog.names import check_columns
from skyseries.catalog.nodes.ids import IdSearch
from skyseries.catalog.origin import stored_as
from skyseries.errors import SchemaError

__all__ = ["id_step"]


def id_step(held: Held, ids: Any, column: str | None, option: str = "column") -> IdSearch:
    """Return the step that keeps the objects with some ids.

    Parameters
    ----------
    held : Held
    ids : int, str or a sequence of them
    column : str, optional
        By default the id column of the catalog.
    option : str
        What the caller calls `column`.

    Raises
    ------
    SchemaError
        If there is no such column, or text is given for numbers, or the reverse.
    """
    name = held._id_name(option) if column is None else column
    check_columns([name], held.schema)
    if name not in held.columns:
        raise SchemaError(f"{name!r} is a field of a light curve, not a column of ids")
    type_ = held.schema.field(name).type
    found = tuple(id for value in _values(ids) if (id := as_id(value, type_)) is not None)
    stored = stored_as(held._node, name)
    index = None if stored is None else index_of(held._root, held._collection, stored)
    return IdSearch(held._node, name, found, index, stored or name)


def _values(ids: Any) -> list[Any]:
    """Return one id, or several, as a list."""
    if hasattr(ids, "columns"):
        raise SchemaError(
            f"ids are one column, not a {type(ids).__name__}: give one of its columns"
        )
    if getattr(ids, "ndim", 1) == 0:  # an array of one value, which cannot be gone through
        ids = ids[()]
    one = isinstance(ids, str | bytes) or not isinstance(ids, Iterable) or np.ma.is_masked(ids)
    values = [ids] if one else list(ids)
    return [value.as_py() if isinstance(value, pa.Scalar) else value for value in values]
