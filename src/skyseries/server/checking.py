"""``skyseries serve --check``: what would be served, and whether it can be."""

from __future__ import annotations

import skyseries
from skyseries.server.served import open_served
from skyseries.server.settings import Settings
from skyseries.server.workers.plugins import function_of

__all__ = ["checked"]


def checked(settings: Settings) -> str:
    """Return what is served, a line for each table, after each catalog was opened.

    Raises
    ------
    InputError, CatalogError
        If something cannot be served: says what.
    """
    for plugin in settings.plugin:
        function_of(plugin)
    catalogs = open_served(settings.served)
    found = skyseries.sql(
        "SELECT t.table_name, COUNT(c.column_name) AS n, MIN(t.table_index) AS place "
        "FROM tap_schema.tables AS t JOIN tap_schema.columns AS c "
        "ON t.table_name = c.table_name WHERE t.schema_name <> 'tap_schema' "
        "GROUP BY t.table_name ORDER BY place",
        catalogs,
    ).to_arrow()
    lines = [f"{row['table_name']}: {row['n']} columns" for row in found.to_pylist()]
    return "\n".join(lines)
