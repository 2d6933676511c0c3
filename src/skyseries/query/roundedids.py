"""Warn of ids of tables in memory that were rounded before they came here.

pandas makes a column double precision where one of its ids is missing. Compared exactly, such ids
are those of other objects, or of none.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from skyseries.adql.expressions import Column, Compare, Convert, Expr, Operation, Subquery
from skyseries.adql.relations import Query, Select, TableUse
from skyseries.adql.rewriting import expressions, table_uses
from skyseries.adql.types import Type
from skyseries.catalog.plan.memory import Memory
from skyseries.query.bindings import Bindings
from skyseries.warn import warn_user

__all__ = ["warn_of_rounded_ids"]

_EXACT = {pa.float32(): 1 << 24, pa.float64(): 1 << 53}


def warn_of_rounded_ids(query: Query, bindings: Bindings) -> None:
    """Warn of floating-point columns that equal integers, and hold larger numbers than they can.

    Parameters
    ----------
    query : Query
    bindings : Bindings
    """
    used = {use.id: use for use in table_uses(query)}
    found = {column.path for part in expressions(query) for column in _beside_integers(part)}
    for id_, name in sorted(path[:2] for path in found if path[0] in used):
        rounded = _rounded(used[id_], name, bindings)
        if rounded is not None:
            warn_user(
                f"{name} of {used[id_].table} is compared with ids, but has them in floating point,"
                f" such as {rounded:.0f}, which rounds them: give 64-bit integers (Int64 in pandas)"
                " or texts"
            )


def _beside_integers(expression: Expr) -> Iterator[Column]:
    """Yield the floating-point columns that are to equal integers of 64 bits."""
    if isinstance(expression, Compare) and expression.operator in ("=", "<>"):
        for side in (expression.left, expression.right):
            if isinstance(side, Operation) and side.name == "WHOLE":
                yield from _floating(side.children[0])
    elif isinstance(expression, Subquery) and isinstance(expression.query.body, Select):
        sides = expression.argument, expression.query.body.outputs[0].value
        for one, other in (sides, sides[::-1]):
            if one is not None and other is not None and other.type.is_integer:
                yield from _floating(one)
    for child in expression.children:
        yield from _beside_integers(child)


def _floating(value: Expr) -> Iterator[Column]:
    number = value.argument if isinstance(value, Convert) else value
    if isinstance(number, Column) and number.type in (Type.REAL, Type.DOUBLE):
        yield number


def _rounded(use: TableUse, name: str, bindings: Bindings) -> float | None:
    """Return a number of a table in memory that may have been another one."""
    catalog = bindings[use.table].catalog
    node = None if catalog is None else catalog._node
    if not isinstance(node, Memory) or name not in node.data.column_names:
        return None
    limit = _EXACT.get(node.data.schema.field(name).type)
    if limit is None or node.data.num_rows == 0:
        return None
    largest = pc.max(node.data[name]).as_py()
    return largest if largest is not None and limit <= largest < 2.0**64 else None
