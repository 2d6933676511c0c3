"""Simulated releases on disk: whole, valid, and what is planted lies where it should."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import InputError
from skyseries.pipelines.rubin import metadata_of_table
from skyseries.schema import column_meta
from skyseries.schema.rubin import RELEASES
from skyseries.schema.rubin import release as release_of
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.timeseries.simulate.rubin import NESTED, simulate_release
from skyseries.timeseries.simulate.rubin.settings import SETTINGS
from tests.rubin.once import N_OBJECTS, SEED


def test_catalogs_are_valid_and_hold_all_rows(rubin):
    files = rubin("dp1")
    survey = simulate_release("dp1", n_objects=N_OBJECTS, seed=SEED)
    assert {*files.catalogs, *files.tables} == {f"dp1.{name}" for name in survey.tables}
    for name, path in files.catalogs.items():
        assert sky.validate_catalog(path).ok, name
        table = survey.tables[name.partition(".")[2]]
        catalog = sky.open_catalog(path)
        assert len(catalog) == files.rows[name] == table.num_rows
        assert set(table.column_names) == set(catalog.columns) - {"_healpix_29"}
    for name, path in files.tables.items():
        assert pq.read_table(path).equals(survey.tables[name.partition(".")[2]])


def test_catalogs_say_which_tables_they_are(rubin):
    schema = release_of("dp1")
    for name in NESTED:
        catalog = sky.open_catalog(rubin("dp1").catalogs[f"dp1.{name}"])
        said = catalog.metadata
        assert said.schema == "dp1"
        assert list(said.tables) == [name, *NESTED[name].values()]
        assert said.tables[name].key == schema.table(name).info.key
        for nested, epochs in NESTED[name].items():
            assert said.tables[epochs].keys == schema.table(epochs).info.keys
            rows = catalog.to_arrow()[nested].combine_chunks().field(0).flatten()
            assert len(rows) == rubin("dp1").rows[f"dp1.{epochs}"]
            flux = schema.table(epochs).info.roles["flux"]
            assert column_meta(catalog.schema.field(nested).type.field(flux)).unit == "nJy"
        assert sorted(catalog.lightcurve_columns) == sorted(NESTED[name])


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_said_of_tables_fits_them(release):
    for name, table in simulate_release(release, n_objects=0, seed=SEED).tables.items():
        assert not list(metadata_of_table(release, name).wrong(table.schema))


def test_an_id_is_found_and_its_light_curve_read(rubin):
    catalog = sky.open_catalog(rubin("dp1").catalogs["dp1.Object"])
    curve = catalog.lightcurve(SETTINGS["dp1"].object_id)
    assert len(curve) > 100
    assert catalog.query(f"objectId = {SETTINGS['dp1'].object_id}").to_arrow().num_rows == 1


def test_a_neighbour_lies_in_another_partition(rubin):
    """So that epochs which are filed under it are not where they were seen."""
    files = rubin("dp1")
    truth = pq.read_table(files.truth).to_pylist()
    objects = sky.open_catalog(files.catalogs["dp1.Object"])
    rows = {row["objectId"]: row for row in objects.select(
        ["objectId", "coord_ra", "coord_dec"]).to_arrow().to_pylist()}  # fmt: skip

    def partitions(kind):
        mine = [rows[row["objectId"]] for row in truth if row["kind"] == kind]
        place = [np.array([row[name] for row in mine]) for name in ("coord_ra", "coord_dec")]
        return objects.partitions.find(radec_to_hpx(*place))

    north, south = partitions("pair north"), partitions("pair south")
    assert (north != south).any()
    assert (north >= 0).all()


def test_it_is_written_again_only_when_asked(rubin):
    with pytest.raises(InputError, match="overwrite"):
        sky.simulate_rubin(rubin("dp1").path, "dp1", n_objects=0, durability="process")
