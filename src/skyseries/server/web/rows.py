"""Results page by page, for tables on a screen: ``/api/rows``.

The statement is run as a job whose result is kept as an Arrow stream; a cursor is the id of the job
and the number of the next row, so a page can be asked for again, and in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from skyseries.errors import InputError
from skyseries.server.jobs.job import Job, Phase, check_id
from skyseries.server.tap import asked
from skyseries.server.web.archive import archive_of
from skyseries.server.web.parameters import Parameters, read_parameters
from skyseries.server.work import Failed, Work

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["rows"]

_SIZE, _LARGEST = 100, 10_000


async def rows(request: Request) -> Response:
    """``POST /api/rows`` with QUERY: its first page; ``GET /api/rows?cursor=``: another one."""
    parameters = await read_parameters(request)
    size = parameters.whole("SIZE", 1)
    size = min(_SIZE if size is None else size, _LARGEST)
    cursor = parameters.one("CURSOR")
    if cursor:
        job, first = await _job_of(request, cursor)
    elif request.method == "POST":
        job, first = await _begun(request, parameters), 0
    else:
        raise InputError("a cursor is missing; POST a QUERY to get one")
    if job.is_active:
        waiting = {"phase": str(job.phase), "cursor": _cursor(job, first), "rows": None}
        return JSONResponse(waiting, 202)
    if job.result is None:
        error = job.error
        raise Failed(error.message, error.kind) if error else Failed("the job was aborted")
    return await _page(request, job, first, size)


async def _begun(request: Request, parameters: Parameters) -> Job:
    archive = archive_of(request)
    wanted = asked(parameters, archive.settings.limits)
    if wanted.uploads:
        raise InputError("pages of statements on uploaded tables are not given: use /tap/async")
    pairs = (("QUERY", wanted.query), ("MAXREC", str(wanted.maxrec)), ("FORMAT", "arrow"))
    job = await archive.jobs.create(pairs, wanted.run_id, run=True)
    return await _over(request, job.id)


async def _job_of(request: Request, cursor: str) -> tuple[Job, int]:
    id, _, first = cursor.rpartition(".")
    if not first.isascii() or not first.isdigit() or len(first) > 18:
        raise InputError(f"{cursor[:80]!r} is no cursor of this service")
    return await _over(request, check_id(id)), int(first)


async def _over(request: Request, id: str) -> Job:
    """Return a job that is over, or still is not after a while."""
    jobs = archive_of(request).jobs
    job = await jobs.get(id)
    for _ in (Phase.QUEUED, Phase.EXECUTING):  # through which it goes
        if job.is_active and job.phase is not Phase.PENDING:
            job = await jobs.wait(id, -1, job.phase)
    return job


async def _page(request: Request, job: Job, first: int, size: int) -> Response:
    archive = archive_of(request)
    path = archive.jobs.store.files.result(job.id)
    work = Work(
        request.state.request_id,
        str(path),
        maxrec=size,
        seconds=archive.settings.limits.sync_seconds,
        kind="page",
        first=first,
    )
    running = await archive.pool.run(work, waits=False)
    page = b"".join([piece async for piece in running.pieces()])
    assert job.result is not None  # noqa: S101 - the caller has looked
    count, after = job.result.rows, first + (await running.outcome()).rows
    told = JSONResponse({
        "phase": str(job.phase),
        "cursor": _cursor(job, after) if after < count else None,
        "first": first,
        "rows": count,
        "overflow": job.result.overflow,
    }).body  # fmt: skip
    return Response(bytes(told)[:-1] + b',"page":' + page + b"}", media_type="application/json")


def _cursor(job: Job, first: int) -> str:
    return f"{job.id}.{first}"
