"""Typed expressions over Arrow columns: masks, and new columns.

What `compute` supports is done there, the rest by DuckDB (`connections`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.adql.border import Columns, raw_column, row_count, take_columns
from skyseries.adql.connections import TABLE, guarded, run_sql
from skyseries.adql.expressions import Column, Constant, Expr, Path
from skyseries.adql.split import has_kernels, is_point, kernel_path, split_kernels
from skyseries.adql.sql import Writer
from skyseries.adql.types import Type
from skyseries.adql.walk import columns as columns_of
from skyseries.errors import InputError

__all__ = [
    "Kernels",
    "Mask",
    "Values",
    "aliases",
    "arrow_table",
    "finished",
    "kernel_of",
]


class Kernels:
    """The operations in expressions that functions on arrays calculate, before all others.

    Parameters
    ----------
    expressions : sequence of Expr

    Attributes
    ----------
    rest : tuple of Expr
        The expressions with generated columns in the places of those operations.
    """

    def __init__(self, expressions: Sequence[Expr]) -> None:
        self._steps, self.rest = split_kernels(expressions)
        self._arguments = [
            Values([leaf for leaf in _leaves(step) if not isinstance(leaf, Constant)])
            for step in self._steps
        ]

    @cached_property
    def paths(self) -> frozenset[Path]:
        """The generated columns."""
        return frozenset(map(kernel_path, range(len(self._steps))))

    def __call__(self, columns: Columns, rows: int) -> dict[Path, pa.Array]:
        """Return the generated columns.

        Raises
        ------
        QueryError, SchemaError
            As for `Values`.
        """
        made: dict[Path, pa.Array] = {}
        for index, (step, arguments) in enumerate(zip(self._steps, self._arguments, strict=True)):
            needed = take_columns(columns, arguments.columns - made.keys())
            arrays = iter(arguments(needed | made, rows))
            made[kernel_path(index)] = _run_kernel(step, arrays, rows)
        return made


def _leaves(step: Expr) -> list[Expr]:
    """Return the arguments of a function, the coordinates of a point one by one."""
    parts = [child.children if is_point(child) else (child,) for child in step.children]
    return [leaf for part in parts for leaf in part]


def _run_kernel(step: Expr, arrays: Iterator[pa.Array], rows: int) -> pa.Array:
    from skyseries.adql.kernels.operands import Operand, coordinates, doubles, to_arrow

    if isinstance(step, Constant):
        return to_arrow(Operand(step.type, step.value).numbers(), step.type, rows)

    def operand(argument: Expr) -> Operand:
        if isinstance(argument, Constant):
            return Operand(argument.type, argument.value)
        if is_point(argument):
            return Operand(
                Type.POINT, coordinates(*(doubles(operand(c)) for c in argument.children))
            )
        return Operand(argument.type, next(arrays))

    operands = [operand(argument) for argument in step.children]
    with np.errstate(all="ignore"):
        return to_arrow(kernel_of(step)(*operands), step.type, rows)


def kernel_of(operation: Expr) -> Callable[..., Any]:
    """Return the function that calculates an operation with a kernel."""
    module, name = str(operation.kernel).split(".")  # type: ignore[attr-defined]
    kernels = importlib.import_module(f"skyseries.adql.kernels.{module}")
    function: Callable[..., Any] = getattr(kernels, name)
    return function


class Values:
    """Expressions, ready to be evaluated on any table that has their columns.

    Parameters
    ----------
    expressions : sequence of Expr
        All per object, or all on flat columns of epochs; without aggregates.
    """

    def __init__(self, expressions: Sequence[Expr]) -> None:
        self.expressions = tuple(expressions)
        self.columns: frozenset[Path] = frozenset().union(*map(columns_of, self.expressions))
        self._kernels = _kernels(self.expressions)
        self._rest = self._kernels.rest if self._kernels else self.expressions

    def __call__(self, columns: Columns, length: int | None = None) -> list[pa.Array]:
        """Return one array for each expression, of its `arrow_type`, in the order of the rows.

        Parameters
        ----------
        columns : table, record batch or mapping of path to array
            At least `self.columns`.
        length : int, optional
            The number of rows, where a mapping is empty.

        Raises
        ------
        QueryError
            If a value cannot be calculated: a whole number too large, a text that is no number.
        SchemaError
            If a column is missing.
        """
        calculated = [e for e in self._rest if not isinstance(e, Column)]
        rows = row_count(columns) if length is None else length
        made = self._kernels(columns, rows) if self._kernels else {}
        arrays = take_columns(columns, columns_of_all(calculated) - made.keys()) | made
        results: list[Any] = [None] * len(self.expressions)
        for index in self._by_arrow:
            expression = self._rest[index]
            if isinstance(expression, Column):
                path = expression.path
                results[index] = made[path] if path in made else raw_column(columns, path)
            else:
                results[index] = _computed(expression, arrays)
        if self._by_duckdb:
            table = run_sql(arrow_table(arrays, self._aliases, rows), self._sql, self._aliases)
            for place, index in enumerate(self._by_duckdb):
                results[index] = table.column(place)
        return [
            finished(result, expression.arrow_type, rows)
            for result, expression in zip(results, self.expressions, strict=True)
        ]

    @cached_property
    def _by_arrow(self) -> list[int]:
        from skyseries.adql.compute import supported

        return [
            index
            for index, expression in enumerate(self._rest)
            if isinstance(expression, Column) or supported(expression)
        ]

    @cached_property
    def _by_duckdb(self) -> list[int]:
        return [i for i in range(len(self.expressions)) if i not in set(self._by_arrow)]

    @cached_property
    def _aliases(self) -> dict[Path, str]:
        return aliases(columns_of_all(self._rest[i] for i in self._by_duckdb))

    @cached_property
    def _sql(self) -> str:
        writer = Writer(self._aliases)
        texts = [
            f"{writer.value(self._rest[index])} AS r{place}"
            for place, index in enumerate(self._by_duckdb)
        ]
        return f"SELECT {', '.join(texts)} FROM {writer.source(TABLE)}"  # noqa: S608 - no user text


class Mask:
    """A condition, ready to be evaluated on any table that has its columns.

    Parameters
    ----------
    condition : Expr
        Per object, or on flat columns of epochs; without aggregates.
    """

    def __init__(self, condition: Expr) -> None:
        if condition.type is not Type.BOOLEAN:
            raise InputError(f"not a condition but a {condition.type.value}")
        self.condition = condition
        self.columns: frozenset[Path] = columns_of(condition)
        self._kernels = _kernels((condition,))
        self._rest = self._kernels.rest[0] if self._kernels else condition

    def __call__(self, columns: Columns, length: int | None = None) -> pa.BooleanArray:
        """Return where the condition is true; where it is unknown, false.

        Parameters
        ----------
        columns, length
            As for `Values`.

        Raises
        ------
        QueryError, SchemaError
            As for `Values`.
        """
        from skyseries.adql import compute

        rows = row_count(columns) if length is None else length
        made = self._kernels(columns, rows) if self._kernels else {}
        arrays = take_columns(columns, columns_of(self._rest) - made.keys()) | made
        if compute.supported(self._rest):
            result = guarded(lambda: compute.truth(self._rest, arrays), self._aliases)
        else:
            table = arrow_table(arrays, self._aliases, rows)
            result = run_sql(table, self._sql, self._aliases).column(0)
        mask = finished(result, pa.bool_(), rows)
        return mask.fill_null(False) if mask.null_count else mask

    @cached_property
    def _aliases(self) -> dict[Path, str]:
        return aliases(columns_of(self._rest))

    @cached_property
    def _sql(self) -> str:
        writer = Writer(self._aliases)
        text = writer.truth(self._rest)
        return f"SELECT {text} AS r FROM {writer.source(TABLE)}"  # noqa: S608 - no user text


def _kernels(expressions: Sequence[Expr]) -> Kernels | None:
    """Return what has to be calculated before; None for nothing, as mostly."""
    return Kernels(expressions) if any(map(has_kernels, expressions)) else None


def columns_of_all(expressions: Iterable[Expr]) -> frozenset[Path]:
    """Return the columns of several expressions."""
    return frozenset().union(*map(columns_of, expressions))


def aliases(paths: Iterable[Path]) -> dict[Path, str]:
    """Return names for columns that DuckDB cannot confuse."""
    return {path: f"c{index}" for index, path in enumerate(sorted(paths))}


def arrow_table(arrays: Mapping[Path, Any], names: Mapping[Path, str], rows: int) -> pa.Table:
    """Return a table of the columns under their aliases; without columns, of as many rows."""
    if not names:
        return pa.table({"c": pa.nulls(rows, pa.bool_())})
    return pa.table([arrays[path] for path in names], names=list(names.values()))


def _computed(expression: Expr, arrays: Mapping[Path, Any]) -> Any:
    from skyseries.adql import compute

    return guarded(lambda: compute.value(expression, arrays), aliases(columns_of(expression)))


def finished(result: Any, kind: pa.DataType, rows: int) -> pa.Array:
    """Return one array of the declared type and length."""
    if isinstance(result, pa.Scalar):
        result = pa.repeat(result, rows)
    if isinstance(result, pa.ChunkedArray):
        result = (
            result.chunk(0)
            if result.num_chunks == 1
            else pa.concat_arrays(result.chunks)
            if result.num_chunks
            else pa.nulls(0, result.type)
        )
    return result if result.type == kind else guarded(lambda: result.cast(kind))
