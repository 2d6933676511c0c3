"""The availability is what VOSI demands, in UTC."""

from datetime import datetime, timedelta, timezone
from io import BytesIO

from pyvo.io.vosi import parse_availability

from skyseries.server.documents.availability import availability
from tests.server.documents.standards import check

SINCE = datetime(2026, 11, 1, 12, 30, 15, 999, tzinfo=timezone(timedelta(hours=2)))


def parsed(document):
    return parse_availability(BytesIO(document).read)


def test_what_works_is_read_by_pyvo():
    found = parsed(availability(True, SINCE, notes=["a <note>", "another \x01"]))
    assert found.available is True
    assert found.upsince == "2026-11-01T10:30:15Z"
    assert [str(note) for note in found.notes] == ["a <note>", "another \N{REPLACEMENT CHARACTER}"]


def test_what_does_not_work_says_when_it_will():
    later = SINCE + timedelta(hours=1)
    found = parsed(availability(False, down_at=SINCE, back_at=later))
    assert found.available is False
    assert found.downat == "2026-11-01T10:30:15Z"
    assert found.backat == "2026-11-01T11:30:15Z"


def test_the_schema_of_vosi_holds():
    check(availability(True))
    check(availability(False, SINCE, down_at=SINCE, back_at=SINCE, notes=["one", "two"]))
