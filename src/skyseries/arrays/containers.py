"""From a container of any library to a plain NumPy array, a mask and a unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.units import conversion_factor, unit_text

__all__ = ["Plain", "is_missing", "is_single", "library_of", "opened"]


class Plain(NamedTuple):
    """What a container holds."""

    values: NDArray[Any]
    """Of whichever shape and type; under the mask anything."""
    missing: NDArray[np.bool_] | None
    """Of the same shape; None: nothing is masked or null."""
    unit: str
    """Empty: the container says none."""


def library_of(values: Any) -> str:
    """Return the package that an object's type is of."""
    return type(values).__module__.partition(".")[0]


def opened(values: Any, what: str) -> Plain:
    """Return the array, mask and unit of a container.

    Parameters
    ----------
    values : list, tuple, range, NumPy array (masked too), Quantity, Masked, Column, Series of
        pandas or polars, array of Arrow, or anything that NumPy makes an array of
    what : str
        Its name in errors.

    Raises
    ------
    InputError
        If it is None, ragged or no array.
    """
    if values is None or isinstance(values, str | bytes | dict | set):
        raise InputError(f"{what} must be a row of values, not {values!r:.60}")
    if hasattr(values, "unmasked") and hasattr(values, "mask"):  # astropy's Masked
        inner = opened(values.unmasked, what)
        return Plain(inner.values, _joined(inner.missing, np.asarray(values.mask)), inner.unit)
    library = library_of(values)
    if library in ("pandas", "polars") and hasattr(values, "columns"):
        names = ", ".join(map(str, values.columns))
        raise InputError(f"{what} must be a row of values, not a table: take one of {names:.60}")
    if library == "pandas":
        return _of_pandas(values)
    if library in ("polars", "pyarrow") or hasattr(values, "__arrow_c_array__"):
        return _of_arrow(values, what)
    if isinstance(values, np.ma.MaskedArray):
        mask = None if values.mask is np.ma.nomask else np.ma.getmaskarray(values)
        inner = opened(np.asarray(values.data), what)
        return Plain(inner.values, _joined(inner.missing, mask), _unit_of(values))
    if isinstance(values, np.ndarray):
        return _of_array(np.asarray(values), _unit_of(values))
    if isinstance(values, Iterable) and not hasattr(values, "__array__"):
        return _of_sequence(list(values), what)
    return _of_array(_array(values, what), _unit_of(values))


def is_single(value: Any) -> bool:
    """Return whether this is one number, text or moment, and no row of them."""
    if isinstance(value, Real | str | bytes | None):
        return True
    is_arrow = hasattr(value, "as_py") and library_of(value) == "pyarrow"
    return (is_arrow and not hasattr(value, "__len__")) or getattr(value, "shape", None) == ()


def is_missing(value: Any) -> bool:
    """Return whether a single value stands for none: None, NA, NaT, NaN or masked."""
    if value is None or value is np.ma.masked:
        return True
    try:
        return not bool(value == value)
    except (TypeError, ValueError):  # pandas' NA has no truth
        return library_of(value) == "pandas"


def _joined(
    one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None
) -> NDArray[np.bool_] | None:
    if one is None or other is None:
        return one if other is None else other
    return one | other


def _unit_of(values: Any) -> str:
    return unit_text(getattr(values, "unit", None))


def _array(values: Any, what: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(f"{what} is no array: {error}") from None


def _of_array(array: NDArray[Any], unit: str) -> Plain:
    if array.dtype != object:
        return Plain(array, None, unit)
    flat = array.ravel()
    missing = np.fromiter((is_missing(value) for value in flat), bool, flat.size)
    return Plain(array, missing.reshape(array.shape) if missing.any() else None, unit)


def _of_sequence(items: Sequence[Any], what: str) -> Plain:
    """Open a list: its items may be numbers, None, or Quantities of several units."""
    first = next((item for item in items if not is_missing(item)), None)
    if first is not None and _is_quantity(first):
        return _of_quantities(items, unit_text(first.unit), what)
    missing = np.fromiter((is_missing(item) for item in items), bool, len(items))
    if not missing.any():
        return _of_array(_array(items, what), "")
    filled = [first if gone else item for item, gone in zip(items, missing.tolist(), strict=True)]
    if first is None:
        return Plain(np.full(len(items), np.nan), missing, "")
    return Plain(_array(filled, what), missing, "")


def _is_quantity(item: Any) -> bool:
    """Return whether this is one number with a unit; pandas' moments have one for their ticks."""
    return (
        getattr(item, "unit", None) is not None
        and library_of(item) != "pandas"
        and np.ndim(item) == 0
    )


def _of_quantities(items: Sequence[Any], unit: str, what: str) -> Plain:
    values = np.full(len(items), np.nan)
    for i, item in enumerate(items):
        if is_missing(item):
            continue
        try:
            values[i] = item.value * conversion_factor(unit_text(item.unit), unit)
        except (AttributeError, ValueError):
            raise InputError(
                f"{what} mixes units: {item!r} stands beside values in {unit!r}"
            ) from None
    return Plain(values, None, unit)


def _of_pandas(values: Any) -> Plain:
    array = getattr(values, "array", values)  # of a Series or Index
    missing = np.asarray(array.isna(), bool) if hasattr(array, "isna") else None
    if hasattr(array, "categories"):  # codes would be numbers
        array = np.asarray(array, object)
    elif hasattr(array, "to_dense"):
        array = array.to_dense()
    elif getattr(array.dtype, "tz", None) is not None:
        array = np.asarray(array.tz_convert("UTC").tz_localize(None))
    elif missing is not None and missing.any() and library_of(array) == "pandas":
        kind = getattr(array.dtype, "kind", "O")
        array = array.to_numpy(np.float64, na_value=np.nan) if kind in "iufb" else array
    found = _of_array(np.asarray(array), "")
    return Plain(found.values, missing if missing is not None and missing.any() else None, "")


def _of_arrow(values: Any, what: str) -> Plain:
    import pyarrow as pa

    from skyseries.arrow import plain_array, to_numpy

    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else _arrow(values, what)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # more than one array can hold
            array = pa.concat_arrays(array.chunks)
    array = plain_array(array)
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        array = array.cast(pa.timestamp(array.type.unit))
    missing = to_numpy(array.is_null()) if array.null_count else None
    type_ = array.type
    if pa.types.is_decimal(type_) or pa.types.is_null(type_):
        array = array.cast(pa.float64())
    elif missing is not None and pa.types.is_integer(type_):
        array = array.fill_null(0)
    return Plain(to_numpy(array), missing, "")


def _arrow(values: Any, what: str) -> Any:
    import pyarrow as pa

    try:
        if hasattr(values, "__arrow_c_stream__"):
            return pa.chunked_array(values)
        return pa.array(values)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{what} is no row of values: {error}") from None
