"""The resources of asynchronous queries, ``/tap/async`` and below (UWS 1.1; DALI 1.1, 2.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, RedirectResponse, Response

from skyseries.errors import InputError
from skyseries.server.documents.errors import FORMS, error_document
from skyseries.server.jobs import uwsxml
from skyseries.server.jobs.job import (
    Job,
    Phase,
    check_id,
    from_text,
    new_id,
    to_text,
)
from skyseries.server.uploads import keep_parts
from skyseries.server.web.archive import archive_of, by_method, document, text, told
from skyseries.server.web.parameters import Parameters, read_parameters

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["routes"]

_ROOT = "/tap/async"
_CONTROLS = ("PHASE", "ACTION", "WAIT", "RUNID")
"""Parameters that are no parameters of the query."""


def _id(request: Request) -> str:
    return check_id(request.path_params["id"])


def _see(request: Request, id: str = "", path: str = "") -> Response:
    """Return where to look now."""
    below = f"/{id}{path}" if id else ""
    return RedirectResponse(archive_of(request).address(request, f"{_ROOT}{below}"), 303)


@told("text")
async def job_list(request: Request) -> Response:
    """``GET /tap/async``: jobs by PHASE, AFTER, LAST."""
    archive = archive_of(request)
    parameters = Parameters(request.query_params.multi_items())
    phases = [_phase(value) for value in parameters.all("PHASE")]
    after = parameters.one("AFTER")
    last = parameters.whole("LAST", 1)
    jobs = await archive.jobs.list(phases, _moment(after) if after else None, last)
    url = archive.address(request, _ROOT)
    return document(await asyncio.to_thread(uwsxml.jobs_xml, jobs, url))


@told("text")
async def create(request: Request) -> Response:
    """``POST /tap/async``: a job, which PHASE=RUN runs at once."""
    archive = archive_of(request)
    parameters = await read_parameters(request)
    phase = parameters.one("PHASE").upper()
    if phase not in ("", "RUN"):
        raise InputError(f"PHASE of a new job is RUN, or is not given; not {phase[:80]!r}")
    id = new_id()
    run_id = parameters.one("RUNID")
    try:
        await _keep(request, id, parameters)
    except BaseException:
        archive.jobs.store.files.remove_uploads(id)
        raise
    job = await archive.jobs.create(_pairs(parameters), run_id, run=bool(phase), id=id)
    request.state.noted["job"] = job.id
    return _see(request, job.id)


def _pairs(parameters: Parameters) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in parameters if pair[0] not in _CONTROLS)


async def _keep(request: Request, id: str, parameters: Parameters) -> None:
    if parameters.files:
        folder = archive_of(request).jobs.store.files.uploads(id)
        await asyncio.to_thread(keep_parts, parameters.parts, folder)


@told("text")
async def job(request: Request) -> Response:
    """``GET /tap/async/ID``, which waits for another phase if asked to (WAIT)."""
    archive = archive_of(request)
    parameters = Parameters(request.query_params.multi_items())
    wait = parameters.whole("WAIT", -1)
    phase = parameters.one("PHASE")
    if wait is None:
        found = await archive.jobs.get(_id(request))
    else:
        found = await archive.jobs.wait(_id(request), wait, _phase(phase) if phase else None)
    return document(uwsxml.job_xml(found, archive.address(request, _ROOT)))


@told("text")
async def change(request: Request) -> Response:
    """``POST /tap/async/ID``: ACTION=DELETE, or PHASE and the like."""
    parameters = await read_parameters(request)
    action = parameters.one("ACTION").upper()
    if action == "DELETE":
        return await delete(request)
    if action:
        raise InputError(f"ACTION is DELETE, not {action[:80]!r}")
    return await _changed(request, parameters)


@told("text")
async def delete(request: Request) -> Response:
    """``DELETE /tap/async/ID``."""
    await archive_of(request).jobs.delete(_id(request))
    return _see(request)


async def _changed(request: Request, parameters: Parameters) -> Response:
    id, jobs = _id(request), archive_of(request).jobs
    await jobs.get(id)  # also where nothing is said that changes it
    if moment := parameters.one("DESTRUCTION"):
        await jobs.set_destruction(id, _moment(moment))
    if (seconds := parameters.whole("EXECUTIONDURATION")) is not None:
        await jobs.set_duration(id, seconds)
    if phase := parameters.one("PHASE").upper():
        if phase not in ("RUN", "ABORT"):
            raise InputError(f"PHASE can be set to RUN or ABORT, not {phase[:80]!r}")
        await (jobs.run(id) if phase == "RUN" else jobs.abort(id))
    return _see(request, id)


@told("text")
async def change_part(request: Request) -> Response:
    """``POST /tap/async/ID/phase``, ``/destruction``, ``/executionduration``."""
    return await _changed(request, await read_parameters(request))


@told("text")
async def part(request: Request) -> Response:
    """``GET /tap/async/ID/phase`` and other values of a line."""
    found = await archive_of(request).jobs.get(_id(request))
    name = request.url.path.rpartition("/")[2]
    return text(_PARTS[name](found))


_PARTS: dict[str, Callable[[Job], str]] = {
    "phase": lambda job: str(job.phase),
    "executionduration": lambda job: str(job.execution_duration),
    "destruction": lambda job: to_text(job.destruction),
    "quote": lambda job: to_text(job.quote),
    "owner": lambda _: "",
}


@told("text")
async def error(request: Request) -> Response:
    """``GET /tap/async/ID/error``."""
    found = await archive_of(request).jobs.get(_id(request))
    if found.error is None:
        return text(f"job {found.id} has no error: it is {found.phase}", 404)
    return document(error_document(found.error.message), FORMS["votable"])


@told("text")
async def parameters(request: Request) -> Response:
    """``GET /tap/async/ID/parameters``."""
    found = await archive_of(request).jobs.get(_id(request))
    return document(uwsxml.parameters_xml(found))


@told("text")
async def more_parameters(request: Request) -> Response:
    """``POST /tap/async/ID/parameters``."""
    id, given = _id(request), await read_parameters(request)
    jobs = archive_of(request).jobs
    await jobs.update(id, _pairs(given))
    await _keep(request, id, given)
    if run_id := given.one("RUNID"):
        await jobs.set_run_id(id, run_id)
    return _see(request, id, "/parameters")


@told("text")
async def results(request: Request) -> Response:
    """``GET /tap/async/ID/results``."""
    archive = archive_of(request)
    found = await archive.jobs.get(_id(request))
    return document(uwsxml.results_xml(found, archive.address(request, _ROOT)))


@told("text")
async def result(request: Request) -> Response:
    """``GET /tap/async/ID/results/result``: the file, also parts of it."""
    archive = archive_of(request)
    found = await archive.jobs.get(_id(request))
    if found.result is None:
        return text(f"job {found.id} has no result: it is {found.phase}", 404)
    headers = {"etag": f'"{found.result.sha256}"', "cache-control": "private, no-cache"}
    known = request.headers.get("if-none-match", "").split(",")
    if headers["etag"] in (tag.strip().removeprefix("W/") for tag in known):
        return Response(None, 304, headers)
    path = archive.jobs.store.files.result(found.id)
    return FileResponse(path, headers=headers, media_type=found.result.media_type)


def _phase(value: str) -> Phase:
    try:
        return Phase(value.strip().upper())
    except ValueError:
        raise InputError(f"PHASE is one of {', '.join(Phase)}, not {value[:80]!r}") from None


def _moment(value: str) -> datetime:
    try:
        return from_text(value)
    except ValueError:
        raise InputError(f"a time is written as 2026-12-01T12:00:00Z, not {value[:80]!r}") from None


_JOB = _ROOT + "/{id}"
_SET = {"phase", "executionduration", "destruction"}
routes = [
    by_method(_ROOT, GET=job_list, POST=create),
    by_method(_JOB, GET=job, POST=change, DELETE=delete),
    *(by_method(f"{_JOB}/{name}", GET=part, POST=change_part) for name in _PARTS if name in _SET),
    *(by_method(f"{_JOB}/{name}", GET=part) for name in _PARTS if name not in _SET),
    by_method(_JOB + "/error", GET=error),
    by_method(_JOB + "/parameters", GET=parameters, POST=more_parameters),
    by_method(_JOB + "/results", GET=results),
    by_method(_JOB + "/results/result", GET=result),
]
