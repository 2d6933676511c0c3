"""Angles in expressions: right from zero to 180 degrees."""

import numpy as np
import pyarrow as pa
import pytest

from skyseries.adql import Mask, Scope, Values, compute, resolve_condition, resolve_value
from skyseries.spatial.sphere import separation_arcsec


@pytest.fixture(params=["arrow", "duckdb"])
def table(request, monkeypatch):
    if request.param == "duckdb":
        monkeypatch.setattr(compute, "supported", lambda expression: False)
    rng = np.random.default_rng(3)
    n = 500
    ra, dec = rng.uniform(-360, 720, n), rng.uniform(-90, 90, n)
    tiny = 10.0 ** rng.uniform(-12, -1, n)
    ra2 = np.where(np.arange(n) % 3 == 0, ra + tiny, np.where(np.arange(n) % 3 == 1, ra + 180, 1))
    dec2 = np.where(np.arange(n) % 3 == 0, dec, np.where(np.arange(n) % 3 == 1, -dec + tiny, 2))
    dec[:4], dec2[:4] = [90, -90, 90, 0], [90, 90, 90 - 1e-9, 0]
    return pa.table({"ra": ra, "dec": dec, "ra2": ra2, "dec2": dec2})


def calculate(text, table):
    return Values([resolve_value(text, Scope.from_schema(table.schema))])(table)[0].to_numpy()


def test_distances_agree_with_the_kernels(table):
    columns = [table[name].to_numpy() for name in table.column_names]
    wanted = separation_arcsec(*columns) / 3600
    for text in ("DISTANCE(ra, dec, ra2, dec2)", "DISTANCE(POINT(ra, dec), POINT(ra2, dec2))"):
        np.testing.assert_allclose(calculate(text, table), wanted, rtol=1e-9, atol=1e-12)
    assert wanted.max() > 179.9


def test_regions(table):
    scope = Scope.from_schema(table.schema)
    inside = calculate("DISTANCE(ra, dec, 10, 20)", table) <= 70
    for text in (
        "CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 70)) = 1",
        "0 <> CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', POINT(10, 20), 70))",
        "INTERSECTS(CIRCLE(ra, dec, 30), CIRCLE(10, 20, 40)) = 1",
        "CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 70)) > 0",
    ):
        assert Mask(resolve_condition(text, scope))(table).to_pylist() == inside.tolist(), text
    outside = Mask(resolve_condition("CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 70)) = 0", scope))
    assert outside(table).to_pylist() == (~inside).tolist()


def test_a_position_that_is_missing_is_neither_inside_nor_outside(table):
    holes = pa.table({"ra": [1.0, None, float("nan")], "dec": [1.0, 1.0, 1.0]})
    scope = Scope.from_schema(holes.schema)
    for value in (0, 1):
        text = f"CONTAINS(POINT(ra, dec), CIRCLE(1, 1, 5)) = {value}"
        found = Mask(resolve_condition(text, scope))(holes)
        assert found.to_pylist() == [value == 1, False, False]
    (found,) = Values([resolve_value("CONTAINS(POINT(ra, dec), CIRCLE(1, 1, 5))", scope)])(holes)
    assert found.to_pylist() == [1, None, None]


def test_coordinates_of_a_point(table):
    assert (calculate("COORD1(POINT(ra, dec))", table) == table["ra"].to_numpy()).all()
    assert (calculate("COORD2(POINT(ra, dec))", table) == table["dec"].to_numpy()).all()
