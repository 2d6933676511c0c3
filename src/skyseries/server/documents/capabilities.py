"""What a service can do: VOSI capabilities with TAPRegExt 1.0.

Not 1.1, whose limits of each mode the validators of today refuse: the limits are those of jobs, in
words also those of synchronous statements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lxml import etree

from skyseries.adql.functions import Function
from skyseries.formats.streams import ENCODERS, Encoder
from skyseries.server.documents.language import feature_lists, served_functions
from skyseries.server.documents.xml import TYPE, added, root, serialized
from skyseries.server.limits import Limits

__all__ = ["UPLOADS", "capabilities"]

_PREFIXES = {
    "vosi": "http://www.ivoa.net/xml/VOSICapabilities/v1.0",
    "vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
}
_STANDARDS = "ivo://ivoa.net/std/"
_BESIDE = {
    "capabilities": "VOSI#capabilities",
    "availability": "VOSI#availability",
    "tables": "VOSI#tables-1.1",
    "examples": "DALI#examples",
}
"""The resources beside TAP itself, by the last part of their address."""

_OUTPUTS = {"votable": "output-votable-binary2", "votable/td": "output-votable-td"}
UPLOADS = ("inline", "http", "https")
"""The ways that a table can come, which a service may offer."""


def capabilities(
    url: str,
    limits: Limits,
    *,
    uploads: Collection[str] = ("inline",),
    formats: Iterable[type[Encoder]] | None = None,
    functions: Iterable[Function] | None = None,
) -> bytes:
    """Return the document.

    Parameters
    ----------
    url : str
        Of TAP, as clients reach it: ``https://example.org/tap``.
    limits : Limits
    uploads : collection of str
        Those of `UPLOADS` that are offered.
    formats : iterable of Encoder classes, optional
        All by default.
    functions : iterable of Function, optional
        All that the language has by default; those of the operator are to be added.
    """
    document = root("vosi:capabilities", _PREFIXES)
    tap = added(document, "capability", attributes={"standardID": _STANDARDS + "TAP"})
    tap.set(TYPE, "tr:TableAccess")
    added(tap, "description", f"A synchronous statement may take {limits.sync_seconds:g} seconds")
    _interface(tap, url, use="base", version="1.1")
    _language(tap, served_functions() if functions is None else functions)
    for encoder in ENCODERS.values() if formats is None else formats:
        _format(tap, encoder)
    for way in UPLOADS:
        if way in uploads:
            identifier = f"{_STANDARDS}TAPRegExt#upload-{way}"
            added(tap, "uploadMethod", attributes={"ivo-id": identifier})
    _limits(tap, limits, bool(uploads))
    for name, standard in _BESIDE.items():
        beside = added(document, "capability", attributes={"standardID": _STANDARDS + standard})
        _interface(beside, f"{url}/{name}", use="full")
    return serialized(document)


def _interface(parent: etree._Element, url: str, use: str, version: str | None = None) -> None:
    attributes = {TYPE: "vs:ParamHTTP", "role": "std", "version": version}
    interface = added(parent, "interface", attributes=attributes)
    added(interface, "accessURL", url, {"use": use})


def _language(parent: etree._Element, functions: Iterable[Function]) -> None:
    language = added(parent, "language")
    added(language, "name", "ADQL")
    for version in ("2.0", "2.1"):
        added(language, "version", version, {"ivo-id": f"{_STANDARDS}ADQL#v{version}"})
    added(language, "description", "ADQL 2.1 with all its optional parts; 2.0 is a part of it")
    for kind, features in feature_lists(functions).items():
        listed = added(language, "languageFeatures", attributes={"type": kind})
        for feature in features:
            element = added(listed, "feature")
            added(element, "form", feature.form)
            if feature.description:
                added(element, "description", feature.description)


def _format(parent: etree._Element, encoder: type[Encoder]) -> None:
    output = _OUTPUTS.get(encoder.name)
    identifier = output and f"{_STANDARDS}TAPRegExt#{output}"
    element = added(parent, "outputFormat", attributes={"ivo-id": identifier})
    added(element, "mime", encoder.media_type)
    for alias in dict.fromkeys((encoder.name, *encoder.aliases)):
        added(element, "alias", alias)


def _limits(parent: etree._Element, limits: Limits, with_uploads: bool) -> None:
    for name, seconds in (
        ("retentionPeriod", limits.destruction_seconds),
        ("executionDuration", limits.async_seconds),
    ):
        element = added(parent, name)
        added(element, "default", int(seconds))
        added(element, "hard", int(seconds))
    output = added(parent, "outputLimit")
    added(output, "default", min(limits.maxrec, limits.maxrec_hard), {"unit": "row"})
    added(output, "hard", limits.maxrec_hard, {"unit": "row"})
    if with_uploads:
        upload = added(parent, "uploadLimit")
        added(upload, "default", limits.upload_rows, {"unit": "row"})
        added(upload, "hard", limits.body_bytes, {"unit": "byte"})
