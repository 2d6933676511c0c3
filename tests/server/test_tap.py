"""What the parameters of TAP mean."""

from __future__ import annotations

import pytest

from skyseries.errors import InputError
from skyseries.server.limits import Limits
from skyseries.server.tap import UploadFrom, asked

LIMITS = Limits(maxrec=100, maxrec_hard=1000)


def of(**parameters: str):
    return asked({"QUERY": "SELECT 1", **parameters}.items(), LIMITS)


def test_defaults() -> None:
    found = of()
    assert (found.query, found.format, found.maxrec) == ("SELECT 1", "votable", 100)
    assert (found.votable_version, found.run_id, found.uploads, found.info) == ("1.4", "", (), ())


@pytest.mark.parametrize(
    ("wanted", "format", "media_type", "version"),
    [
        ("CSV", "csv", "text/csv;header=present", "1.4"),
        ("text/csv", "csv", "text/csv", "1.4"),
        ("parquet", "parquet", "application/vnd.apache.parquet", "1.4"),
        ("application/x-votable+xml;version=1.5", "votable",
         "application/x-votable+xml;version=1.5", "1.5"),
        ("application/x-votable+xml; serialization=TABLEDATA; version=1.4", "votable/td",
         "application/x-votable+xml; serialization=TABLEDATA; version=1.4", "1.4"),
    ],
)  # fmt: skip
def test_formats(wanted: str, format: str, media_type: str, version: str) -> None:
    for name in ("RESPONSEFORMAT", "FORMAT"):
        found = of(**{name: wanted})
        assert (found.format, found.media_type, found.votable_version) == (
            format,
            media_type,
            version,
        )
    assert of(RESPONSEFORMAT=wanted, FORMAT="json").format == format


@pytest.mark.parametrize(("text", "rows"), [("0", 0), ("+7", 7), ("1000", 1000), ("99999", 1000)])
def test_maxrec(text: str, rows: int) -> None:
    assert of(MAXREC=text).maxrec == rows


def test_uploads() -> None:
    found = of(UPLOAD="a,param:x; b,http://example.org/t?a,b").uploads
    assert found == (UploadFrom("a", "param:x"), UploadFrom("b", "http://example.org/t?a,b"))


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"QUERY": " "}, "QUERY is missing"),
        ({"LANG": "SQL"}, "LANG is one of ADQL, ADQL-2.0, ADQL-2.1, not 'SQL'"),
        ({"MAXREC": "-1"}, "MAXREC is a whole number from 0 on, not '-1'"),
        ({"MAXREC": "1e3"}, "MAXREC is a whole number"),
        ({"RUNID": "x" * 65}, "RUNID has at most 64 characters, not 65"),
        ({"FORMAT": "sonnet"}, "there is no format 'sonnet'; there are votable"),
        ({"FORMAT": "application/x-votable+xml;version=2"}, "version 1.4 or 1.5, not '2'"),
        ({"UPLOAD": "a"}, "UPLOAD is NAME,param:PART"),
        ({"UPLOAD": "a.b,param:x"}, "cannot be called 'a.b'"),
        ({"UPLOAD": "a,param:x;A,param:y"}, "two tables are uploaded as A"),
    ],
)
def test_what_is_wrong_is_said(parameters: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        of(**parameters)


def test_a_parameter_with_two_values() -> None:
    with pytest.raises(InputError, match="LANG is given 2 times"):
        asked([("QUERY", "SELECT 1"), ("LANG", "ADQL"), ("LANG", "ADQL-2.0")], LIMITS)
    assert asked([("QUERY", "SELECT 1"), ("QUERY", "SELECT 1")], LIMITS).query == "SELECT 1"
