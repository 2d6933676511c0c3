"""ADQL 2.1: statements as trees; conditions and computed columns, typed and evaluated.

Text becomes a tree (`parser`, `statements`), the tree a typed one (`resolver`), and that is
evaluated on Arrow columns (`evaluate`). Nothing here knows of catalogs.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.adql.dialect import PYTHON, STRICT, Dialect
    from skyseries.adql.epochs import EpochAggregates
    from skyseries.adql.evaluate import Kernels, Mask, Values
    from skyseries.adql.expressions import (
        Aggregate,
        Column,
        Constant,
        CurveValue,
        Expr,
        Path,
    )
    from skyseries.adql.functions import FUNCTIONS, Function, Origin, Signature, function_table
    from skyseries.adql.grouping import GroupBy
    from skyseries.adql.lexer import pointer
    from skyseries.adql.parser import parse_condition, parse_value
    from skyseries.adql.ranges import Bounds, bounds, one_of
    from skyseries.adql.resolver import resolve_condition, resolve_value
    from skyseries.adql.scope import Scope, Source
    from skyseries.adql.skyregions import regions
    from skyseries.adql.statements import parse
    from skyseries.adql.statistics import Statistics
    from skyseries.adql.types import Type, xtype
    from skyseries.adql.units import in_needed_unit
    from skyseries.adql.walk import (
        aggregate_name,
        columns,
        conjunction,
        conjuncts,
        has_aggregates,
        split_aggregates,
    )

__all__ = [
    "FUNCTIONS",
    "PYTHON",
    "STRICT",
    "Aggregate",
    "Bounds",
    "Column",
    "Constant",
    "CurveValue",
    "Dialect",
    "EpochAggregates",
    "Expr",
    "Function",
    "GroupBy",
    "Kernels",
    "Mask",
    "Origin",
    "Path",
    "Scope",
    "Signature",
    "Source",
    "Statistics",
    "Type",
    "Values",
    "aggregate_name",
    "bounds",
    "columns",
    "conjunction",
    "conjuncts",
    "function_table",
    "has_aggregates",
    "in_needed_unit",
    "one_of",
    "parse",
    "parse_condition",
    "parse_value",
    "pointer",
    "regions",
    "resolve_condition",
    "resolve_value",
    "split_aggregates",
    "xtype",
]

__getattr__, __dir__ = names_on_use(
    __name__,
    {
        "dialect": "PYTHON STRICT Dialect",
        "epochs": "EpochAggregates",
        "evaluate": "Kernels Mask Values",
        "expressions": "Aggregate Column Constant CurveValue Expr Path",
        "functions": "FUNCTIONS Function Origin Signature function_table",
        "grouping": "GroupBy",
        "lexer": "pointer",
        "parser": "parse_condition parse_value",
        "ranges": "Bounds bounds one_of",
        "skyregions": "regions",
        "resolver": "resolve_condition resolve_value",
        "scope": "Scope Source",
        "statements": "parse",
        "statistics": "Statistics",
        "types": "Type xtype",
        "units": "in_needed_unit",
        "walk": "aggregate_name columns conjunction conjuncts has_aggregates split_aggregates",
    },
)
