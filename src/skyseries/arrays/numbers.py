"""Numbers: rows of them and single ones, in the unit that is needed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arrays.containers import Plain, is_missing, library_of, opened
from skyseries.errors import InputError
from skyseries.units import factor_to, plain_unit, unit_text

__all__ = [
    "as_floats", "check_choice", "measured", "number", "numbers", "pair", "true_or_false", "whole",
    "whole_numbers",
]  # fmt: skip

Floats = NDArray[Any]


def numbers(
    values: Any, unit: str = "", what: str = "the array", *, keep_single: bool = False
) -> Floats:
    """Return numbers as an array of floats; NaN where they are masked, null, NA or None.

    Parameters
    ----------
    values : array of any library, or sequence
        With a unit of its own it is converted.
    unit : str
        In which they are needed; empty: they are plain numbers, and may have no unit.
    what : str
        Their name in errors.
    keep_single : bool
        Leave float32 as it is; everything else is float64.

    Raises
    ------
    InputError
        For text, booleans, complex numbers, times, or a unit that cannot be converted.

    Examples
    --------
    >>> numbers([1, None, 3]).tolist()
    [1.0, nan, 3.0]
    """
    if type(values) is np.ndarray and values.dtype == np.float64:
        return values
    plain = opened(values, what)
    factor = factor_to(plain.unit, unit, what)
    floats = as_floats(plain, what, keep_single)
    return floats if factor == 1.0 else floats * floats.dtype.type(factor)


def measured(values: Any, what: str, *, keep_single: bool = False) -> tuple[Floats, str]:
    """Return numbers of whichever unit, and the unit that they say; empty: none."""
    if type(values) is np.ndarray and values.dtype == np.float64:
        return values, ""
    plain = opened(values, what)
    return as_floats(plain, what, keep_single), plain_unit(plain.unit)


def as_floats(plain: Plain, what: str, keep_single: bool = False) -> Floats:
    """Return what a container holds as floats, NaN where it is missing."""
    values, missing, _ = plain
    kind = values.dtype.kind
    if kind == "O":
        values = _of_objects(values, missing, what)
    elif kind not in "iuf":
        held = {"U": "text", "S": "text", "b": "true and false", "c": "complex numbers",
                "M": "dates", "m": "time intervals"}.get(kind, str(values.dtype))  # fmt: skip
        if values.size:
            some = values.ravel()[0]
            raise InputError(f"{what} must be numbers, not {held} such as {some!s:.40}")
        values = np.empty(values.shape)
    single = keep_single and values.dtype == np.float32
    floats = values.astype(np.float32 if single else np.float64, copy=False)
    if missing is not None and missing.any():
        floats = np.where(missing, floats.dtype.type(np.nan), floats)
    return floats


def _of_objects(values: NDArray[Any], missing: NDArray[np.bool_] | None, what: str) -> Floats:
    result = np.full(values.size, np.nan)
    gone = np.zeros(values.size, bool) if missing is None else missing.ravel()
    for i, value in enumerate(values.ravel()):
        if not gone[i]:
            result[i] = number(value, "", f"{what}[{i}]")
    return result.reshape(values.shape)


def number(value: Any, unit: str = "", what: str = "the value") -> float:
    """Return one number, converted from its own unit if it has one.

    Parameters
    ----------
    value : number, or Quantity or array without dimensions
    unit : str
        In which it is needed; empty: a plain number.
    what : str
        Its name in errors.

    Raises
    ------
    InputError
        For anything that is not one real number, or is in a unit that cannot be converted.
    """
    if type(value) is float:
        return value
    if is_missing(value) and not isinstance(value, float | np.floating):
        raise InputError(f"{what} must be a number, not {value!r}")
    own = unit_text(getattr(value, "unit", None))
    factor = factor_to(own, unit, what)
    if getattr(value, "unit", None) is not None:
        value = getattr(value, "value", value)
    if hasattr(value, "as_py") and library_of(value) == "pyarrow":
        value = value.as_py()
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Fraction):
        raise InputError(f"{what} must be a number{_in(unit)}, not {value!r}")
    try:
        return float(value) if factor == 1.0 else float(value) * factor
    except OverflowError:
        raise InputError(f"{what} is too large: {value}") from None


def _in(unit: str) -> str:
    return f" (in {unit}, or with a unit of its own)" if unit else ""


def pair(values: Any, unit: str, what: str) -> tuple[float, float]:
    """Return two numbers, such as limits.

    Parameters
    ----------
    values : array of any library, or sequence
    unit, what
        As for `numbers`.

    Raises
    ------
    InputError
        Unless there are two.
    """
    found = numbers(values, unit, what)
    if found.shape != (2,):
        raise InputError(f"{what} must be a pair of numbers{_in(unit)}, not {values!r:.60}")
    return float(found[0]), float(found[1])


def whole(value: Any, what: str, least: int | None = None, most: int | None = None) -> int:
    """Return one whole number; 5.0 is one.

    Parameters
    ----------
    value : number
    what : str
        Its name in errors.
    least, most : int, optional
        Limits, included.

    Raises
    ------
    InputError
        If it is none, or beyond the limits.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        found = int(value)
    else:
        floating = number(value, "", what)
        if not floating.is_integer():
            raise InputError(f"{what} must be a whole number, not {value!r}")
        found = int(floating)
    if least is not None and found < least:
        words = {0: "not be negative", 1: "be 1 or more"}.get(least, f"be {least} or more")
        raise InputError(f"{what} must {words}, not {found}")
    if most is not None and found > most:
        raise InputError(f"{what} must be {most} or less, not {found}")
    return found


def whole_numbers(values: Any, what: str) -> NDArray[np.int64]:
    """Return whole numbers as an array, of any shape; none may be missing.

    Raises
    ------
    InputError
        If one is missing or no whole number.
    """
    plain = opened(values, what)
    type_ = plain.values.dtype
    if plain.missing is None and type_.kind in "iu" and np.can_cast(type_, np.int64):
        return plain.values.astype(np.int64, copy=False)
    floats = as_floats(plain, what)
    whole_here = (floats == np.rint(floats)) & (np.abs(floats) < 2.0**63)
    if not whole_here.all():
        raise InputError(f"{what} must be whole numbers, not {floats[~whole_here].tolist()[0]}")
    return plain.values.astype(np.int64)


def check_choice(value: Any, what: str, choices: Sequence[str]) -> None:
    """Raise InputError unless a value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{what} must be one of {', '.join(choices)}, not {value!r}")


def true_or_false(value: Any, what: str) -> bool:
    """Return a choice as a bool.

    Raises
    ------
    InputError
        For anything else: text such as ``"no"`` would be true.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{what} must be True or False, not {value!r:.60}")
    return bool(value)
