"""The XML schemas of the IVOA, as they come with STILTS."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

_JAR = Path("/usr/share/java/starlink-ttools.jar")
_FOLDER = "uk/ac/starlink/ttools/taplint/"
_FILES = {
    "VOResource/v1.0": "VOResource-v1.1.xsd",
    "VODataService/v1.1": "VODataService-v1.2.xsd",
    "TAPRegExt/v1.0": "TAPRegExt-v1.0-Erratum1.xsd",
    "STC/stc-v1.30.xsd": "stc-v1.30.xsd",
    "VOSICapabilities/v1.0": "VOSICapabilities-v1.0.xsd",
    "VOSITables/v1.0": "VOSITables-v1.1.xsd",
    "VOSIAvailability/v1.0": "VOSIAvailability-v1.0.xsd",
}
_ALL = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">%s</xs:schema>"""
_IMPORT = '<xs:import namespace="http://www.ivoa.net/xml/%s" schemaLocation="local:%s"/>'


class _Local(etree.Resolver):
    """Finds schemas in the archive of classes of STILTS, wherever they are said to be."""

    def resolve(self, url, _, context):
        name = next(
            (file for file in _FILES.values() if url.endswith(file)),
            next((file for part, file in _FILES.items() if part in url), None),
        )
        if name is None:
            name = {"xlink": "xlink.xsd", "xml.xsd": "xmlnamespace.xsd"}[
                next(word for word in ("xlink", "xml.xsd") if word in url)
            ]
        with zipfile.ZipFile(_JAR) as jar:
            return self.resolve_string(jar.read(_FOLDER + name), context)


@cache
def _schema() -> etree.XMLSchema:
    names = [name for name in _FILES if not name.startswith("STC")]
    text = _ALL % "".join(_IMPORT % (name, _FILES[name]) for name in names)
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local())
    return etree.XMLSchema(etree.parse(io.BytesIO(text.encode()), parser))


def check(document: bytes) -> None:
    """Check a document against the schemas of VOSI and TAPRegExt; skip where they are missing."""
    if not _JAR.exists():
        pytest.skip("the schemas come with stilts (apt-get install stilts), which is not here")
    _schema().assertValid(etree.fromstring(document))
