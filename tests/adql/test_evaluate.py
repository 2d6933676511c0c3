"""Masks and values against a row-by-row interpreter, on both ways of evaluation."""

from __future__ import annotations

import math
import os
import pickle
import re
import subprocess
import sys
import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import STRICT, Mask, Scope, Values, compute, resolve_condition, resolve_value
from skyseries.adql.types import Type
from skyseries.errors import InputError, QueryError, SchemaError
from tests.adql.oracle import evaluate, missing
from tests.adql.tables import COLUMNS, DECIMALS, SCOPE, TABLE

ROWS = [
    {(name,): values[i] for name, values in COLUMNS.items()}
    | {("shape", "e1"): COLUMNS["shape"][i]["e1"]}
    for i in range(TABLE.num_rows)
]


@pytest.fixture(params=["arrow", "duckdb"])
def engine(request, monkeypatch):
    """Evaluate with `compute` where it can, or never."""
    if request.param == "duckdb":
        monkeypatch.setattr(compute, "supported", lambda expression: False)
    return request.param


def mask_of(text, dialect=None):
    condition = resolve_condition(text, SCOPE, *([dialect] if dialect else []))
    return condition, Mask(condition)(TABLE)


def with_duckdb(evaluator, table=TABLE):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute, "supported", lambda expression: False)
        return pickle.loads(pickle.dumps(evaluator))(table)  # noqa: S301


numbers = st.sampled_from(
    ["gMag", "rMag", "z", "nObs", "small", "byte", "pm", "0", "3", "20.1", "1.5", "-2.25", "1e300"]
)
integers = st.sampled_from(
    ["objectId", "uid", "nObs", "byte", "7", "-1", "9223372036854775807", "9223372036854775808",
     "18446744073709551615", "9007199254740993", "5.5", "1e19", "9007199254740992.0"]
)  # fmt: skip
texts = st.sampled_from(["name", "LOWER(name)", "'abc'", "'it''s'", "name || 'x'", "''"])
comparisons = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


@st.composite
def values(draw, depth=2):
    if depth == 0 or draw(st.booleans()):
        return draw(numbers)
    kind = draw(st.sampled_from(["arithmetic", "function", "coalesce", "minus", "two"]))
    inner = values(depth=depth - 1)
    if kind == "minus":
        return f"-({draw(inner)})"
    if kind == "coalesce":
        return f"COALESCE({draw(inner)}, {draw(inner)})"
    if kind == "function":
        return f"{draw(st.sampled_from(['ABS', 'FLOOR', 'CEILING', 'SQRT']))}({draw(inner)})"
    if kind == "two":
        return f"MOD({draw(inner)}, {draw(inner)})"
    return f"({draw(inner)} {draw(st.sampled_from('+-*/'))} {draw(inner)})"


@st.composite
def conditions(draw, depth=3):
    kind = draw(st.sampled_from(["and", "or", "not"])) if depth and draw(st.booleans()) else ""
    inner = conditions(depth=depth - 1)
    if kind == "not":
        return f"NOT ({draw(inner)})"
    if kind:
        return f"({draw(inner)}) {kind.upper()} ({draw(inner)})"
    kind = draw(st.sampled_from(["number", "integer", "text", "between", "in", "null", "like"]))
    sides = {"integer": integers, "text": texts, "like": texts}.get(kind, values(depth=1))
    left, right, third = draw(sides), draw(sides), draw(sides)
    negated = draw(st.sampled_from(["", "NOT "]))
    if kind == "between":
        return f"{left} {negated}BETWEEN {right} AND {third}"
    if kind == "in":
        return f"{left} {negated}IN ({right}, {third}, 3)"
    if kind == "null":
        return f"{left} IS {negated}NULL"
    if kind == "like":
        pattern = draw(st.sampled_from(["'a%'", "'_b_'", "'%''%'", "'ABC'", "name", "''"]))
        return f"{left} {negated}{draw(st.sampled_from(['LIKE', 'ILIKE']))} {pattern}"
    return f"{left} {draw(comparisons)} {right}"


def resolve_in_adql(text, resolve):
    """Resolve strictly: there, int / int is allowed."""
    try:
        return resolve(text, SCOPE, STRICT)
    except QueryError as error:
        if "columns only" in str(error) or "one sign" in str(error):
            return resolve(text, SCOPE)  # a kindness that the generator used
        raise


