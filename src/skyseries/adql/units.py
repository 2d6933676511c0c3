"""Units of expressions, as far as they follow from those of the columns."""

from __future__ import annotations

from skyseries.adql.expressions import Constant, Expr

__all__ = ["unit_of_operator"]


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
