"""The application: routes behind the door, workers and jobs while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from skyseries.server.jobs.runner import Jobs
from skyseries.server.jobs.store import JobStore
from skyseries.server.jobwork import job_work
from skyseries.server.tables import Tables
from skyseries.server.web import api, jobs, pages, tap
from skyseries.server.web.archive import Archive
from skyseries.server.web.door import Door
from skyseries.server.workers.pool import WorkerPool
from skyseries.server.workers.setup import Setup
from skyseries.store.scratch import make_scratch, remove_scratch

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from skyseries.server.settings import Settings

__all__ = ["make_app"]

_log = logging.getLogger(__name__)


def make_app(settings: Settings) -> ASGIApp:
    """Return the application of a service, to be run by a server of ASGI.

    Parameters
    ----------
    settings : Settings
    """

    @contextlib.asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        async with _archive(settings) as archive:
            app.state.archive = archive
            names = ", ".join(one.name for one in settings.served)
            _log.info("%s: %s/tap serves %s", settings.title, _url(settings), names)
            yield

    routes = [*pages.routes, *tap.routes, *jobs.routes, *api.routes]
    app = Starlette(routes=routes, lifespan=running, exception_handlers={ClientDisconnect: _gone})
    return Door(app, settings.base_url, settings.limits.body_bytes, any_host=settings.public)


async def _gone(request: Request, error: Exception) -> Response:
    """Answer a request that was not sent to its end: nobody reads it."""
    return Response(status_code=400)


@contextlib.asynccontextmanager
async def _archive(settings: Settings) -> AsyncIterator[Archive]:
    with contextlib.ExitStack() as stack:
        folder = Path(settings.state) if settings.state else make_scratch("serve")
        if not settings.state:
            stack.callback(remove_scratch, folder)
        store = JobStore(folder)
        stack.callback(store.close)
        pool = WorkerPool(_setup(settings, store))
        jobs = Jobs(store, pool, settings.limits, job_work(settings, store.files))
        await pool.start()
        warming = asyncio.create_task(_warm()) if settings.warm else None
        try:
            await jobs.start()
            yield Archive(settings, pool, jobs, Tables(pool), store.files.all_uploads)
        finally:
            if warming is not None:
                warming.cancel()
            await jobs.stop()
            await pool.close()


def _url(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.base_url or f"http://{host}:{settings.port}"


async def _warm() -> None:
    """Compile kernels in a process of low priority: workers may not write what others will run."""
    run = "import os; os.nice(10); from skyseries.jit.expected import warm_all; warm_all()"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        run,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def _setup(settings: Settings, store: JobStore) -> Setup:
    return Setup(
        tuple((one.name, one.path) for one in settings.served),
        tuple((one.name, one.metadata) for one in settings.served if one.metadata),
        settings.plugin,
        settings.limits,
        str(store.files.results),
        max(1, (os.cpu_count() or 1) // settings.limits.workers),
    )
