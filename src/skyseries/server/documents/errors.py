"""What is answered in place of a result (DALI 1.1, section 4.2), and the same in other forms."""

from __future__ import annotations

import json

from skyseries.server.documents.xml import added, harmless, root, serialized

__all__ = ["FORMS", "error_document"]

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"
FORMS = {
    "votable": "application/x-votable+xml",
    "text": "text/plain;charset=UTF-8",
    "json": "application/json",
}
"""The media type of each form."""


def error_document(message: str, form: str = "votable", *, kind: str = "usage") -> bytes:
    """Return the document of an error.

    Parameters
    ----------
    message : str
    form : str
        One of `FORMS`.
    kind : str
        As of `server.work.Failed`.
    """
    if form == "text":
        return harmless(message).encode() + b"\n"
    if form == "json":
        return json.dumps({"status": "ERROR", "kind": kind, "message": message}).encode() + b"\n"
    return _votable(message)


def _votable(message: str) -> bytes:
    # VOTable 1.4 has the namespace of 1.3
    document = root("VOTABLE", {"": _NAMESPACE}, version="1.4")
    resource = added(document, f"{{{_NAMESPACE}}}RESOURCE", attributes={"type": "results"})
    status = {"name": "QUERY_STATUS", "value": "ERROR"}
    added(resource, f"{{{_NAMESPACE}}}INFO", message, status)
    return serialized(document)
