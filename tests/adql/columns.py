"""Values of expressions on a table, by name; both ways of evaluation."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from skyseries.adql import Mask, Scope, Values, resolve_condition, resolve_value


def table_of(**columns):
    return pa.table({name: pa.array(column) for name, column in columns.items()})


def calculated(text, table=None, **columns):
    """Return the values of an expression; a single one where there are no columns."""
    table = table_of(**(columns or {"one": [1.0]})) if table is None else table
    (found,) = Values([resolve_value(text, Scope.from_schema(table.schema))])(table)
    return found.to_pylist() if columns or table.num_rows != 1 else found[0].as_py()


def selected(text, table):
    """Return where a condition is true."""
    condition = resolve_condition(text, Scope.from_schema(table.schema))
    return np.array(Mask(condition)(table).to_pylist())
