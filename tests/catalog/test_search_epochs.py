"""Epochs by their own positions: those assigned to a wrong object, or filed elsewhere, too."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from skyseries.hats.dataset import Dataset
from skyseries.spatial.sphere import separation_arcsec
from tests.catalog.matching import ANCHORS, around
from tests.pipelines.survey import small_parts


@pytest.fixture(scope="module")
def epochs(tmp_path_factory):
    """Return a catalog and its epochs as a table; some epochs belong to far-away objects."""
    rng = np.random.default_rng(3)
    ra, dec = (
        np.concatenate(part)
        for part in zip(
            *(around(a, d, *rng.normal(0, 2e-5, (2, 12))) for a, d in ANCHORS), strict=True
        )
    )
    n = len(ra)
    ids = np.arange(n) + (1 << 60)
    owner = rng.integers(0, n, 1500)
    own_ra, own_dec = ra[owner].copy(), dec[owner].copy()
    stray = rng.random(1500) < 0.1  # filed under an object anywhere on the sky
    other = rng.integers(0, n, int(stray.sum()))
    own_ra[stray], own_dec[stray] = ra[other], dec[other]
    own_dec = np.clip(own_dec + rng.normal(0, 1 / 3600, 1500), -90, 90)
    objects = pa.table({"id": ids, "ra": ra, "dec": dec})
    sources = pa.table(
        {
            "id": ids[owner], "mjd": rng.uniform(6e4, 6.1e4, 1500), "flux": rng.normal(1, 1, 1500),
            "ra": own_ra, "dec": own_dec, "visit": np.arange(1500),
        }
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("epochs")
    pq.write_table(objects, folder / "o.parquet")
    pq.write_table(sources, folder / "s.parquet")
    with small_parts():
        sky.import_catalog(
            folder / "o.parquet", folder / "c", id="id", lightcurves=folder / "s.parquet",
            time="mjd", flux="flux", max_rows=10, executor="serial", progress=False,
        )  # fmt: skip
    return sky.open_catalog(folder / "c"), sources


@pytest.mark.parametrize("radius", [0.0, 2.0, 20.0, 3600.0, 200_000.0])
@pytest.mark.parametrize("anchor", range(len(ANCHORS)))
def test_all_within_the_cone(epochs, anchor, radius):
    catalog, sources = epochs
    ra, dec = ANCHORS[anchor]
    d = separation_arcsec(np.asarray(sources["ra"]), np.asarray(sources["dec"]), ra, dec)
    expected = sources.filter(pa.array(d <= radius))
    found = catalog.search_epochs(ra, dec, radius).to_arrow()
    assert found.column_names == ["id", "mjd", "flux", "ra", "dec", "visit"]
    assert found.sort_by("visit").equals(expected.sort_by("visit").cast(found.schema))


def test_few_row_groups_are_read(epochs, monkeypatch):
    catalog, _ = epochs
    seen = []
    real = Dataset.read_leaf
    monkeypatch.setattr(
        Dataset, "read_leaf", lambda *args: seen.append(args[1].path) or real(*args)
    )
    catalog.search_epochs(10.0, -45.0, 5.0).to_arrow()
    some = len(set(seen))
    seen.clear()
    catalog.search_epochs(10.0, -45.0, 400_000.0).to_arrow()
    assert 0 < some < len(set(seen))


def test_columns_and_further_steps(epochs):
    catalog, sources = epochs
    found = catalog.search_epochs(10.0, -45.0, 36000, columns=[]).query("flux > 1")
    table = found.select(["visit"]).to_arrow()
    d = separation_arcsec(np.asarray(sources["ra"]), np.asarray(sources["dec"]), 10, -45)
    wanted = sources.filter(pa.array((d <= 36000) & (np.asarray(sources["flux"]) > 1)))
    assert sorted(table["visit"].to_pylist()) == sorted(wanted["visit"].to_pylist())
    assert len(found) == wanted.num_rows


def test_what_cannot_be_searched(epochs, catalog):
    own, _ = epochs
    with pytest.raises(SchemaError, match=r"no positions .* fields="):
        catalog.search_epochs(0, 0, 1)
    with pytest.raises(SchemaError, match="both have 'ra'"):
        own.search_epochs(0, 0, 1, columns=["ra"])
    with pytest.raises(InputError, match="radius"):
        own.search_epochs(0, 0, -1)
    with pytest.raises(SchemaError, match="not filed by their positions"):
        own.search_epochs(0, 0, 400_000).cone_search(0, 0, 10).to_arrow()
