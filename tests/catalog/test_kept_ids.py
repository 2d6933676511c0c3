"""What steps leave of the ids: extensions, associations and the id index on top of any of them."""

from __future__ import annotations

import shutil

import pytest

import skyseries as sky
from skyseries.catalog.plan.lineage import home_of, known_index
from skyseries.errors import InputError, SchemaError


def other(catalog):
    twin = sky.open_catalog(catalog._root.path).select(["id", "ra", "dec", "mag"])
    return twin.rename({"mag": "m"})


STEPS = {
    "map_rows": lambda c: c.map_rows(lambda m: m or 0.0, "mag", schema={"new": float}),
    "map_lightcurves": lambda c: c.map_lightcurves(
        lambda mjd: float(len(mjd)), ["mjd"], schema={"new": float}
    ),
    "sample": lambda c: c.assign(new="2 * mag").sample(40, seed=1),
    "drop_duplicates": lambda c: c.assign(new="2 * mag").drop_duplicates("ROUND(mag, 1)"),
    "join": lambda c: c.join(other(c), on="id", suffixes=("", "_t")).assign(new="m + 1"),
    "join_lightcurves": lambda c: c.join_lightcurves(
        other(c), left_on="id", right_on="id", name="new"
    ),
    "crossmatch": lambda c: c.crossmatch(
        other(c), radius_arcsec=1, suffixes=("", "_t")
    ).assign(new="m + 1"),
    "self_match": lambda c: c.drop(["lightcurve"]).self_match(
        radius_arcsec=20 * 3600, n_neighbors=1, how="left", suffixes=("", "_t")
    ).assign(new="mag_t"),
    "clean": lambda c: c.clean_lightcurves(clip=4).assign(new="COUNT(lightcurve.mjd)"),
    "features": lambda c: c.features(["Mean"], prefix="new_").assign(new="mag"),
    "filter": lambda c: c.query("mag < 20").cone_search(0, 90, 70 * 3600).assign(new="mag"),
}  # fmt: skip


@pytest.mark.parametrize("steps", STEPS)
def test_what_any_step_made_is_kept_as_an_extension(catalog, tmp_path, steps):
    plan = STEPS[steps](catalog)
    assert known_index(plan._node, "id") is not None
    written = plan.write_extension("more", ["new"], tmp_path)
    expected = {row["id"]: row["new"] for row in plan.select(["id", "new"]).to_arrow().to_pylist()}
    assert written.rows == len(expected)
    loaded = catalog.load_extension(tmp_path / "more.properties")
    found = {row["id"]: row["new"] for row in loaded.to_arrow().to_pylist()}
    assert repr({i: v for i, v in found.items() if i in expected}) == repr(
        {i: expected[i] for i in found if i in expected}
    )
    assert all(found[i] is None for i in found.keys() - expected.keys())


@pytest.mark.parametrize("steps", ["map_rows", "sample", "clean", "filter"])
def test_pairs_of_any_steps_are_kept_as_an_association(catalog, tmp_path, steps):
    near = STEPS[steps](catalog).crossmatch(other(catalog), radius_arcsec=1, suffixes=("", "_t"))
    for plan in (near, near.map_rows(lambda m: 1.0, "mag", schema={"one": float})):
        written = plan.write_association(tmp_path / "pairs", "id", "id_t", overwrite=True)
        pairs = plan.select(["id", "id_t"]).to_arrow().to_pylist()
        assert written.rows == len(pairs) > 0
        joined = catalog.join(other(catalog), through=tmp_path / "pairs", suffixes=("", "_t"))
        found = joined.to_arrow()
        assert sorted(found["id"].to_pylist()) == sorted(row["id"] for row in pairs)


def test_ids_under_another_name_are_kept(catalog, survey, tmp_path):
    plan = catalog.rename({"id": "objectId"}).map_rows(lambda m: 1.0, "mag", schema={"one": float})
    home = home_of(plan._node, "objectId")
    assert (home.column, home.first) == ("id", True)
    plan.write_extension("renamed", ["one"], tmp_path)
    loaded = catalog.load_extension(tmp_path / "renamed.properties")
    assert loaded.to_arrow()["one"].to_pylist() == [1.0] * len(survey.rows)


def test_computed_ids_are_no_ids(catalog, tmp_path):
    plan = catalog.assign(id="id + 1", new="mag")
    assert known_index(plan._node, "id") is None
    with pytest.raises(SchemaError, match="id"):
        plan.write_extension("no", ["new"], tmp_path)
    near = catalog.crossmatch(other(catalog).assign(k="id + 1"), radius_arcsec=1)
    with pytest.raises(InputError, match="no column of a catalog on disk"):
        near.write_association(tmp_path / "no", None, "k")


def test_an_extension_inside_of_a_collection(survey, tmp_path):
    shutil.copytree(survey.path, tmp_path / "c")
    catalog = sky.open_catalog(tmp_path / "c")
    plan = catalog.map_lightcurves(lambda mjd: len(mjd), ["mjd"], schema={"n": int})
    plan.write_extension("counts")
    counts = sky.open_catalog(tmp_path / "c").load_extension("counts").to_arrow()
    assert counts["n"].to_pylist() == [len(row["lightcurve"]["mjd"]) for row in survey.rows]
