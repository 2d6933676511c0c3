"""Units of expressions, as far as they follow from those of the columns."""

from __future__ import annotations

from functools import cache
from typing import Any

from skyseries.adql.expressions import Constant, Expr

__all__ = ["conversion_factor", "unit_of_operator"]


def unit_of_operator(operator: str, left: Expr, right: Expr) -> str | None:
    """Return the unit of a sum, difference, product or quotient; None if it does not follow."""
    if operator in ("+", "-"):
        if left.unit == right.unit:
            return left.unit
        if isinstance(left, Constant) or isinstance(right, Constant):
            return right.unit if isinstance(left, Constant) else left.unit
        return None
    if isinstance(right, Constant) or right.unit == "":
        return left.unit
    if operator == "*" and (isinstance(left, Constant) or left.unit == ""):
        return right.unit
    if operator == "/" and left.unit is not None and left.unit == right.unit:
        return ""
    return None


@cache
def conversion_factor(source: str, target: str) -> float:
    """Return by what to multiply a value.

    Parameters
    ----------
    source, target : str
        In VOUnit syntax, such as ``mas.yr**-1``.

    Raises
    ------
    ValueError
        With a message for people: a unit is not known, or they differ in kind.
    """
    before, after = _unit(source), _unit(target)
    if not before.is_equivalent(after):
        raise ValueError(f"{source} cannot be converted to {target}")
    try:
        return float(before.to(after))
    except Exception as error:
        raise ValueError(f"{source} is not {target} times a number") from error


def _unit(text: str) -> Any:
    from astropy import units

    if not text.strip():
        raise ValueError("an empty text is no unit")
    for syntax in ("vounit", "generic", "fits"):
        try:
            return units.Unit(text, format=syntax)
        except ValueError:
            continue
    raise ValueError(f"{text!r} is no unit that is known")
