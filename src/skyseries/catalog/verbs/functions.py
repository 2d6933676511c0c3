"""Functions of users: for each partition, each row, each light curve."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, get_args

import numpy as np
import pyarrow as pa

from skyseries.arrays import check_choice
from skyseries.catalog import plan, run
from skyseries.catalog.answers import Rule, as_schema, as_type, has_null, learned
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import check_columns, fields_of
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.roles import the_column
from skyseries.catalog.plan.rows import TableRows
from skyseries.catalog.verbs.tablefunctions import TableFunctionOf, TableKind
from skyseries.errors import CatalogError, InputError, SchemaError
from skyseries.hats.partitions import Cell
from skyseries.schema.conversion import in_degrees

__all__ = ["FunctionVerbs"]

OnError = Literal["raise", "collect"]

_FIRST_ROWS = 16
"""Rows that are looked at to learn what a function gives; it is called for some of them."""
_CALLS = 5


class FunctionVerbs(CatalogBase):
    """Verbs that call functions of users."""

    def map_partitions(
        self,
        function: Callable[..., Any],
        *args: Any,
        schema: Any = None,
        table: TableKind = "arrow",
        on_error: OnError = "raise",
        pass_partition: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Replace the rows of each partition by what a function gives for them.

        Parameters
        ----------
        function : callable
            ``function(rows, *args, **kwargs)``, with all rows of a partition of this catalog on
            disk, as the steps before have left them; never with none. Returns a table of
            pyarrow, pandas, polars or astropy, or a dictionary of arrays, of any number of rows.
        *args, **kwargs
            Handed to the function.
        schema : pyarrow.Schema or mapping from name to type, optional
            The columns of the answers. By default they are learned from a call with a table of
            no rows, or where that does not work or tell, with the first few rows.
        table : {"arrow", "pandas", "polars", "astropy", "numpy"}
            What the function takes; "numpy": a dictionary of arrays, masked where values are null.
        on_error : {"raise", "collect"}
            "collect": a partition whose call fails gives one row, of nulls, with the reason in
            the column ``_error``, which is null in all other rows.
        pass_partition : bool
            Call ``function(rows, partition, *args, **kwargs)``; it has an order and an npix.

        Returns
        -------
        Catalog
            Where the answers have the columns of the position, they have to be in the partition
            still; else sky searches and matches are not possible afterwards.

        Raises
        ------
        SchemaError
            If the columns of the answers cannot be learned, or `schema` is none.
        ExecutionError
            If the function fails; names the partition, the function's exception is the cause.
        """
        _check_choices(on_error, table)
        rule: Rule = "same kind"
        called = TableFunctionOf(function, table, pass_partition, args, dict(kwargs))
        if schema is None:
            found = _partition_schema(self._node, called)
        else:
            found, rule = as_schema(schema), "given"
        node = plan.MapPartitions(self._node, called, found, rule, on_error == "collect")
        if node.position is not None:
            node = replace(node, answers=in_degrees(found, *node.position).schema(found))
        known = self._known_fields()
        kept = {n: f for n, f in known.items() if _is_same(n, found, self.schema)}
        return self._with(node, kept)

    def map_rows(
        self,
        function: Callable[..., Any],
        columns: str | Sequence[str],
        *,
        schema: Any = None,
        names: str | Sequence[str] | None = None,
        append: bool = True,
        on_error: OnError = "raise",
    ) -> Self:
        """Add what a function gives for each row as columns.

        Parameters
        ----------
        function : callable
            Called with the values of `columns`, in this order: Python values, None for null;
            fields of light curves (``"lc.mjd"``) and lists as NumPy arrays, light curves
            (``"lc"``) as dictionaries of arrays. The arrays are read-only. Returns a scalar, a
            tuple, a dictionary or named tuple (its keys name the columns), or an array or list
            (a column of lists); None gives nulls. Numba's functions are called as they are.
        columns : str or sequence of str
            What the function takes.
        schema : pyarrow.Schema, mapping from name to type, or type, optional
            The new columns. By default they are learned from calls with the first few rows:
            integers become int64, floats float64.
        names : str or sequence of str, optional
            Of the new columns, where the function gives a scalar or a tuple; by default the name
            of the function.
        append : bool
            Keep the other columns.
        on_error : {"raise", "collect"}
            "collect": rows whose call fails get nulls, and the reason in the column ``_error``,
            which is null in all other rows.

        Raises
        ------
        SchemaError
            If the new columns cannot be learned, or an answer does not fit them.
        ExecutionError
            If the function fails; names object and partition, the function's exception is the
            cause.
        """
        paths = [columns] if isinstance(columns, str) else list(columns)
        if not paths:
            raise InputError("map_rows needs the columns that the function takes")
        arguments = tuple(plan.Argument(path) for path in paths)
        return self._mapped("map_rows", function, arguments, None, schema, names, append, on_error)

    def map_lightcurves(
        self,
        function: Callable[..., Any],
        columns: str | Sequence[str] | None = None,
        *,
        schema: Any = None,
        names: str | Sequence[str] | None = None,
        column: str | None = None,
        bands: str | int | Sequence[str | int] | None = None,
        append: bool = True,
        on_error: OnError = "raise",
    ) -> Self:
        """Add what a function gives for each light curve as columns.

        Parameters
        ----------
        function : callable
            ``function(time, flux, flux_err, band)``, each a read-only NumPy array with one value
            per epoch: the time, the measured value (the magnitude, where the survey gives
            magnitudes), its error and the band (text, or integers where bands are), by
            `lightcurve_fields`. None in place of errors or bands that there are none of; NaN for
            null numbers, empty text for null bands. All epochs, also flagged ones, in the order
            in which they are stored; objects without epochs have empty arrays. Returns as for
            `map_rows`.
        columns : str or sequence of str, optional
            Fields of the light curve that the function takes instead.
        schema, names, append, on_error
            As for `map_rows`.
        column : str, optional
            The nested column; not needed if there is only one.
        bands : str, int or sequence of them, optional
            Keep the epochs in these bands only.

        Raises
        ------
        SchemaError, ExecutionError
            As for `map_rows`.
        """
        name = the_column(self.schema, column)
        if columns is None:
            fields = self.lightcurve_fields(name)
            roles = [
                (fields.time, True),
                (fields.value, True),
                (fields.error, True),
                (fields.band, False),
            ]
            arguments = tuple(
                plan.Argument(None if field is None else f"{name}.{field}", number)
                for field, number in roles
            )
        else:
            paths = [columns] if isinstance(columns, str) else list(columns)
            if not paths:
                raise InputError("map_lightcurves needs the fields that the function takes")
            arguments = tuple(
                plan.Argument(f"{name}.{path.removeprefix(f'{name}.')}") for path in paths
            )
        kept = None if bands is None else self._bands(name, bands)
        return self._mapped(
            "map_lightcurves", function, arguments, kept, schema, names, append, on_error
        )

    def _bands(self, column: str, bands: str | int | Sequence[str | int]) -> plan.Bands:

        field = self.lightcurve_fields(column).band
        if field is None:
            raise InputError(f"the light curves in {column!r} have no bands: leave out bands=")
        wanted = (bands,) if isinstance(bands, str | int) else tuple(bands)
        return plan.Bands(field, wanted)

    def _mapped(
        self,
        verb: str,
        function: Callable[..., Any],
        arguments: tuple[plan.Argument, ...],
        bands: plan.Bands | None,
        schema: Any,
        names: str | Sequence[str] | None,
        append: bool,
        on_error: OnError,
    ) -> Self:
        from skyseries.timeseries.kernels.each import is_compiled

        _check_choices(on_error)
        check_columns([a.path for a in arguments if a.path is not None], self.schema)
        names = [names] if isinstance(names, str) else names
        collect = on_error == "collect"
        is_compiled(function)  # it can be pickled by any thread from here on
        rule: Rule = "number"
        if schema is None:
            found = _row_schema(self._node, verb, function, arguments, bands, names, collect)
        else:
            found, rule = _given(schema, names, function), "given"
        node = plan.MapRows(
            self._node, function, arguments, found, rule, collect, bands, self._id(), verb
        )
        return self._with(node if append else plan.Select(node, tuple(node.columns.names)))

    def _id(self) -> str | None:
        """Return the column of the ids, where the catalog names it."""
        try:
            return self._id_name()
        except (CatalogError, InputError):
            return None


