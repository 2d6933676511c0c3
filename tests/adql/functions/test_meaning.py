"""What functions mean in ADQL, not in DuckDB: numbers, missing values, names; both evaluations."""

from __future__ import annotations

import math
import re

import numpy as np
import pyarrow as pa
import pytest

from skyseries.adql import FUNCTIONS, Origin, Scope, Values, compute, resolve_value
from skyseries.adql.functions.mathematics import MATHEMATICS
from tests.adql.columns import calculated, table_of


@pytest.fixture(params=["arrow", "duckdb"], autouse=True)
def engine(request, monkeypatch):
    if request.param == "duckdb":
        monkeypatch.setattr(compute, "supported", lambda expression: False)


def rounded(x, digits=0):
    scaled = abs(x) * 10.0**digits
    return math.copysign(math.floor(scaled + 0.5) / 10.0**digits, x)


X = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 2.5, -2.5, 123.456, -987.654, 1e-300, 3e10, 0.25])
Y = np.array([1.0, 2.0, -2.0, 3.0, 3.0, -2.0, 2.0, 10.0, 10.0, 5.0, 7.0, -0.25])
TWINS = {
    "ABS(x)": np.abs, "CEILING(x)": np.ceil, "FLOOR(x)": np.floor, "DEGREES(x)": np.degrees,
    "RADIANS(x)": np.radians, "EXP(x)": np.exp, "LOG(x)": np.log, "LOG10(x)": np.log10,
    "SQRT(x)": np.sqrt, "TRUNCATE(x)": np.trunc, "ACOS(x)": np.arccos, "ASIN(x)": np.arcsin,
    "ATAN(x)": np.arctan, "COS(x)": np.cos, "SIN(x)": np.sin, "TAN(x)": np.tan,
    "COT(x)": lambda x: 1 / np.tan(x), "ROUND(x)": np.vectorize(rounded),
    "ROUND(x, 1)": np.vectorize(lambda x: rounded(x, 1)),
    "ROUND(x, -2)": np.vectorize(lambda x: rounded(x, -2)),
    "TRUNCATE(x, 1)": lambda x: np.trunc(x * 10) / 10,
    "TRUNCATE(x, -2)": lambda x: np.trunc(x / 100) * 100,
}  # fmt: skip
PAIRS = {"MOD(x, y)": np.fmod, "POWER(x, y)": np.power, "ATAN2(x, y)": np.arctan2}


def test_each_function_of_numbers_has_a_twin():
    names = {text.split("(")[0] for text in (*TWINS, *PAIRS)}
    assert names == {function.name for function in MATHEMATICS} - {"PI", "RAND"}


@pytest.mark.parametrize("text", [*TWINS, *PAIRS])
def test_numbers_are_those_of_numpy(text):
    found = np.array(calculated(text, table_of(x=X, y=Y)), float)
    with np.errstate(all="ignore"):
        wanted = TWINS[text](X) if text in TWINS else PAIRS[text](X, Y)
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("LOG(EXP(2))", 2.0),
        ("LOG10(1000)", 3.0),
        ("MOD(-7, 2)", -1),
        ("MOD(7, -2)", 1),
        ("MOD(-7.5, 2)", -1.5),
        ("MOD(7, 0)", None),
        ("ROUND(2.5)", 3.0),
        ("ROUND(-2.5)", -3.0),
        ("ROUND(1250, -2)", 1300.0),
        ("ROUND(1.005, 2)", 1.0),
        ("TRUNCATE(-1299.5, -2)", -1200.0),
        ("TRUNCATE(2.999, 2)", 2.99),
        ("PI()", math.pi),
        ("POWER(2, 62)", 2.0**62),
        ("ABS(-9223372036854775807)", 9223372036854775807),
        ("ABS(18446744073709551615)", 18446744073709551615),
        ("MOD(18446744073709551615, 10)", 5),
        ("BITAND(18446744073709551615, 3)", 3),
        ("CEILING(-0.5)", 0.0),
        ("FLOOR(9007199254740993)", 9007199254740993),
        ("LOWER('ABC')", "abc"),
        ("UPPER('it''s {0}')", "IT'S {0}"),
    ],
)
def test_numbers_and_texts(text, wanted):
    assert calculated(text) == (pytest.approx(wanted) if isinstance(wanted, float) else wanted)


