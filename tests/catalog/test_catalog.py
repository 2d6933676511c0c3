"""The lazy plan: what is selected is read, nothing before it is asked for, nothing else."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.errors import CatalogNotFoundError, InputError, SchemaError
from tests.examples import examples
from tests.pipelines.survey import (
    SPECIAL_POSITIONS,
    properties,
    same,
    write_parts,
)


def only(rows, *names):
    return [{name: row[name] for name in names} for row in rows]


# -- all rows, some columns ---------------------------------------------------------------------


def test_all_rows_in_the_order_of_the_sky(survey, catalog):
    assert same(catalog.to_arrow().to_pylist(), survey.rows)
    tables = list(catalog.iter_tables())
    assert same([row for table in tables for row in table.to_pylist()], survey.rows)


def test_select_keeps_order_and_reads_no_other_column(survey, catalog, reads):
    chosen = catalog.select(["mag", "id"])
    assert chosen.columns == ["mag", "id"]
    assert same(chosen.to_arrow().to_pylist(), only(survey.rows, "mag", "id"))
    assert {columns for _, columns, _ in reads} == {frozenset({"id", "mag"})}
    assert same(catalog["ra"].to_arrow().to_pylist(), only(survey.rows, "ra"))
    assert catalog.columns[-1] == "lightcurve"  # the first one is as it was


def test_select_of_a_missing_column_suggests(catalog):
    with pytest.raises(SchemaError, match="no column 'MAG'; did you mean 'mag'"):
        catalog.select(["MAG"])
    with pytest.raises(SchemaError, match=r"no column 'nonsense' \(there are: _healpix_29, id"):
        catalog["nonsense"]
    with pytest.raises(SchemaError, match="'id' is named more than once"):
        catalog[["id", "ra", "id"]]


def test_head_reads_no_more_than_it_needs(survey, catalog, reads):
    assert catalog[["id"]].head(1)["id"].tolist() == [survey.rows[0]["id"]]
    assert len(reads) == 1
    assert catalog.head(30)["id"].tolist() == [row["id"] for row in survey.rows[:30]]
    assert len(catalog.head(0)) == 0
    assert len(catalog.head(10**6)) == len(survey.rows)
    with pytest.raises(InputError, match="must not be negative"):
        catalog.head(-1)


def test_lengths(survey, catalog, reads):
    assert len(catalog) == len(catalog[["id"]]) == len(survey.rows)
    assert reads == []
    cone = catalog.cone_search(0, 0, 60 * 3600)
    n = len(cone.to_arrow())
    assert 0 < n < len(survey.rows)
    for shown in (
        cone,
        cone[["id"]],
        cone[["lightcurve"]],
        cone.features(),
        cone.features()[["id"]],
    ):
        reads.clear()
        assert len(shown) == n
        assert all("lightcurve" not in columns for _, columns, _ in reads)


def test_a_table_of_no_columns_keeps_its_length(survey, catalog):
    assert len(catalog[[]]) == len(survey.rows)


def test_catalogs_are_picklable(survey, catalog):
    again = pickle.loads(pickle.dumps(catalog.cone_search(0, 0, 60 * 3600)))  # noqa: S301 - our own
    assert same(
        again.to_arrow().to_pylist(), catalog.cone_search(0, 0, 216000).to_arrow().to_pylist()
    )


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_engines_give_the_same_rows(survey, engine, engines):
    with sky.executor(engines(engine)):
        assert same(sky.open_catalog(survey.path).to_arrow().to_pylist(), survey.rows)


def test_not_a_catalog(tmp_path, survey):
    for path in (tmp_path, tmp_path / "none", survey.path / "v000001"):
        with pytest.raises(CatalogNotFoundError):
            sky.open_catalog(path)
    with pytest.raises(sky.CatalogError, match="is a catalog of type 'index'"):
        sky.open_catalog(survey.path / "v000001/survey_id_index")


def test_the_margin_is_a_catalog(survey):
    margin = sky.open_catalog(survey.path / "v000001/survey_10arcs")
    ids = set(margin.to_arrow()["id"].to_pylist())
    assert ids <= {row["id"] for row in survey.rows}
    assert len(margin) == int(properties(survey.path / "v000001/survey_10arcs")["hats_nrows"]) > 0


# -- cones --------------------------------------------------------------------------------------


def distance_arcsec(row, ra, dec) -> float:
    """Return the angle between unit vectors, by their sum and difference."""

    def vector(ra: float, dec: float) -> np.ndarray:
        a, d = math.radians(ra), math.radians(dec)
        return np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])

    one, other = vector(row["ra"], row["dec"]), vector(ra, dec)
    half = math.atan2(np.linalg.norm(one - other), np.linalg.norm(one + other))
    return math.degrees(2 * half) * 3600


RADII = st.one_of(st.floats(0.1, 100), st.floats(100, 180 * 3600), st.just(180 * 3600.0))


@examples(1.2)
@given(
    centre=st.one_of(
        st.sampled_from(SPECIAL_POSITIONS), st.tuples(st.floats(-360, 720), st.floats(-90, 90))
    ),
    radius=RADII,
)
def test_cones_are_what_brute_force_finds(survey, centre, radius):
    found = sky.open_catalog(survey.path).cone_search(*centre, radius)[["id"]].to_arrow()
    distance = {row["id"]: distance_arcsec(row, *centre) for row in survey.rows}
    ids = found["id"].to_pylist()
    assert len(ids) == len(set(ids))
    rounding = 1e-6
    assert {i for i, d in distance.items() if d <= radius - rounding} <= set(ids)
    assert {i for i, d in distance.items() if d <= radius + rounding} >= set(ids)


@pytest.mark.parametrize("ra", [0.0, 360.0, -360.0, 180.0])
def test_a_cone_of_no_width_holds_its_centre(tmp_path, ra):
    table = pa.table({"id": [1, 2, 3], "ra": [0.0, 10.0, 180.0], "dec": [0.0, 90.0, 0.0]})
    sky.import_catalog(write_parts(tmp_path, table), tmp_path / "c", progress=False)
    catalog = sky.open_catalog(tmp_path / "c")
    wanted = [3] if ra == 180 else [1]
    assert catalog.cone_search(ra, 0.0, 0.0).to_arrow()["id"].to_pylist() == wanted
    assert catalog.cone_search(ra, 90.0, 0.0).to_arrow()["id"].to_pylist() == [2]


def test_a_small_cone_reads_few_partitions(catalog, reads):
    len(catalog.cone_search(20.0, 15.0, 1.0))
    assert len({file for file, *_ in reads}) == 1
    reads.clear()
    len(catalog.cone_search(45.0, 0.0, 1.0))  # where four cells meet
    assert 1 <= len({file for file, *_ in reads}) <= 4


@pytest.mark.parametrize(
    "cone", [(0, 91, 1), (0, -90.1, 1), (float("nan"), 0, 1), (0, 0, -1), (0, 0, float("nan"))]
)
def test_what_is_no_cone(catalog, cone):
    with pytest.raises(InputError, match="of a cone must be"):
        catalog.cone_search(*cone)


def test_cone_and_select_in_any_order(catalog, reads):
    one = catalog.cone_search(0, 0, 60 * 3600).select(["id"])
    other = catalog.select(["id", "ra", "dec"]).cone_search(0, 0, 60 * 3600).select(["id"])
    assert same(one.to_arrow().to_pylist(), other.to_arrow().to_pylist())
    assert {columns for _, columns, _ in reads} <= {frozenset({"ra", "dec"}), frozenset({"id"})}


# -- results in other shapes --------------------------------------------------------------------


def test_to_pandas_and_polars_keep_ids_and_nulls(survey, catalog):
    frame = catalog.to_pandas()
    assert frame["id"].tolist() == [row["id"] for row in survey.rows]
    assert frame["mag"].isna().sum() == 1
    polars = pytest.importorskip("polars")
    table = catalog.to_polars()
    assert isinstance(table, polars.DataFrame)
    assert table["id"].to_list() == [row["id"] for row in survey.rows]
    assert table["mag"].null_count() == 1
    assert same(table["lightcurve"].to_list(), [row["lightcurve"] for row in survey.rows])


def test_to_astropy_has_units_masks_and_light_curves(survey, catalog):
    table = catalog.to_astropy()
    assert table["id"].dtype == np.int64
    assert table["id"].tolist() == [row["id"] for row in survey.rows]
    assert str(table["mag"].unit) == "mag"
    assert table["mag"].description == "of the object"
    assert table["mag"].mask.tolist() == [row["mag"] is None for row in survey.rows]
    for found, row in zip(table["lightcurve"], survey.rows, strict=True):
        assert found["mjd"].tolist() == row["lightcurve"]["mjd"]
        assert found["band"].tolist() == row["lightcurve"]["band"]


def test_lists_of_one_length_are_lists_in_astropy(catalog):
    peaks = catalog.periods(n_peaks=3, min_period=10).select(["id", "period_peaks"]).to_astropy()
    assert len(peaks) == len(catalog)
    assert all(value is None or value.ndim == 1 for value in peaks["period_peaks"])
