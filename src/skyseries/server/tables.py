"""The rows of TAP_SCHEMA as a worker tells them: for documents that describe what is served."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from skyseries.server.documents.descriptions import CatalogFacts, TableFacts, TableSample
from skyseries.server.work import Failed, Work

if TYPE_CHECKING:
    from skyseries.server.work import Pool

__all__ = ["TABLES", "Described", "Tables", "rows_of"]

TABLES = ("schemas", "tables", "columns", "keys", "key_columns")
_SECONDS = 30.0
"""What was told so long ago is asked anew: there may be new versions, with other columns."""
_MOST = 10_000_000

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Described:
    """The tables of TAP_SCHEMA, and a row of each table that is served."""

    schema: dict[str, pa.Table]
    """By name: `TABLES`."""
    samples: tuple[TableSample, ...] = ()
    catalogs: tuple[CatalogFacts, ...] = ()
    when: float = field(default_factory=time.monotonic)

    def rows(self, name: str, column: str, value: str) -> list[dict[str, Any]]:
        """Return the rows of a table of TAP_SCHEMA that have a value."""
        return [row for row in self.schema[name].to_pylist() if row[column] == value]

    def table_called(self, name: str) -> str | None:
        """Return the name of a table as it is written here; None if there is none."""
        known = self.schema["tables"]["table_name"].to_pylist()
        return next((one for one in known if one.lower() == name.lower()), None)

    def counts(self) -> dict[str, int]:
        """Return how many columns each table has."""
        return dict(Counter(self.schema["columns"]["table_name"].to_pylist()))

    def names(self) -> Iterator[dict[str, str]]:
        """Yield the names of tables and columns, once each, with the table that has it."""
        for row in self.schema["tables"].to_pylist():
            yield {"name": row["table_name"], "kind": "table", "of": row["schema_name"]}
        for row in self.schema["columns"].to_pylist():
            yield {"name": row["column_name"], "kind": "column", "of": row["table_name"]}


async def rows_of(pool: Pool, query: str) -> pa.Table:
    """Return the rows of a statement of the service's own.

    Raises
    ------
    Failed
        If it gives none.
    """
    with pa.ipc.open_stream(await _result(pool, query)) as reader:
        return reader.read_all()


async def _result(pool: Pool, query: str, kind: Literal["rows", "samples"] = "rows") -> bytes:
    work = Work(f"own-{next(_numbers)}", query, "arrow", maxrec=_MOST, kind=kind)
    running = await pool.run(work, waits=True)
    data = b"".join([piece async for piece in running.pieces()])
    await running.outcome()
    return data


class Tables:
    """Asks for the tables when they are wanted, and keeps them for a while."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()
        self._known: Described | None = None

    async def now(self) -> Described:
        """Return the tables as they are, or were a moment ago."""
        async with self._lock:
            known = self._known
            if known is None or time.monotonic() - known.when > _SECONDS:
                try:
                    self._known = await self._ask()
                except Failed:
                    if known is None:
                        raise
            assert self._known is not None  # noqa: S101 - for mypy
            return self._known

    async def _ask(self) -> Described:
        queries = [f"SELECT * FROM tap_schema.{name}" for name in TABLES]  # noqa: S608
        found = [await rows_of(self._pool, query) for query in queries]
        said = json.loads(await _result(self._pool, queries[0], kind="samples"))
        return Described(
            dict(zip(TABLES, found, strict=True)),
            tuple(TableSample(**one) for one in said["samples"]),
            tuple(_catalog(one) for one in said["catalogs"]),
        )


def _catalog(said: dict[str, Any]) -> CatalogFacts:
    return CatalogFacts(**{**said, "tables": tuple(TableFacts(**one) for one in said["tables"])})
