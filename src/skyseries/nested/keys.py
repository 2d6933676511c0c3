"""Integers that have the order of any column: what sorting and minima work on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrow import to_numpy
from skyseries.errors import SchemaError
from skyseries.lazy import pc
from skyseries.nested import kernels
from skyseries.nested.flat import read_only

__all__ = ["null_mask", "order_codes"]


def null_mask(values: pa.Array) -> NDArray[np.bool_]:
    """Return where values are null, or an empty array if none is.

    An index into a dictionary that points to a null is one.
    """
    is_null = values.is_null()
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        is_null = values.dictionary.is_null().take(values.indices).fill_null(True)
    elif not values.null_count:
        return read_only(np.empty(0, np.bool_))
    return read_only(to_numpy(is_null))


def order_codes(values: pa.Array, *, ascending: bool = True) -> NDArray[np.int64]:
    """Return integers whose order is that of the values, or the reverse.

    NaN is last in both directions and equal to itself; zeros of both signs are equal. Codes of
    nulls are of no meaning. Text is ordered by its UTF-8 bytes, that is by code point.

    Raises
    ------
    SchemaError
        If values of this type have no order.
    """
    type_ = values.type
    if pa.types.is_floating(type_):
        floats = to_numpy(values.cast(pa.float64()))
        codes = np.empty(floats.size, np.int64)
        kernels.encode_floats(read_only(floats), ascending, codes)
        return read_only(codes)
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_) or pa.types.is_temporal(type_):
        codes = _integer_codes(values)
    elif pa.types.is_null(type_):
        codes = np.zeros(len(values), np.int64)
    else:
        codes = _rank_codes(values)
    return read_only(codes if ascending else ~codes)


def _integer_codes(values: pa.Array) -> NDArray[np.int64]:
    type_ = values.type
    if pa.types.is_temporal(type_):
        if pa.types.is_interval(type_):
            raise SchemaError(f"values of type {type_} have no order")
        values = values.view(pa.int32() if type_.bit_width == 32 else pa.int64())
    if values.null_count:
        values = values.fill_null(False if pa.types.is_boolean(type_) else 0)
    if pa.types.is_uint64(type_):
        flipped = to_numpy(values) ^ np.uint64(1 << 63)
        return np.asarray(flipped.view(np.int64))
    return to_numpy(values.cast(pa.int64()))


def _rank_codes(values: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        values = values.cast(pa.large_binary())
    try:
        encoded = values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)
        ranks = pc.rank(encoded.dictionary, sort_keys="ascending", tiebreaker="dense")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(f"values of type {values.type} have no order") from error
    if not len(ranks):
        return np.zeros(len(values), np.int64)
    table = np.asarray(to_numpy(ranks).astype(np.int64))
    return np.asarray(table[to_numpy(encoded.indices.fill_null(0))])