def test_a_random_number_is_from_0_to_1():
    found = calculated("RAND()", table_of(x=np.zeros(500)))
    assert 0 <= min(found) < 0.1 < 0.9 < max(found) < 1
    assert calculated("RAND(5) - RAND(5)", table_of(x=np.zeros(5))) != [0] * 5


VALUES = {
    "double": pa.array([1.5, None, float("nan")]),
    "real": pa.array([1.5, None, float("nan")], pa.float32()),
    "integer": pa.array([3, None, None], pa.int64()),
    "ubigint": pa.array([2**63, None, None], pa.uint64()),
    "text": pa.array(["1:2:3", None, None]),
    "timestamp": pa.array([0, None, None], pa.timestamp("us")),
    "point": "POINT({0}, 5)", "circle": "CIRCLE({0}, 5, 6)",
    "polygon": "POLYGON({0}, 1, 10, 5, 5, 6)", "figure": "CIRCLE({0}, 5, 6)",
    "region": "BOX({0}, 5, 6, 7)", "shape": "BOX({0}, 5, 6, 7)",
    "digits": "2", "coosys": "'ICRS'", "literal": "'ICRS'",
}  # fmt: skip
VALUES |= dict.fromkeys(("lon", "lat"), VALUES["double"]) | {"unsigned": VALUES["ubigint"]}
FULL = {"lon1": 0.0, "lat1": 0.0, "lon2": 10.0, "lat2": 1.0, "lon3": 5.0, "lat3": 9.0}
_CALLS = [
    (function, signature, place)
    for function in FUNCTIONS.values()
    for signature in function.signatures
    for place, kind in enumerate(signature.arguments)
    if kind not in ("digits", "coosys", "literal", "any")
    and function.name not in ("COALESCE", "IN_UNIT", "COORDSYS")
]


@pytest.mark.parametrize(
    ("function", "signature", "place"),
    _CALLS,
    ids=[f"{f.name}({','.join(s.arguments)})-{p}" for f, s, p in _CALLS],
)
def test_a_missing_argument_gives_a_missing_value(function, signature, place):
    """NULL and NaN in one argument, the others known."""
    columns, arguments = {}, []
    for i, (kind, name) in enumerate(zip(signature.arguments, signature.names, strict=True)):
        value = VALUES[kind]
        column = pa.array([1.0 + i, None, float("nan")]) if isinstance(value, str) else value
        if name in FULL and i != place:
            column = pa.array([FULL[name]])
        columns[f"c{i}"] = column if i == place else pa.array([column[0].as_py()] * 3, column.type)
        arguments.append(value.format(f"c{i}") if isinstance(value, str) else f"c{i}")
    text = f"{function.name}({', '.join(arguments)})"
    table = pa.table(columns)
    expression = resolve_value(text, Scope.from_schema(table.schema))
    known, *missing = Values([expression])(table)[0].to_pylist()
    if function.name.startswith("scisql_s2PtIn"):
        assert missing == [0, 0]
    elif function.name == "ivo_epoch_prop_pos" and 2 <= place <= 5:
        assert None not in missing
    else:
        assert all(m is None or m != m for m in missing), (text, missing)
    assert known is not None, text


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_the_case_of_names_does_not_matter(function):
    scope = Scope.from_schema(pa.schema([]))
    if function.name in ("PI", "RAND"):
        assert resolve_value(f"{function.name.lower()}()", scope).name == function.name
    elif function.name != "COALESCE":
        with pytest.raises(ValueError, match=f"{function.name} (does not take|takes)"):
            resolve_value(f"{function.name.swapcase()}('?', '?', '?', '?')", scope)


def test_the_forms_of_tap():
    assert FUNCTIONS["IVO_HEALPIX_INDEX"].forms() == (
        "ivo_healpix_index(hpxOrder BIGINT, lon DOUBLE PRECISION, lat DOUBLE PRECISION) -> BIGINT",
        "ivo_healpix_index(hpxOrder BIGINT, p POINT) -> BIGINT",
    )
    for function in FUNCTIONS.values():
        for form in function.forms():
            assert re.fullmatch(r"\w+\(([a-zA-Z0-9]+ [A-Z ]+(, )?)*(\.\.\.)?\) -> [A-Z ]+", form), (
                form
            )
        assert function.doc
        assert function.origin in Origin
        for signature in function.signatures:
            assert len(signature.names) == len(signature.arguments) == len(signature.needs)
            assert sum(map(bool, (signature.sql, signature.kernel))) <= 1
