"""Conditions on ids go through the id index wherever they stand, and lose no row by it."""

from __future__ import annotations

import shutil

import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from tests.catalog.joins import replace_index_part


def ids_of(catalog, column="id"):
    return sorted(catalog.to_arrow()[column].to_pylist())


def ways(catalog):
    """Yield plans with more on top of a catalog, and what the ids are called in each."""
    twin = sky.open_catalog(catalog._root.path).select(["id", "ra", "dec", "mag"])
    near = catalog.crossmatch(twin, radius_arcsec=0.5, suffixes=("_a", "_b"))
    yield catalog, "id"
    yield catalog.rename({"id": "objectId"}), "objectId"
    yield catalog.assign(twice="2 * mag"), "id"
    yield catalog.map_rows(lambda mag: {"one": 1.0}, ["mag"], schema={"one": float}), "id"
    yield near, "id_a"
    yield catalog.join(twin.rename({"mag": "m"}), on="id", suffixes=("", "_t")), "id"
    yield catalog.query("mag < 99"), "id"


def test_a_condition_reads_what_id_search_reads(catalog, survey, reads):
    key = survey.rows[40]["id"]
    for plan, name in ways(catalog):
        for text in ("{} = {}", "{} IN ({})", "{0} = {1} AND {0} > 0"):
            found = plan.id_search(key, column=name).select([name])
            found.to_arrow()  # what is kept of partitions' edges is there from now on
            reads.clear()
            found.to_arrow()
            searched = set(reads)
            reads.clear()
            asked = plan.query(text.format(name, key)).select([name])
            assert set(asked.to_arrow()[name].to_pylist()) <= {key}
            assert set(reads) == searched
            assert asked.explain().scans[0].partitions == 1


@given(data=st.data())
def test_conditions_with_ids_find_what_a_scan_finds(survey, data):
    rows = survey.rows
    known = st.sampled_from([row["id"] for row in rows])
    some = data.draw(st.lists(known | st.integers(-5, 5) | st.just(2**63 - 1), max_size=5))
    listed = ", ".join(map(str, [0, *some]))
    text = data.draw(
        st.sampled_from([
            "id IN ({0})", "id IN ({0}) AND mag < 20", "id IN ({0}) OR mag < 18.2",
            "NOT id IN ({0})", "id NOT IN ({0}) AND mag < 19", "NOT (id NOT IN ({0}))",
        ])
    )  # fmt: skip
    condition = text.format(listed)
    catalog = sky.open_catalog(survey.path)
    without = sky.from_table(catalog.to_arrow().drop_columns(["_healpix_29"]), "ra", "dec")
    assert ids_of(catalog.query(condition)) == ids_of(without.query(condition))


def test_numbers_that_are_no_ids_find_nothing_wrong(catalog, survey):
    key = survey.rows[0]["id"]
    for text, found in (
        (f"id = {key}", [key]),
        (f"id = {key} AND id = {key + 1}", []),
        ("id = 1.5", []),
        ("id IN (-1, 18446744073709551615)", []),
    ):
        assert ids_of(catalog.query(text)) == found


def test_text_ids(text_survey):
    catalog = sky.open_catalog(text_survey.path)
    key = text_survey.rows[7]["id"]
    assert ids_of(catalog.query(f"id = '{key}'")) == [key]
    assert catalog.query(f"id = '{key}'").explain().scans[0].partitions == 1


def test_an_index_that_lacks_rows_is_not_believed(survey, tmp_path):
    """A row is taken out of the index: it is found still."""
    shutil.copytree(survey.path, tmp_path / "c")
    catalog = sky.open_catalog(tmp_path / "c")
    part = min((tmp_path / "c").glob("*/survey_id_index/dataset/index/*.parquet"))
    table = pq.read_table(part)
    lost = table["id"][0].as_py()
    replace_index_part(part, table.slice(1))
    assert ids_of(catalog.query(f"id = {lost}")) == [lost]
    assert ids_of(catalog.id_search(lost)) == [lost]
    assert catalog.lightcurve(lost).id == lost
