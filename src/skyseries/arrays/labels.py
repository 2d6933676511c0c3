"""Labels, such as bands: text or whole numbers, None where there is none."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays.containers import is_missing, is_single, library_of, opened
from skyseries.errors import InputError

__all__ = ["labels"]

_NONE = ("nan", "NaN", "None", "<NA>")
"""What NumPy and pandas make of a missing value where they make text of a row."""


def labels(
    values: Any, what: str = "band", size: int | None = None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return labels and where there are any.

    Text loses blanks around it, and is missing where nothing remains, or what NumPy and pandas
    write for nothing (nan, None, <NA>); bytes are their text; whole floating-point numbers are
    integers; NaN, None, NA and what is masked is missing.

    Parameters
    ----------
    values : array of any library, sequence, or one label
    what : str
        Their name in errors.
    size : int, optional
        How many there are if one label is given for all.

    Returns
    -------
    labels : (n,) array of text or int64
        Anything where there is none.
    there : (n,) array of bool

    Raises
    ------
    InputError
        For fractions, booleans and other things that are no labels.
    """
    if size is not None and values is not None and is_single(values):
        values = [values.item() if type(values) is np.ndarray else values] * size
    if isinstance(values, list | tuple):  # NumPy would make text of numbers beside text
        objects = np.empty(len(values), object)
        objects[:] = values
        values = objects
    plain = opened(values, what)
    array, missing = plain.values, plain.missing
    there = np.ones(array.shape, bool) if missing is None else ~missing
    kind = array.dtype.kind
    if kind == "O":
        return _of_objects(array, there, what)
    if kind == "S":
        array, kind = np.char.decode(array, "utf-8", "replace"), "U"
    if kind == "U":
        if _has_blanks(array):
            array = np.char.strip(array)
        there &= array != ""
        for word in _NONE if array.dtype.itemsize >= 12 else ():  # three letters or more
            there &= array != word
        return array, there
    if kind == "f":
        there &= np.isfinite(array)
        whole = np.where(there, array, 0)
        if (whole != np.rint(whole)).any():
            bad = whole[whole != np.rint(whole)].ravel()[0]
            raise InputError(f"{what} must be text or whole numbers, not {bad}")
        return whole.astype(np.int64), there
    if kind in "iu":
        return array, there
    if not array.size:
        return np.empty(array.shape, np.int64), there
    raise InputError(
        f"{what} must be text or whole numbers, not {array.dtype} such as {array.ravel()[0]!s:.40}"
    )


def _has_blanks(array: NDArray[Any]) -> bool:
    """Return whether a text may begin or end with a blank, without a copy of each."""
    if not array.size or array.dtype.itemsize == 0:
        return False
    letters = np.ascontiguousarray(array).view(np.uint32)
    return bool(((letters != 0) & (letters <= 32)).any())


def _of_objects(
    array: NDArray[Any], there: NDArray[np.bool_], what: str
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    there = there.copy()
    clean: list[Any] = [None] * array.size
    known: dict[Any, Any] = {}
    for i, value in enumerate(array.ravel()):
        if not there.flat[i]:
            continue
        if not isinstance(value, Hashable):
            raise InputError(f"{what} must be text or whole numbers, not {value!r:.40}")
        if (type(value), value) not in known:
            known[type(value), value] = _label(value, what)
        clean[i] = known[type(value), value]
        there.flat[i] = clean[i] is not None
    kinds = {type(label) for label in clean if label is not None}
    if len(kinds) > 1:
        raise InputError(f"{what} mixes text and numbers: {next(iter(known))[1]!r} and others")
    fill: Any = "" if kinds == {str} else 0
    filled = [fill if label is None else label for label in clean]
    return np.array(filled, str if kinds == {str} else np.int64).reshape(array.shape), there


def _label(value: Any, what: str) -> str | int | None:
    if is_missing(value):
        return None
    if library_of(value) == "pyarrow":
        value = value.as_py()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        value = value.strip()
        return None if value in ("", *_NONE) else value
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        raise InputError(f"{what} must be text or whole numbers, not {value!r}")
    if float(value) != int(value):
        raise InputError(f"{what} must be text or whole numbers, not {value!r}")
    return int(value)
