"""JSON for pages and scripts: what is served, names that begin so, what a statement would read.

Described in ``/openapi.json``; ids are texts, as a browser's numbers end at 2^53.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from skyseries.server.tap import asked
from skyseries.server.web.archive import archive_of, told
from skyseries.server.web.openapi import openapi
from skyseries.server.web.parameters import Parameters, read_parameters
from skyseries.server.web.rows import rows
from skyseries.server.work import Work

if TYPE_CHECKING:
    from starlette.requests import Request

    from skyseries.server.tables import Described

__all__ = ["routes"]

_MOST_NAMES = 50


@told("json")
async def catalogs(request: Request) -> Response:
    """``/api/catalogs``: schemas, and the tables in each."""
    described = await archive_of(request).tables.now()
    return JSONResponse({"schemas": list(_schemas(described))})


def _schemas(described: Described) -> Iterator[dict[str, Any]]:
    tables = described.schema["tables"].to_pylist()
    counts = described.counts()
    for schema in described.schema["schemas"].to_pylist():
        name = schema["schema_name"]
        yield {
            "name": name,
            "description": schema["description"],
            "tables": [
                {
                    "name": table["table_name"],
                    "type": table["table_type"],
                    "description": table["description"],
                    "columns": counts.get(table["table_name"], 0),
                }
                for table in tables
                if table["schema_name"] == name
            ],
        }


@told("json")
async def table(request: Request) -> Response:
    """``/api/catalogs/TABLE``: the columns and keys of a table."""
    described = await archive_of(request).tables.now()
    name = described.table_called(request.path_params["name"])
    if name is None:
        message = f"there is no table {request.path_params['name'][:120]!r}"
        return JSONResponse({"status": "ERROR", "kind": "usage", "message": message}, 404)
    columns = described.rows("columns", "table_name", name)
    keys = described.rows("keys", "from_table", name)
    pairs = described.schema["key_columns"].to_pylist()
    for key in keys:
        key["columns"] = [pair for pair in pairs if pair["key_id"] == key["key_id"]]
    return JSONResponse({"name": name, "columns": columns, "keys": keys})


@told("json")
async def names(request: Request) -> Response:
    """``/api/names?prefix=``: tables, columns and functions that begin so, the shortest first."""
    prefix = Parameters(request.query_params.multi_items()).one("PREFIX").lower()
    described = await archive_of(request).tables.now()
    known = [*described.names(), *await asyncio.to_thread(_functions)]
    found = [one for one in known if one["name"].lower().startswith(prefix)]
    found.sort(key=lambda one: (len(one["name"]), one["name"].lower()))
    return JSONResponse({"names": found[:_MOST_NAMES], "more": len(found) > _MOST_NAMES})


@functools.cache
def _functions() -> tuple[dict[str, str], ...]:
    from skyseries.adql.functions import FUNCTIONS

    return tuple({"name": name, "kind": "function", "of": ""} for name in FUNCTIONS)


@told("json")
async def explain(request: Request) -> Response:
    """``/api/explain``: what a statement would read and do."""
    archive = archive_of(request)
    wanted = asked(await read_parameters(request), archive.settings.limits)
    work = Work(
        request.state.request_id,
        wanted.query,
        seconds=archive.settings.limits.plan_seconds,
        kind="explain",
    )
    running = await archive.pool.run(work, waits=False)
    return _json([piece async for piece in running.pieces()])


def _json(pieces: Iterable[bytes]) -> Response:
    return Response(b"".join(pieces), media_type="application/json")


async def description(request: Request) -> Response:
    """``/openapi.json``."""
    archive = archive_of(request)
    said = openapi(archive.settings.title, archive.address(request))
    return Response(json.dumps(said, indent=1), media_type="application/json")


routes = [
    Route("/api/catalogs", catalogs),
    Route("/api/catalogs/{name:path}", table),
    Route("/api/names", names),
    Route("/api/explain", explain, methods=["GET", "POST"]),
    Route("/api/rows", told("json")(rows), methods=["GET", "POST"]),
    Route("/openapi.json", description),
]
