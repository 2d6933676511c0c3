"""A user's function for each row, or for each light curve, as a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.answers import AnswerError, Rule, to_columns
from skyseries.catalog.plan.arguments import Argument, Bands, values_of
from skyseries.catalog.plan.calls import (
    ERROR_COLUMN,
    error_text,
    failure,
    function_name,
    object_text,
)
from skyseries.catalog.plan.names import check_columns, check_new
from skyseries.catalog.plan.node import Hints, RowStep
from skyseries.catalog.plan.rows import Index, Rows, gather, pick
from skyseries.catalog.plan.steps import Wrapped, made_column, structs_of
from skyseries.errors import Cancelled, SchemaError
from skyseries.executors import check_cancelled

__all__ = ["MapRows"]


@dataclass(frozen=True, eq=False)
class MapRows(RowStep):
    """Add what a function gives for each row as columns.

    Parameters
    ----------
    function : callable
        Picklable by cloudpickle, where the engine is not in this process.
    arguments : tuple of Argument
    answers : pyarrow.Schema
        The new columns.
    rule : Rule
        What the function's values may become.
    collect : bool
        Calls that fail give nulls, and the reason in a column `ERROR_COLUMN`.
    bands : Bands, optional
        Which epochs the function sees.
    id : str, optional
        The column that names an object in messages.
    verb : str
        What messages begin with.
    """

    function: Callable[..., Any]
    arguments: tuple[Argument, ...]
    answers: pa.Schema
    rule: Rule = "number"
    collect: bool = False
    bands: Bands | None = None
    id: str | None = None
    verb: str = field(default="map_rows")

    def __post_init__(self) -> None:
        check_columns(self.paths(), self.child.schema)
        check_new(self.columns.names, self.child.schema)

    @property
    def columns(self) -> pa.Schema:
        """The new columns, with that of the errors."""
        if not self.collect:
            return self.answers
        return self.answers.append(pa.field(ERROR_COLUMN, pa.string()))

    @cached_property
    def schema(self) -> pa.Schema:
        before = self.child.schema
        return pa.schema([*before, *self.columns], before.metadata)

    def has_made(self, path: str) -> bool:
        """Tell whether a path is one of the new columns, or goes into one."""
        return made_column(path, self.columns.names, structs_of(self.columns)) is not None

    def paths(self) -> list[str]:
        """Return the columns and fields that the function looks at."""
        found = [argument.path for argument in self.arguments if argument.path is not None]
        if self.bands is not None:
            columns = {path.partition(".")[0] for path in found if "." in path}
            found += [f"{column}.{self.bands.field}" for column in sorted(columns)]
        return list(dict.fromkeys(found))

    def makes(self) -> list[str]:
        return list(self.columns.names)

    def needs(self, paths: Sequence[str]) -> list[str]:
        old = [path for path in paths if not self.has_made(path)]
        used = self.paths() if len(old) < len(paths) else []
        return list(dict.fromkeys([*old, *(p for p in used if p.partition(".")[0] not in old)]))

    def hints(self, hints: Hints) -> Hints:
        return hints.without(self.columns.names)

    def apply(self, rows: Rows) -> Rows:
        return _MappedRows(rows, self)

    def describe(self) -> str:
        takes = ", ".join(str(argument.path) for argument in self.arguments)
        gives = ", ".join(f"{new.name} {new.type}" for new in self.columns)
        return f"{self.verb}: {function_name(self.function)}({takes}) gives {gives}"

    def compute(self, rows: Rows, index: Ints, at_hand: pa.Table | None = None) -> pa.Table:
        """Call the function for some rows; return the new columns.

        Parameters
        ----------
        rows : Rows
        index : ndarray
            Which of them.
        at_hand : pyarrow.Table, optional
            Columns of these that have been read already.
        """
        source = rows if at_hand is None else _AtHand(rows, index, at_hand)
        chosen = index if at_hand is None else None
        arguments = values_of(source, self.child.schema, self.arguments, chosen, self.bands)
        answers: list[Any] = []
        errors: dict[int, str] = {}
        for row, error in _call(self.function, arguments, answers):
            if not self.collect:
                where = object_text(self.child, rows, self.id, int(index[row]))
                raise failure(self.verb, function_name(self.function), where, error) from error
            errors[row] = error_text(error)
        try:
            columns = to_columns(answers, self.answers, self.rule, errors if self.collect else None)
        except AnswerError as error:
            where = object_text(self.child, rows, self.id, int(index[error.row]))
            raise SchemaError(
                f"{self.verb}: the answer of {function_name(self.function)} for {where} does not "
                f"fit: {error}; give schema= with a type that holds all answers"
            ) from None
        if self.collect:
            texts = [errors.get(row) for row in range(len(answers))]
            columns.append(pa.array(texts, pa.string()))
        return pa.Table.from_arrays(columns, schema=self.columns)


def _call(function: Callable[..., Any], arguments: list[Any], answers: list[Any]) -> Any:
    """Call the function row by row, filling `answers`; yield rows that fail, and go on with None.

    Parameters
    ----------
    function : callable
    arguments : list of iterable
    answers : list
        Empty at the beginning.

    Yields
    ------
    row : int
    error : Exception
    """
    append = answers.append
    calls = _while_wanted(zip(*arguments, strict=False))  # a missing one is None without end
    while True:
        try:
            for values in calls:
                append(function(*values))
            return
        except Cancelled:
            raise
        except Exception as error:
            yield len(answers), error
            append(None)


def _while_wanted(calls: Iterable[Any]) -> Iterator[Any]:
    """Yield the arguments of calls until the run is cancelled."""
    for values in calls:
        check_cancelled()
        yield values


class _MappedRows(Wrapped):
    """Rows with the function's columns; it is called once for a row, when they are fetched."""

    def __init__(self, rows: Rows, step: MapRows) -> None:
        super().__init__(rows)
        self._step = step
        self._place = np.full(len(rows), -1, np.int64)
        self._made: pa.Table = step.columns.empty_table()

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        new = {path for path in paths if self._step.has_made(path)}
        if not new:
            return self._rows.fetch(paths, index)
        old = [path for path in paths if path not in new]
        fetched = self._rows.fetch(old, index) if old else None
        made = self._answers(index, fetched)
        columns = [
            pick(made if path in new or fetched is None else fetched, path) for path in paths
        ]
        return pa.table(columns, list(paths))

    def _answers(self, index: Index, fetched: pa.Table | None) -> pa.Table:
        asked = np.arange(len(self._place)) if index is None else index
        if bool((self._place[asked] < 0).any()):
            missing = np.unique(asked[self._place[asked] < 0])
            at_hand = fetched if np.array_equal(missing, asked) else None
            made = self._step.compute(self._rows, missing, at_hand)
            self._place[missing] = self._made.num_rows + np.arange(len(missing))
            self._made = made if not self._made.num_rows else pa.concat_tables([self._made, made])
        return gather(self._made, self._place[asked])


class _AtHand(Wrapped):
    """Some rows, of which some columns have been read: their fields are not read again."""

    def __init__(self, rows: Rows, index: Ints, table: pa.Table) -> None:
        super().__init__(rows.take(index))
        self._table = table

    def fetch(self, paths: Sequence[str], index: Index = None) -> pa.Table:
        known = {path: pick(self._table, path) for path in paths if self._has(path)}
        rest = [path for path in paths if path not in known]
        if rest:
            table = self._rows.fetch(rest)
            known |= {path: table.column(path) for path in rest}
        return gather(pa.table([known[path] for path in paths], list(paths)), index)

    def _has(self, path: str) -> bool:
        there = self._table.column_names
        return path in there or path.partition(".")[0] in there
