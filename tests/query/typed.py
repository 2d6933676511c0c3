"""Typed statements over tables ``a``, ``b``, ``c`` and ``d`` that have no rows, and their text."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from skyseries import adql
from skyseries.adql.dialect import PYTHON
from skyseries.adql.expressions import Column
from skyseries.adql.query_resolver import resolve
from skyseries.adql.relations import Table, Tables
from skyseries.adql.rewriting import changed
from skyseries.adql.shown import shown
from skyseries.adql.statements import parse_statement
from skyseries.query.froms import distributed, from_tree

__all__ = ["condition", "drawn", "spread", "text", "typed"]

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("n", pa.int64()),
        ("x", pa.float64()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("kind", pa.string()),
    ]
)
LETTERS = {f"#{i}": letter for i, letter in enumerate("abcdefgh")}
TABLES = Tables([Table((name,), SCHEMA) for name in "abcd"])


def typed(statement):
    """Return a resolved statement; the tables in FROM have the ids #0, #1, ... in their order."""
    return resolve(parse_statement(statement, PYTHON), TABLES, PYTHON)


def condition(text_, source="a, b, c, d"):
    """Return a condition over tables."""
    return typed(f"SELECT 1 AS one FROM {source} WHERE {text_}").body.where  # noqa: S608


def text(expression):
    """Return an expression as it is shown, with a for #0, b for #1, ..."""

    def one(part):
        if not isinstance(part, Column) or part.path[0] not in LETTERS:
            return None
        return replace(part, path=(LETTERS[part.path[0]], *part.path[1:]))

    return shown(changed(expression, one))


def _all(conditions):
    return " AND ".join(map(text, conditions))


def drawn(tree):
    """Return a tree of FROM as text: ``(a[a.n > 3] LEFT b ON a.id = b.id)``."""
    if hasattr(tree, "use"):
        name = LETTERS[tree.use.id]
        return f"{name}[{_all(tree.conditions)}]" if tree.conditions else name
    return f"({drawn(tree.left)} {tree.kind} {drawn(tree.right)} ON {_all(tree.on)})"


def spread(source, where=""):
    """Return FROM with the conditions where they belong, drawn, and those that are left."""
    where = f" WHERE {where}" if where else ""
    select = typed(f"SELECT 1 AS one FROM {source}{where}").body  # noqa: S608
    tree = from_tree(select.source)
    rest = distributed(tree, [] if select.where is None else adql.conjuncts(select.where))
    return drawn(tree), _all(rest)