@given(text=conditions())
def test_conditions_agree_with_the_interpreter_in_both_engines(text):
    try:
        condition = resolve_in_adql(text, resolve_condition)
    except QueryError as error:
        if "both sides of /" not in str(error):
            raise
        return
    expected = [evaluate(condition, row) is True for row in ROWS]
    evaluator = Mask(condition)
    assert evaluator(TABLE).to_pylist() == expected, text
    assert with_duckdb(evaluator).to_pylist() == expected, evaluator._sql


@given(text=st.one_of(values(depth=3), conditions(depth=1)))
def test_values_agree_with_the_interpreter_in_both_engines(text):
    try:
        expression = resolve_value(text, SCOPE)
    except QueryError as error:
        if "both sides of /" not in str(error):
            raise
        return
    expected = [evaluate(expression, row) for row in ROWS]
    evaluator = Values([expression])
    for array in (evaluator(TABLE)[0], with_duckdb(evaluator)[0]):
        assert array.type == expression.arrow_type
        assert len(array) == TABLE.num_rows
        for found, wanted in zip(array.to_pylist(), expected, strict=True):
            assert same(found, wanted), text


def same(found, wanted):
    if found is None or wanted is None:
        return found is None and wanted is None
    if missing(wanted):
        return missing(found)
    return found == wanted


PAIRS = [
    ("z", "1.5"),
    ("rMag", "_score"),
    ("z", "rMag"),
    ("gMag", "20.1"),
    ("gMag", "z"),
    ("gMag", "20"),
    ("gMag", "gMag"),
    ("gMag", "16777217"),
    ("nObs", "3"),
    ("nObs", "3.5"),
    ("nObs", "-3.5"),
    ("nObs", "small"),
    ("nObs", "z"),
    ("byte", "300"),
    ("byte", "nObs"),
    ("uid", "9223372036854775809"),
    ("uid", "-1"),
    ("uid", "objectId"),
    ("objectId", "9007199254740993.0"),
    ("1.5", "z"),
    ("name", "'abc'"),
    ("name", "LOWER(name)"),
    ("z + rMag", "rMag - z"),
    ("good", "good"),
]


@pytest.mark.parametrize(("left", "right"), PAIRS)
@pytest.mark.parametrize("negation", ["", "NOT "])
def test_all_comparisons_in_both_engines(left, right, negation):
    for operator in ("=", "<>", "<", "<=", ">", ">="):
        text = f"{negation}{left} {operator} {right}"
        condition = resolve_condition(text, SCOPE)
        expected = [evaluate(condition, row) is True for row in ROWS]
        evaluator = Mask(condition)
        assert evaluator(TABLE).to_pylist() == expected, text
        assert with_duckdb(evaluator).to_pylist() == expected, text


@pytest.mark.parametrize(
    ("left", "right"), [p for p in PAIRS if "name" not in p and "good" not in p]
)
def test_comparisons_mean_what_they_say_in_python(left, right):
    """The interpreter gets the typed tree: here the text itself is compared with Python."""
    exact = right.removesuffix(".0")  # Python would round it
    for operator, python in {"=": "==", "<>": "!=", "<": "<", ">=": ">="}.items():
        _, mask = mask_of(f"{left} {operator} {right}")
        for row, found in zip(ROWS, mask.to_pylist(), strict=True):
            names = {path[0]: value for path, value in row.items() if len(path) == 1}
            if right == "z" and names["gMag"] is not None:
                names["gMag"] = float(np.float32(names["gMag"]))  # else: as it is printed
            used = [names[n] for n in names if re.search(rf"\b{n}\b", f"{left} {right}")]
            sides = [] if None in used else [eval(s, {}, names) for s in (left, right)]  # noqa: S307
            if not sides or any(map(math.isnan, sides)):
                assert not found
            else:
                truth = eval(f"{left} {python} {exact}", {}, names)  # noqa: S307
                assert found == truth, (operator, row)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(name, "z") for name in
     ["ABS", "ACOS", "ASIN", "ATAN", "CEILING", "COS", "COT", "DEGREES", "EXP", "FLOOR", "LOG",
      "LOG10", "RADIANS", "ROUND", "SIN", "SQRT", "TAN", "TRUNCATE"]]
    + [("ATAN2", "z, rMag"), ("POWER", "z, 3"), ("POWER", "2, small"), ("MOD", "z, 3"),
       ("MOD", "objectId, 3"), ("MOD", "uid, 10"), ("MOD", "objectId, -7"), ("ROUND", "z, 1"),
       ("ABS", "nObs"), ("FLOOR", "uid"), ("BITAND", "byte, 3"), ("PI", "")],
)  # fmt: skip
def test_functions_agree_with_numpy(engine, name, arguments):
    expression = resolve_value(f"{name}({arguments})", SCOPE)
    found = Values([expression])(TABLE)[0].to_pylist()
    for value, row in zip(found, ROWS, strict=True):
        wanted = evaluate(expression, row)
        if wanted is None or missing(wanted):
            assert value is None if wanted is None else missing(value)
        else:
            assert value == pytest.approx(float(wanted), rel=4e-16, abs=0), row


