"""Parts of the sky and ids: what brute force finds, of few leaves and row groups."""

from __future__ import annotations

import gc
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.catalog.plan.idsearch import Ids
from skyseries.errors import InputError, SchemaError
from skyseries.spatial.healpix import cell_range
from skyseries.spatial.regions import Box, Cone, Pixels, Polygon
from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.matching import ANCHORS, around, planted
from tests.examples import examples
from tests.pipelines.survey import expected_rows, small_parts, write_parts

POLE_CAP = [(0, 80), (90, 80), (180, 80), (270, 80)]
ARROW = [(0, 0), (60, -30), (20, 0), (60, 30)]
"""Not convex: its notch is on the equator."""


@pytest.fixture(scope="module")
def table():
    """Return rows around poles, RA 0 and corners of cells, and anywhere; few exactly on limits."""
    rows = planted(7, 7200.0, per_anchor=10, scattered=400)
    exact = [(0.0, 90.0), (0.0, -90.0), (0.0, 0.0), (350.0, 10.0), (10.0, -10.0), (180.0, 80.0)]
    more = {
        "id": np.arange(len(exact)) + 5, "ra": [a for a, _ in exact], "dec": [d for _, d in exact],
        "mag": [20.0] * len(exact), "k": np.arange(len(exact)) + 10_000,
    }  # fmt: skip
    return pa.concat_tables([rows, pa.table(more)])


@pytest.fixture(scope="module")
def sky_rows(table, tmp_path_factory):
    """Return the rows as a catalog of many partitions of several row groups."""
    folder = tmp_path_factory.mktemp("searches")
    with small_parts():
        sky.import_catalog(
            write_parts(folder / "o", table), folder / "c", id="id", max_rows=40,
            executor="serial", progress=False,
        )  # fmt: skip
    return sky.open_catalog(folder / "c")


def ids(catalog) -> list[int]:
    found = catalog.select(["id"]).to_arrow()["id"].to_pylist()
    assert len(catalog) == len(found)
    return sorted(found)


def where(table, mask) -> list[int]:
    return sorted(table.filter(pa.array(mask))["id"].to_pylist())


def places(table):
    return np.asarray(table["ra"]), np.asarray(table["dec"])


# -- boxes --------------------------------------------------------------------------------------


def in_box(table, ra, dec):
    """Return which rows are in a box, by comparing numbers."""
    a, d = places(table)
    between = (a >= ra[0]) & (a <= ra[1]) if ra[0] <= ra[1] else (a >= ra[0]) | (a <= ra[1])
    return (between | (np.abs(d) == 90)) & (d >= dec[0]) & (d <= dec[1])


BOXES = [
    ((350, 10), (-10, 10)), ((10, 350), (-10, 10)), ((0, 360), (60, 90)), ((0, 360), (-90, -60)),
    ((0, 360), (-90, 90)), ((350.0, 350.0), (10.0, 10.0)), ((120, 121), (89, 90)),
    ((44.9, 45.1), (-0.1, 0.1)), ((180, 180), (-90, 90)), ((359.9, 0.1), (-90, 90)),
]  # fmt: skip


@pytest.mark.parametrize(("ra", "dec"), BOXES)
def test_boxes(table, sky_rows, ra, dec):
    expected = where(table, in_box(table, ra, dec))
    assert ids(sky_rows.box_search(ra, dec)) == expected
    assert ids(sky_rows.search(Box(ra[0], ra[1], *dec))) == expected


def test_a_box_across_zero_in_other_words(table, sky_rows):
    expected = where(table, in_box(table, (350, 10), (-10, 10)))
    for ra in ((-10, 10), (350, 370), (710, 730)):
        assert ids(sky_rows.box_search(ra, (-10, 10))) == expected


@examples(0.5)
@given(data=st.data())
def test_random_boxes(table, sky_rows, data):
    ra = data.draw(st.tuples(st.floats(0, 359.99), st.floats(0, 359.99)))
    dec = tuple(sorted(data.draw(st.tuples(st.floats(-90, 90), st.floats(-90, 90)))))
    assert ids(sky_rows.box_search(ra, dec)) == where(table, in_box(table, ra, dec))


# -- polygons, coverage maps, pixels ------------------------------------------------------------


def side(a, b):
    """Return the normal of the great circle from one place to another."""
    v = [np.array(vector(*place)) for place in (a, b)]
    return np.cross(*v)


