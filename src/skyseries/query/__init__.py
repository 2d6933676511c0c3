"""Statements over catalogs: from the typed tree of ADQL to plans of catalogs, and their results.

A catalog is one table of its objects and one of the epochs of each light-curve column
(`bindings`); the planner makes steps of a statement (`planning`, `steps`), which run on the engine
that holds; a `Result` computes when asked.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.query.result import Result
    from skyseries.query.statements import sql

__all__ = ["Result", "sql"]

__getattr__, __dir__ = names_on_use(__name__, {"result": "Result", "statements": "sql"})