def _check_choices(on_error: str, table: str = "arrow") -> None:
    if on_error not in get_args(OnError):
        raise InputError(f"on_error must be 'raise' or 'collect', not {on_error!r}")
    check_choice(table, "table", get_args(TableKind))


def _base(function: Callable[..., Any]) -> str:
    name = plan.function_name(function)
    return "result" if name == "<lambda>" else name


def _given(schema: Any, names: Sequence[str] | None, function: Callable[..., Any]) -> pa.Schema:
    """Return the new columns as they are given."""
    if isinstance(schema, pa.Schema | Mapping):
        found = as_schema(schema)
        if names is not None and list(names) != found.names:
            raise InputError(f"schema= names the columns already ({', '.join(found.names)})")
        return found
    if names is not None and len(names) != 1:
        raise InputError(f"one type is given for {len(names)} columns; give schema= as a mapping")
    return pa.schema([pa.field(names[0] if names else _base(function), as_type(schema))])


def _row_schema(
    node: Node,
    verb: str,
    function: Callable[..., Any],
    arguments: tuple[plan.Argument, ...],
    bands: plan.Bands | None,
    names: Sequence[str] | None,
    collect: bool,
) -> pa.Schema:
    """Learn the new columns from calls with the first few rows."""
    answers = []
    error: Exception | None = None
    for values in _first_calls(node, arguments, bands):
        try:
            answers.append(function(*values))
        except Exception as failed:
            error = failed
            if not collect:
                break
    text = f"{verb}: what {plan.function_name(function)} gives cannot be learned"
    if error is not None and (not collect or not answers):
        where = "one of the first rows, called to learn the columns of its answers"
        raise plan.failure(verb, plan.function_name(function), where, error) from error
    if not answers:
        raise SchemaError(f"{text}, there are no rows; give schema=")
    try:
        return learned(answers, names, _base(function))
    except SchemaError as unclear:
        raise SchemaError(f"{text}: {unclear}") from None


