"""What is done, one thing after the other, for a statement over several tables.

Rows of catalogs are loaded into a private database, as their plans give them; what functions on
arrays calculate is a stage between two tables of it; the last query gives the rows.
"""

from __future__ import annotations

import abc
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.adql import Column, Expr, Path
from skyseries.adql.border import normal
from skyseries.adql.evaluate import finished
from skyseries.adql.nearness import Nearness
from skyseries.catalog.plan.expressions import input_table
from skyseries.catalog.plan.node import Node
from skyseries.catalog.plan.rows import TableRows
from skyseries.errors import QueryError
from skyseries.query.database import Database
from skyseries.query.restrictions import Restriction
from skyseries.query.skyjoins import pairs
from skyseries.query.steps import Scan, Step

__all__ = [
    "Compute",
    "Counted",
    "Load",
    "LoadScan",
    "Make",
    "Near",
    "Operation",
    "Statement",
]

MOST_PAIRS = 1_000_000_000
"""So many pairs of rows may be looked at where no condition says which belong together."""


class Operation(abc.ABC):
    """One thing that is done in the database."""

    @abc.abstractmethod
    def run(self, database: Database) -> None:
        """Do it."""

    @property
    def step(self) -> Step | None:
        """The step that rows are taken from."""
        return None

    @abc.abstractmethod
    def describe(self) -> str:
        """Return one line that says what is done."""


@dataclass(frozen=True)
class Load(Operation):
    """The rows of a step, in a table."""

    name: str
    rows: Step = field(repr=False)
    columns: tuple[str, ...]
    """Names in the table for the columns of the step."""

    @property
    def step(self) -> Step:
        return self.rows

    def run(self, database: Database) -> None:
        schema = pa.schema(
            [
                pa.field(name, normal(pa.nulls(0, one.type)).type)
                for name, one in zip(self.columns, self.rows.schema, strict=True)
            ]
        )
        database.load(self.name, schema, self._tables(schema))

    def _tables(self, schema: pa.Schema) -> Iterator[pa.Table]:
        for table in self.rows.tables():
            yield pa.table([normal(column) for column in table.columns], schema=schema)

    def describe(self) -> str:
        return f"{self.name}: {self.rows.describe()}"


@dataclass(frozen=True)
class LoadScan(Operation):
    """The rows of the plan of a table, in a table of the database.

    Parameters
    ----------
    name : str
    make : callable
        Returns the plan, with further conditions.
    columns : tuple of str
    keys : tuple of Restriction
        Of the rows that matter.
    """

    name: str
    make: Callable[[Sequence[Expr]], Node] = field(repr=False)
    columns: tuple[str, ...]
    keys: tuple[Restriction, ...] = ()

    @property
    def step(self) -> Step:
        return Scan(self.make(()))

    def run(self, database: Database) -> None:
        known = (key.condition(database) for key in self.keys)
        node = self.make([one for one in known if one is not None])
        Load(self.name, Scan(node), self.columns).run(database)

    def describe(self) -> str:
        only = [key.describe() for key in self.keys]
        text = f", with {' and '.join(only)} where few are there" if only else ""
        return f"{self.name}: all rows{text}"


@dataclass(frozen=True)
class Make(Operation):
    """The rows of a query, in a table."""

    name: str
    sql: str

    def run(self, database: Database) -> None:
        database.execute(f"CREATE TABLE {self.name} AS {self.sql}")

    def describe(self) -> str:
        return f"{self.name}: kept"


@dataclass(frozen=True)
class Counted(Operation):
    """Says so where more pairs than `MOST_PAIRS` would be looked at."""

    sides: tuple[str, ...]
    """What stands side by side in FROM."""

    def run(self, database: Database) -> None:
        counts = [_count(database, text) for text in self.sides]
        if math.prod(counts) > MOST_PAIRS:
            said = " times ".join(f"{count:,}" for count in counts)
            raise QueryError(
                f"tables stand beside each other with no condition that says which rows belong "
                f"together: {said} rows are {math.prod(counts):,} pairs, and at most "
                f"{MOST_PAIRS:,} are looked at. Join them by a column (ON a.id = b.id) or by "
                "DISTANCE, or select fewer rows"
            )

    def describe(self) -> str:
        return f"all pairs, if they are not more than {MOST_PAIRS:,}"


