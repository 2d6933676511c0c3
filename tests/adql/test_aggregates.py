"""Aggregates with parameters, over rows in parts and over epochs, against Python's lists."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import (
    PYTHON,
    STRICT,
    EpochAggregates,
    GroupBy,
    Scope,
    resolve_value,
    split_aggregates,
)
from skyseries.errors import QueryError
from tests.examples import examples

numbers = st.one_of(
    st.none(), st.just(float("nan")), st.floats(-5, 5), st.sampled_from([0.0, 1.0, 4.0, -0.0])
)
words = st.one_of(st.none(), st.sampled_from(["", "a", "it's", "{0}", "näh", "b b"]))
TEXTS = [
    "PERCENTILE(x, 25)", "scisql_percentile(x, 100)", "PERCENTILE(x, 0.1)", "PERCENTILE(x, -1)",
    "scisql_median(x)", "ivo_histogram(x, 0, 4, 8)", "ivo_histogram(x, -1.5, 1e0, 1)",
    "ivo_string_agg(s, ', ')", "ivo_string_agg(s, '''')",
]  # fmt: skip


def known(values):
    return [v for v in values if v is not None and not (isinstance(v, float) and math.isnan(v))]


def percentile(values, percent):
    values = known(values)
    if not values or not 0 <= percent <= 100:
        return None
    return float(np.percentile(values, percent))


def histogram(values, low, high, bins):
    counts = [0] * (bins + 2)
    for value in values:
        if value is None or math.isnan(value) or value < low:
            counts[0] += 1
        else:
            counts[min(1 + math.floor((value - low) * bins / (high - low)), bins + 1)] += 1
    return counts


def joined(values, delimiter):
    return delimiter.join(sorted(known(values))) if known(values) else None


def twins(x, s):
    return [
        percentile(x, 25), percentile(x, 100), percentile(x, 0.1), None, percentile(x, 50),
        histogram(x, 0, 4, 8), histogram(x, -1.5, 1, 1), joined(s, ", "), joined(s, "'"),
    ]  # fmt: skip


def check(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert one == (pytest.approx(other, abs=1e-12) if isinstance(other, float) else other)


SCOPE = Scope.from_schema(pa.schema([("k", pa.int32()), ("x", pa.float64()), ("s", pa.string())]))


@examples(0.12)
@given(st.lists(st.tuples(st.integers(0, 2), numbers, words), max_size=20), st.integers(1, 7))
def test_over_rows_in_parts(rows, size):
    k, x, s = zip(*rows, strict=True) if rows else ((), (), ())
    table = pa.table({"k": pa.array(k, pa.int32()), "x": pa.array(x, pa.float64()),
                      "s": pa.array(s, pa.string())})  # fmt: skip
    values = [resolve_value(text, SCOPE, PYTHON,
                            grouped=True) for text in TEXTS]  # fmt: skip
    names = [f"v{i}" for i in range(len(values))]
    for keys in ([], [resolve_value("k", SCOPE)]):
        group = GroupBy(keys, ["k"][: len(keys)], values, names)
        parts = [group.partial(table.slice(i, size)) for i in range(0, len(rows), size)]
        for found in group.finish(group.merge(parts)).to_pylist():
            mine = [row for row in rows if not keys or row[0] == found["k"]]
            wanted = twins([row[1] for row in mine], [row[2] for row in mine])
            check([found[name] for name in names], wanted)


LC = pa.struct([("x", pa.list_(pa.float64())), ("s", pa.list_(pa.string()))])


@examples(0.12)
@given(st.lists(st.lists(st.tuples(numbers, words), max_size=6), min_size=1, max_size=6))
def test_over_epochs(objects):
    scope = Scope.from_schema(pa.schema([("lc", LC)]))
    texts = [text.replace("(x", "(lc.x").replace("(s", "(lc.s") for text in TEXTS]
    aggregates = [split_aggregates(resolve_value(text, scope))[0][0] for text in texts]
    flat = [epoch for epochs in objects for epoch in epochs]
    columns = {("lc", "x"): pa.array([e[0] for e in flat], pa.float64()),
               ("lc", "s"): pa.array([e[1] for e in flat], pa.string())}  # fmt: skip
    offsets = np.cumsum([0, *map(len, objects)])
    results = EpochAggregates(aggregates)(columns, offsets)
    for i, epochs in enumerate(objects):
        wanted = twins([e[0] for e in epochs], [e[1] for e in epochs])
        check([result[i].as_py() for result in results], wanted)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PERCENTILE(x)", r"takes 2 values, not 1; write PERCENTILE\(x, percent\)"),
        ("PERCENTILE(x, x)", "percent in PERCENTILE must be a constant"),
        ("PERCENTILE(x, 'a')", "must be a number"),
        ("PERCENTILE(s, 5)", "takes numbers, not a text"),
        ("PERCENTILE(DISTINCT x, 5)", "DISTINCT has no meaning"),
        ("ivo_string_agg(s, 5)", "delimiter in ivo_string_agg must be a text"),
        ("ivo_string_agg(x, ',')", "ivo_string_agg cannot take a double"),
        ("ivo_histogram(x, 1, 1, 5)", "a larger upper one"),
        ("ivo_histogram(x, 0, 1, 0)", "1 to 10000 bins"),
        ("ivo_histogram(x, 0, 1, 1.5)", "1 to 10000 bins"),
        ("ivo_histogram(x, 0, 1, 100000)", "1 to 10000 bins"),
        ("AVG(x, 1)", "takes one value, not 2"),
        ("AVG()", "takes a value"),
    ],
)
def test_what_they_do_not_take(text, words):
    with pytest.raises(QueryError, match=words):
        resolve_value(text, SCOPE, grouped=True)


def test_the_strict_dialect_has_those_of_the_standards():
    resolve_value("scisql_median(x)", SCOPE, STRICT, grouped=True)
    with pytest.raises(QueryError, match="no function MEDIAN"):
        resolve_value("MEDIAN(x)", SCOPE, STRICT, grouped=True)


def test_units_follow():
    from skyseries.schema import ColumnMeta, with_column_meta

    field = with_column_meta(pa.field("x", pa.float64()), ColumnMeta(unit="mag"))
    scope = Scope.from_schema(pa.schema([field]))
    for text, unit in (("PERCENTILE(x, 5)", "mag"), ("scisql_median(x)", "mag"),
                       ("ivo_histogram(x, 0, 1, 5)", ""), ("COUNT(x)", "")):  # fmt: skip
        assert resolve_value(text, scope, grouped=True).unit == unit
