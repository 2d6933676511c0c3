"""Pages for people, and signs of life for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

import skyseries
from skyseries.server.documents.landing import landing
from skyseries.server.web.archive import archive_of, page, told

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["routes"]


@told("text")
async def home(request: Request) -> Response:
    """``/``: what is served, and how it is reached."""
    archive = archive_of(request)
    described = await archive.tables.now()
    content = landing(
        archive.address(request, "/tap"),
        described.catalogs,
        described.samples,
        title=archive.settings.title,
        software=f"Skyseries {skyseries.__version__}",
    )
    return page(content)


async def tap(request: Request) -> Response:
    """``/tap``: what people look at who have copied the address of TAP."""
    return RedirectResponse(archive_of(request).address(request, "/"), 303)


async def healthz(request: Request) -> Response:
    """``/healthz``: whether statements are taken."""
    return JSONResponse(archive_of(request).pool.state())


routes = [Route("/", home), Route("/tap", tap), Route("/healthz", healthz)]
