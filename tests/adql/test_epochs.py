"""Aggregates per object against plain Python, one object after the other."""

from __future__ import annotations

import math
import pickle
import statistics
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import (
    EpochAggregates,
    Mask,
    Scope,
    Values,
    aggregate_name,
    columns,
    resolve_condition,
    resolve_value,
    split_aggregates,
)
from skyseries.errors import InputError, QueryError
from tests.adql.tables import SCOPE

floats = st.one_of(st.none(), st.just(math.nan), st.floats(-1e6, 1e6, width=32))
bands = st.one_of(st.none(), st.sampled_from(["g", "r", ""]))
objects = st.lists(st.lists(st.tuples(floats, bands), max_size=5), min_size=1, max_size=6)


def flatten(table):
    lengths = [len(epochs) for epochs in table]
    offsets = np.concatenate([[0], np.cumsum(lengths)]) + 3  # a slice need not begin at 0
    flux = pa.array([f for epochs in table for f, _ in epochs], pa.float32())
    band = pa.array([b for epochs in table for _, b in epochs], pa.string())
    mjd = pa.array([float(i) for epochs in table for i in range(len(epochs))], pa.float64())
    return {("lc", "flux"): flux, ("lc", "band"): band, ("lc", "mjd"): mjd}, offsets


def per_object(text, flat, offsets):
    inner, outer = split_aggregates(resolve_value(text, SCOPE))
    arrays = pickle.loads(pickle.dumps(EpochAggregates(inner)))(flat, offsets)  # noqa: S301
    named = {(aggregate_name(i),): array for i, array in enumerate(arrays)}
    return Values([outer])(named, len(offsets) - 1)[0].to_pylist()


def present(epochs, field=0):
    return [
        e[field]
        for e in epochs
        if e[field] is not None and not (isinstance(e[field], float) and math.isnan(e[field]))
    ]


TWINS = {
    "COUNT(lc.flux)": lambda e: len(present(e)),
    "SUM(lc.flux)": lambda e: math.fsum(present(e)) if present(e) else None,
    "AVG(lc.flux)": lambda e: statistics.fmean(present(e)) if present(e) else None,
    "MIN(lc.flux)": lambda e: min(present(e), default=None),
    "MAX(lc.flux)": lambda e: max(present(e), default=None),
    "MEDIAN(lc.flux)": lambda e: statistics.median(present(e)) if present(e) else None,
    "STDDEV(lc.flux)": lambda e: statistics.stdev(present(e)) if len(present(e)) > 1 else None,
    "VARIANCE(lc.flux)": lambda e: statistics.variance(present(e)) if len(present(e)) > 1 else None,
    "FIRST(lc.flux)": lambda e: next(iter(present(e)), None),
    "LAST(lc.flux)": lambda e: next(reversed(present(e)), None),
    "COUNT(DISTINCT lc.flux)": lambda e: len(set(present(e))),
    "COUNT(lc.band)": lambda e: len(present(e, 1)),
    "COUNT(DISTINCT lc.band)": lambda e: len(set(present(e, 1))),
    "MIN(lc.band)": lambda e: min(present(e, 1), default=None),
    "MAX(lc.band)": lambda e: max(present(e, 1), default=None),
    "LAST(lc.band)": lambda e: next(reversed(present(e, 1)), None),
    "COUNT(lc.mjd)": len,
    "MAX(lc.mjd) - MIN(lc.mjd)": lambda e: len(e) - 1 if e else None,
}


@pytest.mark.parametrize("text", TWINS)
@given(table=objects)
def test_aggregates_agree_with_plain_python(text, table):
    flat, offsets = flatten(table)
    found = per_object(text, flat, offsets)
    for value, epochs in zip(found, table, strict=True):
        wanted = TWINS[text](epochs)
        if isinstance(wanted, float):
            assert value == pytest.approx(wanted, rel=1e-6, abs=1e-5 * (1 + abs(wanted)))
        else:
            assert value == wanted


