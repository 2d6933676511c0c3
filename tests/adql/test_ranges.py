"""Pruning never leaves out a row group that holds a matching row."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import Mask, Statistics, bounds, resolve_condition
from skyseries.errors import QueryError
from tests.adql.tables import COLUMNS, SCHEMA, SCOPE, TABLE
from tests.adql.test_evaluate import conditions, resolve_in_adql


def statistics_of(groups):
    """Return what Parquet would hold: NaN does not count."""
    found = {}
    for name in TABLE.column_names:
        if pa.types.is_struct(TABLE.schema.field(name).type):
            continue
        limits, nulls = [], []
        for group in groups:
            array = group.column(name).combine_chunks()
            nulls.append(array.null_count)
            if pa.types.is_floating(array.type):
                array = array.filter(pc.invert(pc.fill_null(pc.is_nan(array), False)))
            limits.append(pc.min_max(array))
        kind = SCHEMA.field(name).type
        found[(name,)] = Statistics(
            pa.array([limit["min"].as_py() for limit in limits], kind),
            pa.array([limit["max"].as_py() for limit in limits], kind),
            nulls,
            [group.num_rows for group in groups],
        )
    return found


@given(text=conditions(), cuts=st.lists(st.integers(0, TABLE.num_rows), max_size=4))
def test_no_matching_row_is_left_out(text, cuts):
    try:
        condition = resolve_in_adql(text, resolve_condition)
    except QueryError:
        return
    edges = sorted({0, TABLE.num_rows, *cuts})
    groups = [TABLE.slice(a, b - a) for a, b in pairwise(edges)]
    found = bounds(condition)
    kept = found.may_match(statistics_of(groups), len(groups))
    for group, keep in zip(groups, kept, strict=True):
        matches = Mask(condition)(group)
        assert keep or not any(matches.to_pylist()), text
        rows = group.filter(matches)
        for path in found.paths:
            column = rows.column(path[0]).to_pylist()
            values = found.values(path)
            assert values is None or all(value in values for value in column)


LIMITS = Statistics(
    pa.array([0.0, 10.0, None, 20.0]), pa.array([9.0, 19.0, None, 29.0]), [0, 1, 2, 0]
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("z < 10", [1, 0, 1, 0]),
        ("z <= 10", [1, 1, 1, 0]),
        ("10 > z", [1, 0, 1, 0]),
        ("z > 19", [0, 0, 1, 1]),
        ("z >= 19", [0, 1, 1, 1]),
        ("z = 15", [0, 1, 1, 0]),
        ("z IN (5, 25)", [1, 0, 1, 1]),
        ("z BETWEEN 9.5 AND 10", [0, 1, 1, 0]),
        ("z NOT BETWEEN 5 AND 35", [1, 0, 1, 0]),
        ("z < 5 OR z > 25", [1, 0, 1, 1]),
        ("NOT (z < 5 OR z > 15)", [1, 1, 1, 0]),
        ("z < 5 AND z > 25", [0, 0, 1, 0]),
        ("z < 5 OR ra > 3", [1, 1, 1, 1]),
        ("z < 5 OR rMag + 1 > 3", [1, 1, 1, 1]),
        ("z < 5 AND rMag + 1 > 3", [1, 0, 1, 0]),
        ("z <> 3", [1, 1, 1, 1]),
        ("z NOT IN (3)", [1, 1, 1, 1]),
        ("z IS NULL", [1, 1, 1, 1]),
        ("ABS(z) < 5", [1, 1, 1, 1]),
        ("1 = 2", [1, 1, 1, 1]),
    ],
)
def test_row_groups_are_left_out(text, wanted):
    found = bounds(resolve_condition(text, SCOPE)).may_match({("z",): LIMITS}, 4)
    assert found.tolist() == [bool(w) for w in wanted]


def test_ids_are_compared_exactly():
    ids = [0, 2**53, 2**53 + 1, 2**63, 2**64 - 1]
    limits = Statistics(pa.array(ids, pa.uint64()), pa.array(ids, pa.uint64()))
    for index, number in enumerate(ids):
        found = bounds(resolve_condition(f"uid = {number}", SCOPE)).may_match({("uid",): limits}, 5)
        assert np.flatnonzero(found).tolist() == [index]
    none = bounds(resolve_condition("uid = 5.5 OR uid < -1", SCOPE)).may_match(
        {("uid",): limits}, 5
    )
    assert not none.any()


def test_texts_times_and_booleans():
    names = Statistics(pa.array(["a", "abd", "x"]), pa.array(["ab", "b", "z"]))

    def kept(text, path, limits):
        return bounds(resolve_condition(text, SCOPE)).may_match({(path,): limits}, 3).tolist()

    assert kept("name LIKE 'abc%'", "name", names) == [False, False, False]
    assert kept("name LIKE 'ab%'", "name", names) == [True, True, False]
    assert kept("name LIKE 'xy'", "name", names) == [False, False, True]
    assert kept("name LIKE '_b%'", "name", names) == [True] * 3
    assert kept("name ILIKE 'ABC%'", "name", names) == [True] * 3
    assert kept("name LIKE '\U0010ffff%'", "name", names) == [False] * 3
    days = [datetime(2025, 1, day) for day in (1, 2, 3)]
    times = Statistics(pa.array(days), pa.array(days))
    assert kept("seen > '2025-01-02'", "seen", times) == [False, False, True]
    zone = Statistics(
        pa.array(days, pa.timestamp("us", "UTC")), pa.array(days, pa.timestamp("us", "UTC"))
    )
    assert kept("seen <= '2025-01-01'", "seen", zone) == [True, False, False]
    flags = Statistics(pa.array([False, True, False]), pa.array([False, True, True]))
    assert kept("good", "good", flags) == [False, True, True]
    assert kept("good = 0", "good", flags) == [True, False, True]
    # limits of another type than the column's tell nothing
    assert kept("name = 'a'", "name", Statistics([1, None, 2], [1, None, 2])) == [True] * 3


def test_missing_values_by_their_count():
    limits = Statistics(pa.array([1, None, 1]), pa.array([2, None, 2]), [0, 5, None], [5, 5, 5])
    path = ("nObs",)
    for text, wanted in [
        ("nObs IS NULL", [False, True, True]),
        ("nObs IS NOT NULL", [True, False, True]),
        ("nObs <> 3", [True, False, True]),
        ("nObs = 1", [True, False, True]),
    ]:
        found = bounds(resolve_condition(text, SCOPE)).may_match({path: limits}, 3)
        assert found.tolist() == wanted, text


def test_values():
    def of(text):
        return bounds(resolve_condition(text, SCOPE))

    assert of("objectId = 5").values(("objectId",)) == (5,)
    assert of("objectId IN (1, 2, 18446744073709551615)").values(("objectId",))[:2] == (1, 2)
    assert of("objectId IN (1, 2) AND objectId IN (2, 3)").values(("objectId",)) == (2,)
    assert of("objectId = 1 OR objectId = 4").values(("objectId",)) == (1, 4)
    assert of("objectId = 1 OR gMag > 4").values(("objectId",)) is None
    assert of("objectId > 1").values(("objectId",)) is None
    assert of("objectId = 1.5").values(("objectId",)) == ()
    assert of("COUNT(lc.mjd) > 3 AND gMag < 20").paths == {("gMag",)}


def test_nothing_known_keeps_all():
    found = bounds(resolve_condition("gMag < 3", SCOPE))
    assert found.may_match({}, 3).tolist() == [True] * 3
    assert math.isinf(COLUMNS["z"][5])