@pytest.mark.parametrize("size", [2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1, 2**53 + 1])
def test_ids_of_64_bits_are_exact(engine, size):
    _, mask = mask_of(f"uid = {size}")
    assert mask.to_pylist() == [value == size for value in COLUMNS["uid"]]
    _, mask = mask_of(f"objectId = {size}")
    assert mask.to_pylist() == [value == size for value in COLUMNS["objectId"]]
    _, mask = mask_of(f"uid IN ({size}, {size - 1})")
    assert mask.to_pylist() == [value in (size, size - 1) for value in COLUMNS["uid"]]


def test_signed_and_unsigned_ids_compare_as_numbers(engine):
    _, mask = mask_of("objectId < uid")
    pairs = zip(COLUMNS["objectId"], COLUMNS["uid"], strict=True)
    assert mask.to_pylist() == [None not in (a, b) and a < b for a, b in pairs]


def test_single_precision_finds_the_number_that_is_printed(engine):
    _, mask = mask_of("gMag = 20.1")
    assert mask.to_pylist() == [v == 20.1 for v in COLUMNS["gMag"]]
    _, mask = mask_of("gMag >= 20.1 AND gMag <= 20.1")
    assert sum(mask.to_pylist()) == 2


@pytest.mark.parametrize("number", ["1e-60", "1e60", "16777217"])
def test_single_precision_is_not_asked_for_what_it_cannot_hold(engine, number):
    _, mask = mask_of(f"gMag < {number}")
    wanted = [v is not None and v == v and v < float(number) for v in COLUMNS["gMag"]]
    assert mask.to_pylist() == wanted


def test_nan_is_a_missing_value(engine):
    for text in ("z > 0", "z <= 0", "z <> 0", "NOT z > 0", "z = z", "z IN (1, 2)", "z NOT IN (1)"):
        _, mask = mask_of(text)
        held = [v for v, m in zip(COLUMNS["z"], mask.to_pylist(), strict=True) if m]
        assert not any(missing(v) for v in held), text
    _, mask = mask_of("z IS NULL")
    assert mask.to_pylist() == [missing(v) for v in COLUMNS["z"]]
    (filled,) = Values([resolve_value("COALESCE(z, -1)", SCOPE)])(TABLE)
    assert filled.to_pylist() == [-1 if missing(v) else v for v in COLUMNS["z"]]


def test_division_by_zero(engine):
    table = pa.table({"a": [1, -7, 0], "b": [0, 2, 0], "x": [1.0, -1.0, 0.0]})
    scope = Scope.from_schema(table.schema)
    (whole,) = Values([resolve_value("a / b", scope, STRICT)])(table)
    assert whole.to_pylist() == [None, -3, None]
    (real,) = Values([resolve_value("x / 0", scope)])(table)
    assert real.to_pylist()[:2] == [math.inf, -math.inf]
    assert math.isnan(real.to_pylist()[2])
    (rest,) = Values([resolve_value("MOD(a, b)", scope)])(table)
    assert rest.to_pylist() == [None, -1, None]


@pytest.mark.parametrize(
    "text", ["objectId + 1", "objectId * 2", "-objectId", "uid + 1", "uid - 1", "ABS(objectId)"]
)
def test_a_whole_number_that_does_not_fit_is_an_error(engine, text):
    with pytest.raises(QueryError, match="cannot be calculated"):
        Values([resolve_value(text, SCOPE)])(TABLE)


