"""Objects made from their sources, and rows kept as a source catalog."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

import skyseries as sky
from tests.pipelines.survey import (
    check_index,
    check_leaves,
    check_valid,
    expected_rows,
    primary,
    properties,
    random_survey,
    read_rows,
    same,
    small_parts,
    write_parts,
)


@pytest.fixture(autouse=True)
def _small():
    with small_parts():
        yield


def run(folder, sources, cuts=(), **options):
    options = {"id": "id", "executor": "serial", "progress": False, **options}
    return sky.import_catalog(
        None, folder / "c", lightcurves=write_parts(folder / "s", sources, cuts), **options
    )


def with_positions(sources: pa.Table, objects: pa.Table, spread: float = 0.0) -> pa.Table:
    """Return the sources with the position of their object, moved a little."""
    place = {row["id"]: (row["ra"], row["dec"]) for row in objects.to_pylist()}
    ra, dec = np.array([place[id_] for id_ in sources["id"].to_pylist()]).T
    rng = np.random.default_rng(0)
    dec = np.clip(dec + rng.normal(0, spread, len(dec)), -90, 90)
    return sources.append_column("ra", pa.array(ra)).append_column("dec", pa.array(dec))


def mean_direction(ra, dec) -> np.ndarray:
    """Return the unit vector of the sum of unit vectors."""
    a, d = np.radians(ra), np.radians(dec)
    total = np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)]).sum(axis=1)
    return total / np.linalg.norm(total)


@pytest.mark.parametrize("kind", ["big", "negative", "unsigned", "text"])
def test_each_id_is_an_object_at_its_mean_direction(tmp_path, kind):
    objects, sources = random_survey(60, text_ids=kind == "text")
    if kind in ("negative", "unsigned"):
        order = objects["id"].to_pylist()
        sources, objects = (high_ids(table, order, kind) for table in (sources, objects))
    sources = with_positions(sources, objects, spread=1e-4)
    report = run(tmp_path, sources, [100, 300], max_rows=9)
    ids = set(sources["id"].to_pylist())
    assert report.rows == len(ids)
    assert (report.epochs, report.orphans) == (sources.num_rows, 0)
    rows = read_rows(primary(tmp_path / "c"))
    assert {row["id"] for row in rows} == ids
    for row in rows:
        mine = row["lightcurve"]
        wanted = mean_direction(np.array(mine["ra"]), np.array(mine["dec"]))
        found = mean_direction(np.array([row["ra"]]), np.array([row["dec"]]))
        assert np.abs(wanted - found).max() < 1e-12
        assert 0 <= row["ra"] < 360
    made = pa.table(
        {
            "id": pa.array([row["id"] for row in rows], sources["id"].type),
            "ra": [row["ra"] for row in rows],
            "dec": [row["dec"] for row in rows],
        }
    )
    assert same(rows, expected_rows(made, sources))
    check_leaves(primary(tmp_path / "c"), 9)
    check_index(tmp_path / "c", rows, "id")
    check_valid(tmp_path / "c")


def high_ids(table: pa.Table, order: list[int], kind: str) -> pa.Table:
    """Replace the ids by some whose highest bits are set, down from the last there is."""
    top, type_ = (-1, pa.int64()) if kind == "negative" else (2**64 - 1, pa.uint64())
    ids = [top - order.index(id_) for id_ in table["id"].to_pylist()]
    return table.set_column(0, "id", pa.array(ids, type_))


@pytest.mark.parametrize(
    ("ra", "dec", "mean"),
    [
        ([359.9, 0.1], [0.0, 0.0], (0.0, 0.0)),
        ([-0.1, 0.3], [10.0, 10.0], (0.1, 10.0)),
        ([0.0, 90.0, 180.0, 270.0], [89.0] * 4, (None, 90.0)),
        ([10.0, 190.0], [-89.0, -89.0], (None, -90.0)),
        ([10.0, None, float("nan")], [20.0, 5.0, 5.0], (10.0, 20.0)),
    ],
)
def test_means_over_the_poles_and_the_first_meridian(tmp_path, ra, dec, mean):
    n = len(ra)
    sources = pa.table({"id": ["a"] * n, "mjd": [1.0] * n, "flux": [1.0] * n, "ra": ra, "dec": dec})
    run(tmp_path, sources)
    (row,) = read_rows(primary(tmp_path / "c"))
    assert row["dec"] == pytest.approx(mean[1], abs=1e-4)
    if mean[0] is not None:
        assert (row["ra"] - mean[0] + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)
    assert len(row["lightcurve"]["mjd"]) == n


def test_sources_that_name_no_object_are_orphans(tmp_path):
    sources = pa.table(
        {"id": [1, None, 1], "mjd": [1.0, 2.0, 3.0], "flux": [1.0] * 3, "ra": [5.0] * 3,
         "dec": [5.0] * 3}
    )  # fmt: skip
    report = run(tmp_path, sources)
    assert (report.rows, report.epochs, report.orphans) == (1, 2, 1)
    assert len(sky.open_catalog(tmp_path / "c/v000001/orphans")) == 1


def test_an_object_without_any_position(tmp_path):
    sources = pa.table(
        {"id": [1, 2], "mjd": [1.0, 2.0], "flux": [1.0] * 2, "ra": [5.0, None], "dec": [5.0, 5.0]}
    )
    with pytest.raises(sky.InputError, match="1 rows have no position"):
        run(tmp_path, sources)
    report = run(tmp_path, sources, on_nan_position="drop")
    assert (report.rows, report.epochs, report.orphans) == (1, 1, 1)


def test_no_sources_at_all(tmp_path):
    sources = with_positions(random_survey(5)[1], random_survey(5)[0]).slice(0, 0)
    assert run(tmp_path, sources).rows == 0
    assert len(sky.open_catalog(tmp_path / "c")) == 0
    check_valid(tmp_path / "c")


def test_sources_without_positions_cannot_make_objects(tmp_path):
    with pytest.raises(sky.SchemaError, match=r"positions are not recognised: .* ra= and dec="):
        run(tmp_path, random_survey(5)[1])


def test_long_rows_are_a_source_catalog(tmp_path):
    objects, sources = random_survey(60)
    sources = with_positions(sources, objects, spread=1e-4)
    report = sky.import_catalog(
        write_parts(tmp_path / "s", sources, [99]), tmp_path / "c", id="id", kind="source",
        max_rows=50,
    )  # fmt: skip
    assert report.rows == sources.num_rows
    assert properties(primary(tmp_path / "c"))["dataproduct_type"] == "source"
    assert same(read_rows(primary(tmp_path / "c")), expected_rows(sources))
    check_leaves(primary(tmp_path / "c"), 50)
    check_valid(tmp_path / "c")


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        (301.56, 44.46), (301.56 * u.deg, 2667.6 * u.arcmin),
        (SkyCoord(301.56, 44.46, unit="deg"), None),
    ],
)  # fmt: skip
def test_one_position_for_all_light_curves(tmp_path, ra, dec):
    sources = pa.table({"star": ["a", "b", "a"], "mjd": [2.0, 1.0, 1.0], "flux": [1.0, 2.0, 3.0]})
    report = run(tmp_path, sources, ra=ra, dec=dec, id="star", margin_arcsec=None)
    assert (report.rows, report.epochs) == (2, 3)
    table = sky.open_catalog(tmp_path / "c").to_arrow()
    np.testing.assert_allclose(table["ra"], [301.56] * 2, rtol=1e-14)
    np.testing.assert_allclose(table["dec"], [44.46] * 2, rtol=1e-14)


@pytest.mark.parametrize(
    ("ra", "dec"), [(301.56, None), (301.56, "dec"), (1.0, 91.0), (float("nan"), 1.0), ([1.0], 2.0)]
)
def test_what_is_no_position_for_all(tmp_path, ra, dec):
    sources = pa.table({"star": ["a"], "mjd": [2.0], "flux": [1.0]})
    with pytest.raises(sky.InputError):
        run(tmp_path, sources, ra=ra, dec=dec, id="star")
