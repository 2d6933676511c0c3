"""The density of a match with errors is that of the rows that can match."""

from __future__ import annotations

import math

import numpy as np
import pytest

import skyseries as sky
from skyseries.catalog.run.density import density_arcmin
from skyseries.errors import InputError


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Return a catalog of a field of 3 x 3 degrees; its numbers and its density per arcmin²."""
    rng = np.random.default_rng(0)
    n = 30_000
    table = {
        "id": np.arange(n), "ra": 10 + rng.uniform(0, 3, n), "dec": rng.uniform(-1, 2, n),
        "mag": rng.uniform(15, 25, n),
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("density")
    sky.from_table(table).write_catalog(folder / "all", id="id", margin_arcsec=None)
    return sky.open_catalog(folder / "all"), table, folder


def test_conditions(field):
    """A condition thins the rows out, over the same sky; as if they had been written first."""
    catalog, table, folder = field
    whole = density_arcmin(catalog)
    few = catalog.query("mag < 16")
    share = float((table["mag"] < 16).mean())
    assert density_arcmin(few) == pytest.approx(whole * share, rel=0.1)
    few.write_catalog(folder / "few", margin_arcsec=None)
    written = density_arcmin(sky.open_catalog(folder / "few"))
    assert density_arcmin(few) == pytest.approx(written, rel=1e-5)
    very_few = catalog.query("id IN (5, 6)")  # their cells are larger than the field
    assert density_arcmin(very_few) == pytest.approx(whole * 2 / len(table["id"]), rel=1e-9)
    assert density_arcmin(catalog.select(["ra", "dec"])) == whole
    assert density_arcmin(catalog.sample(fraction=0.5)) == pytest.approx(whole / 2, rel=0.05)
    assert density_arcmin(catalog.query("mag > 99")) == 0


@pytest.mark.parametrize("radius", [60.0, 600.0, 2000.0])
def test_regions(field, radius):
    """Of a cone the area is that of the cone."""
    catalog, _, _ = field
    cone = catalog.cone_search(11.5, 0.5, radius)
    area = 2 * math.pi * (1 - math.cos(math.radians(radius / 3600))) * math.degrees(1) ** 2 * 3600
    assert density_arcmin(cone) == pytest.approx(len(cone) / area, rel=5e-3)
    thinned = cone.query("mag < 20").assign(x="mag + 1")
    assert density_arcmin(thinned) == pytest.approx(len(thinned) / area, rel=5e-3)
    edge = catalog.cone_search(10.0, 0.5, 2000.0)  # half of it is outside of the field
    assert density_arcmin(edge) > 1.2 * len(edge) / (math.pi * (2000 / 60) ** 2)
    both = catalog.cone_search(11.5, 0.5, radius).concat(catalog.cone_search(11.5, 1.7, radius))
    assert density_arcmin(both) <= len(both) / area


def test_matches(field):
    catalog, table, _ = field
    star = sky.from_table({"k": [1], "ra": [table["ra"][7] + 1 / 3600], "dec": [table["dec"][7]]})
    errors = {"left_error": 1.0, "right_error": 0.5, "suffixes": ("", "_r")}

    def probability(right, **options):
        found = star.crossmatch(right, 2, n_neighbors=None, **errors, **options).to_arrow()
        columns = (found[name].to_pylist() for name in ("id", "_match_probability"))
        return dict(zip(*columns, strict=True))

    cone = catalog.cone_search(11.5, 0.5, 3 * 3600)
    given = probability(cone, density=density_arcmin(cone))
    assert probability(cone) == given
    few = catalog.query("id < 100")
    assert probability(few)[7] > probability(catalog)[7]
    assert probability(catalog.query("id < 0")) == {}
    with pytest.raises(InputError, match="density of a table"):
        star.crossmatch(table, 2, left_error=1.0)
