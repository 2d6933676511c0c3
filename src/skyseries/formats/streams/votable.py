"""What the VOTables of all serializations have in common: all but the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from skyseries.errors import InputError
from skyseries.formats.streams.base import Document, Ending, Info
from skyseries.formats.streams.flattened import FlatEncoder
from skyseries.formats.votable_fields import check_names, field_xml, xml_text
from skyseries.formats.votable_systems import Systems
from skyseries.formats.votable_types import form_of

__all__ = ["VOTable", "described"]

_VERSIONS = ("1.4", "1.5")
_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"


class VOTable(FlatEncoder):
    """Resource, systems, FIELD elements; an INFO behind the table tells an overflow or an error."""

    suffix = ".vot"
    opening: ClassVar[bytes]
    """What stands between the columns and the rows."""
    closing: ClassVar[bytes]

    def __init__(self, schema: pa.Schema, document: Document | None = None) -> None:
        super().__init__(schema, document)
        if self.document.votable_version not in _VERSIONS:
            raise InputError(
                f"a VOTable is written in version {' or '.join(_VERSIONS)}, "
                f"not {self.document.votable_version!r}"
            )
        check_names(self.flat.names)
        self.forms = [form_of(field) for field in self.flat]

    def head(self) -> bytes:
        """Return what comes before the rows."""
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + (
            _top(self.flat, self.document) + "<DATA>"
        ).encode() + self.opening  # fmt: skip

    def tail(self, ending: Ending) -> Iterator[bytes]:
        """Yield what comes after the rows."""
        yield self.closing + ("</DATA>" + _bottom(ending)).encode() + b"\n"


def described(schema: pa.Schema, document: Document, ending: Ending) -> str:
    """Return a VOTable without data that tells what the columns of a flat schema are."""
    return _top(schema, document) + _bottom(ending)


def _top(flat: pa.Schema, document: Document) -> str:
    systems = Systems(flat, document.votable_version)
    fields = [field_xml(field, form_of(field), systems.of(field)) for field in flat]
    about = f"<DESCRIPTION>{escape(xml_text(document.description))}</DESCRIPTION>\n"
    return (
        f'<VOTABLE version="{document.votable_version}" xmlns="{_NAMESPACE}">\n'
        '<RESOURCE type="results">\n'
        + (about if document.description else "")
        + "".join(_info(info) for info in document.infos)
        + "".join(f"{element}\n" for element in systems.elements())
        + "<TABLE>\n"
        + "".join(f"{field}\n" for field in fields)
    )


def _bottom(ending: Ending) -> str:
    told = "" if ending.status == "OK" else _info(Info("QUERY_STATUS", ending.status, ending.text))
    return f"</TABLE>\n{told}</RESOURCE>\n</VOTABLE>"


def _info(info: Info) -> str:
    name, value = (quoteattr(xml_text(text)) for text in (info.name, info.value))
    return f"<INFO name={name} value={value}>{escape(xml_text(info.text))}</INFO>\n"
