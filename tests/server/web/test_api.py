"""JSON for pages and scripts, as its own description says."""

from __future__ import annotations

import pytest

from tests.server.world import RELEASE, N


def test_catalogs_and_tables(archive):
    schemas = archive.http.get("/api/catalogs").json()["schemas"]
    names = {table["name"] for schema in schemas for table in schema["tables"]}
    assert {"plain.Object", "nested.ForcedSource", "odd.Object"} <= names
    (odd,) = [t for s in schemas for t in s["tables"] if t["name"] == "odd.Object"]
    assert odd["columns"] == 7
    table = archive.http.get("/api/catalogs/ODD.object").json()
    assert table["name"] == "odd.Object"
    assert table["columns"][0]["column_name"] == "text_id"
    missing = archive.http.get("/api/catalogs/odd.nope")
    assert missing.status_code == 404
    assert missing.json()["message"] == "there is no table 'odd.nope'"


def test_keys_join_objects_with_their_epochs(archive):
    keys = archive.http.get(f"/api/catalogs/{RELEASE}.ForcedSource").json()["keys"]
    pairs = {
        key["target_table"]: [(c["from_column"], c["target_column"]) for c in key["columns"]]
        for key in keys
    }
    assert pairs[f"{RELEASE}.Object"] == [("objectId", "objectId")]
    assert pairs[f"{RELEASE}.CcdVisit"] == [("ccdVisitId", "ccdVisitId")]


def test_names_that_begin_so(archive):
    found = archive.http.get("/api/names", params={"prefix": "NESTED."}).json()
    assert [n["name"] for n in found["names"]] == ["nested.Object", "nested.ForcedSource"]
    functions = archive.http.get("/api/names", params={"prefix": "ivo_hea"}).json()["names"]
    assert {n["kind"] for n in functions} == {"function"}
    every = archive.http.get("/api/names").json()
    assert len(every["names"]) == 50
    assert every["more"]


def test_what_a_statement_would_read(archive):
    for send in (archive.http.get, archive.http.post):
        told = send("/api/explain", params={"QUERY": "SELECT id FROM plain.Object"}).json()
        assert "read plain: 12 of 12 partitions" in told["text"]
        assert 0 < told["bytes"] < 10**6


@pytest.mark.parametrize(("query", "words"), [
    ("", "QUERY is missing"), ("SELECT nope FROM plain.Object", "no column nope"),
])  # fmt: skip
def test_what_cannot_be_explained(archive, query, words):
    answer = archive.http.get("/api/explain", params={"QUERY": query})
    assert answer.status_code == 400
    assert answer.json()["kind"] == "usage"
    assert words in answer.json()["message"]


def test_ids_are_texts_in_json(archive):
    data = archive.sync("SELECT id FROM plain.Object", "json").json()["data"]
    assert len(data) == N
    assert all(isinstance(row[0], str) for row in data)


VALUES = {"QUERY": "SELECT id FROM plain.Object"}


def test_the_description_names_what_there_is(archive):
    said = archive.http.get("/openapi.json").json()
    assert said["openapi"].startswith("3.1")
    assert said["servers"] == [{"url": archive.service.url}]
    values = {"name": "odd.Object"}
    first = archive.http.post("/api/rows", data=VALUES | {"SIZE": "1"}).json()
    for path, methods in said["paths"].items():
        for method, about in methods.items():
            given = {p["name"]: VALUES.get(p["name"], first["cursor"])
                     for p in about.get("parameters", [])
                     if p["in"] == "query" and p["required"]}  # fmt: skip
            body = VALUES if "requestBody" in about else None
            answer = archive.http.request(method, path.format(**values), params=given, data=body)
            assert answer.status_code == 200
            schema = about["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            wanted = said["components"]["schemas"][schema.rpartition("/")[2]]["required"]
            assert set(answer.json()) >= set(wanted)


def test_a_result_is_read_page_by_page(archive):
    query = "SELECT id FROM plain.Object ORDER BY id"
    wanted = [row[0] for row in archive.sync(query, "json").json()["data"]]
    given = {"QUERY": query, "SIZE": "7"}
    found, page = [], archive.http.post("/api/rows", data=given).json()
    while True:
        assert (page["rows"], page["overflow"], page["first"]) == (len(wanted), False, len(found))
        found += [row[0] for row in page["page"]["data"]]
        if page["cursor"] is None:
            break
        page = archive.http.get("/api/rows", params={"cursor": page["cursor"], "size": 7}).json()
    assert found == wanted


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({}, 400, "POST a QUERY"),
        ({"cursor": "0" * 32 + ".0"}, 404, "no job"),
        ({"cursor": "../../x.1"}, 404, "no job"),
        ({"cursor": "x"}, 400, "no cursor"),
        ({"cursor": "x.1", "size": "0"}, 400, "SIZE is at least 1"),
    ],
)
def test_cursors_that_are_none(archive, given, code, says):
    answer = archive.http.get("/api/rows", params=given)
    assert (answer.status_code, says in answer.json()["message"]) == (code, True)


def test_pages_of_a_statement_that_fails(archive):
    answer = archive.http.post("/api/rows", data={"QUERY": "SELECT nothing FROM plain.Object"})
    assert answer.status_code == 400
    assert "nothing" in answer.json()["message"]
