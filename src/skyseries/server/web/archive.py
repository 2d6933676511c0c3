"""What the routes share: settings, workers, jobs, and what is served."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from skyseries.errors import InputError, StorageError
from skyseries.server.documents import xml
from skyseries.server.documents.errors import FORMS, error_document
from skyseries.server.documents.page import CONTENT_SECURITY_POLICY, MEDIA_TYPE
from skyseries.server.jobs.job import UnknownJob, WrongPhase
from skyseries.server.web.sync import refused
from skyseries.server.work import Busy, Failed

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from skyseries.server.jobs.runner import Jobs
    from skyseries.server.settings import Settings
    from skyseries.server.tables import Tables
    from skyseries.server.work import Pool

__all__ = [
    "Archive",
    "Handler",
    "archive_of",
    "by_method",
    "document",
    "page",
    "refusal",
    "text",
    "told",
]

_log = logging.getLogger("skyseries.server")

Handler = Callable[["Request"], Awaitable[Response]]


@dataclass(frozen=True)
class Archive:
    """A service that runs."""

    settings: Settings
    pool: Pool
    jobs: Jobs
    tables: Tables
    uploads: Path
    """Folder of what is uploaded with synchronous queries."""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def address(self, request: Request, path: str = "") -> str:
        """Return the address of a path of the service, as the client calls it."""
        base = self.settings.base_url or f"{request.url.scheme}://{request.url.netloc}"
        return base + path


def archive_of(request: Request) -> Archive:
    """Return the service that a request is for."""
    archive: Archive = request.app.state.archive
    return archive


def document(content: bytes, media_type: str = xml.MEDIA_TYPE, status: int = 200) -> Response:
    """Return an answer that is a document."""
    return Response(content, status, {"cache-control": "no-cache"}, media_type)


def page(content: bytes) -> Response:
    """Return an answer that is a page of `documents.page`."""
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "cache-control": "no-cache"}
    return Response(content, 200, headers, MEDIA_TYPE)


def text(content: str, status: int = 200) -> Response:
    """Return an answer that is a line of text."""
    return Response(content + "\n", status, {"cache-control": "no-cache"}, "text/plain")


def refusal(error: Exception, form: str = "votable") -> Response:
    """Return the answer to what cannot be done: a VOTable, as DALI has it, or another form."""
    status, message, headers = refused(error)
    if isinstance(error, StorageError):
        _log.error("%s", error)
    kind = error.kind if isinstance(error, Failed) else "usage"
    return Response(error_document(message, form, kind=kind), status, headers, FORMS[form])


def told(form: str) -> Callable[[Handler], Handler]:
    """Return what makes a handler say in a form (`refusal`) what cannot be done."""

    def decorated(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except (InputError, StorageError, Busy, Failed, UnknownJob, WrongPhase) as error:
                return refusal(error, form)

        return answer

    return decorated


def by_method(path: str, **handlers: Handler) -> Route:
    """Return the route of a path, with a handler for each method: ``GET=...``, ``POST=...``."""

    async def answer(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return Route(path, answer, methods=list(handlers))
