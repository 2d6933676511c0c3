"""Summaries of whole catalogs: computed in parts, one for each unit of work, and merged.

Verbs take what is here from the package: its modules are imported when they are used.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.catalog.run.expressions import (
        aggregates,
        field_of,
        named,
        number,
        per_object,
        sort_keys,
    )
    from skyseries.catalog.run.extent import extent_of
    from skyseries.catalog.run.rowcount import known_rows, row_count
    from skyseries.catalog.run.run import first, in_order, prepare, run_units

__all__ = [
    "aggregates",
    "extent_of",
    "field_of",
    "first",
    "in_order",
    "known_rows",
    "named",
    "number",
    "per_object",
    "prepare",
    "row_count",
    "run_units",
    "sort_keys",
]

__getattr__, __dir__ = names_on_use(
    __name__,
    {
        "expressions": "aggregates field_of named number per_object sort_keys",
        "extent": "extent_of",
        "rowcount": "known_rows row_count",
        "run": "first in_order prepare run_units",
    },
)