def vector(ra, dec):
    a, d = np.radians(ra), np.radians(dec)
    return np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)


def in_convex(table, corners):
    """Return which rows are to the left of all sides, seen from inside."""
    x = np.stack(vector(*places(table)))
    return np.all(
        [side(a, b) @ x >= 0 for a, b in zip(corners, corners[1:] + corners[:1], strict=True)],
        axis=0,
    )


def test_a_polygon_over_a_pole(table, sky_rows):
    expected = where(table, in_convex(table, POLE_CAP))
    assert ids(sky_rows.polygon_search(POLE_CAP)) == expected
    assert ids(sky_rows.polygon_search(POLE_CAP[::-1])) == expected
    assert ids(sky_rows.search(Polygon(POLE_CAP))) == expected
    assert 0 < len(expected) < table.num_rows


def test_a_polygon_that_is_not_convex(table, sky_rows):
    whole = in_convex(table, [ARROW[0], ARROW[1], ARROW[3]])
    notch = in_convex(table, [ARROW[2], ARROW[1], ARROW[3]])
    expected = where(table, whole & ~notch)
    assert ids(sky_rows.polygon_search(ARROW)) == expected
    assert 0 < len(expected) < whole.sum()


@pytest.mark.parametrize("anchor", ANCHORS)
def test_small_polygons_at_hard_places(table, sky_rows, anchor):
    angle = np.radians([0, 90, 180, 270])
    r = np.radians(1.2)
    ra, dec = around(*anchor, r * np.cos(angle), r * np.sin(angle))
    corners = list(zip(ra.tolist(), dec.tolist(), strict=True))
    assert ids(sky_rows.polygon_search(corners)) == where(table, in_convex(table, corners))


def test_coverage_maps(table, sky_rows, tmp_path):
    mocpy = pytest.importorskip("mocpy")
    from astropy import units

    for text in ("0/4", "3/0-63 5/4097 6/12000-12100", "29/0", "1/"):
        moc = mocpy.MOC.from_str(text)
        a, d = places(table)
        expected = where(table, moc.contains_lonlat(a * units.deg, d * units.deg))
        moc.save(tmp_path / "moc.fits", "fits", overwrite=True)
        for given_as in (moc, text, tmp_path / "moc.fits", str(tmp_path / "moc.fits")):
            assert ids(sky_rows.moc_search(given_as)) == expected
    with pytest.raises(InputError, match="coverage map"):
        sky_rows.moc_search(5)


def test_pixels(table, sky_rows):
    hpx = {row["id"]: row["_healpix_29"] for row in expected_rows(table)}
    for pixels in ([(0, 4)], [(3, 17), (1, 4), (2, 16)], [(29, hpx[5])]):
        ranges = [cell_range(*pixel) for pixel in pixels]
        expected = sorted(i for i, h in hpx.items() if any(a <= h < b for a, b in ranges))
        assert ids(sky_rows.pixel_search(pixels)) == expected
        orders, numbers = zip(*pixels, strict=True)
        assert ids(sky_rows.search(Pixels(orders, numbers))) == expected
        assert ids(sky_rows.pixel_search(np.array(pixels))) == expected
    assert ids(sky_rows.pixel_search((0, 4))) == ids(sky_rows.pixel_search([(np.int64(0), 4)]))
    assert ids(sky_rows.pixel_search((np.int64(0), np.int64(4)))) == ids(
        sky_rows.pixel_search((0, 4))
    )
    assert ids(sky_rows.pixel_search(list(sky_rows.partitions))) == where(
        table, np.ones(table.num_rows, bool)
    )
    assert ids(sky_rows.pixel_search([])) == []
    for wrong in ([5], [(1, 2, 3)], [(0, 12)], [(30, 0)], [(0, -1)]):
        with pytest.raises(InputError):
            sky_rows.pixel_search(wrong)


