"""What is said of tables is true of them: names, roles, and the values of a row."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.query.bindings import bind
from skyseries.server.sampling import sample_tables
from tests.query.world import build


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sampled"))


@pytest.fixture(scope="module")
def samples(world):
    return {sample.name: sample for sample in sample_tables(bind({"survey.Object": world.path}))}


def test_objects_have_their_roles(samples):
    roles = samples["survey.Object"].roles
    assert {name: roles[name] for name in ("id", "ra", "dec", "curve")} == {
        "id": "objectId", "ra": "ra", "dec": "dec", "curve": "lc",
    }  # fmt: skip
    assert samples["survey.Object"].columns[:3] == ("objectId", "ra", "dec")
    assert '"size"' not in samples["survey.Object"].roles.values()


def test_epochs_have_theirs(samples):
    epochs = samples["survey.Object_lc"]
    assert epochs.roles == {"object": "objectId", "time": "mjd", "band": "band", "value": "flux"}
    assert epochs.objects == "survey.Object"


def test_the_values_are_those_of_an_object_with_epochs(samples, world):
    values = samples["survey.Object"].values
    [row] = [row for row in world.objects if row["objectid"] == values["id"]]
    assert (row["ra"], row["dec"]) == (values["ra"], values["dec"])
    assert values["band"] in {epoch["band"] for epoch in row["lc"]}


def table(**columns):
    return pa.table({"ra": [1.0, 2.0], "dec": [3.0, 4.0], **columns})


def sample_of(given):
    [sample] = sample_tables(bind({"s.t": given}))
    return sample


def test_magnitudes_are_told_by_their_unit_and_name():
    def with_unit(name, unit, ucd=""):
        field = pa.field(name, pa.float64(), metadata={"unit": unit, "ucd": ucd})
        return pa.table([[1.0], [2.0], [3.0]], pa.schema(
            [pa.field("ra", pa.float64()), pa.field("dec", pa.float64()), field]))  # fmt: skip

    assert sample_of(with_unit("gmag", "mag")).roles["brightness"] == "gmag"
    assert sample_of(with_unit("first", "mag", "phot.mag;em.opt")).roles["brightness"] == '"first"'
    assert "brightness" not in sample_of(with_unit("zeroPoint", "mag")).roles
    assert "brightness" not in sample_of(with_unit("mag", "")).roles


def test_a_row_without_values_is_passed_over():
    found = sample_of(pa.table({"ra": [None, 2.0], "dec": [1.0, 4.0]}))
    assert found.values == {"ra": 2.0, "dec": 4.0}


def test_text_and_large_ids_are_as_they_are(tmp_path):
    for ids in (pa.array(["it's", "b"]), pa.array([2**63 + 1, 2**53 + 1], pa.uint64())):
        name = f"catalog_{ids.type}"
        pq.write_table(table(objectId=ids), tmp_path / f"{name}.parquet")
        sky.import_catalog(tmp_path / f"{name}.parquet", tmp_path / name, id="objectId",
                           executor="serial", progress=False, durability="process")  # fmt: skip
        sample = sample_of(tmp_path / name)
        assert sample.values["id"] in ids.to_pylist()


def test_a_table_without_positions_has_columns_only():
    found = sample_of(pa.table({"n": [1], "select": ["a"], "list": [[1, 2]]}))
    assert found.columns == ("n", '"select"', "list")[:2]
    assert (found.roles, found.values) == ({}, {})


@pytest.mark.parametrize("ra", [[], [None]])
def test_a_table_without_rows_has_no_sample(ra):
    given = pa.table({"ra": pa.array(ra, pa.float64()), "dec": pa.array(ra, pa.float64())})
    assert len(sample_tables(bind({"s.t": given}))) == len(ra)


def test_a_damaged_catalog_is_told(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"nothing")
    with pytest.raises(sky.SkyseriesError, match=r"t\.parquet"):
        sample_tables(bind({"s.t": tmp_path / "t.parquet"}))
