"""Ids of objects: which column, which values it can hold, and where the index says they are."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arrays.containers import is_missing
from skyseries.errors import CatalogError, SchemaError
from skyseries.hats.collection import Collection
from skyseries.hats.dataset import Dataset
from skyseries.hats.idindex import IdIndex
from skyseries.hats.properties import split_list
from skyseries.spatial import regions
from skyseries.spatial.coverage import normalise

__all__ = ["as_ids", "asked_ids", "cells_of_ids", "id_column", "ids_array"]


def id_column(dataset: Dataset, collection: Collection, column: str | None = None) -> str:
    """Return the column of the ids: the one asked for, or the one that the catalog names.

    Raises
    ------
    CatalogError
        If it names none, or one that is not there.
    """
    if column is not None:
        if column not in dataset.schema.names:
            raise SchemaError(f"{dataset.name} has no column {column!r}")
        return column
    said = dataset.properties.get("hats_cols_survey_id", "")
    listed = [said] if said in dataset.schema.names else split_list(said)
    name = next(iter([*dict(collection.indexes), *listed]), None)
    if name is None or name not in dataset.schema.names:
        raise CatalogError(
            f"{dataset.name} does not say which column is the id: it has neither an id index nor "
            "hats_cols_survey_id in its hats.properties"
        )
    return name


def asked_ids(ids: Any) -> list[Any]:
    """Return the ids that are asked for, of any container.

    None of them goes through a floating-point number.

    Raises
    ------
    SchemaError
        If a whole table is given, or an id is missing: None, NA or masked.
    """
    if isinstance(ids, Mapping) or hasattr(ids, "columns"):
        raise SchemaError(
            f"ids are one column, not a {type(ids).__name__}: give one of its columns"
        )
    if hasattr(ids, "unmasked") and hasattr(ids, "mask"):  # astropy's Masked
        ids = np.ma.MaskedArray(np.asarray(ids.unmasked), np.asarray(ids.mask))
    if isinstance(ids, np.ma.MaskedArray) and ids is not np.ma.masked:
        ids = ids.ravel()
    if isinstance(ids, np.ndarray) and not isinstance(ids, np.ma.MaskedArray):
        ids = (np.char.decode(ids) if ids.dtype.kind == "S" else np.asarray(ids)).ravel().tolist()
    several = isinstance(ids, Iterable) and not isinstance(ids, str | bytes)
    found = list(ids) if several and ids is not np.ma.masked else [ids]
    values = [value.as_py() if isinstance(value, pa.Scalar) else value for value in found]
    gone = [i for i, value in enumerate(values) if is_missing(value)]
    if gone:
        raise SchemaError(
            f"id {gone[0]} of those that are looked for is missing ({values[gone[0]]!r}): "
            "leave such out"
        )
    return values


def as_ids(ids: Sequence[Any], type_: pa.DataType) -> tuple[Any, ...]:
    """Return ids as the column has them; those that it cannot have are left out.

    ``"42"`` is not taken for 42, nor 42.0.

    Raises
    ------
    SchemaError
        If a text is given for numbers, or the reverse.
    """
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    wants_text = (
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_string_view(type_)
    )
    if not set(map(type, ids)) <= {str if wants_text else int}:
        ids = [_as_id(id, type_, wants_text) for id in ids]
    if wants_text:
        return tuple(ids)
    signed = pa.types.is_signed_integer(type_)
    bits = type_.bit_width - signed
    least, beyond = -(1 << bits) * signed, 1 << bits
    return tuple(number for number in ids if least <= number < beyond)


def _as_id(id: Any, type_: pa.DataType, wants_text: bool) -> Any:
    """Return text as it is, or an integer of whatever library as Python's."""
    if wants_text != isinstance(id, str):
        raise SchemaError(f"the ids of this catalog are {type_}; {id!r} is {type(id).__name__}")
    if wants_text:
        return id
    try:
        number = operator.index(id)
    except TypeError:  # so is what stands for a value that is masked
        number = None
    if number is None or isinstance(id, bool | np.bool_):
        raise SchemaError(f"an id must be a whole number, not {id!r}")
    return number


def ids_array(ids: Sequence[Any]) -> pa.Array:
    """Return ids as an array, also those that take 64 bits without a sign."""
    large = bool(ids) and not isinstance(ids[0], str) and max(ids) >= 1 << 63
    return pa.array(ids, pa.uint64() if large else None)


def cells_of_ids(index: IdIndex, ids: Sequence[Any]) -> regions.Moc:
    """Return where the index says that objects are filed.

    Parameters
    ----------
    index : IdIndex
    ids : sequence
        As the column has them.

    Returns
    -------
    Moc
        Their order-29 cells, or their partitions where the index does not hold the cells.
    """
    if not ids:
        return regions.Moc(np.empty(0, np.int64), np.empty(0, np.int64))
    places = index.find_many(ids_array(ids))
    return regions.Moc(*normalise(places.start, places.stop))
