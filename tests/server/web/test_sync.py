"""Synchronous queries: how they are sent, what comes back, and what cannot be answered."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from lxml import etree

from skyseries.formats.streams import ENCODERS
from tests.server.world import IDS, TEXTS, UNSIGNED, N

QUERY = "SELECT TOP 3 id, ra FROM plain.Object ORDER BY id"


def votable(content):
    return parse(io.BytesIO(content), verify="exception")


def status(content):
    """Return the status of a VOTable, the last one, and its text."""
    (resource,) = votable(content).resources
    last = [info for info in resource.infos if info.name == "QUERY_STATUS"][-1]
    return last.value, last.content or ""


def test_all_ways_to_send_a_query_give_the_same(archive):
    given = {"QUERY": QUERY, "LANG": "ADQL", "REQUEST": "doQuery"}
    first = archive.http.get("/tap/sync", params=given)
    lower = {name.lower(): value for name, value in given.items()}
    parts = {name: (None, value) for name, value in given.items()}
    answers = [
        archive.http.post("/tap/sync", data=given),
        archive.http.post("/tap/sync", files=parts),
        archive.http.get("/tap/sync", params=lower),
        archive.http.post("/tap/sync", data={"qUeRy": QUERY, "Nonsense": "1"}),
        archive.http.post("/tap/sync/", params={"query": QUERY}),
        archive.http.post("/tap/sync", params={"lang": "adql-2.1"}, data={"query": QUERY}),
    ]
    rows = [votable(a.content).get_first_table().array.tolist() for a in (first, *answers)]
    assert all(a.status_code == 200 for a in answers)
    assert rows[0][0][0] == min(IDS)
    assert len(rows[0]) == 3
    assert all(one == rows[0] for one in rows)


def texts(name, content):
    """Return the first column of a document of a format as texts."""
    if name == "votable/td":  # astropy takes blanks away
        return [cells[0].text for cells in etree.fromstring(content).iter("{*}TR")]
    if name == "votable":
        table = votable(content).get_first_table()
        return [str(value) for value in table.array[table.fields[0].name]]
    if name in ("csv", "tsv"):
        read = csv.reader(io.StringIO(content.decode()), delimiter=",\t"[name == "tsv"])
        return [row[0] for row in list(read)[1:]]
    if name == "json":
        return [row[0] for row in json.loads(content)["data"]]
    if name == "fits":
        data = fits.open(io.BytesIO(content))[1].data
        return (
            [str(v) for v in np.char.decode(data.field(0), "utf-8")]
            if (data.field(0).dtype.kind == "S")
            else [str(v) for v in data.field(0)]
        )
    read = pq.read_table(io.BytesIO(content)) if name == "parquet" else (
        pa.ipc.open_stream(content).read_all()
    )  # fmt: skip
    return [str(v) for v in read.column(0).to_pylist()]


NAMES = [
    (encoder, spelled)
    for encoder in ENCODERS.values()
    for spelled in dict.fromkeys((encoder.name, encoder.media_type, *encoder.aliases))
]


@pytest.mark.parametrize(("encoder", "spelled"), NAMES, ids=[spelled for _, spelled in NAMES])
def test_a_format_answers_to_its_names_and_says_what_it_is(archive, encoder, spelled):
    answer = archive.sync(QUERY, spelled)
    said = answer.headers["content-type"].removesuffix(";charset=UTF-8")
    assert answer.status_code == 200
    is_media_type = spelled.startswith(("text/", "application/"))
    assert said == (spelled if is_media_type else encoder.media_type)
    assert len(texts(encoder.name, answer.content)) == 3
    if said.startswith("text/"):
        assert answer.encoding.lower() == "utf-8"


@pytest.mark.parametrize("spelled", [
    "application/x-votable+xml;version=1.5", 'text/xml; version="1.5"', "votable;VERSION=1.5",
    "application/x-votable+xml;serialization=tabledata;version=1.5",
])  # fmt: skip
def test_the_version_of_a_votable_is_asked_for(archive, spelled):
    assert b'version="1.4"' in archive.sync(QUERY, spelled.replace("1.5", "1.4")).content
    answer = archive.sync(QUERY, spelled)
    assert b'<VOTABLE version="1.5"' in answer.content
    assert len(votable(answer.content).get_first_table().array) == 3
    wrong = archive.sync(QUERY, spelled.replace("1.5", "1.3"))
    assert "version 1.4 or 1.5, not '1.3'" in status(wrong.content)[1]


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize(
    ("column", "table", "wanted"),
    [("id", "plain.Object", IDS), ("id", "unsigned.Object", UNSIGNED),
     ("text_id", "odd.Object", TEXTS)],
)  # fmt: skip
def test_ids_are_exact_in_every_format(archive, name, column, table, wanted):
    answer = archive.sync(f"SELECT {column} FROM {table}", name)
    found = texts(name, answer.content)
    assert sorted(found) == sorted(map(str, wanted))


def test_unsigned_ids_are_texts_to_clients(archive):
    said = archive.rows(
        "SELECT datatype, arraysize FROM tap_schema.columns "
        "WHERE table_name = 'unsigned.Object' AND column_name = 'id'"
    )
    assert said == [{"datatype": "char", "arraysize": "*"}]
    for value in (2**63 + 1, 2**64 - 1, 2**53 + 1):
        query = f"SELECT id, small FROM unsigned.Object WHERE id = '{value}'"
        rows = archive.rows(query)
        assert [int(row["id"]) for row in rows] == [value]


@pytest.mark.parametrize("name", [n for n in ENCODERS if n not in ("arrow", "json")])
@pytest.mark.parametrize(("table", "column"), [("plain", "id"), ("unsigned", "id"),
                                               ("odd", "text_id")])  # fmt: skip
def test_an_answer_can_be_uploaded_and_joined(archive, name, table, column):
    query = f"SELECT TOP 9 {column}, ra FROM {table}.Object ORDER BY dec"
    answer = archive.sync(query, name)
    joined = (
        f"SELECT o.{column}, mine.ra AS mine, o.ra FROM {table}.Object AS o "
        f"JOIN TAP_UPLOAD.mine AS mine ON mine.{column} = o.{column}"
    )
    data = {"QUERY": joined, "UPLOAD": "mine,param:sent", "RESPONSEFORMAT": "arrow"}
    found = archive.http.post("/tap/sync", data=data, files={"sent": ("t", answer.content)})
    assert found.status_code == 200, found.text
    rows = pa.ipc.open_stream(found.content).read_all().to_pylist()
    assert sorted(row[column] for row in rows) == sorted(row[column] for row in archive.rows(query))
    assert len(rows) == 9
    assert all(row["mine"] == row["ra"] for row in rows)


def test_odd_names_arrays_and_times(archive):
    query = (
        'SELECT TOP 2 "odd name", "select", "naïve", arr FROM odd.Object WHERE text_id = \'007\''
    )
    (row,) = archive.rows(query)
    assert row == {"odd name": 2.0, "select": 2, "naïve": "été <&>", "arr": [1.5, None]}
    found = votable(archive.sync(query).content).get_first_table()
    assert [field.name for field in found.fields] == ["odd name", "select", "naïve", "arr"]
    assert found.array["naïve"].tolist() == ["été <&>"]
    assert np.isnan(found.array["arr"].data[0][1])
    times = Table.read(
        io.BytesIO(archive.sync('SELECT "when", flag, small FROM unsigned.Object').content),
        format="votable",
    )
    assert sorted(times["when"])[1] == "1970-01-12T13:46:40.000000"
    assert times["small"].max() == 200 + N - 1


def test_light_curves_are_arrays_and_fields_too(archive):
    content = archive.sync(f"SELECT id, lc.mag FROM nested.Object WHERE id = {2**53 + 1}").content
    (row,) = votable(content).get_first_table().array
    assert row[0] == 2**53 + 1
    assert row[1][0] == 1.0
    rows = archive.rows(f"SELECT mjd, mag, band FROM nested.ForcedSource WHERE id = {2**53 + 1}")
    assert [row["mag"] for row in rows] == [1.0, None]


@pytest.mark.parametrize(("given", "rows", "wanted"), [
    ("0", 0, "OVERFLOW"), ("39", 39, "OVERFLOW"), ("40", 40, "OK"), ("41", 41 - 1, "OK"),
    ("", 40, "OK"), ("9" * 25, 40, "OK"),
])  # fmt: skip
def test_maxrec(archive, given, rows, wanted):
    content = archive.sync("SELECT id FROM plain.Object", MAXREC=given).content
    assert len(votable(content).get_first_table().array) == rows
    assert status(content)[0] == wanted


def test_top_is_no_overflow(archive):
    assert status(archive.sync("SELECT TOP 5 id FROM plain.Object", MAXREC="5").content)[0] == "OK"


@pytest.mark.parametrize(("changed", "said"), [
    ({"LANG": "SQL"}, "LANG is one of ADQL"),
    ({"QUERY": ""}, "QUERY is missing"),
    ({"QUERY": "SELECT FROM"}, "line 1"),
    ({"QUERY": "SELECT a FROM nope.Object"}, "nope"),
    ({"QUERY": "SELECT nope FROM plain.Object"}, "no column nope"),
    ({"QUERY": "DROP TABLE plain.Object"}, "DROP"),
    ({"RESPONSEFORMAT": "docx"}, "no format 'docx'"),
    ({"MAXREC": "-1"}, "MAXREC"),
    ({"MAXREC": "many"}, "MAXREC"),
    ({"UPLOAD": "a"}, "UPLOAD"),
    ({"UPLOAD": "a,param:nope"}, "no such part"),
    ({"UPLOAD": "a,http://127.0.0.1:1/x"}, "does not ask"),
    ({"UPLOAD": "a,file:///etc/passwd"}, "neither"),
    ({"RUNID": "x" * 65}, "RUNID has at most 64"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_a_votable(archive, changed, said):
    data = {"QUERY": QUERY, "LANG": "ADQL", **changed}
    answer = archive.http.post("/tap/sync", data=data)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/x-votable+xml"
    value, text = status(answer.content)
    assert value == "ERROR"
    assert said in text
    assert "Traceback" not in text


def test_a_run_id_and_formats_in_the_old_parameter(archive):
    answer = archive.http.get("/tap/sync", params={"QUERY": QUERY, "RUNID": "x", "FORMAT": "csv"})
    assert answer.text.splitlines()[0] == '"id","ra"'


def test_parameters_that_contradict_each_other(archive):
    answer = archive.http.get("/tap/sync", params=[("QUERY", QUERY), ("query", "SELECT 1")])
    assert "QUERY is given 2 times" in status(answer.content)[1]


def test_a_body_that_is_no_form(archive):
    kind = {"content-type": "application/json"}
    answer = archive.http.post("/tap/sync", content=b"{}", headers=kind)
    assert answer.status_code == 400
    assert "multipart/form-data" in status(answer.content)[1]


def test_an_answer_says_what_it_came_from(archive):
    (resource,) = votable(archive.sync(QUERY).content).resources
    infos = {info.name: info.value for info in resource.infos}
    assert infos["QUERY_STATUS"] == "OK"
    assert QUERY in {*infos.values(), *(info.content for info in resource.infos)}