def test_an_aggregate_inside_another_and_beside_epochs():
    table = [[(1.0, "g"), (3.0, "r")], [], [(5.0, None)]]
    flat, offsets = flatten(table)
    assert per_object("AVG(lc.flux - AVG(lc.flux)) + 1", flat, offsets) == [1.0, None, 1.0]
    inner, outer = split_aggregates(resolve_condition("lc.flux > AVG(lc.flux)", SCOPE))
    (mean,) = EpochAggregates(inner)(flat, offsets)
    repeated = mean.take(pa.array(np.repeat(np.arange(3), np.diff(offsets))))
    found = Mask(outer)({**flat, (aggregate_name(0),): repeated})
    assert found.to_pylist() == [False, True, False]


def test_values_of_objects_in_an_aggregate_are_repeated():
    flat, offsets = flatten([[(1.0, "g"), (3.0, "r")], [(5.0, "g")]])
    (deviation,), _ = split_aggregates(resolve_value("MAX(lc.flux - gMag)", SCOPE))
    aggregates = EpochAggregates([deviation])
    assert aggregates.columns == columns(deviation) == {("lc", "flux"), ("gMag",)}
    flat[("gMag",)] = pa.array([1.0, 1.0, 2.0], pa.float32())
    assert aggregates(flat, offsets)[0].to_pylist() == [2.0, 3.0]


def test_infinities_and_whole_numbers():
    flat, offsets = flatten([[(math.inf, "g"), (-math.inf, "g")], [(math.inf, "g")]])
    assert per_object("MAX(lc.flux)", flat, offsets) == [math.inf, math.inf]
    assert per_object("MIN(lc.flux)", flat, offsets) == [-math.inf, math.inf]
    assert math.isnan(per_object("SUM(lc.flux)", flat, offsets)[0])
    large = {("objectId",): pa.array([2**62, 2**62]), ("lc", "mjd"): pa.array([1.0, 2.0])}
    (total,), _ = split_aggregates(resolve_value("SUM(objectId + FLOOR(0 * lc.mjd))", SCOPE))
    assert EpochAggregates([total])(large, [0, 1, 2])[0].to_pylist() == [2.0**62] * 2


def test_a_sum_of_whole_numbers_that_does_not_fit_is_an_error():
    schema = pa.schema([("lc", pa.struct([("n", pa.list_(pa.int64()))]))])
    (total,), _ = split_aggregates(resolve_value("SUM(lc.n)", Scope.from_schema(schema)))
    flat = {("lc", "n"): pa.array([2**62, 2**62, 5, None])}
    assert EpochAggregates([total])(flat, [0, 1, 3, 4])[0].to_pylist() == [2**62, 2**62 + 5, None]
    with pytest.raises(QueryError, match="64 bits"):
        EpochAggregates([total])(flat, [0, 2, 4])


def test_epochs_of_other_types():
    decimals = pa.array([Decimal("1.5"), None, Decimal("2.5")], pa.decimal128(5, 1))
    bands = pa.array(["r", "g", None]).dictionary_encode()
    small = pa.array([1, None, 255], pa.uint8())
    lists = [
        ("n", pa.list_(pa.uint8())),
        ("d", pa.list_(decimals.type)),
        ("band", pa.list_(bands.type)),
    ]
    scope = Scope.from_schema(pa.schema([("lc", pa.struct(lists))]))
    flat = {("lc", "d"): decimals, ("lc", "band"): bands, ("lc", "n"): small}
    for text, wanted in [
        ("SUM(lc.d)", [1.5, 2.5]),
        ("MAX(lc.d)", [1.5, 2.5]),
        ("MIN(lc.band)", ["g", None]),
        ("FIRST(lc.n)", [1, 255]),
        ("MAX(lc.n)", [1, 255]),
        ("SUM(lc.n)", [1, 255]),
        ("LAST(lc.band)", ["g", None]),
        ("COUNT(DISTINCT lc.band)", [2, 0]),
    ]:
        (aggregate,), _ = split_aggregates(resolve_value(text, scope))
        (found,) = EpochAggregates([aggregate])(flat, np.array([0, 2, 3]))
        assert found.to_pylist() == wanted
        assert found.type == aggregate.arrow_type


def test_no_objects_and_wrong_aggregates():
    flat, _ = flatten([[]])
    for text in TWINS:
        assert per_object(text, flat, np.zeros(1, np.int64)) == []
    over_rows = resolve_value("COUNT(*)", SCOPE, grouped=True)
    with pytest.raises(InputError, match="one nested column"):
        EpochAggregates([over_rows])
