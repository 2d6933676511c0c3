"""The first page says what is served, holds no script, and its lines are right."""

import base64
import hashlib
import html
import re
import shlex
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

import skyseries as sky
from skyseries.server.documents.clients import client_lines
from skyseries.server.documents.descriptions import CatalogFacts, TableFacts
from skyseries.server.documents.examples import examples
from skyseries.server.documents.landing import landing
from skyseries.server.documents.page import CONTENT_SECURITY_POLICY, STYLE_HASH

URL = "https://example.org/it's&b/tap"
ODD = '<script>alert(1)</script> & "it\'s" é\x01'
FACTS = CatalogFacts(
    "dp1",
    (TableFacts("dp1.Object", 1296, 12_345_678, ODD), TableFacts("dp1.ForcedSource", 28)),
    ODD, ODD, "v7", 0.0123, "CC-BY-4.0", "doi:10.1/2", "",
)  # fmt: skip
H = "{http://www.w3.org/1999/xhtml}"


def page(catalogs=(FACTS,), samples=()):
    return landing(URL, catalogs, samples, title=ODD, software="Skyseries 1")


@pytest.fixture(scope="module")
def lines():
    """Return what makes the lines of an archive, by program."""

    def made(samples, catalogs=(FACTS,)):
        return {each.program: each.text for each in client_lines(URL, catalogs, samples)}

    return made


def text_of(document):
    return " ".join("".join(etree.fromstring(document).itertext()).split())


def test_what_is_served_is_said():
    text = text_of(page())
    for part in ("dp1.Object", "1,296", "12,345,678", "v7", "0.0123 square degrees", "CC-BY-4.0",
                 "doi:10.1/2", "not counted", "Skyseries 1", URL):  # fmt: skip
        assert part in text
    assert "18,000 square degrees" in text_of(
        page([CatalogFacts("all", (), area=18000.2, files="https://example.org/hats")])
    )


def test_nothing_of_what_is_shown_becomes_markup():
    document = etree.fromstring(page())
    assert not list(document.iter(f"{H}script", f"{H}iframe", f"{H}link", f"{H}img"))
    shown = ODD.replace("\x01", "\N{REPLACEMENT CHARACTER}")
    assert document.findtext(f".//{H}h1") == shown
    assert document.findtext(f".//{H}title") == shown
    assert b"<script" not in page()


def test_the_policy_allows_the_style_and_nothing_else(archive):
    for document in (page(), examples(archive.samples)):
        text = document.decode()
        [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
        assert html.unescape(style) == style  # the same bytes for HTML as for XML
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"sha256-{digest}" == STYLE_HASH
        assert " style=" not in text
        assert not re.search(r" on\w+=", text)
    assert CONTENT_SECURITY_POLICY.startswith(f"default-src 'none'; style-src '{STYLE_HASH}'")


def test_it_is_html_as_well_as_xml(archive):
    for document in (page(), page([]), examples(archive.samples)):
        assert document.startswith(b"<!DOCTYPE html>\n<html")
        root = etree.fromstring(document)
        assert root.get("lang") == "en"
        empty = {e.tag.removeprefix(H) for e in root.iter() if not len(e) and e.text is None}
        assert empty <= {"meta"}  # others end not with a slash in HTML
        levels = [int(e.tag[-1]) for e in root.iter(f"{H}h1", f"{H}h2", f"{H}h3")]
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))
        for table in root.iter(f"{H}table"):
            assert table.find(f"{H}caption") is not None
            assert all(head.get("scope") for head in table.iter(f"{H}th"))


def test_an_empty_archive_has_a_page():
    text = text_of(page([]))
    assert "No catalog yet" in text
    assert "SELECT * FROM TAP_SCHEMA.tables" in text


def test_lines_of_python_are_python(archive, lines):
    made = lines(archive.samples)
    for program in ("pyvo", "LSDB", "Astropy"):
        compile(made[program], program, "exec")
        assert repr(URL) in made[program] or "sync?" in made[program]
    assert "ra_column='ra', dec_column='dec'" in made["LSDB"]


def test_lines_of_the_shell_say_the_statement_that_runs(archive, lines):
    made = lines(archive.samples)
    queries = {
        "STILTS": next(part[5:] for part in shlex.split(made["STILTS"]) if part[:5] == "adql="),
        "curl": next(part[6:] for part in shlex.split(made["curl"]) if part[:6] == "QUERY="),
        "Astropy": parse_qs(urlsplit(made["Astropy"].split('"')[1]).query)["QUERY"][0],
    }
    assert len(set(queries.values())) == 1
    for query in queries.values():
        assert sky.sql(query, archive.catalogs).to_arrow().num_rows
    assert shlex.split(made["curl"])[1] == f"{URL}/sync"
    assert f"tapurl={URL}" in shlex.split(made["STILTS"])
    assert made["TOPCAT"] == URL


def test_files_that_all_can_read_are_opened_by_lsdb(lines):
    public = CatalogFacts("a", (), files="https://example.org/hats/it's")
    made = lines([], [FACTS, public])
    assert made["LSDB"] == f"import lsdb\ncatalog = lsdb.open_catalog({public.files!r})"


def test_a_table_with_positions_is_asked_first(archive, lines):
    plain = [sample for sample in archive.samples if "ra" not in sample.roles]
    placed = [sample for sample in archive.samples if "ra" in sample.roles]
    assert f"FROM {placed[0].name}" in lines([*plain, *placed])["curl"]
    assert f"FROM {plain[0].name}" in lines(plain)["curl"]
