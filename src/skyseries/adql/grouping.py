"""GROUP BY in parts: partial results of pieces of a table, merged in any order, then finished.

A partial result is a table with a row per group: the keys, and for each aggregate the few
numbers from which it can be merged (its state): for a mean the sum and the count, for a standard
deviation count, mean and sum of squared deviations (Chan, Golub & LeVeque 1983, The American
Statistician 37, 242, eq. 2.1). MEDIAN and DISTINCT keep their values, all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa

from skyseries.adql.border import Columns, normal, row_count
from skyseries.adql.connections import run_sql
from skyseries.adql.evaluate import Values
from skyseries.adql.expressions import Aggregate, Column, Expr, Path
from skyseries.adql.states import final_sql, merge_sql, partial_sql
from skyseries.adql.walk import columns as columns_of
from skyseries.errors import InputError, QueryError

__all__ = ["GroupBy"]


class GroupBy:
    """Keys and aggregates over rows, ready to be calculated in pieces.

    Parameters
    ----------
    keys : sequence of Expr
        What the rows of a group have in common; none: all rows are one group.
    key_names : sequence of str
        The names of the keys in the result.
    values : sequence of Expr
        Resolved with ``grouped=True``: aggregates, and expressions of them and of the keys.
    names : sequence of str
        The names of the values in the result.

    Raises
    ------
    QueryError
        If a value is neither an aggregate nor a key.
    """

    def __init__(
        self,
        keys: Sequence[Expr],
        key_names: Sequence[str],
        values: Sequence[Expr],
        names: Sequence[str],
    ) -> None:
        if len(keys) != len(key_names) or len(values) != len(names):
            raise InputError("each key and each value needs one name")
        self._keys = tuple(keys)
        self._names = [*key_names, *names]
        self._aggregates: dict[Aggregate, Column] = {}
        self._values = [self._outer(value) for value in values]
        for value, name in zip(self._values, names, strict=True):
            _check_value(value, name)
        arguments = [a.argument for a in self._aggregates if a.argument is not None]
        self._inputs = list(dict.fromkeys(arguments))
        self.columns: frozenset[Path] = frozenset().union(
            *map(columns_of, self._keys), *map(columns_of, self._inputs)
        )

    def partial(self, columns: Columns, length: int | None = None) -> pa.Table:
        """Return the partial result of some rows.

        Parameters
        ----------
        columns : table or mapping of path to array
            At least `self.columns`.
        length : int, optional
            The number of rows, where a mapping is empty.

        Raises
        ------
        QueryError
            If a value cannot be calculated.
        """
        rows = row_count(columns) if length is None else length
        values = Values([*self._keys, *self._inputs])(columns, rows)
        arrays = [normal(array) for array in values]
        arrays[: len(self._keys)] = map(_known, arrays[: len(self._keys)])
        names = [*self._key_columns, *(f"a{i}" for i in range(len(self._inputs)))]
        if not names:
            arrays, names = [pa.nulls(rows, pa.bool_())], ["c"]
        states = [
            partial_sql(aggregate, index, self._input_name(aggregate))
            for index, aggregate in enumerate(self._aggregates)
        ]
        return run_sql(pa.table(arrays, names=names), self._select(states))

    def merge(self, parts: Sequence[pa.Table]) -> pa.Table:
        """Return the partial result of all rows of several; of none, that of no rows."""
        if not parts:
            found = {c.path: c for e in (*self._keys, *self._inputs) for c in _leaves(e)}
            empty = {path: pa.array([], column.arrow_type) for path, column in found.items()}
            return self.partial(empty, 0)
        table = pa.concat_tables(parts, promote_options="permissive")
        if len(parts) == 1:
            return table
        return run_sql(table, self.merging_sql("t"))

    def merging_sql(self, source: str) -> str:
        """Return what makes one partial result of several that a table of DuckDB holds."""
        states = []
        for index, aggregate in enumerate(self._aggregates):
            text, window = merge_sql(aggregate, index, self._key_columns)
            states.append(text)
            if window:
                source = f"(SELECT *, {window} FROM {source})"  # noqa: S608 - no user text
        return self._select(states, source)

    def finish(self, part: pa.Table) -> pa.Table:
        """Return the result, with a row per group in the order of the keys."""
        return self.calculated(run_sql(part, self.final_sql("t")))

    def final_sql(self, source: str) -> str:
        """Return what makes keys and aggregates of a partial result, in the order of the keys."""
        texts = [
            *self._key_columns,
            *(f"{final_sql(a, i)} AS v{i}" for i, a in enumerate(self._aggregates)),
        ]
        order = f" ORDER BY {', '.join(self._key_columns)}" if self._keys else ""
        return f"SELECT {', '.join(texts) or '1 AS one'} FROM {source}{order}"  # noqa: S608

    def calculated(self, table: pa.Table) -> pa.Table:
        """Return the result of some groups, of their keys and aggregates."""
        found: dict[Path, Any] = {_key_path(i): table.column(i) for i in range(len(self._keys))}
        for i in range(len(self._aggregates)):
            found[_value_path(i)] = table.column(len(self._keys) + i)
        values = Values(self._values)(found, table.num_rows)
        key_arrays = [
            table.column(i).combine_chunks().cast(key.arrow_type)
            for i, key in enumerate(self._keys)
        ]
        return pa.table([*key_arrays, *values], names=self._names)

    @cached_property
    def _key_columns(self) -> list[str]:
        return [f"k{i}" for i in range(len(self._keys))]

    def _select(self, states: list[str], source: str = "t") -> str:
        texts = [*self._key_columns, *states] or ["count(*) AS n"]
        group = f" GROUP BY {', '.join(self._key_columns)}" if self._keys else ""
        return f"SELECT {', '.join(texts)} FROM {source}{group}"  # noqa: S608 - no user text

    def _input_name(self, aggregate: Aggregate) -> str | None:
        return None if aggregate.argument is None else f"a{self._inputs.index(aggregate.argument)}"

    def _outer(self, expression: Expr) -> Expr:
        """Return an expression with columns in the places of keys and aggregates."""
        for index, key in enumerate(self._keys):
            if expression == key:
                return Column(_key_path(index), key.type, key.unit, None, key.arrow_type)
        if isinstance(expression, Aggregate) and expression.over is None:
            if expression.name in ("FIRST", "LAST"):
                raise QueryError(
                    f"{expression.name} needs an order, which the rows of a group lack"
                )
            if expression not in self._aggregates:
                path = _value_path(len(self._aggregates))
                self._aggregates[expression] = Column(path, expression.type, expression.unit)
            return self._aggregates[expression]
        children = tuple(self._outer(child) for child in expression.children)
        if children == expression.children:
            return expression
        return expression.with_children(children)


def _known(keys: Any) -> Any:
    """Return keys with null in place of NaN: both are no value, and so one group."""
    if not pa.types.is_floating(keys.type):
        return keys
    from pyarrow import compute

    missing = compute.is_nan(keys)
    return compute.if_else(missing, pa.scalar(None, keys.type), keys)


def _key_path(index: int) -> Path:
    return (f"#key{index}",)


def _value_path(index: int) -> Path:
    return (f"#value{index}",)


def _check_value(value: Expr, name: str) -> None:
    for path in columns_of(value):
        if not path[0].startswith("#"):
            raise QueryError(
                f"{name} depends on {'.'.join(path)}, which differs between the rows of a group:"
                " make it a key, or aggregate it"
            )


def _leaves(expression: Expr) -> list[Column]:
    if isinstance(expression, Column):
        return [expression]
    return [leaf for child in expression.children for leaf in _leaves(child)]
