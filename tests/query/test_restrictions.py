"""Which rows of a table matter, when those that it is joined with are there."""

import numpy as np
import pyarrow as pa
import pytest

from skyseries import adql
from skyseries.adql.expressions import Column, Constant, OneOf
from skyseries.adql.types import Type
from skyseries.query import restrictions
from skyseries.query.database import Database
from skyseries.query.restrictions import Nearby, SameValue
from skyseries.spatial.sphere import separation_arcsec

ID = Column(("#0", "id"), Type.BIGINT)
PLACE = tuple(Column(("#0", name), Type.DOUBLE, "deg") for name in ("ra", "dec"))


@pytest.fixture
def database():
    with Database() as made:
        yield made


def loaded(database, **columns):
    table = pa.table(columns)
    database.load("a", table.schema, [table])


def test_the_values_of_a_few_rows(database, monkeypatch):
    loaded(database, id=[1, 2, 3, 3, None])
    rule = SameValue(ID, "a", "id")
    monkeypatch.setattr(restrictions, "MOST_VALUES", 2)
    assert rule.condition(database) is None
    monkeypatch.setattr(restrictions, "MOST_VALUES", 3)
    found = rule.condition(database)
    assert isinstance(found, OneOf)
    assert sorted(found.values) == [1, 2, 3]
    assert rule.describe() == "id in a"


def near(radius):
    others = tuple(Column(("#1", name), Type.DOUBLE) for name in ("ra", "dec"))
    radius = Column(("#1", "r"), Type.DOUBLE) if radius is None else Constant(radius, Type.DOUBLE)
    names = {("#1", name): name for name in ("ra", "dec", "r")}
    return Nearby(PLACE, "a", (*others, radius), names)


@pytest.mark.parametrize("radius", [None, 0.001, 0.5, 7.0])
def test_no_row_within_the_radius_is_left_out_and_few_others_are_kept(database, radius):
    rng = np.random.default_rng(3)
    ra = [0.0, 359.9999, 45.0, 123.0, np.nan, 10.0, None]
    dec = [89.9999, 12.0, 0.0, -90.0, 1.0, 95.0, 3.0]
    loaded(database, ra=ra, dec=dec, r=[0.1, 0.2, 3.0, 1.0, 1.0, 1.0, 1.0])
    test = near(radius).condition(database)
    n = 40_000
    there = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    around = np.where(np.arange(n) % 4 == 0, rng.choice([89.9, 12.0, 0.0, -89.5], n), there)
    places = rng.uniform(0, 360, n), np.clip(around + rng.normal(0, 0.3, n), -90, 90)
    columns = {column.path: pa.array(values) for column, values in zip(PLACE, places, strict=True)}
    kept = adql.Mask(test)(columns, n).to_numpy(zero_copy_only=False)
    reach = radius or 3.0
    known = [(a, d) for a, d in zip(ra, dec, strict=True) if a is not None and a == a and d <= 90]
    angles = [separation_arcsec(*places, np.full(n, a), np.full(n, d)) for a, d in known]
    closest = np.min(angles, axis=0) / 3600
    assert kept[closest <= reach].all()
    assert not kept[closest > 4 * reach + 1.0].any()


def test_no_position_and_too_many(database, monkeypatch):
    loaded(database, ra=[np.nan, None], dec=[1.0, 2.0], r=[1.0, 1.0])
    assert near(1.0).condition(database) == OneOf(PLACE[0], ())
    monkeypatch.setattr(restrictions, "MOST_PLACES", 1)
    assert near(1.0).condition(database) is None


def test_a_wide_radius_says_nothing(database):
    loaded(database, ra=[1.0], dec=[1.0], r=[1.0])
    assert near(30.0).condition(database) is None
    assert near(1.0).describe() == "positions near those in a"