def test_casts():
    table = pa.table({"t": ["12", "-3", None], "x": [2.5, 3.5, math.nan], "w": ["ab", "c", ""]})
    scope = Scope.from_schema(table.schema)

    def cast(text):
        return Values([resolve_value(text, scope)])(table)[0]

    assert cast("CAST(t AS INTEGER)").to_pylist() == [12, -3, None]
    assert cast("CAST(x AS BIGINT)").to_pylist() == [2, 4, None]
    assert cast("CAST(x AS REAL)").type == pa.float32()
    assert cast("CAST(t AS DOUBLE PRECISION) / 2").to_pylist() == [6.0, -1.5, None]
    assert cast("CAST(w AS CHAR(1))").to_pylist() == ["a", "c", ""]
    assert cast("CAST(CAST('2025-01-02T03:04:05' AS TIMESTAMP) AS VARCHAR)").to_pylist()[0] == (
        "2025-01-02T03:04:05"
    )
    assert cast("CAST(w AS INTEGER)").to_pylist() == [None, None, None]


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        (pa.decimal128(10, 2), "x > 0", [True, False, False]),
        (pa.float16(), "x > 0", [True, False, False]),
        (pa.large_string(), "x >= '1'", [True, False, False]),
        (pa.dictionary(pa.int8(), pa.string()), "x LIKE '1%'", [True, False, False]),
        (pa.int8(), "x < 300 AND x > 0", [True, False, False]),
        (pa.uint32(), "x + 4294967295 > 0", [True, False, True]),
        (pa.date32(), "x > '1970-01-01'", [True, False, False]),
        (pa.timestamp("ns", "UTC"), "x > '1969-12-31T23:59:59'", [True, False, True]),
        (pa.timestamp("s"), "x > '1970-01-01'", [True, False, False]),
    ],
)
def test_other_types_of_arrow(engine, kind, text, wanted):
    if pa.types.is_decimal(kind):
        array = DECIMALS
    elif pa.types.is_floating(kind):
        array = pa.array(np.array([1, np.nan, -3], np.float16))
    elif pa.types.is_dictionary(kind) or pa.types.is_large_string(kind):
        array = pa.array(["1", None, "0"]).cast(kind)
    else:
        array = pa.array([1, None, 0], pa.int64() if pa.types.is_timestamp(kind) else pa.int32())
        array = array.cast(kind)
    table = pa.table({"x": array})
    condition = resolve_condition(text, Scope.from_schema(table.schema))
    assert Mask(condition)(table).to_pylist() == wanted


def test_columns_come_back_as_they_are():
    days = pa.array([1, None, 3], pa.timestamp("ns", "Europe/Berlin"))
    columns = {
        "tags": pa.array([[1], None, [2, 3]], pa.list_(pa.int32())),
        "d": DECIMALS,
        "days": days,
        "kind": pa.array(["a", None, "b"]).dictionary_encode(),
        "half": pa.array(np.array([1, 2, 3], np.float16)),
    }
    table = pa.table(columns)
    scope = Scope.from_schema(table.schema)
    found = Values([resolve_value(name, scope) for name in columns])(table)
    for array, wanted in zip(found, columns.values(), strict=True):
        assert array.equals(wanted)


@pytest.mark.parametrize(
    ("value", "digits", "wanted"),
    [
        (4.35, 2, 4.35), (2.349, 2, 2.34), (-2.349, 2, -2.34), (2.349, 0, 2.0),
        (1234.5, -2, 1200.0), (-0.99, 0, 0.0), (0.29, 2, 0.29), (1.0, 3, 1.0), (1e300, 2, 1e300),
        (1999.99, -3, 1000.0),
    ],
)  # fmt: skip
def test_numbers_are_cut_to_decimals(value, digits, wanted):
    table = pa.table({"x": [value]})
    text = f"TRUNCATE(x, {digits})"
    (found,) = Values([resolve_value(text, Scope.from_schema(table.schema))])(table)
    assert found.to_pylist() == [wanted]


def test_order_and_length_of_chunked_empty_and_constant_results(engine):
    numbers = list(range(300_000))
    table = pa.table({"n": pa.chunked_array([numbers[:7], numbers[7:150_000], numbers[150_000:]])})
    scope = Scope.from_schema(table.schema)
    (found,) = Values([resolve_value("n + 0", scope)])(table)
    assert found.to_pylist() == numbers
    assert len(Mask(resolve_condition("n > 5", scope))(table.slice(0, 0))) == 0
    one, half = Values([resolve_value("1", scope), resolve_value("RAND()", scope)])(table)
    assert one.to_pylist() == [1] * table.num_rows
    assert len(set(half.to_pylist())) > table.num_rows / 2
    assert Mask(resolve_condition("1 = 1", scope))({}, 3).to_pylist() == [True] * 3


def test_random_numbers_differ_from_each_other():
    (found,) = Values([resolve_value("RAND() - RAND()", SCOPE)])(TABLE)
    assert 0 not in found.to_pylist()


def test_names_that_duckdb_cannot_tell_apart(engine):
    table = pa.table({"z": [1.0], "Z": [2.0], 'a"b; --': [3.0], "c0": [4.0], "": [5.0]})
    scope = Scope.from_schema(table.schema)
    text = 'z = 1 AND Z = 2 AND "a""b; --" = 3 AND c0 = 4'
    assert Mask(resolve_condition(text, scope))(table).to_pylist() == [True]