@dataclass(frozen=True)
class Compute(Operation):
    """The rows of a query with what functions on arrays calculate of them, in a table.

    Parameters
    ----------
    name : str
    sql : str
    values : tuple of (str, Expr)
        Further columns, of those of the query.
    condition : Expr, optional
        Of the rows that are kept.
    kept : tuple of str, optional
        The columns of the query that are kept; None: all.
    """

    name: str
    sql: str
    values: tuple[tuple[str, Expr], ...] = ()
    condition: Expr | None = None
    kept: tuple[str, ...] | None = None

    def run(self, database: Database) -> None:
        tables = database.stream(self.sql)
        first = next(tables)
        names = first.column_names if self.kept is None else self.kept
        fields = [first.schema.field(name) for name in names]
        fields += [pa.field(name, value.arrow_type) for name, value in self.values]
        made = (self._computed(table, names) for table in itertools.chain([first], tables))
        database.load(self.name, pa.schema(fields), made)

    def _computed(self, table: pa.Table, kept: Sequence[str]) -> pa.Table:
        if self.condition is not None:
            condition, columns = input_table(self.condition, in_memory(table))
            table = table.filter(adql.Mask(condition)(columns, table.num_rows))
        names = [*kept, *(name for name, _ in self.values)]
        return pa.table([*table.select(kept).columns, *self._calculated(table)], names=names)

    def _calculated(self, table: pa.Table) -> list[pa.Array]:
        made: list[Expr] = []
        columns = {name: table.column(name) for name in table.column_names}
        for i, (_, value) in enumerate(self.values):
            if adql.has_aggregates(value):
                outer, inputs = input_table(value, in_memory(table))
                columns[f"={i}"] = adql.Values([outer])(inputs, table.num_rows)[0]
                value = Column((f"={i}",), value.type, arrow=value.arrow_type)
            made.append(value)
        return adql.Values(made)(pa.table(columns), table.num_rows)

    def describe(self) -> str:
        what = [name for name in ("values", "condition") if getattr(self, name)]
        done = f"{' and '.join(what)} calculated from arrays" if what else "numbered"
        return f"{self.name}: {done}"


@dataclass(frozen=True)
class Near(Operation):
    """The numbers of rows of two tables that are near each other on the sky, in a table.

    Parameters
    ----------
    name : str
    numbers : (str, str)
        The columns.
    rule : Nearness
    sides : (str, str)
        Queries of the rows, in the order of their numbers.
    paths : mapping of path to str
    """

    name: str
    numbers: tuple[str, str]
    rule: Nearness
    sides: tuple[str, str]
    paths: Mapping[Path, str] = field(repr=False)

    def run(self, database: Database) -> None:
        schema = pa.schema([(name, pa.int64()) for name in self.numbers])
        left, right = (self._side(database, text) for text in self.sides)
        found = pairs(self.rule, left, right)
        database.load(self.name, schema, (table.rename_columns(self.numbers) for table in found))

    def _side(self, database: Database, sql: str) -> Iterator[dict[Path, pa.ChunkedArray]]:
        for table in database.stream(sql):
            names = table.column_names
            yield {path: table.column(n) for path, n in self.paths.items() if n in names}

    def describe(self) -> str:
        return f"{self.name}: cross-match, all within a radius"


def in_memory(table: pa.Table) -> TableRows:
    """Return the rows of a table, which are nowhere on the sky."""
    nowhere = np.empty(0)
    return TableRows(table, nowhere, nowhere, np.empty(0, np.int64))


def _count(database: Database, text: str) -> int:
    tables = database.stream(f"SELECT count(*) FROM {text}")  # noqa: S608 - no user text
    return sum(number for table in tables for number in table.column(0).to_pylist())


@dataclass(frozen=True)
class Statement(Step):
    """The rows of a statement over several tables.

    Parameters
    ----------
    operations : tuple of Operation
        Done in this order.
    sql : str
        Of the rows, columns ``r0``, ``r1``, ...
    schema_ : pyarrow.Schema
    text : str
    """

    operations: tuple[Operation, ...]
    sql: str = field(repr=False)
    schema_: pa.Schema = field(repr=False)
    text: str = ""

    @property
    def schema(self) -> pa.Schema:
        return self.schema_

    @property
    def below(self) -> tuple[Step, ...]:
        return tuple(o.step for o in self.operations if o.step is not None)

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for step in self.below for node in step.nodes)

    def tables(self) -> Iterator[pa.Table]:
        with Database() as database:
            for operation in self.operations:
                operation.run(database)
            for table in database.stream(self.sql):
                yield pa.table(
                    [
                        finished(table.column(i), one.type, table.num_rows)
                        for i, one in enumerate(self.schema)
                    ],
                    schema=self.schema,
                )

    def describe(self) -> str:
        return self.text