def _first_calls(
    node: Node, arguments: tuple[plan.Argument, ...], bands: plan.Bands | None
) -> list[tuple[Any, ...]]:
    """Return the arguments of the first calls, first of those that have epochs."""
    paths = [argument.path for argument in arguments if argument.path is not None]
    if bands is not None:
        columns = {path.partition(".")[0] for path in paths if "." in path}
        paths += [f"{c}.{bands.field}" for c in columns if bands.field in fields_of(node.schema, c)]
    whole = [path for path in paths if "." not in path or path in node.schema.names]
    paths = [p for p in paths if p in whole or p.partition(".")[0] not in whole]
    table = run.first(plan.Select(node, tuple(dict.fromkeys(paths))), _FIRST_ROWS)
    nothing = np.full(table.num_rows, np.nan)
    rows = TableRows(table, nothing, nothing, np.full(table.num_rows, -1))
    calls = list(zip(*plan.values_of(rows, table.schema, arguments, None, bands), strict=False))
    calls.sort(key=lambda values: any(isinstance(v, np.ndarray) and not v.size for v in values))
    return calls[:_CALLS]


def _partition_schema(node: Node, function: TableFunctionOf) -> pa.Schema:
    """Learn the columns from a call without rows, or else with the first few."""
    start, stop = plan.bounds_of(node)
    cell = plan.cell_of(int(start[0]), int(stop[0])) if len(start) else None
    empty = _without_rows(node, function, cell)
    new = [] if empty is None else [c for c in empty if not _is_same(c.name, empty, node.schema)]
    # without rows NumPy and pandas make float64 of everything
    if empty is not None and not any(pa.types.is_float64(column.type) for column in new):
        return empty
    few = run.first(node, _FIRST_ROWS)
    text = f"map_partitions: what {function.name} gives cannot be learned"
    if not few.num_rows:
        if empty is not None:
            return empty
        raise SchemaError(
            f"{text}: there are no rows, and a call with none does not tell; give schema="
        )
    try:
        answer = function(few, cell)
    except Exception as error:
        where = f"the first {few.num_rows} rows, called to learn the columns of its answer"
        raise plan.failure("map_partitions", function.name, where, error) from error
    schema = function.table(answer).schema
    if not _tells(schema):
        raise SchemaError(f"{text}: the first rows do not tell all types ({schema}); give schema=")
    return schema


def _without_rows(node: Node, function: TableFunctionOf, cell: Cell | None) -> pa.Schema | None:
    """Return the columns of the answer to a table without rows; None if it does not tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # means of nothing
            schema = function.table(function(node.schema.empty_table(), cell)).schema
    except Exception:  # many functions fail without rows: real ones are next
        return None
    return schema if _tells(schema) else None


def _tells(schema: pa.Schema) -> bool:
    """Whether there are columns, all of known types."""
    return bool(len(schema)) and not any(map(has_null, schema.types))


def _is_same(name: str, schema: pa.Schema, before: pa.Schema) -> bool:
    there = name in schema.names and name in before.names
    return bool(there and schema.field(name).type == before.field(name).type)
