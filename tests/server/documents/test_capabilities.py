"""The capabilities say what the limits and the formats are, and clients read them."""

import re
from dataclasses import replace
from io import BytesIO

import pytest
from lxml import etree
from pyvo.io.vosi import parse_capabilities

from skyseries.formats.streams import ENCODERS, Encoder
from skyseries.server.documents.capabilities import UPLOADS, capabilities
from skyseries.server.documents.language import feature_lists, served_functions
from skyseries.server.limits import Limits
from tests.server.documents.standards import check

URL = "https://example.org/a&b/tap"
LIMITS = Limits(
    maxrec=1000, maxrec_hard=5000, async_seconds=600.5, destruction_seconds=86400.0,
    upload_rows=77, body_bytes=4096,
)  # fmt: skip


class Binary(Encoder):
    name = "votable"
    media_type = "application/x-votable+xml"
    aliases = ("votable/b2", "text/xml")


class Text(Encoder):
    name = "votable/td"
    media_type = "application/x-votable+xml;serialization=TABLEDATA"


def made(limits=LIMITS, **more):
    document = capabilities(URL, limits, formats=more.pop("formats", [Binary, Text]), **more)
    return document, parse_capabilities(BytesIO(document).read)


@pytest.fixture(scope="module")
def tap():
    """Return what pyvo reads of TAP itself."""
    _, found = made(uploads=UPLOADS)
    [one] = [each for each in found if each.standardid == "ivo://ivoa.net/std/TAP"]
    return one


def test_there_is_one_tap_with_one_interface(tap):
    [interface] = tap.interfaces
    assert (interface.role, interface.version) == ("std", "1.1")
    [url] = interface.accessurls
    assert (url.content, url.use) == (URL, "base")


def test_the_resources_beside_it_are_told():
    _, found = made()
    beside = {each.standardid: each for each in found[1:]}
    assert {
        name.partition("std/")[2]: each.interfaces[0].accessurls[0].content
        for name, each in beside.items()
    } == {
        "VOSI#capabilities": f"{URL}/capabilities",
        "VOSI#availability": f"{URL}/availability",
        "VOSI#tables-1.1": f"{URL}/tables",
        "DALI#examples": f"{URL}/examples",
    }
    assert all(each.interfaces[0].accessurls[0].use == "full" for each in beside.values())


def test_the_language_is_told_with_all_its_features(tap):
    [language] = tap.languages
    assert language.name == "ADQL"
    assert [version.content for version in language.versions] == ["2.0", "2.1"]
    assert language.versions[1].ivo_id == "ivo://ivoa.net/std/ADQL#v2.1"
    told = {
        kind.type: [(f.form, f.description or "") for f in kind]
        for kind in language.languagefeaturelists
    }
    assert told == {
        kind: [tuple(feature) for feature in features]
        for kind, features in feature_lists(served_functions()).items()
    }


def test_formats_have_their_names(tap):
    binary, text = tap.outputformats
    assert binary.mime == "application/x-votable+xml"
    assert [str(alias) for alias in binary.aliases] == ["votable", "votable/b2", "text/xml"]
    assert binary.ivo_id == "ivo://ivoa.net/std/TAPRegExt#output-votable-binary2"
    assert text.ivo_id == "ivo://ivoa.net/std/TAPRegExt#output-votable-td"


def test_all_encoders_are_told_by_default():
    _, found = made(formats=None)
    assert [str(each.mime) for each in found[0].outputformats] == [
        encoder.media_type for encoder in ENCODERS.values()
    ]


def test_limits_are_those_of_the_service(tap):
    assert (tap.retentionperiod.default, tap.retentionperiod.hard) == (86400, 86400)
    assert (tap.executionduration.default, tap.executionduration.hard) == (600, 600)
    limits = {"outputlimit": [(1000, "row"), (5000, "row")],
              "uploadlimit": [(77, "row"), (4096, "byte")]}  # fmt: skip
    for name, wanted in limits.items():
        limit = getattr(tap, name)
        assert [(int(x.content), x.unit) for x in (limit.default, limit.hard)] == wanted


def test_the_time_of_synchronous_statements_is_told(tap):
    assert tap.description == "A synchronous statement may take 60 seconds"


def test_the_default_is_never_above_the_limit():
    _, found = made(replace(LIMITS, maxrec=9000))
    assert int(found[0].outputlimit.default.content) == 5000


@pytest.mark.parametrize("ways", [(), ("inline",), ("https", "inline"), UPLOADS])
def test_uploads_are_those_that_are_offered(ways):
    document, found = made(uploads=ways)
    told = [method.ivo_id.rpartition("upload-")[2] for method in found[0].uploadmethods]
    assert told == [way for way in UPLOADS if way in ways]
    assert (b"uploadLimit" in document) == bool(ways)


def test_the_schemas_hold():
    for ways in ((), UPLOADS):
        check(made(uploads=ways)[0])


def test_the_schemas_find_faults():
    wrong = re.sub(rb"<mime>.*?</mime>", b"", made()[0])
    with pytest.raises(etree.DocumentInvalid):
        check(wrong)
