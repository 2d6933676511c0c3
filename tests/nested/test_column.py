"""Operations on nested columns against slow twins on Python lists, and DuckDB."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import InputError, SchemaError
from skyseries.nested import REDUCTIONS, Nested, concat
from tests.examples import examples
from tests.nested.columns import (
    TYPES,
    Row,
    build,
    columns,
    filled,
    flat_of,
    rows_of,
    same,
    spread,
)

MODEST = examples(0.8)


@MODEST
@given(columns())
def test_round_trip_keeps_type_and_rows(column: pa.ChunkedArray) -> None:
    nested = Nested.from_arrow(column)
    back = nested.to_arrow()
    back.validate(full=True)
    assert back.type == column.type
    assert nested.type == column.type
    assert same(back.to_pylist(), column.to_pylist())
    assert nested.size == len(nested) == len(column)
    assert nested.n_epochs == sum(len(r["t"]) for r in filled(rows_of(column)))
    assert [n.as_py() for n in back.is_null()] == [
        n.as_py() for n in column.combine_chunks().is_null()
    ]
    again = Nested.from_arrow(back).to_arrow()
    assert same(again.to_pylist(), back.to_pylist())


@MODEST
@given(columns())
def test_flat_values_parents_and_lengths(column: pa.ChunkedArray) -> None:
    nested = Nested.from_arrow(column)
    rows = filled(rows_of(column))
    flat = flat_of(rows)
    table = nested.flat_table()
    assert table.column_names == nested.names == list(column.type.names)
    for name in nested.names:
        assert same(table[name].to_pylist(), flat[name])
        assert same(nested.values(name).to_pylist(), flat[name])
    parents = [i for i, row in enumerate(rows) for _ in row["t"]]
    assert nested.parents().tolist() == parents
    assert nested.lengths().tolist() == [len(row["t"]) for row in rows]
    texts = [f"row {i}" if i % 3 else None for i in range(len(rows))]
    assert nested.broadcast(pa.array(texts, pa.string())).to_pylist() == [texts[p] for p in parents]
    numbers = np.arange(len(rows)) * 1.5
    assert nested.broadcast(numbers).tolist() == [1.5 * p for p in parents]
    assert nested.broadcast(pa.chunked_array([pa.array(numbers)])).to_pylist() == [
        1.5 * p for p in parents
    ]


@MODEST
@given(columns(), st.data())
def test_filter(column: pa.ChunkedArray, data: st.DataObject) -> None:
    nested = Nested.from_arrow(column)
    mask = data.draw(
        st.lists(
            st.sampled_from([True, False, None]),
            min_size=nested.n_epochs,
            max_size=nested.n_epochs,
        )
    )
    got = nested.filter(pa.array(mask, pa.bool_()))
    keep = iter(mask)
    expected = spread(
        rows_of(column), lambda lists: _pick(lists, [j for j in range(_n(lists)) if next(keep)])
    )
    assert same(got.to_arrow().to_pylist(), expected)
    assert got.type == column.type
    numpy_mask = np.array([bool(m) for m in mask], bool)
    assert same(nested.filter(numpy_mask).to_arrow().to_pylist(), expected)


def _n(lists: Row) -> int:
    return len(next(iter(lists.values())))


def _pick(lists: Row, places: list[int]) -> Row:
    return {name: [values[j] for j in places] for name, values in lists.items()}


def _rank(value: Any) -> tuple[int, Any]:
    if value is None:
        return (2, 0)
    if isinstance(value, float) and math.isnan(value):
        return (1, 0)
    return (0, value)


def _sorted_twin(lists: Row, by: list[tuple[str, bool]]) -> Row:
    order = list(range(_n(lists)))
    for name, ascending in reversed(by):
        ranks = [_rank(value) for value in lists[name]]
        plain = [j for j in order if ranks[j][0] == 0]
        plain.sort(key=lambda j: ranks[j], reverse=not ascending)
        special = sorted((j for j in order if ranks[j][0]), key=lambda j: ranks[j])
        order = plain + special
    return _pick(lists, order)


@examples(1.6)
@given(columns(), st.data())
def test_sort(column: pa.ChunkedArray, data: st.DataObject) -> None:
    nested = Nested.from_arrow(column)
    names = st.lists(st.sampled_from(nested.names), min_size=1, max_size=3, unique=True)
    by = [(name, data.draw(st.booleans())) for name in data.draw(names)]
    got = nested.sort(by)
    got.to_arrow().validate(full=True)
    expected = spread(rows_of(column), lambda lists: _sorted_twin(lists, by))
    assert same(got.to_arrow().to_pylist(), expected)
    assert got.sort(by) is got


@pytest.mark.parametrize(
    "kind", ["uniform", "nights", "normal", "nan", "outlier", "few", "extremes", "powers", "equal"]
)
@pytest.mark.parametrize("length", [15, 16, 17, 100, 3000])
def test_sort_of_long_light_curves(kind: str, length: int) -> None:
    rng = np.random.default_rng(length)
    size = 7 * length
    if kind == "extremes":
        values = rng.choice([-(2**63), 2**63 - 1, 0, -1, 1, 2**62, -(2**62)], size)
    else:
        values = {
            "uniform": lambda: rng.uniform(60000, 63650, size),
            "nights": lambda: (
                60000
                + np.repeat(rng.integers(0, 9, -(-size // 40)), 40)[:size]
                + 1e-9 * rng.random(size)
            ),
            "normal": lambda: rng.normal(0, 1, size),
            "nan": lambda: np.where(rng.random(size) < 0.1, np.nan, rng.random(size)),
            "outlier": lambda: np.where(rng.random(size) < 0.02, 1e300, rng.random(size)),
            "few": lambda: rng.integers(0, 3, size).astype(float) * -0.0 + rng.integers(0, 2, size),
            "powers": lambda: (
                np.ldexp(1.0, -rng.integers(0, 1070, size)) * rng.choice([-1, 1], size)
            ),
            "equal": lambda: np.full(size, 3.0),
        }[kind]()
    place = np.arange(size)
    offsets = np.concatenate([[0, 0], np.sort(rng.integers(0, size, 5)), [size]])
    nested = Nested.from_flat(
        np.repeat(np.arange(7), np.diff(offsets)), pa.table({"t": values, "place": place}), 7
    )
    for ascending in (True, False):
        got = nested.sort(("t", ascending)).values("place").to_numpy()
        key = values if ascending else (~values if values.dtype.kind == "i" else -values)
        expected = np.concatenate(
            [a + np.argsort(key[a:b], kind="stable") for a, b in itertools.pairwise(offsets)]
        )
        assert np.array_equal(got, expected)


def test_sort_that_buckets_cannot_spread_is_merged() -> None:
    # each round of buckets parts the largest value only
    values = np.repeat([2**62, 2**55, 2**48, 2**41, 2**34, *range(100)], 2)
    values = np.random.default_rng(0).permutation(values)
    table = pa.table({"t": values, "place": np.arange(values.size)})
    nested = Nested.from_flat(np.zeros(values.size, int), table, 1)
    expected = np.argsort(values, kind="stable")
    assert nested.sort("t").values("place").to_pylist() == expected.tolist()


def test_sort_of_ordered_light_curves_copies_nothing() -> None:
    nested = Nested.from_flat([0, 0, 1, 1], pa.table({"t": [1, 2, 1, 5]}), 3)
    assert nested.sort("t") is nested
    assert nested.sort(("t", False)).values("t").to_pylist() == [2, 1, 5, 1]


@MODEST
@given(
    columns(),
    st.none() | st.integers(-7, 7),
    st.none() | st.integers(-7, 7),
    st.integers(1, 4),
)
def test_slices(column: pa.ChunkedArray, start: int | None, stop: int | None, step: int) -> None:
    nested = Nested.from_arrow(column)

    def check(got: Nested, cut: slice) -> None:
        expected = spread(rows_of(column), lambda row: {k: v[cut] for k, v in row.items()})
        assert same(got.to_arrow().to_pylist(), expected)

    check(nested.slice(start, stop, step), slice(start, stop, step))
    check(nested.head(step - 1), slice(0, step - 1))
    check(nested.tail(step), slice(-step, None))
    check(nested.tail(0), slice(0, 0))


@MODEST
@given(columns(), columns())
def test_concat(one: pa.ChunkedArray, two: pa.ChunkedArray) -> None:
    n = min(len(one), len(two))
    first, second = one.slice(0, n), two.slice(0, n)
    got = concat(
        Nested.from_arrow(first), Nested.from_arrow(second).select([*two.type.names][::-1])
    )
    got.to_arrow().validate(full=True)
    expected = []
    for a, b in zip(rows_of(first), rows_of(second), strict=True):
        if a is None and b is None:
            expected.append(None)
            continue
        a, b = (dict.fromkeys(TYPES) if row is None else row for row in (a, b))
        expected.append(
            {
                k: None if a[k] is None and b[k] is None else (a[k] or []) + (b[k] or [])
                for k in TYPES
            }
        )
    assert same(got.to_arrow().to_pylist(), expected)


@MODEST
@given(st.lists(st.integers(0, 6), max_size=40), st.booleans())
def test_from_flat_groups_rows_in_their_order(parents: list[int], large: bool) -> None:
    place = list(range(len(parents)))
    table = pa.table(
        {
            "place": pa.array(place, pa.int32()),
            "name": pa.array([f"e{p}" for p in place], pa.string()),
        }
    )
    got = Nested.from_flat(parents, table, 7, large=large).to_arrow()
    got.validate(full=True)
    assert pa.types.is_large_list(got.type.field(0).type) == large
    rows = [[j for j in place if parents[j] == i] for i in range(7)]
    assert got.to_pylist() == [{"place": r, "name": [f"e{j}" for j in r]} for r in rows]


EPOCHS: Row = {
    "t": [3.0, 1.0],
    "x": [1, 2],
    "b": ["g", "r"],
    "f": [True, None],
    "when": [None, dt.datetime(2020, 1, 1)],
}


def test_from_flat_undoes_flat_table() -> None:
    nested = Nested.from_arrow(build([EPOCHS, {k: [] for k in TYPES}]))
    back = Nested.from_flat(nested.parents(), nested.flat_table(), nested.size)
    assert back.type == nested.type
    assert back.to_arrow().to_pylist() == nested.to_arrow().to_pylist()


def test_fields_are_selected_dropped_renamed_and_added() -> None:
    column = build([EPOCHS, None, {k: [] for k in TYPES}])
    nested = Nested.from_arrow(column)
    assert nested.select(["b", "t"]).to_arrow().to_pylist() == [
        {"b": ["g", "r"], "t": [3.0, 1.0]},
        None,
        {"b": [], "t": []},
    ]
    assert nested.drop(["b", "when"]).names == ["t", "x", "f"]
    assert nested.rename({"t": "mjd"}).names == ["mjd", "x", "b", "f", "when"]
    more = nested.with_field("snr", np.array([5.0, 7.0])).with_field("x", pa.array(["p", None]))
    assert more.names == ["t", "x", "b", "f", "when", "snr"]
    out = more.to_arrow()
    out.validate(full=True)
    assert out.to_pylist()[0]["snr"] == [5.0, 7.0]
    assert out.to_pylist()[0]["x"] == ["p", None]
    assert out.to_pylist()[1] is None
    assert nested.names == ["t", "x", "b", "f", "when"]
    assert nested.values("t").to_pylist() == [3.0, 1.0]


EXPRESSIONS = {
    "first": "first(v ORDER BY k) FILTER (v IS NOT NULL)",
    "last": "last(v ORDER BY k) FILTER (v IS NOT NULL)",
    "any": "bool_or(v)",
    "all": "bool_and(v)",
    # DuckDB raises for what is not finite
    "stddev": "CASE WHEN NOT bool_and(isfinite(v::DOUBLE)) AND count(v) > 1 THEN 'nan'::DOUBLE "
    "ELSE stddev_samp(v) FILTER (isfinite(v::DOUBLE)) END",
}


def _duckdb(nested: Nested, functions: list[str]) -> dict[str, list[Any]]:
    values = nested.values("x")
    epochs = pa.table({"p": nested.parents(), "k": np.arange(len(values)), "v": values})
    objects = pa.table({"p": np.arange(nested.size)})
    what = ", ".join(EXPRESSIONS.get(f, f"{f}(v)") for f in functions)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("epochs", epochs)
        connection.register("objects", objects)
        rows = connection.execute(
            f"SELECT {what} FROM objects LEFT JOIN epochs USING (p) "  # noqa: S608
            "GROUP BY objects.p ORDER BY objects.p"
        ).fetchall()
    return {f: [row[k] for row in rows] for k, f in enumerate(functions)}


def _column(rows: list[list[Any]], type_: pa.DataType) -> Nested:
    return Nested.from_arrow(pa.StructArray.from_arrays([pa.array(rows, pa.list_(type_))], ["x"]))


def _median_twin(row: list[Any]) -> float | None:
    there = sorted((v for v in row if v is not None), key=_rank)
    if not there:
        return None
    return (there[(len(there) - 1) // 2] + there[len(there) // 2]) / 2


SPECIAL = st.sampled_from([None, math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, -2.25, 7.0, 1e-3])
NUMBERS = ["count", "sum", "min", "max", "avg", "median", "stddev", "first", "last"]


@examples(0.5)
@given(
    st.lists(st.lists(SPECIAL, max_size=9), max_size=8),
    st.sampled_from([pa.float64(), pa.float32()]),
)
def test_reductions_of_floats_agree_with_duckdb(rows: list[list[Any]], type_: pa.DataType) -> None:
    nested = _column(rows, type_)
    rows = nested.to_arrow().field("x").to_pylist()
    expected = _duckdb(nested, NUMBERS)
    # DuckDB's median of two infinities is NaN
    expected["median"] = [_median_twin(row) for row in rows]
    for function in NUMBERS:
        got = nested.reduce("x", function)
        assert same(got.to_pylist(), expected[function], rtol=1e-12), function


@examples(0.5)
@given(
    st.lists(st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=9), max_size=8),
    st.sampled_from([pa.int64(), pa.int32()]),
)
def test_reductions_of_integers_agree_with_duckdb(
    rows: list[list[Any]], type_: pa.DataType
) -> None:
    nested = _column(rows, type_)
    expected = _duckdb(nested, NUMBERS)
    for function in NUMBERS:
        got = nested.reduce("x", function).to_pylist()
        if function in ("avg", "median", "stddev"):
            assert same(got, expected[function], rtol=1e-9), function
        else:
            assert got == expected[function], function


@examples(0.5)
@given(st.lists(st.lists(st.sampled_from([True, False, None]), max_size=5), max_size=8))
def test_reductions_of_booleans_agree_with_duckdb(rows: list[list[Any]]) -> None:
    nested = _column(rows, pa.bool_())
    functions = ["any", "all", "count", "first", "last", "sum"]
    expected = _duckdb(nested, functions)
    for function in functions:
        assert nested.reduce("x", function).to_pylist() == expected[function], function


@MODEST
@given(columns())
def test_reductions_of_every_type(column: pa.ChunkedArray) -> None:
    nested = Nested.from_arrow(column)
    for name in nested.names:
        lists = [[v for v in row[name] if v is not None] for row in filled(rows_of(column))]
        got = {f: nested.reduce(name, f) for f in ("first", "last", "min", "max", "count")}
        assert got["min"].type == nested.values(name).type
        assert got["count"].to_pylist() == [len(row) for row in lists]
        assert same(got["first"].to_pylist(), [row[0] if row else None for row in lists])
        assert same(got["last"].to_pylist(), [row[-1] if row else None for row in lists])
        assert same(got["min"].to_pylist(), [min(row, key=_rank, default=None) for row in lists])
        assert same(got["max"].to_pylist(), [max(row, key=_rank, default=None) for row in lists])


def test_reductions_take_arrays_too() -> None:
    nested = Nested.from_flat([0, 0, 2], pa.table({"t": [1.0, 2.0, 3.0]}), 3)
    assert nested.reduce(np.array([1, 2, 3]), "sum").to_pylist() == [3, None, 3]
    assert nested.reduce(pa.chunked_array([[1.0], [None, 4.0]]), "avg").to_pylist() == [
        1.0,
        None,
        4.0,
    ]
    assert set(REDUCTIONS) == {*NUMBERS, "any", "all"}


def test_sums_are_exact_or_refused() -> None:
    big = 2**62
    nested = Nested.from_flat([0, 0, 1, 1, 1], pa.table({"x": [big, big - 1, -big, -big, 0]}), 2)
    assert nested.reduce("x", "sum").to_pylist() == [2**63 - 1, -(2**63)]
    with pytest.raises(InputError, match="light curve 1 does not fit"):
        nested.reduce(np.array([big, big - 1, big, big, 0]), "sum")
    with pytest.raises(InputError, match="uint64 do not fit"):
        nested.reduce(np.full(5, 2**63, np.uint64), "sum")
    assert nested.reduce(np.full(5, 2**64 - 1, np.uint64), "max").to_pylist() == [2**64 - 1] * 2
    small = pa.array([250, 250, 250, 250, 250], pa.uint8())
    assert nested.reduce(small, "sum").to_pylist() == [500, 750]
    large = np.array([2.0**1023, 1.5 * 2.0**1023, 1, 2, 3])
    assert nested.reduce(large, "median").to_pylist() == [1.25 * 2.0**1023, 2.0]


def test_unequal_lengths_name_row_and_fields() -> None:
    t = pa.array([[1.0], [1.0, 2.0]], pa.list_(pa.float64()))
    x = pa.array([[1.0], [1.0]], pa.list_(pa.float64()))
    chunk = pa.StructArray.from_arrays([t, x], ["mjd", "mag"])
    with pytest.raises(InputError, match="light curve 3 has 2 values of 'mjd' but 1 of 'mag'"):
        Nested.from_arrow(pa.chunked_array([chunk.take(pa.array([0, 0])), chunk]))


def test_a_wrong_column_is_refused() -> None:
    for column, text in [
        (pa.array([1, 2]), "a struct of lists, not int64"),
        (pa.array([{"a": 1}]), "'a' of a light curve must be a list, not int64"),
        (pa.array([{}], pa.struct([])), "at least one field"),
        (pa.array([[1.0]]), "a struct of lists, not list"),
    ]:
        with pytest.raises(SchemaError, match=text):
            Nested.from_arrow(column)
    one = pa.array([[1.0]])
    with pytest.raises(SchemaError, match="several fields of one name"):
        Nested.from_arrow(pa.StructArray.from_arrays([one, one], ["a", "a"]))


PLAIN = Nested.from_flat([0, 0, 1], pa.table({"t": [1.0, 2.0, 3.0], "s": ["a", "b", "c"]}), 2)
TWO = pa.table({"t": [1, 2]})


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: PLAIN.values("u"), SchemaError, "no field 'u'; it has: t, s"),
        (lambda: PLAIN.filter(np.ones(2, bool)), InputError, "2 given for 3 epochs"),
        (lambda: PLAIN.filter(np.ones(3)), SchemaError, "must be boolean, not double"),
        (lambda: PLAIN.sort([]), InputError, "at least one field"),
        (lambda: PLAIN.slice(step=0), InputError, "at least 1, not 0"),
        (lambda: PLAIN.head(-1), InputError, "not be negative: -1"),
        (lambda: PLAIN.drop(["t", "s"]), SchemaError, "each once"),
        (lambda: PLAIN.select(["t", "t"]), SchemaError, "each once"),
        (lambda: PLAIN.rename({"t": "s"}), SchemaError, "one name"),
        (lambda: PLAIN.rename({"u": "v"}), SchemaError, "no field 'u'"),
        (lambda: PLAIN.broadcast(np.ones(3)), InputError, "3 values given for 2 light curves"),
        (lambda: PLAIN.reduce("t", "mode"), InputError, "no reduction 'mode'"),
        (lambda: PLAIN.reduce("s", "sum"), SchemaError, "sum needs numbers, not string"),
        (lambda: PLAIN.reduce("t", "any"), SchemaError, "any needs booleans"),
        (lambda: PLAIN.with_field("z", [[1], 2, 3]), SchemaError, "cannot be an Arrow array"),
        (lambda: concat(PLAIN, PLAIN.drop(["s"])), SchemaError, "different fields"),
        (lambda: concat(PLAIN, PLAIN.with_field("t", [1, 2, 3])), SchemaError, "'t' is double"),
        (lambda: concat(PLAIN, Nested.from_flat([0, 0], TWO, 1)), InputError, "2 and 1 light"),
        (lambda: Nested.from_flat([0, 3], TWO, 3), InputError, "parent 3 is not"),
        (lambda: Nested.from_flat([0, -1], TWO, 3), InputError, "parent -1"),
        (lambda: Nested.from_flat([0, None], TWO, 3), InputError, "without nulls"),
        (lambda: Nested.from_flat([0.5, 1], TWO, 3), InputError, "row numbers"),
        (lambda: Nested.from_flat(np.array([0, 2**63], np.uint64), TWO, 3), InputError, "below 3"),
        (lambda: Nested.from_flat([], pa.table({}), 3), SchemaError, "at least one field"),
    ],
)
def test_wrong_arguments_are_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_arrays_cannot_be_written_to() -> None:
    nested = Nested.from_flat([0, 0, 1], pa.table({"t": [1.0, 3.0, 2.0]}), 2)
    with pytest.raises(ValueError, match="read-only"):
        nested.offsets[0] = 1
    with pytest.raises(AttributeError):
        nested.null = None  # type: ignore[misc]
