"""Vectorised operations on nested columns: filter, sort, slice and sum up inside light curves."""

from skyseries.nested.column import Nested, concat
from skyseries.nested.reduce import REDUCTIONS

__all__ = ["REDUCTIONS", "Nested", "concat"]