def test_fields_of_structures(engine):
    _, mask = mask_of("shape.e1 > 1")
    assert mask.to_pylist() == [not missing(v["e1"]) and v["e1"] > 1 for v in COLUMNS["shape"]]


def test_epochs_come_in_flat_columns(engine):
    condition = resolve_condition("lc.flux > 5 AND gMag < 20", SCOPE)
    assert condition.level == "lc"
    flux = pa.array([1, 6, 7, None], pa.float32())
    magnitude = pa.array([19, 19, 21, 19], pa.float32())
    found = Mask(condition)({("lc", "flux"): flux, ("gMag",): magnitude})
    assert found.to_pylist() == [False, True, False, False]
    table = pa.table({"lc.flux": flux, "gMag": magnitude})
    assert Mask(condition)(table).equals(found)


def test_threads_have_connections_of_their_own():
    evaluator = Mask(resolve_condition("name LIKE 'a%'", SCOPE))
    wanted, found = evaluator(TABLE), {}

    def work(number):
        for _ in range(20):
            found[number] = evaluator(TABLE)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(mask.equals(wanted) for mask in found.values())
    assert len(found) == 4


def test_a_missing_column_and_an_open_aggregate_are_errors():
    with pytest.raises(SchemaError, match="no column rMag"):
        Mask(resolve_condition("rMag > 1", SCOPE))(TABLE.drop_columns(["rMag"]))
    with pytest.raises(InputError, match="split_aggregates"):
        Mask(resolve_condition("COUNT(lc.mjd) > 1", SCOPE))({("lc", "mjd"): [1.0]})
    with pytest.raises(InputError, match="not a condition"):
        Mask(resolve_value("rMag", SCOPE))


def test_repeated_operands_do_not_double_the_text():
    text = "z"
    for _ in range(30):
        text = f"TRUNCATE(COALESCE({text}, 1), 2)"
    evaluator = Values([resolve_value(text, SCOPE)])
    assert len(evaluator._sql) < 20_000
    (found,) = evaluator(TABLE)
    assert found.to_pylist()[0] == 1.5
    assert evaluator.expressions[0].type is Type.DOUBLE


OF_A_SMALL_WORKER = """
import sys
from pathlib import Path
import numpy as np
import pyarrow as pa
from skyseries.adql import connections
from skyseries.adql.connections import run_sql
from skyseries.errors import ExecutionError

limit = run_sql(pa.table({"c": [1]}), "SELECT current_setting('memory_limit') FROM t")
assert limit.column(0).to_pylist() == ["128.0 MiB"], limit

folders = []
answer = connections._answer
def watched(*arguments):
    try:
        return answer(*arguments)
    finally:
        folders.append([file.name for file in Path(sys.argv[1]).glob("skyseries-duckdb-*/*")])
connections._answer = watched

n = 4_000_000
table = pa.table({"key": np.arange(n)[::-1].copy(), "value": np.ones(n)})
sums = run_sql(table, "SELECT key, sum(value) s FROM t GROUP BY key")
assert sums.num_rows == n and sums["s"].to_numpy().sum() == n
assert len(folders) == 2 and not folders[0] and folders[1], folders  # the second try spilled
try:
    run_sql(table, "SELECT " + ", ".join(f"list(key + {i})" for i in range(8)) + " FROM t")
except ExecutionError as error:
    assert "raise SKYSERIES_MEMORY" in str(error), error
else:
    raise AssertionError("256 MB fit into 128")
assert not list(Path(sys.argv[1]).iterdir())
"""


def test_memory_is_a_workers_share_and_more_waits_in_files(tmp_path):
    environment = os.environ | {
        "SKYSERIES_MEMORY": "256MiB", "SKYSERIES_WORKERS": "2", "SKYSERIES_TMPDIR": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-c", OF_A_SMALL_WORKER, str(tmp_path)]
    subprocess.run(command, check=True, env=environment)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("good < 0.5", [False, True, False]),
        ("good > 0", [True, False, False]),
        ("good >= x", [True, False, False]),
        ("x < good", [True, False, False]),
        ("good <> 1", [False, True, False]),
        ("good = 2", [False, False, False]),
    ],
)
def test_beside_numbers_true_is_1_and_false_is_0(text, wanted):
    table = pa.table({"good": [True, False, None], "x": [0.2, 0.7, 1.0]})
    scope = Scope.from_schema(table.schema)
    condition = resolve_condition(text, scope, STRICT)
    assert Mask(condition)(table).to_pylist() == wanted
