"""Objects by their ids, whatever steps a catalog has: which column, which values, which index."""

from __future__ import annotations

from typing import Any

from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.ids import as_ids, asked_ids
from skyseries.catalog.plan.names import check_columns
from skyseries.errors import SchemaError

__all__ = ["id_step"]


def id_step(
    held: CatalogBase, ids: Any, column: str | None, option: str = "column"
) -> plan.IdSearch:
    """Return the step that keeps the objects with some ids.

    Parameters
    ----------
    held : CatalogBase
    ids : int, str or a sequence or array of them, of any library
    column : str, optional
        By default the id column of the catalog.
    option : str
        What the caller calls `column`.

    Raises
    ------
    SchemaError
        If there is no such column, text is given for numbers or the reverse, or an id is missing.
    """
    name = held._id_name(option) if column is None else column
    check_columns([name], held.schema)
    if name not in held.columns:
        raise SchemaError(f"{name!r} is a field of a light curve, not a column of ids")
    found = as_ids(asked_ids(ids), held.schema.field(name).type)
    return plan.IdSearch(held._node, name, plan.Ids(found))
