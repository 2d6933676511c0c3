"""Statements that a worker runs before it is asked any, so that the first is as quick as others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa

from skyseries.adql.expressions import written
from skyseries.executors import Executor, Job
from skyseries.formats.streams import ENCODERS
from skyseries.query.statements import ask
from skyseries.server.workers.catalogs import Served

__all__ = ["warm"]

_log = logging.getLogger(__name__)

_MOST = 20
"""Catalogs whose indexes are opened."""
_JOIN = (
    "SELECT TOP 1 t.table_name FROM tap_schema.tables AS t "
    "JOIN tap_schema.columns AS c ON t.table_name = c.table_name"
)


def warm(served: Served, engine: Executor) -> None:
    """Run statements; what fails is logged, and fails again when it is asked."""
    for text in _statements(served):
        try:
            _run(served, engine, text)
        except Exception as error:
            _log.warning("%s: %s", text, error)


def _run(served: Served, engine: Executor, text: str) -> None:
    result = ask(text, served.tables(), most=1)
    result.explain()
    with Job("warming", engine, progress=False):
        table = result.to_arrow()
    encoder = next(iter(ENCODERS.values()))(result.schema)
    with closing(encoder):
        for _ in encoder.encode([table]):
            pass


def _statements(served: Served) -> Iterator[str]:
    yield _JOIN
    objects = [binding for binding in served.tables() if binding.catalog and binding.objects]
    for binding in objects[:_MOST]:
        key = binding.objects.id  # type: ignore[union-attr]
        none = "''" if pa.types.is_string(binding.table.schema.field(key).type) else "0"
        yield f"SELECT TOP 1 * FROM {binding.table}"  # noqa: S608 - names of our own
        yield f"SELECT * FROM {binding.table} WHERE {written((key,))} = {none}"  # noqa: S608
