"""Limits of coordinates: every position of a region is within them, and they leave much out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.query.ownplaces import coordinate_limits
from skyseries.spatial.regions import Box, Cone, Intersection, Polygon, Union
from tests.catalog.matching import around


def within(limits, ra, dec):
    west, east, south, north = limits
    inside = ((ra - west) % 360.0 <= east - west + 1e-9) | (east - west >= 360.0)
    return inside & (dec >= south - 1e-9) & (dec <= north + 1e-9)


@given(
    st.floats(0, 360, exclude_max=True),
    st.floats(-90, 90),
    st.floats(-3, 1.5),
    st.integers(0, 2**32),
)
def test_every_position_of_a_cone_is_within(ra, dec, log_radius, seed):
    radius = 10**log_radius
    cone = Cone(ra, dec, 3600 * radius)
    rng = np.random.default_rng(seed)
    r, angle = np.radians(radius) * np.sqrt(rng.uniform(0, 1, 300)), rng.uniform(0, 2 * np.pi, 300)
    alpha, delta = around(ra, dec, r * np.cos(angle), r * np.sin(angle))
    inside = cone.contains(alpha, delta)
    assert within(coordinate_limits(cone), alpha[inside], delta[inside]).all()


@pytest.mark.parametrize(
    ("region", "most"),
    [
        (Cone(40, 10, 3600), (4, 4)),
        (Cone(0, 10, 3600), (4, 4)),
        (Cone(100, 89.99, 3600), (360, 3)),
        (Box(350, 10, -5, 5), (25, 15)),
        (Polygon([(359, -1), (1, -1), (1, 1), (359, 1)]), (4, 4)),
        (Union([Cone(10, 0, 3600), Cone(350, 0, 3600)]), (25, 4)),
        (Intersection([Cone(10, 0, 7200), Cone(12, 0, 7200)]), (6, 6)),
    ],
)
def test_limits_are_tight(region, most):
    west, east, south, north = coordinate_limits(region)
    assert east - west <= most[0]
    assert north - south <= most[1]
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 100_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 100_000)))
    inside = region.contains(ra, dec)
    assert within((west, east, south, north), ra[inside], dec[inside]).all()


def test_row_groups_are_chosen_by_where_epochs_lie_themselves(rubin):
    catalogs = {"dp1": rubin("dp1").path}
    everything = sky.sql("SELECT diaSourceId, ra, dec FROM dp1.DiaSource", catalogs)
    table = everything.to_arrow()
    ra, dec = table["ra"].to_numpy(), table["dec"].to_numpy()
    text = (
        "SELECT diaSourceId FROM dp1.DiaSource WHERE "  # noqa: S608
        f"CONTAINS(POINT(ra, dec), CIRCLE({ra[0]:.12f}, {dec[0]:.12f}, 0.01)) = 1"
    )
    found = sky.sql(text, catalogs)
    near = Cone(ra[0], dec[0], 36).contains(ra, dec)
    assert sorted(found.to_arrow()["diaSourceId"].to_pylist()) == sorted(
        table["diaSourceId"].filter(near).to_pylist()
    )
    assert _groups(found) < _groups(everything) / 2


def _groups(result):
    return sum(scan.row_groups for scan in result.explain(footers=True).scans)
