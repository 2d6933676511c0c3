"""Tables that come with a request."""

from __future__ import annotations

import pytest

from tests.server.web.test_sync import status, votable

FEW = b"id,a\n9007199254740993,x\n2,y\n"


def ask(archive, content, query="SELECT * FROM TAP_UPLOAD.m", upload="m,param:t", format="csv"):
    data = {"QUERY": query, "UPLOAD": upload, "RESPONSEFORMAT": format}
    return archive.http.post("/tap/sync", data=data, files={"t": ("name", content)})


@pytest.mark.parametrize(
    "upload", ["m,param:t", "M , param:T", "m,param:t;n,param:t", "m,param:t;"]
)
def test_a_table_is_named_in_any_case(archive, upload):
    answer = ask(archive, FEW, upload=upload)
    assert answer.text == '"id","a"\n9007199254740993,"x"\n2,"y"\n'


def test_a_table_without_an_upload_is_none(archive):
    answer = archive.sync("SELECT * FROM TAP_UPLOAD.m")
    assert answer.status_code == 400
    assert "TAP_UPLOAD.m" in status(answer.content)[1]


@pytest.mark.parametrize(("upload", "words"), [
    ("m", "not 'm'"),
    ("m;param:t", "not 'm'"),
    ("a b,param:t", "cannot be called 'a b'"),
    ("TAP_UPLOAD.m,param:t", "cannot be called 'TAP_UPLOAD.m'"),
    ("m,param:", "no such part"),
    ("m,param:other", "no such part (multipart/form-data); it has t"),
    ("m,param:t;M,param:t", "two tables are uploaded as M"),
    ("m,https://archive.example.org/t.vot", "does not ask archive.example.org"),
])  # fmt: skip
def test_names_that_are_wrong(archive, upload, words):
    answer = ask(archive, FEW, upload=upload)
    assert answer.status_code == 400
    assert words in status(answer.content)[1]


@pytest.mark.parametrize(("content", "words"), [
    (b"", "m is in no known format"),
    (b"<html></html>", "m is in no known format"),
    (b"<VOTABLE/>", "m has no TABLE"),
    (b"<VOTABLE><RESOURCE><TABLE>", "the VOTable m is truncated or broken"),
    (b"id,a\n1,2,3\n", "m, line 2 has 3 fields instead of 2"),
    (b"PAR1xxxx", "m is truncated"),
    (b"SIMPLE  =                    T", "cannot read the FITS file m"),
])  # fmt: skip
def test_tables_that_are_wrong_are_called_as_the_client_calls_them(archive, content, words):
    answer = ask(archive, content)
    said = status(answer.content)[1]
    assert answer.status_code == 400
    assert words in said
    assert "/" not in said.partition("(")[0]


def test_geometries_times_and_flags_come_back(archive):
    query = (
        'SELECT id, POINT(ra, dec) AS p, CIRCLE(ra, dec, 1) AS c, "when", flag, small '
        "FROM unsigned.Object"
    )
    sent = archive.sync(query)
    back = (
        'SELECT m.id, m."when", m.flag, m.small, m.p, m.c FROM TAP_UPLOAD.m AS m '
        "JOIN unsigned.Object AS o ON o.id = m.id WHERE CONTAINS(m.p, m.c) = 1 "
        'AND DISTANCE(m.p, POINT(o.ra, o.dec)) < 1e-9 AND m."when" = o."when" '
        "AND m.flag = o.flag AND m.small = o.small"
    )
    answer = ask(archive, sent.content, back, format="votable")
    assert answer.status_code == 200, answer.text
    found, given = (votable(a.content).get_first_table() for a in (answer, sent))
    assert sorted(found.array["id"]) == sorted(given.array["id"])
    kinds = [
        {field.name: (field.datatype, field.arraysize, field.xtype) for field in table.fields}
        for table in (found, given)
    ]
    assert kinds[0] == kinds[1]
    assert kinds[0]["p"] == ("double", "2", "point")


TIMES = """<VOTABLE><RESOURCE><TABLE>
<FIELD name="id" datatype="long"/><FIELD name="t" datatype="char" arraysize="*" xtype="timestamp"/>
<DATA><TABLEDATA>{}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


@pytest.mark.parametrize(("times", "earlier"), [
    (["2020-01-01T00:00:00", "2021-01-01", "2019-12-31T23:59:59.999999Z", ""], ["0", "2"]),
    (["2020-01-01T00:00:00", "soon"], ["0"]),  # texts, as not all are times
])  # fmt: skip
def test_times_are_compared_as_such(archive, times, earlier):
    rows = "".join(f"<TR><TD>{i}</TD><TD>{time}</TD></TR>" for i, time in enumerate(times))
    query = "SELECT id FROM TAP_UPLOAD.m WHERE t < '2020-01-01T00:00:01' ORDER BY id"
    answer = ask(archive, TIMES.format(rows).encode(), query)
    assert answer.text.split()[1:] == earlier


def test_odd_names_are_quoted(archive):
    sent = archive.sync('SELECT TOP 3 "odd name", "select", "naïve" FROM odd.Object').content
    query = 'SELECT "odd name", "select", "naïve" FROM TAP_UPLOAD.m'
    table = votable(ask(archive, sent, query, format="votable").content).get_first_table()
    assert table.array.tolist() == votable(sent).get_first_table().array.tolist()
