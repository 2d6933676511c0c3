"""``skyseries serve --check``: what would be served, and whether it can be."""

from __future__ import annotations

import importlib

import skyseries
from skyseries.errors import InputError
from skyseries.server.served import open_served
from skyseries.server.settings import Settings

__all__ = ["checked", "function_of"]


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


def function_of(plugin: str) -> object:
    """Return the function that ``module:function`` names.

    Raises
    ------
    InputError
        If there is none.
    """
    module, _, name = plugin.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"there is no plugin {plugin!r} (MODULE:FUNCTION): {error}") from error
    if not callable(found):
        raise InputError(f"the plugin {plugin!r} is no function")
    return found
