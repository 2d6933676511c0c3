"""Point maps: cdshealpix reads them back, and so do we."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import CatalogError
from skyseries.hats.skymap import POINT_MAP_ORDER, read_point_map, sky_fraction, write_point_map

WHOLE = 12 << 2 * POINT_MAP_ORDER


def pixels(n):
    rng = np.random.default_rng(n)
    cells = np.sort(rng.choice(WHOLE, n, replace=False)) if n < WHOLE else np.arange(WHOLE)
    return cells, rng.integers(1, 2**40, n)


@pytest.mark.parametrize(
    ("n", "scheme"), [(0, "EXPLICIT"), (1, "EXPLICIT"), (1000, "EXPLICIT"),
                      (WHOLE // 2, "EXPLICIT"), (WHOLE // 2 + 1, "IMPLICIT"), (WHOLE, "IMPLICIT")],
)  # fmt: skip
def test_round_trip(tmp_path, n, scheme):
    from astropy.io import fits

    cells, counts = pixels(n)
    path = tmp_path / "point_map.fits"
    write_point_map(path, cells, counts)
    with fits.open(path) as hdus:
        assert hdus[1].header["INDXSCHM"] == scheme
    for source in (path, path.read_bytes()):
        order, found, values = read_point_map(source)
        assert order == POINT_MAP_ORDER
        np.testing.assert_array_equal(found, cells)
        np.testing.assert_array_equal(values, counts)
    assert [p.name for p in tmp_path.iterdir()] == ["point_map.fits"]


@pytest.mark.parametrize("n", [0, 1000, WHOLE // 2 + 1])
def test_the_bytes_are_those_that_astropy_writes(tmp_path, n):
    from astropy.io import fits

    write_point_map(tmp_path / "point_map.fits", *pixels(n))
    with fits.open(tmp_path / "point_map.fits") as hdus:
        hdus[1].data = np.array(hdus[1].data)
        fits.HDUList([fits.PrimaryHDU(), hdus[1]]).writeto(tmp_path / "astropy.fits")
    written = (tmp_path / "point_map.fits").read_bytes()
    assert written == (tmp_path / "astropy.fits").read_bytes()


@pytest.mark.parametrize("n", [1, 1000, WHOLE // 2 + 1])
def test_cdshealpix_reads_it(tmp_path, n):
    skymap = pytest.importorskip("cdshealpix.skymap")
    cells, counts = pixels(n)
    path = tmp_path / "point_map.fits"
    write_point_map(path, cells, counts)
    found = skymap.Skymap.from_fits(path)
    values = found.skymap
    if str(found.scheme).lower().endswith("explicit"):
        values = values.to_implicit(null_value=0)
    assert values.order == POINT_MAP_ORDER
    dense = np.zeros(WHOLE, np.int64)
    dense[cells] = counts
    np.testing.assert_array_equal(values.values, dense)


def test_sky_fraction():
    everything = np.arange(WHOLE)
    assert sky_fraction(everything, np.full(WHOLE, 5)) == 1
    half = everything[: WHOLE // 2]
    assert sky_fraction(half, np.full(len(half), 100)) == 0.5
    assert sky_fraction(np.array([7]), np.array([5])) == 1 / WHOLE
    assert sky_fraction(np.empty(0, np.int64), np.empty(0, np.int64)) == 0


def test_a_sparse_catalog_of_the_whole_sky_covers_it():
    rng = np.random.default_rng(0)
    cells, counts = np.unique(rng.integers(0, WHOLE, 2000), return_counts=True)
    assert sky_fraction(cells, counts) == 1


@given(st.dictionaries(st.integers(0, WHOLE - 1), st.integers(1, 50), max_size=30))
def test_sky_fraction_is_between_the_cells_and_the_sky(counts):
    cells = np.array(sorted(counts), np.int64)
    numbers = np.array([counts[c] for c in cells.tolist()], np.int64)
    fraction = sky_fraction(cells, numbers)
    assert len(cells) / WHOLE <= fraction <= 1


def test_a_broken_header_is_said(tmp_path):
    write_point_map(tmp_path / "point_map.fits", *pixels(5))
    content = (tmp_path / "point_map.fits").read_bytes()
    broken = content.replace(b"2 / number of table", b"r / number of table")
    assert broken != content
    with pytest.raises(CatalogError, match=r"no FITS file that can be read: .*TFIELDS"):
        read_point_map(broken)
