"""The table of functions: the one source of what the language, its documentation and TAP know.

A caller hands in a larger table with functions of its own.
"""

from __future__ import annotations

from skyseries.adql.functions.geometry import GEOMETRY
from skyseries.adql.functions.ivoa import IVOA
from skyseries.adql.functions.mathematics import MATHEMATICS, TEXT
from skyseries.adql.functions.rubin import BITS, RUBIN
from skyseries.adql.functions.signature import Function, Origin, Signature, function_table

__all__ = ["FUNCTIONS", "Function", "Origin", "Signature", "function_table"]

FUNCTIONS = function_table((*MATHEMATICS, *TEXT, *GEOMETRY, *IVOA, *RUBIN, *BITS))
"""ADQL 2.1's functions of values, the IVOA's, Rubin's and our own."""
