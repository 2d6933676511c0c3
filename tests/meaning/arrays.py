"""Containers of rows of numbers, labels and flags, of every library."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from astropy import units as u
from astropy.table import Column, MaskedColumn
from astropy.utils.masked import Masked

from tests.meaning.containers import Container, Gone, Values, filled, objects, plain, under
from tests.meaning.kinds import parsed

__all__ = ["ARRAYS", "REFUSED_ARRAYS"]


def _list(v: Values, gone: Gone, unit: str | None) -> list[Any]:
    return objects(v, gone).tolist()


def _masked(v: Values, gone: Gone, unit: str | None) -> Any:
    return np.ma.MaskedArray(filled(v, gone, under(v)), False if gone is None else gone)


def _quantity(v: Values, gone: Gone, unit: str | None) -> Any:
    return u.Quantity(plain(v, gone), unit)


def _masked_quantity(v: Values, gone: Gone, unit: str | None) -> Any:
    mask = np.zeros(v.shape, bool) if gone is None else gone
    return Masked(u.Quantity(filled(v, gone, under(v)), unit), mask=mask)


def _masked_astropy(v: Values, gone: Gone, unit: str | None) -> Any:
    return Masked(filled(v, gone, under(v)), mask=np.zeros(v.shape, bool) if gone is None else gone)


def _quantities(v: Values, gone: Gone, unit: str | None) -> Any:
    return [None if x is None else x * u.Unit(unit) for x in objects(v, gone)]


def _read_only(v: Values, gone: Gone, unit: str | None) -> Any:
    spread = np.repeat(plain(v, gone), 2)
    spread.flags.writeable = False
    return spread[::2]


def _series(dtype: Any) -> Any:
    def make(v: Values, gone: Gone, unit: str | None) -> Any:
        index = np.arange(len(v))[::-1] + 7  # rows are taken by place
        return pd.Series(objects(v, gone), index, dtype=dtype)

    return make


def _arrow(type_: Any = None) -> Any:
    def make(v: Values, gone: Gone, unit: str | None) -> Any:
        return pa.array(v.tolist(), mask=gone, type=type_)

    return make


def _chunked(v: Values, gone: Gone, unit: str | None) -> Any:
    array = pa.array(v.tolist(), mask=gone)
    return pa.chunked_array([array[:2], array[2:]])


def _column(v: Values, gone: Gone, unit: str | None) -> Any:
    return Column(plain(v, gone), unit=None if unit is None else parsed(unit))


def _masked_column(v: Values, gone: Gone, unit: str | None) -> Any:
    mask = np.zeros(v.shape, bool) if gone is None else gone
    said = None if unit is None else parsed(unit)
    return MaskedColumn(filled(v, gone, under(v)), mask=mask, unit=said)


def _as(dtype: Any) -> Any:
    return lambda v, gone, unit: plain(v, gone).astype(dtype)


def _masked_as(dtype: Any) -> Any:
    return lambda v, gone, unit: _masked(v, gone, unit).astype(dtype)


def _decimals(v: Values, gone: Gone, unit: str | None) -> Any:
    return [None if x is None else Decimal(repr(float(x))) for x in objects(v, gone)]


ARRAYS = (
    Container("list", _list, "ntbi"),
    Container("tuple", lambda v, gone, unit: tuple(_list(v, gone, unit)), "ntbi"),
    Container("float64", lambda v, gone, unit: plain(v, gone), "n"),
    Container("float32", _as("f4"), type="f4"),
    Container("int64", _as("i8"), "ni", misses=False, type="i8"),
    Container("big-endian", _as(">f8")),
    Container("read-only strides", _read_only),
    Container("objects", lambda v, gone, unit: objects(v, gone), "ntbi"),
    Container("np.ma", _masked, "ntbi"),
    Container("np.ma of int64", _masked_as("i8"), type="i8"),
    Container("decimals", _decimals),
    Container("Quantity", _quantity, says="must"),
    Container("Masked Quantity", _masked_quantity, says="must"),
    Container("Masked", _masked_astropy),
    Container("list of Quantity", _quantities, says="must"),
    Container("Series", _series("f8")),
    Container("Series Float64", _series("Float64")),
    Container("Series Int64", _series("Int64"), "ni", type="i8"),
    Container("Series object", _series(object), "ntbi"),
    Container("Series double[pyarrow]", _series("double[pyarrow]")),
    Container("polars", lambda v, gone, unit: pl.Series(objects(v, gone).tolist()), "ntbi"),
    Container("Arrow", _arrow(), "ntbi"),
    Container(
        "Arrow int64",
        lambda v, g, unit: _arrow(pa.int64())(np.rint(v).astype("i8"), g, unit),
        type="i8",
    ),
    Container(
        "Arrow decimal", lambda v, g, unit: pa.array(_decimals(v, g, unit), pa.decimal128(38, 19))
    ),
    Container("ChunkedArray", _chunked, "ntbi"),
    Container("Column", _column, "n", says="may", any_unit=True),
    Container("Column of labels", lambda v, gone, unit: Column(v), "tbi", misses=False),
    Container("MaskedColumn", _masked_column, "ntbi", says="may", any_unit=True),
    # labels
    Container("str", lambda v, gone, unit: v, "t", misses=False),
    Container("bytes", lambda v, gone, unit: v.astype("S"), "t", misses=False),
    Container("NaN in objects", lambda v, gone, unit: filled(v.astype(object), gone, np.nan), "t"),
    Container(
        "NA in a list",
        lambda v, gone, unit: [pd.NA if x is None else x for x in objects(v, gone)],
        "t",
    ),
    Container("Series str", _series("str"), "t"),
    Container("Series string[pyarrow]", _series("string[pyarrow]"), "t"),
    Container("Categorical", _series("category"), "t"),
    Container(
        "polars Categorical",
        lambda v, gone, unit: pl.Series(objects(v, gone).tolist(), dtype=pl.Categorical),
        "t",
    ),
    Container(
        "Arrow dictionary", lambda v, gone, unit: _arrow()(v, gone, unit).dictionary_encode(), "t"
    ),
    # flags
    Container("bool", lambda v, gone, unit: v, "b", misses=False),
    Container("Series boolean", _series("boolean"), "b"),
)

REFUSED_ARRAYS = (
    Container("text", lambda v, gone, unit: ["a"] * len(v), refused=True),
    Container("booleans", lambda v, gone, unit: v > np.median(v), refused=True),
    Container("complex", lambda v, gone, unit: v + 1j, refused=True),
    Container(
        "dates", lambda v, gone, unit: np.full(len(v), np.datetime64("2026-01-01")), refused=True
    ),
    Container("ragged", lambda v, gone, unit: [[1.0], *v[1:].tolist()], refused=True),
    Container("dict", lambda v, gone, unit: dict(enumerate(v)), refused=True),
    Container("fractions", lambda v, gone, unit: np.linspace(0.5, 1, len(v)), "t", refused=True),
)
