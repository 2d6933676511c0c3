"""Associations, extensions and maps: written and used here and by LSDB."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import CatalogError, CatalogNotFoundError, InputError, SchemaError
from skyseries.hats.association import open_association
from skyseries.spatial.healpix import radec_to_hpx
from skyseries.store.files import Location
from tests.catalog.joins import map_of_the_sky, objects
from tests.pipelines.survey import same


@pytest.fixture(autouse=True)
def _small_units(tune):
    tune(unit_rows=120, least_unit_rows=60)


@pytest.fixture(params=["small", "large"])
def how_found(request, tune):
    if request.param == "large":
        tune(small_side_bytes=0)
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def catalog_of(table, path, max_rows):
    path.mkdir(parents=True)
    pq.write_table(table, path / "in.parquet")
    sky.import_catalog(
        path / "in.parquet", path / path.name, id="id", max_rows=max_rows, margin_arcsec=20,
        executor="serial", progress=False, durability="process",
    )  # fmt: skip
    return sky.open_catalog(path / path.name)


@pytest.fixture(scope="module")
def first(folder):
    return catalog_of(objects(1), folder / "first", 60)


@pytest.fixture(scope="module")
def second(folder):
    return catalog_of(objects(2).select(["id", "ra", "dec", "mag", "k"]), folder / "second", 60)


@pytest.fixture(scope="module")
def matched(first, second):
    return first.crossmatch(second, 15.0, n_neighbors=None)


@pytest.fixture(scope="module")
def association(matched, folder):
    return matched.write_association(folder / "pairs")


def triples(table, names=("id", "id_second", "_dist_arcsec")):
    return sorted(zip(*(table[name].to_pylist() for name in names), strict=True))


def test_an_association_holds_the_pairs(matched, association, folder, first):
    assert association.rows == len(matched) > 50
    opened = open_association(Location(str(folder / "pairs")))
    properties = opened.dataset.properties
    assert opened.dataset.schema.names == ["first_id", "second_id", "_dist_arcsec", "_healpix_29"]
    assert opened.primary.key == opened.join.key == "id"
    assert (folder / "second" / "second").samefile(opened.join.catalog)
    table = pa.concat_tables([opened.dataset.read(c) for c in opened.dataset.partitions])
    expected = matched.to_arrow()
    assert triples(table, ("first_id", "second_id", "_dist_arcsec")) == triples(expected)
    distance = expected["_dist_arcsec"].to_pylist()
    assert float(properties["hats_assn_max_separation"]) == max(distance)
    assert set(opened.dataset.partitions) <= set(first.partitions)


def test_joined_through_it(first, second, matched, association, folder, how_found):
    plan = first.join(second, through=folder / "pairs")
    found = plan.to_arrow()
    expected = matched.to_arrow()
    assert triples(found) == triples(expected)
    assert found["id"].to_pylist() == expected["id"].to_pylist()
    assert set(expected.column_names) == set(found.column_names)
    lonely = first.crossmatch(second, 15.0, how="anti").to_arrow()["id"].to_pylist()
    assert (
        first.join(second, through=folder / "pairs", how="anti").to_arrow()["id"].to_pylist()
        == lonely
    )
    left = first.join(second, through=folder / "pairs", how="left").to_arrow()
    alone = left.filter(left["id_second"].is_null())
    assert alone["id"].to_pylist() == lonely
    assert alone["_dist_arcsec"].null_count == len(lonely)
    assert triples(left.filter(left["id_second"].is_valid())) == triples(expected)
    some = first.join(second.query("k < 50"), through=folder / "pairs", how="left").to_arrow()
    wanted = {r["id"] for r in expected.to_pylist() if r["k_second"] < 50}
    assert set(some.filter(some["id_second"].is_valid())["id"].to_pylist()) == wanted
    assert some.filter(some["id_second"].is_null()).num_rows == len(first) - len(wanted)
    table = second.to_arrow()
    by_table = first.join(table, through=folder / "pairs", suffixes=("", "_second"))
    assert triples(by_table.to_arrow()) == triples(expected)


def test_an_association_without_cells(first, second, matched, association, folder, tmp_path):
    shutil.copytree(folder / "pairs", tmp_path / "bare")
    for file in (tmp_path / "bare").rglob("*.parquet"):
        if file.name.startswith("Npix="):
            pq.write_table(pq.ParquetFile(file).read().drop_columns(["_healpix_29"]), file)
    schema = open_association(Location(str(folder / "pairs"))).dataset.schema
    without = schema.remove(schema.get_field_index("_healpix_29"))
    pq.write_metadata(without, tmp_path / "bare" / "dataset" / "_common_metadata")
    found = first.join(second, through=tmp_path / "bare").to_arrow()
    assert triples(found) == triples(matched.to_arrow())


def test_associations_asked_for_wrongly(first, second, matched, association, folder):
    with pytest.raises(InputError, match="there already"):
        matched.write_association(folder / "pairs")
    again = matched.query("k < 100").write_association(folder / "pairs2")
    assert again.rows == len(matched.query("k < 100"))
    once_more = matched.write_association(folder / "pairs2", overwrite=True)
    assert once_more.rows == association.rows
    with pytest.raises(InputError, match="no association"):
        matched.write_association(folder / "first", overwrite=True)
    with pytest.raises(InputError, match="give right_id"):
        first.write_association(folder / "pairs3")
    with pytest.raises(InputError, match="leave on="):
        first.join(second, on="id", through=folder / "pairs")
    with pytest.raises(CatalogError, match="no association"):
        first.join(second, through=folder / "first" / "first")
    assert not list(folder.glob(".*"))


def test_a_left_match_gives_pairs_only(first, second, folder):
    plan = first.crossmatch(second, 15.0, how="left")
    written = plan.write_association(folder / "left_pairs", "id", "id_second")
    assert written.rows == len(first.crossmatch(second, 15.0))


@pytest.mark.interop
def test_lsdb_joins_through_our_association(first, second, matched, association, folder, lsdb):
    from hats.io.validation import is_valid_catalog

    assert is_valid_catalog(folder / "pairs", strict=True)
    left = lsdb.open_catalog(folder / "first" / "first")
    right = lsdb.open_catalog(folder / "second" / "second")
    pairs = lsdb.read_hats(folder / "pairs")
    assert pairs.max_separation < 15
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = left.join(right, through=pairs).compute(progress_bar=False)
    expected = matched.to_arrow()
    assert sorted(zip(found["id_first"], found["id_second"], strict=True)) == [
        pair[:2] for pair in triples(expected)
    ]


@pytest.mark.interop
def test_we_join_through_lsdbs_association(first, second, folder, tmp_path, lsdb):
    left = lsdb.open_catalog(folder / "first" / "first")
    right = lsdb.open_catalog(folder / "second" / "second")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = left.crossmatch(right, radius_arcsec=15, suffix_method="all_columns")
        pairs = pairs[["id_first", "id_second", "_dist_arcsec"]]
        lsdb.io.to_association(
            pairs, base_catalog_path=tmp_path / "theirs", catalog_name="theirs",
            primary_catalog_dir=folder / "first" / "first", primary_column_association="id_first",
            primary_id_column="id", join_catalog_dir=folder / "second" / "second",
            join_column_association="id_second", join_id_column="id",
            separation_column="_dist_arcsec",
        )  # fmt: skip
    found = first.join(second, through=tmp_path / "theirs").to_arrow()
    expected = triples(first.crossmatch(second, 15.0).to_arrow())
    assert [t[:2] for t in triples(found)] == [t[:2] for t in expected]


@pytest.fixture(scope="module")
def extension(first):
    plan = first.query("k < 150").assign(brighter="mag - 1", class_="name")
    return plan, plan.write_extension("derived")


def test_an_extension_comes_back(first, extension, folder, how_found):
    plan, written = extension
    assert written.rows == 150
    again = sky.open_catalog(folder / "first" / "first")
    assert again.extensions == ["derived"]
    loaded = again.load_extension("derived")
    assert loaded.columns == [*first.columns, "brighter", "class_"]
    values = {row["id"]: row for row in plan.to_arrow().to_pylist()}
    expected = [
        row | {n: values.get(row["id"], {}).get(n) for n in ("brighter", "class_")}
        for row in first.to_arrow().to_pylist()
    ]
    assert same(loaded.to_arrow().to_pylist(), expected)
    some = again.load_extension(folder / "first" / "first" / "derived.properties", ["class_"])
    assert some.columns == [*first.columns, "class_"]


def test_an_extension_elsewhere_with_inner_join(first, tmp_path):
    plan = first.query("k < 70").assign(twice="2 * mag")
    plan.write_extension("inside", path=tmp_path, how="inner", margin_arcsec=None)
    loaded = first.load_extension(tmp_path / "inside.properties")
    assert len(loaded) == 70
    assert loaded.select("id").to_arrow() == first.query("k < 70").select("id").to_arrow()


def test_extensions_asked_for_wrongly(first, extension, folder, tmp_path):
    plan, _ = extension
    with pytest.raises(InputError, match="there already"):
        plan.write_extension("derived")
    again = plan.write_extension("derived", ["brighter"], overwrite=True)
    assert again.version == "v000002"
    assert sky.open_catalog(folder / "first" / "first").load_extension("derived").columns == [
        *first.columns, "brighter",
    ]  # fmt: skip
    plan.write_extension("derived", overwrite=True)
    with pytest.raises(InputError, match="columns that the catalog does not have"):
        first.write_extension("nothing")
    with pytest.raises(InputError, match="letters, digits"):
        plan.write_extension("a b")
    with pytest.raises(SchemaError, match="ids"):
        plan.select(["brighter", "ra", "dec"]).write_extension("x")
    with pytest.raises(CatalogNotFoundError, match="no extension"):
        first.load_extension("unknown")
    with pytest.raises(CatalogError, match="no extension"):
        first.load_extension(folder / "first" / "first" / "collection.properties")


@pytest.mark.interop
def test_lsdb_loads_our_extension(first, extension, folder, lsdb):
    from hats.io.validation import is_valid_catalog

    plan, _ = extension
    assert is_valid_catalog(folder / "first" / "first", strict=True)
    catalog = lsdb.open_catalog(folder / "first" / "first")
    assert list(catalog.all_extensions) == ["derived"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = catalog.load_extension("derived").compute(progress_bar=False)
    assert len(found) == len(first)
    known = found.dropna(subset=["brighter"])
    expected = plan.to_arrow()
    ours = dict(zip(expected["id"].to_pylist(), expected["brighter"].to_pylist(), strict=True))
    assert dict(zip(known["id"], known["brighter"], strict=True)) == ours


@pytest.mark.interop
def test_we_load_an_extension_of_hats_import(second, folder, tmp_path):
    from hats_import.extension.arguments import ExtensionArguments
    from hats_import.pipeline import pipeline_with_client

    arguments = ExtensionArguments(
        input_catalog_path=second.dataset.root.path, extension_columns=["mag"],
        primary_column="id", extension_name="mags", output_path=tmp_path,
        output_artifact_name="split", progress_bar=False, tmp_dir=tmp_path / "scratch",
    )  # fmt: skip
    from dask.distributed import Client

    with Client(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as client:  # fmt: skip
        pipeline_with_client(arguments, client)
    core = sky.open_catalog(tmp_path / "split")
    assert "mag" not in core.columns
    whole = core.load_extension(core.extensions[0]).select(["id", "mag"]).to_arrow()
    original = sky.open_catalog(folder / "second" / "second").select(["id", "mag"]).to_arrow()
    assert whole.sort_by("id") == original.sort_by("id")


MAP_ORDER = 5


@pytest.fixture(scope="module")
def sky_map(folder):
    """A map of the sky but for one base cell, in partitions of order 0."""
    return map_of_the_sky(folder / "map", MAP_ORDER, 11)


@pytest.mark.parametrize("order", [None, MAP_ORDER])
def test_values_of_a_map(first, sky_map, order):
    found = first.merge_map(sky_map, order=order)
    assert found.columns == [*first.columns, "dust", "n"]
    for row in found.to_arrow().to_pylist():
        cell = int(radec_to_hpx(np.array([row["ra"]]), np.array([row["dec"]]))[0])
        cell >>= 2 * (29 - MAP_ORDER)
        there = cell < 11 * 4**MAP_ORDER
        assert row["dust"] == (cell / 7 if there else None)
        assert row["n"] == (cell % 5 if there else None)
    one = first.merge_map(sky_map, ["n"], order=order).query("n = 3").select(["k", "n"])
    assert {row["n"] for row in one.to_arrow().to_pylist()} == {3}
    with sky.executor("threads", workers=2):
        assert first.merge_map(sky_map, order=order).to_arrow() == found.to_arrow()


def test_maps_asked_for_wrongly(first, sky_map):
    with pytest.raises(InputError, match="several rows for one cell"):
        first.merge_map(sky_map, order=MAP_ORDER - 1).to_arrow()
    with pytest.raises(InputError, match="order of a map"):
        first.merge_map(sky_map, order=30)
    with pytest.raises(SchemaError, match="there is no column"):
        first.merge_map(sky_map, ["dist"])
    with pytest.raises(InputError, match="takes a catalog"):
        first.merge_map(pa.table({"a": [1]}))
    few = sky_map.query("dust < 1")
    with pytest.raises(InputError, match="give order="):
        first.merge_map(few).to_arrow()
    nowhere = sky.from_table(pa.table({"ra": [None, 10.0], "dec": [0.0, 5.0]}))
    assert nowhere.merge_map(sky_map).to_arrow()["n"].null_count == 1
