"""Vectorised operations on nested columns: filter, sort, slice and sum up inside light curves."""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.nested.column import Nested, concat
    from skyseries.nested.reduce import REDUCTIONS

__all__ = ["REDUCTIONS", "Nested", "concat"]

__getattr__, __dir__ = names_on_use(__name__, {"column": "Nested concat", "reduce": "REDUCTIONS"})
