"""Jobs as XML of UWS 1.1."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lxml import etree

from skyseries.server.documents.xml import harmless
from skyseries.server.jobs.job import Info, Job, Parameters, to_text

__all__ = ["job_xml", "jobs_xml", "parameters_xml", "results_xml"]

_UWS = "http://www.ivoa.net/xml/UWS/v1.0"  # of UWS 1.1, too
_XLINK = "http://www.w3.org/1999/xlink"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NAMESPACES = {"uws": _UWS, "xlink": _XLINK, "xsi": _XSI}
_VERSION = "1.1"
_TRANSIENT = {"died", "internal"}
"""Kinds of failures that another try may be spared."""


def jobs_xml(jobs: Iterable[Job], url: str) -> bytes:
    """Return a list of jobs.

    Parameters
    ----------
    jobs : iterable of Job
    url : str
        Of the list of all jobs; a job is below it.
    """
    root = _root("jobs", version=_VERSION)
    for job in jobs:
        jobref = _add(root, "jobref", id=job.id)
        jobref.set(f"{{{_XLINK}}}href", harmless(f"{url}/{job.id}"))
        _add(jobref, "phase", job.phase)
        _add_run_id_and_owner(jobref, job)
        _add_time(jobref, "creationTime", job.created)
    return _text(root)


def job_xml(job: Job, url: str) -> bytes:
    """Return all that is known of a job; `url` is that of the list of all jobs."""
    root = _root("job", version=_VERSION)
    _add(root, "jobId", job.id)
    _add_run_id_and_owner(root, job)
    _add(root, "phase", job.phase)
    _add_time(root, "quote", job.quote)
    _add_time(root, "creationTime", job.created)
    _add_time(root, "startTime", job.started)
    _add_time(root, "endTime", job.ended)
    _add(root, "executionDuration", str(job.execution_duration))
    _add_time(root, "destruction", job.destruction)
    _fill_parameters(_add(root, "parameters"), job.parameters)
    _fill_results(_add(root, "results"), job, url)
    _add_error(root, job)
    _add_info(root, job.info)
    return _text(root)


def parameters_xml(job: Job) -> bytes:
    """Return the parameters of a job."""
    root = _root("parameters")
    _fill_parameters(root, job.parameters)
    return _text(root)


def results_xml(job: Job, url: str) -> bytes:
    """Return where the result of a job is; `url` is that of the list of all jobs."""
    root = _root("results")
    _fill_results(root, job, url)
    return _text(root)


def _fill_parameters(element: etree._Element, parameters: Parameters) -> None:
    for name, value in parameters:
        _add(element, "parameter", value, id=name)


def _fill_results(element: etree._Element, job: Job, url: str) -> None:
    if job.result is None:
        return
    result = _add(element, "result", id="result")
    result.set(f"{{{_XLINK}}}href", harmless(f"{url}/{job.id}/results/result"))
    result.set("size", str(job.result.size))
    result.set("mime-type", harmless(job.result.media_type))


def _add_run_id_and_owner(element: etree._Element, job: Job) -> None:
    if job.run_id:
        _add(element, "runId", job.run_id)
    _add_nil(element, "ownerId")


def _add_error(root: etree._Element, job: Job) -> None:
    if job.error is None:
        return
    kind = "transient" if job.error.kind in _TRANSIENT else "fatal"
    _add(_add(root, "errorSummary", type=kind, hasDetail="true"), "message", job.error.message)


def _add_info(root: etree._Element, info: Info) -> None:
    """Tell what UWS has no elements for, in elements of no namespace."""
    element = _add(root, "jobInfo")
    progress = info.progress
    told = [
        ("rows", progress.rows),
        ("bytes", progress.bytes),
        ("bytesRead", progress.read),
        ("partsDone", progress.done),
        ("parts", progress.total),
        ("statementSha256", info.statement),
        ("skyseriesVersion", info.code),
    ]
    for name, value in told:
        if value:
            etree.SubElement(element, name).text = harmless(str(value))
    for catalog, version in info.versions:
        etree.SubElement(element, "version", catalog=harmless(catalog)).text = harmless(version)


def _root(name: str, **attributes: str) -> etree._Element:
    return etree.Element(f"{{{_UWS}}}{name}", attributes, nsmap=_NAMESPACES)


def _add(
    parent: etree._Element, name: str, text: str | None = None, **attributes: str
) -> etree._Element:
    cleaned = {key: harmless(value) for key, value in attributes.items()}
    element = etree.SubElement(parent, f"{{{_UWS}}}{name}", cleaned)
    element.text = None if text is None else harmless(text)
    return element


def _add_time(parent: etree._Element, name: str, moment: datetime | None) -> None:
    if moment is None:
        _add_nil(parent, name)
    else:
        _add(parent, name, to_text(moment))


def _add_nil(parent: etree._Element, name: str) -> None:
    _add(parent, name).set(f"{{{_XSI}}}nil", "true")


def _text(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
