"""What describes the service: pages for people, documents of VOSI, and every path at all."""

from __future__ import annotations

import re

import pytest
from lxml import etree, html

from tests.server.web.test_jobs import create, finished

PATHS = {
    "/": "text/html;charset=UTF-8",
    "/tap/sync?QUERY=SELECT+1+AS+a+FROM+plain.Object": "application/x-votable+xml",
    "/tap/async": "text/xml;charset=UTF-8",
    "/tap/capabilities": "text/xml;charset=UTF-8",
    "/tap/availability": "text/xml;charset=UTF-8",
    "/tap/tables": "text/xml;charset=UTF-8",
    "/tap/tables?detail=min": "text/xml;charset=UTF-8",
    "/tap/tables/plain.object": "text/xml;charset=UTF-8",
    "/tap/examples": "text/html;charset=UTF-8",
    "/healthz": "application/json",
    "/api/catalogs": "application/json",
    "/api/catalogs/odd.Object": "application/json",
    "/api/names?prefix=o": "application/json",
    "/api/explain?QUERY=SELECT+id+FROM+plain.Object": "application/json",
    "/openapi.json": "application/json",
}


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(archive, path):
    whole, head = archive.http.get(path), archive.http.head(path)
    assert (whole.status_code, head.status_code) == (200, 200)
    assert whole.headers["content-type"] == head.headers["content-type"] == PATHS[path]
    assert head.content == b""
    assert whole.content != b""
    kept = {"date", "x-request-id", "content-length", "transfer-encoding"}
    assert set(head.headers) - kept == set(whole.headers) - kept


def test_head_of_a_job(archive):
    path = create(archive, PHASE="RUN")
    finished(archive, path)
    for part in ("", "/phase", "/executionduration", "/destruction", "/quote", "/owner",
                 "/parameters", "/results", "/results/result"):  # fmt: skip
        whole, head = archive.http.get(path + part), archive.http.head(path + part)
        assert whole.status_code == head.status_code == 200
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.content == b""


@pytest.mark.parametrize(
    "path", ["/tap/tables/", "/tap/capabilities/", "/tap/async/", "//tap/sync"]
)
def test_slashes_at_the_ends_mean_nothing(archive, path):
    wanted = archive.http.get("/" + path.strip("/"))
    answer = archive.http.get(archive.service.url + path)
    assert answer.status_code == wanted.status_code
    assert answer.content == wanted.content


def test_tap_itself_leads_to_the_first_page(archive):
    for path in ("/tap", "/tap/"):
        answer = archive.http.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, archive.service.url + "/")


@pytest.mark.parametrize("path", ["/nope", "/tap/nope", "/tap/tables/nope", "/tap/async/x/nope",
                                  "/tap/sync/x", "/tap/tables/..%2f..", "/%00"])  # fmt: skip
def test_unknown_paths_are_answered_in_text(archive, path):
    for method in ("GET", "HEAD", "POST", "DELETE"):
        answer = archive.http.request(method, path)
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("path", "methods"), [
    ("/tap/sync", {"GET", "HEAD", "POST"}),
    ("/tap/async", {"GET", "HEAD", "POST"}),
    ("/tap/async/x", {"GET", "HEAD", "POST", "DELETE"}),
    ("/tap/async/x/phase", {"GET", "HEAD", "POST"}),
    ("/tap/async/x/quote", {"GET", "HEAD"}),
    ("/tap/tables", {"GET", "HEAD"}),
    ("/", {"GET", "HEAD"}),
])  # fmt: skip
def test_other_methods_are_told_which_there_are(archive, path, methods):
    for method in {"PUT", "PATCH", "DELETE", "POST"} - methods:
        answer = archive.http.request(method, path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == methods


@pytest.mark.parametrize("path", ["/", "/tap/examples"])
def test_pages_are_html_and_xml_without_scripts(archive, path):
    answer = archive.http.get(path)
    page = etree.fromstring(answer.content)
    assert page.tag == "{http://www.w3.org/1999/xhtml}html"
    assert page.find(".//{*}title").text
    tags = {element.tag.partition("}")[2] for element in page.iter()}
    assert not tags & {"script", "iframe", "object", "form"}
    assert not {name for e in page.iter() for name in e.attrib if name.startswith("on")}
    assert html.fromstring(answer.content).xpath("//meta[@charset='utf-8']")
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_links_of_the_first_page_lead_somewhere(archive):
    page = html.fromstring(archive.http.get("/").content)
    links = [link for link in page.xpath("//a/@href") if link.startswith(archive.service.url)]
    assert len(links) >= 4
    for link in links:
        assert archive.http.get(link, follow_redirects=True).status_code == 200, link


def test_every_example_runs_and_gives_rows(archive):
    page = etree.fromstring(archive.http.get("/tap/examples").content)
    queries = ["".join(e.itertext()) for e in page.xpath("//*[@property='query']")]
    assert len(queries) >= 10
    for query in queries:
        answer = archive.sync(query, "json")
        assert answer.status_code == 200, (query, answer.text)
        assert answer.json()["data"], query


def test_tables_tell_columns_if_they_are_asked_for(archive):
    few = archive.http.get("/tap/tables", params={"detail": "min"}).text
    many = archive.http.get("/tap/tables", params={"DETAIL": "max"}).text
    assert "<column" not in few
    assert many.count("<column") > 100
    assert "<column" in archive.http.get("/tap/tables/nested.ForcedSource").text
    for wrong in ([("detail", "some")], [("detail", "min"), ("DETAIL", "max")]):
        assert archive.http.get("/tap/tables", params=wrong).status_code == 400


def test_capabilities_tell_addresses_as_the_client_calls_them(archive):
    for host in (archive.service.url.removeprefix("http://"), "localhost:99"):
        text = archive.http.get("/tap/capabilities", headers={"host": host}).text
        urls = re.findall(r"<accessURL[^>]*>([^<]+)<", text)
        assert urls
        assert all(url.startswith(f"http://{host}/tap") for url in urls)


def test_health(archive):
    state = archive.http.get("/healthz").json()
    assert state["workers"] == 2
    assert state["waiting"] == 0
