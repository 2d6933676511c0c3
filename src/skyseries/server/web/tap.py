"""The resources of TAP 1.1 that answer at once: ``sync``, and what describes the service."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.routing import Route

from skyseries.errors import InputError, StorageError
from skyseries.server.documents.availability import availability
from skyseries.server.documents.capabilities import capabilities
from skyseries.server.documents.examples import examples
from skyseries.server.documents.tables import table_document, tables_document
from skyseries.server.tap import Asked, asked
from skyseries.server.uploads import keep_uploads
from skyseries.server.web.archive import (
    Archive,
    archive_of,
    document,
    page,
    refusal,
    text,
    told,
)
from skyseries.server.web.parameters import Parameters, read_parameters
from skyseries.server.web.sync import Rows
from skyseries.server.work import Upload

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["routes"]


async def sync(request: Request) -> ASGIApp:
    """``/tap/sync``: a query, and its rows."""
    archive = archive_of(request)
    limits = archive.settings.limits
    folder = archive.uploads / uuid4().hex
    try:
        parameters = await read_parameters(request)
        wanted = asked(parameters, limits)
        uploads = await _kept(parameters, wanted, folder, archive) if wanted.uploads else ()
    except (InputError, StorageError) as error:
        _remove(folder)
        return refusal(error)
    except BaseException:
        _remove(folder)
        raise
    request.state.noted |= {"statement": wanted.hash, "format": wanted.format}
    if wanted.run_id:
        request.state.noted["runid"] = wanted.run_id
    work = wanted.work(request.state.request_id, uploads, limits.sync_seconds)
    rows = Rows(archive.pool, work, wanted.media_type, refusal, limits.write_seconds)
    return _and_remove(rows, folder) if uploads else rows


async def _kept(
    parameters: Parameters, wanted: Asked, folder: Path, archive: Archive
) -> tuple[Upload, ...]:
    settings = archive.settings
    return await asyncio.to_thread(
        keep_uploads,
        wanted.uploads,
        parameters.parts,
        folder,
        settings.limits,
        settings.upload_from,
    )


def _and_remove(app: ASGIApp, folder: Path) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            _remove(folder)

    return answer


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


async def capabilities_(request: Request) -> Response:
    """``/tap/capabilities``."""
    archive = archive_of(request)
    url = archive.address(request, "/tap")
    uploads = ("inline", "http", "https")  # which TAP wants of all; hosts are the operator's
    return document(capabilities(url, archive.settings.limits, uploads=uploads))


async def availability_(request: Request) -> Response:
    """``/tap/availability``."""
    archive = archive_of(request)
    return document(availability(True, archive.since))


@told("text")
async def tables_(request: Request) -> Response:
    """``/tap/tables``."""
    detail = Parameters(request.query_params.multi_items()).one("DETAIL").lower()
    if detail not in ("", "min", "max"):
        return text(f"detail is min or max, not {detail[:80]!r}", 400)
    described = await archive_of(request).tables.now()
    return document(tables_document(described.schema, "min" if detail == "min" else "max"))


@told("text")
async def table(request: Request) -> Response:
    """``/tap/tables/NAME``."""
    name = request.path_params["name"]
    described = await archive_of(request).tables.now()
    found = table_document(described.schema, name)
    return text(f"there is no table {name[:120]!r}", 404) if found is None else document(found)


@told("text")
async def examples_(request: Request) -> Response:
    """``/tap/examples``."""
    archive = archive_of(request)
    described = await archive.tables.now()
    return page(examples(described.samples, f"{archive.settings.title}: examples"))


routes = [
    Route("/tap/sync", sync, methods=["GET", "POST"]),
    Route("/tap/capabilities", capabilities_),
    Route("/tap/availability", availability_),
    Route("/tap/tables", tables_),
    Route("/tap/tables/{name:path}", table),
    Route("/tap/examples", examples_),
]
