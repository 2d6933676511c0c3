"""Keys are matched as a loop matches them; many ids are found where each alone is."""

from __future__ import annotations

import bisect
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.catalog.plan.asof import AsOf
from skyseries.config import tuned
from skyseries.hats import idindex
from skyseries.hats.keys import KeyTable, aligned
from tests.catalog.joins import imported, joined, objects, replace_index_part, sources
from tests.examples import examples

TYPES = {
    pa.int64(): st.sampled_from([-(2**63), 2**63 - 1, 2**53, 2**53 + 1, -1, 0, 1, 200]),
    pa.uint64(): st.sampled_from([2**64 - 1, 2**63, 2**63 - 1, 2**53 + 1, 0, 1, 200]),
    pa.uint8(): st.sampled_from([0, 1, 200, 255]),
    pa.int16(): st.sampled_from([-1, 0, 1, 200]),
}
TEXT = st.sampled_from(["", "a", "b", "é", "ab"])


@st.composite
def two_sides(draw):
    if draw(st.booleans()):
        kinds = [(pa.string(), TEXT), (pa.large_string(), TEXT)]
        sides = [draw(st.sampled_from(kinds)) for _ in range(2)]
    else:
        sides = [draw(st.sampled_from(list(TYPES.items()))) for _ in range(2)]
    return [
        pa.array(draw(st.lists(st.none() | values, max_size=12)), type_) for type_, values in sides
    ]


@given(two_sides())
@examples(4)
def test_as_a_loop_matches(sides):
    left, right = (side.to_pylist() for side in sides)
    table = KeyTable(sides[1])
    asked, rows = table.match(sides[0])
    expected = [
        (i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a is not None and a == b
    ]
    assert list(zip(asked.tolist(), rows.tolist(), strict=True)) == expected
    own, others = table.codes(), table.codes_of(sides[0])
    for i, a in enumerate(left):
        assert (others[i] >= 0) == (a is not None and a in right)
        for j, b in enumerate(right):
            assert (others[i] == own[j] and own[j] >= 0) == (a is not None and a == b)


@given(two_sides())
@examples()
def test_aligned_keeps_what_can_be_kept(sides):
    type_ = sides[1].type
    for before, after in zip(
        sides[0].to_pylist(), aligned(sides[0], type_).to_pylist(), strict=True
    ):
        assert after in (before, None)
        if after is None and before is not None:
            with pytest.raises((OverflowError, pa.ArrowInvalid)):
                pa.array([before], type_)


def test_many_unordered_keys():
    rng = np.random.default_rng(0)
    right, left = rng.integers(0, 30_000, 20_000), rng.integers(0, 40_000, 25_000)
    asked, rows = KeyTable(pa.array(right)).match(pa.array(left))
    counts = np.bincount(right, minlength=40_000)
    assert len(asked) == counts[left].sum()
    assert (right[rows] == left[asked]).all()
    assert (np.diff(asked) >= 0).all()
    assert (np.diff(rows)[np.diff(asked) == 0] > 0).all()


rows_in_time = st.lists(
    st.tuples(st.integers(-1, 2), st.none() | st.sampled_from([0.0, 1.0, 1.5, 2.0, float("nan")])),
    max_size=10,
)


@given(
    rows_in_time, rows_in_time, st.sampled_from(["backward", "forward", "nearest"]),
    st.sampled_from([None, 0, 0.5]), st.booleans(),
)  # fmt: skip
@examples(4)
def test_next_in_time_as_a_search_finds_it(left, right, direction, tolerance, exact):
    rule = AsOf("t", "t", direction, tolerance, exact)
    keys = [np.array([k for k, _ in side], np.int64) for side in (left, right)]
    times = [pa.chunked_array([pa.array([t for _, t in s], pa.float64())]) for s in (left, right)]
    found = rule.partners(*keys, *times)
    for (key, time), row in zip(left, found.tolist(), strict=True):
        assert row == one_partner(key, time, right, direction, tolerance, exact)


def one_partner(key, time, right, direction, tolerance, exact):
    if key < 0 or time is None or time != time:
        return -1
    mine = sorted((t, j) for j, (k, t) in enumerate(right) if k == key and t is not None and t == t)
    times = [t for t, _ in mine]
    before = (bisect.bisect_right if exact else bisect.bisect_left)(times, time) - 1
    after = (bisect.bisect_left if exact else bisect.bisect_right)(times, time)
    far = float("inf")
    back = time - times[before] if before >= 0 else far
    ahead = times[after] - time if after < len(times) else far
    limit = far if tolerance is None else tolerance
    back, ahead = (gap if gap <= limit else far for gap in (back, ahead))
    if direction == "backward" or (direction == "nearest" and back <= ahead):
        return mine[before][1] if back < far else -1
    return mine[after][1] if ahead < far else -1


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """A catalog whose id index has many small row groups."""
    with tuned(index_group_rows=7):
        return imported(
            objects(), tmp_path_factory.mktemp("many") / "objects", id="name", max_rows=30
        )


def rows(catalog):
    return catalog.to_arrow().to_pylist()


def index_folder(catalog):
    return catalog._root.join(dict(catalog._collection.indexes)["name"])


def test_many_ids_as_one_by_one(indexed, tune):
    tune(index_groups_at_once=3)
    index = idindex.open_index(index_folder(indexed), "name")
    asked = ["obj é 7", "nobody", None, "obj é 1", "obj é 7", "", "zzz", "obj é 39"]
    found = index.find_many(pa.array(asked, pa.large_string()))
    alone = [(i, place.hpx) for i, a in enumerate(asked) if a for place in index.find(a)]
    assert len(alone) > 20
    assert sorted(zip(found.asked.tolist(), found.start.tolist(), strict=True)) == sorted(alone)
    assert (found.stop == found.start + 1).all()
    assert (np.diff(found.asked) >= 0).all()
    nothing = index.find_many(pa.array([], pa.string()))
    assert len(nothing.asked) == len(nothing.start) == 0


def test_an_index_without_cells_or_rows(indexed, tmp_path, tune):
    """Of another's index only the partitions are used; one that lacks rows is not."""
    tune(small_side_bytes=0)
    shutil.copytree(indexed._root.path, tmp_path / "objects")
    catalog = sky.open_catalog(tmp_path / "objects")
    folder = index_folder(catalog).local
    named = sources(objects(), n=60).select(["s", "object_name", "ra", "dec"])
    left = sky.from_table(named)
    expected = joined(rows(left), rows(catalog), ("object_name", "name"), "inner")
    file = folder / "dataset" / "index" / "part.0.parquet"
    table = pq.ParquetFile(file).read().drop_columns(["_healpix_29"])
    replace_index_part(file, table)
    plan = left.join(catalog, left_on="object_name", right_on="name")
    assert "through the id index" in str(plan.explain())
    found = plan.to_arrow()
    assert [(r["s"], r["k"]) for r in found.to_pylist()] == [(a["s"], b["k"]) for a, b in expected]
    replace_index_part(file, table.slice(1))
    plan = left.join(sky.open_catalog(tmp_path / "objects"), left_on="object_name", right_on="name")
    assert "through a temporary index" in str(plan.explain())
    assert plan.to_arrow() == found