def test_searches_one_after_the_other(table, sky_rows):
    a, d = places(table)
    inside = in_box(table, (350, 100), (-90, 90)) & in_convex(table, POLE_CAP)
    inside &= separation_arcsec(a, d, 10, 88) <= 5 * 3600
    expected = where(table, inside & (np.asarray(table["mag"]) < 20.5))
    assert expected
    steps = [
        lambda c: c.box_search((350, 100), (-90, 90)), lambda c: c.polygon_search(POLE_CAP),
        lambda c: c.search(Cone(10, 88, 5 * 3600)), lambda c: c.query("mag < 20.5"),
        lambda c: c.rename({"ra": "dec", "dec": "ra"}).rename({"ra": "dec", "dec": "ra"}),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    for _ in range(6):
        found = sky_rows
        for i in rng.permutation(len(steps)):
            found = steps[i](found)
        assert ids(found) == expected


def test_regions_do_not_need_the_positions_to_be_selected(table, sky_rows):
    expected = where(table, in_convex(table, POLE_CAP))
    assert ids(sky_rows[["id"]].polygon_search(POLE_CAP)) == expected
    renamed = sky_rows.rename({"ra": "dec", "dec": "ra"})
    assert ids(renamed.polygon_search(POLE_CAP)) == expected


def test_rows_in_memory(table):
    memory = sky.from_table(table)
    assert ids(memory) == sorted(table["id"].to_pylist())
    assert ids(memory.polygon_search(ARROW)) == ids(memory.query("mag = mag").polygon_search(ARROW))
    assert ids(memory.box_search((350, 10), (-10, 10))) == where(
        table, in_box(table, (350, 10), (-10, 10))
    )
    assert ids(memory.id_search([5, 7], column="id")) == [5, 7]
    with pytest.raises(InputError, match="give column="):
        memory.id_search([5])
    assert "in memory" in repr(memory)
    assert "rows        " in memory.info().text()


# -- how much is read ---------------------------------------------------------------------------


def test_few_leaves_and_row_groups_are_read(sky_rows, reads):
    len(sky_rows.box_search((269, 271), (89, 90)))
    some = {(file, groups) for file, _, groups in reads}
    assert {columns for _, columns, _ in reads} == {frozenset({"ra", "dec"})}
    reads.clear()
    len(sky_rows.box_search((0, 360), (-90, 90)).query("k >= 0 OR mag IS NULL"))
    every = {file for file, *_ in reads}
    assert len(every) == len(sky_rows.partitions)
    assert len({file for file, _ in some}) < len(every) / 3
    reads.clear()
    assert len(sky_rows.pixel_search([(12, 5)])) == 0
    assert sum(len(groups) for *_, groups in reads) <= 1


@pytest.mark.parametrize("largest", [10, 1_000_000])
def test_units_may_be_wide_or_narrow(table, sky_rows, largest, tune):
    tune(unit_rows=largest, least_unit_rows=5)
    for ra, dec in BOXES:
        found = sky_rows.box_search(ra, dec)
        assert ids(found) == where(table, in_box(table, ra, dec))


# -- ids ----------------------------------------------------------------------------------------


@pytest.fixture(params=["numbers", "text"])
def any_survey(request, survey, text_survey):
    return survey if request.param == "numbers" else text_survey


def found_ids(catalog, column="id"):
    return catalog.to_arrow()[column].to_pylist()


def test_ids_many_missing_repeated(any_survey):
    catalog = sky.open_catalog(any_survey.path)
    every = [row["id"] for row in any_survey.rows]
    missing = ["none", "SKY"] if isinstance(every[0], str) else [0, -1, 2**63 - 1, 2**64, -(2**70)]
    assert found_ids(catalog.id_search(every)) == every
    some = every[::7]
    assert found_ids(catalog.id_search([*some, *missing, *some[::-1]])) == some
    assert found_ids(catalog.id_search(every[3])) == [every[3]]
    assert found_ids(catalog.id_search(missing)) == found_ids(catalog.id_search([])) == []
    for given_as in (np.array(some, object), pa.array(some), tuple(some), set(some), iter(some)):
        assert found_ids(catalog.id_search(given_as)) == some


@pytest.mark.parametrize(
    "ids", [range(-2000, 2000), range(2**64 - 2000, 2**64), list(map(str, range(2000)))]
)
def test_many_ids_are_read_once_by_a_process(tmp_path, ids):
    asked = Ids(tuple(ids))
    assert pickle.loads(pickle.dumps(asked)) == asked  # noqa: S301 - it is our own
    asked.file.run(None)
    sent = pickle.dumps(asked)
    assert len(sent) < 500
    found = [pickle.loads(sent) for _ in range(2)]  # noqa: S301 - it is our own
    assert found[0] == asked
    assert found[0] is found[1]
    folder = asked.file.value.local.parent
    del asked
    gc.collect()
    assert not folder.exists()


def test_numbers_of_numpy(survey, catalog):
    key = survey.rows[5]["id"]
    assert found_ids(catalog.id_search(np.int64(key))) == [key]
    assert found_ids(catalog.id_search(np.array([key], np.uint64))) == [key]
    for wrong in (float(key), str(key), True, [key, None], [float(key)], [str(key)]):
        with pytest.raises(SchemaError):
            catalog.id_search(wrong)


def test_only_the_leaves_of_the_ids_are_read(any_survey, reads):
    catalog = sky.open_catalog(any_survey.path)
    for row in any_survey.rows[::40]:
        reads.clear()
        assert len(catalog.id_search(row["id"])) == 1
        assert len(reads) <= 2  # cells of the row group, then the ids
        assert all(len(groups) == 1 for *_, groups in reads)
        assert len({(file, groups) for file, _, groups in reads}) == 1
    assert catalog.id_search(any_survey.rows[0]["id"]).explain().scans[0].partitions == 1
    reads.clear()
    assert len(catalog.id_search([])) == 0
    assert reads == []


def test_other_columns_are_searched_without_an_index(survey, catalog):
    twice = catalog.assign(id="id + 1", same="id")
    key = survey.rows[9]["id"]
    assert found_ids(twice.id_search(key + 1)) == [key + 1]
    assert found_ids(twice.id_search(key)) == []
    assert found_ids(twice.id_search([key], column="same"), "same") == [key]
    with pytest.raises(SchemaError, match="did you mean 'mag'"):
        catalog.id_search([1], column="magg")
    with pytest.raises(SchemaError, match="field of a light curve"):
        catalog.id_search([1], column="lightcurve.mjd")


def test_renamed_ids_are_searched_through_the_index(survey, catalog, reads):
    key = survey.rows[9]["id"]
    renamed = catalog.rename({"id": "mag", "mag": "id"})
    for found in (renamed.id_search(key), renamed.id_search(key, column="mag")):
        reads.clear()
        assert found_ids(found, "mag") == [key]
        assert len({(file, groups) for file, _, groups in reads}) == 1
    with pytest.raises(SchemaError, match=r"must be a whole number|ids of this catalog are"):
        renamed.id_search("x", column="mag")


def test_after_a_cross_match_the_ids_are_those_of_the_left(survey, catalog):
    flat = catalog.drop("lightcurve")
    pairs = flat.crossmatch(flat, 300_000, n_neighbors=3, suffixes=("_left", ""))
    every = pairs.to_arrow().to_pylist()
    key = survey.rows[9]["id"]
    for found, column in ((pairs.id_search(key), "id_left"), (pairs.id_search(key, "id"), "id")):
        assert found.to_arrow().to_pylist() == [row for row in every if row[column] == key]
    assert sum(row["id"] == key for row in every) > 1


def test_ids_of_64_bits_and_ids_that_repeat(tmp_path):
    keys = [2**64 - 1, 0, 2**63, 2**63 - 1, 7, 7, 7]
    table = pa.table(
        {"id": pa.array(keys, pa.uint64()), "ra": [10.0, 200, 300, 40, 50, 230, 51],
         "dec": [1.0, 2, -50, 80, 5, -5, 5]}
    )  # fmt: skip
    for index in (True, None):
        sky.import_catalog(
            write_parts(tmp_path / "o", table), tmp_path / f"c{index}", id="id", max_rows=1,
            kind="source", id_index=index, executor="serial", progress=False,
        )  # fmt: skip
        catalog = sky.open_catalog(tmp_path / f"c{index}")
        for key in set(keys):
            column = None if index else "id"
            assert found_ids(catalog.id_search(key, column)) == [key] * keys.count(key)
        assert sorted(found_ids(catalog.id_search(keys, "id"))) == sorted(keys)
        assert found_ids(catalog.id_search([-1, 2**64, 3], "id")) == []


def test_many_ids_read_each_row_group_of_the_index_once(survey, catalog, monkeypatch):
    from skyseries.hats import idindex

    opened = []
    real = idindex.open_leaf
    monkeypatch.setattr(idindex, "open_leaf", lambda leaf: opened.append(leaf) or real(leaf))
    every = [row["id"] for row in survey.rows]
    assert len(catalog.id_search(every[1:])) == len(every) - 1
    assert len(opened) < len(every) / 3
