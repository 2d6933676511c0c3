"""Each example is read, runs, and gives rows, whatever tables and values are called."""

from dataclasses import replace

import pytest
from lxml import etree

import skyseries as sky
from skyseries.server.documents.descriptions import TableSample
from skyseries.server.documents.examples import examples
from skyseries.server.documents.statements import example_statements, literal
from tests.server.documents.conftest import ODD

SAMPLE = TableSample(
    "s.t", ("a", "ra", "dec"), {"id": "a", "ra": "ra", "dec": "dec"},
    {"id": 2**63 + 1, "ra": 359.99999, "dec": -89.99999},
)  # fmt: skip


def test_each_statement_runs_and_gives_rows(archive):
    found = list(example_statements(archive.samples))
    for example in found:
        assert sky.adql.parse(example.query)
        assert sky.sql(example.query, archive.catalogs).to_arrow().num_rows, example.query
    assert len({example.name for example in found}) == len(found)


def test_all_that_one_asks_first_is_there(archive):
    text = "\n".join(example.query for example in example_statements(archive.samples))
    for part in (
        "SELECT TOP 10 objectId", "CIRCLE('ICRS'", "WHERE objectId = ", "ORDER BY mjd",
        "JOIN survey.Object_lc AS e ON e.objectId = o.objectId", "ivo_healpix_index(8, ra, dec)",
        "FLOOR(2 * ", "LC_STETSON_J(lc, '", "LC_PERIOD(lc)", "TAP_SCHEMA.tables",
    ):  # fmt: skip
        assert part in text


def test_the_page_is_what_dali_demands(archive):
    page = etree.fromstring(examples(archive.samples))
    [around] = page.xpath("//*[@vocab]")
    assert around.get("vocab") == "http://www.ivoa.net/rdf/examples#"
    listed = around.xpath("./*[@typeof='example']")
    wanted = list(example_statements(archive.samples))
    assert len(listed) == len(wanted)
    for element, example in zip(listed, wanted, strict=True):
        assert element.get("resource") == f"#{element.get('id')}"

        def values(name, element=element):
            return [found.text for found in element.xpath(f".//*[@property='{name}']")]

        assert values("name") == [example.name.replace("\x01", "\N{REPLACEMENT CHARACTER}")]
        assert values("capability") == ["ivo://ivoa.net/std/TAP"]
        assert [query.replace("\N{REPLACEMENT CHARACTER}", "\x01") for query in values("query")] \
            == [example.query]  # fmt: skip
        assert len(values("table")) == len(example.tables)
    assert len({element.get("id") for element in listed}) == len(listed)


def test_odd_names_stand_in_quotes(archive):
    doubled = ODD.replace('"', '""')
    queries = [example.query for example in example_statements(archive.samples)]
    assert any(f'FROM odd."{doubled}"' in query and f'"{doubled}",' in query for query in queries)


def test_an_empty_archive_shows_its_schema():
    [only] = example_statements([])
    assert only.tables == ("TAP_SCHEMA.tables",)
    assert sky.sql(only.query, {}).to_arrow().num_rows == 5


def test_a_table_without_rows_is_not_shown(archive):
    assert not any("odd.empty" in example.query for example in example_statements(archive.samples))


@pytest.mark.parametrize(("value", "text"), [(2**63 + 1, "9223372036854775809"), (-3, "-3"),
                                             ("it's", "'it''s'"), (0.1, "0.1")])  # fmt: skip
def test_values_are_written_exactly(value, text):
    assert literal(value) == text


@pytest.mark.parametrize("left", ["id", "ra", "dec"])
def test_what_is_not_known_is_left_out(left):
    for given in ("roles", "values"):
        known = {k: v for k, v in getattr(SAMPLE, given).items() if k != left}
        queries = [e.query for e in example_statements([replace(SAMPLE, **{given: known})])]
        assert any("WHERE a = " in query for query in queries) == (left != "id")
        assert any("CIRCLE" in query for query in queries) == (left == "id")


def test_cones_hold_the_row_that_they_are_about(archive):
    for sample in archive.samples:
        if "ra" not in sample.values:
            continue
        ra, dec = sample.roles["ra"], sample.roles["dec"]
        [cone] = [e.query for e in example_statements([sample]) if e.name.endswith("a position")]
        rows = sky.sql(cone, archive.catalogs).to_arrow()
        places = zip(rows[ra.strip('"')].to_pylist(), rows[dec.strip('"')].to_pylist(), strict=True)
        assert (sample.values["ra"], sample.values["dec"]) in set(places)
