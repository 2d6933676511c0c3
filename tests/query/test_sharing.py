"""Tables of one catalog that are joined by its ids know each other's conditions on objects."""

import pytest

import skyseries as sky


@pytest.fixture(scope="module")
def tables(world):
    return {"survey": world.catalog, "again": world.catalog, "TAP_UPLOAD.mine": world.flat}


def read(tables, source):
    """Return the conditions on each table that is read, as the plan says them."""
    explained = sky.sql(f"SELECT COUNT(*) AS n FROM {source}", tables).explain()  # noqa: S608
    lines = (str(one).splitlines() for one in explained.below)
    return [sorted(t.strip() for t in text if t.strip().startswith("where")) for text in lines]


@pytest.mark.parametrize(
    "source",
    [
        "survey AS s JOIN survey.lc AS e ON e.objectId = s.objectId WHERE s.kind = 'star'",
        "survey AS s JOIN survey AS t ON t.objectId = s.objectId WHERE s.kind = 'star'",
        "survey AS s LEFT JOIN survey.lc AS e ON e.objectId = s.objectId WHERE s.kind = 'star'",
        "survey.lc AS e WHERE e.objectId IN (SELECT objectId FROM survey WHERE kind = 'star') "
        "AND EXISTS (SELECT * FROM survey AS s WHERE s.objectId = e.objectId AND kind = 'star')",
    ],
)
def test_conditions_on_objects_are_shared(tables, source):
    found = read(tables, source)
    assert len(found) > 1
    assert all("where kind = 'star'" in one for one in found)


@pytest.mark.parametrize(
    "source",
    [
        # the other rows are there all the same; another catalog; no id; of the epochs alone
        "survey AS s FULL JOIN survey AS t ON t.objectId = s.objectId AND s.kind = 'star'",
        "survey AS s LEFT JOIN survey AS t ON t.objectId = s.objectId AND t.kind = 'star'",
        "survey AS s JOIN TAP_UPLOAD.mine AS t ON t.objectId = s.objectId WHERE t.kind = 'star'",
        "survey AS s JOIN survey AS t ON t.nObs = s.nObs WHERE t.kind = 'star'",
        "survey AS s JOIN survey.lc AS t ON t.objectId = s.objectId WHERE t.band = 'r'",
        "survey AS s JOIN survey AS t ON t.objectId = s.objectId OR 1 = 1 WHERE t.kind = 'star'",
    ],
)
def test_other_conditions_are_not(tables, source):
    found = read(tables, source)
    assert sum(map(len, found)) <= 1


def test_conditions_reach_the_end_of_a_chain(tables):
    source = (
        "survey AS s JOIN survey.lc AS e ON e.objectId = s.objectId JOIN survey AS t "
        "ON t.objectId = e.objectId JOIN survey AS u ON u.objectId = t.objectId "
    )
    for name in "stu":
        found = read(tables, f"{source} WHERE {name}.kind = 'star'")
        assert len(found) == 4
        assert all("where kind = 'star'" in one for one in found)
