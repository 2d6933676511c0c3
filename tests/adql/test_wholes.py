"""Ids and other whole numbers compare exactly, whatever their types, as Python's do."""

from __future__ import annotations

import math
import operator
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import Mask, Scope, resolve_condition
from skyseries.adql.expressions import Compare
from skyseries.adql.sql import Writer
from skyseries.adql.wholes import among_doubles
from skyseries.errors import QueryError
from tests.adql.oracle import whole

COMPARE = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
HARD = [0, 1, 2**24 + 1, 2**53, 2**53 + 1, 2**62 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1]


def near(*kept):
    """Return integers that are hard, or next to them, of both signs."""
    found = {sign * value + step for value in HARD for sign in (1, -1) for step in (-1, 0, 1)}
    return st.sampled_from([value for value in sorted(found) if kept[0] <= value < kept[1]])


KINDS = {
    "i": (pa.int64(), near(-(2**63), 2**63)),
    "u": (pa.uint64(), near(0, 2**64)),
    "n": (pa.int32(), near(-(2**31), 2**31)),
    "d": (
        pa.float64(),
        near(-(2**65), 2**65).map(float)
        | st.floats(allow_nan=True)
        | st.sampled_from([-0.0, 0.5, -2.5, 2.0**65, -(2.0**65), math.inf, -math.inf, math.nan]),
    ),
    "r": (pa.float32(), near(-(2**65), 2**65).map(np.float32) | st.floats(width=32)),
    "s": (
        pa.string(),
        near(-(2**65), 2**65).map(str)
        | st.sampled_from(
            ["", "abc", "1.5", " 12 ", "1", "+1", "0001", "1.0", "1e0", "-0", "- 1", "1_0", "1 0",
             "0x1", "\u0661", "1\n", "0" * 50 + "1", "nan", "NULL", "9" * 38]
        ),
    ),
}  # fmt: skip


def plain(value):
    """Return the number that a value is; None where it is none."""
    if isinstance(value, str):
        return whole(value)
    if value is None or value != value:
        return None
    return float(value) if isinstance(value, float | np.floating) else value


def rows(sign, one, two):
    """Return columns in pairs, and where Python finds that the comparison is true."""
    values = st.tuples(*(st.none() | KINDS[name][1] for name in (one, two)))
    return st.lists(values, min_size=1, max_size=30).map(lambda pairs: (sign, one, two, pairs))


PAIRS = [(a, b) for a in KINDS for b in KINDS if a != b and {a, b} & {"i", "u"}]
CASES = st.sampled_from(
    [(s, a, b) for s in COMPARE for a, b in PAIRS if "s" not in (a, b) or s in ("=", "<>")]
).flatmap(lambda case: rows(*case))


@given(case=CASES, negated=st.booleans())
def test_comparisons_are_those_of_python(case, negated):
    sign, one, two, pairs = case
    columns = zip(*pairs, strict=True)
    table = pa.table(
        {
            name: pa.array(column, KINDS[name][0], from_pandas=False)
            for name, column in zip((one, two), columns, strict=True)
        }
    )
    text = f"{'NOT ' if negated else ''}{one} {sign} {two}"
    found = Mask(resolve_condition(text, Scope.from_schema(table.schema)))(table).to_pylist()
    known = [tuple(map(plain, pair)) for pair in pairs]
    wanted = [None not in pair and COMPARE[sign](*pair) is not negated for pair in known]
    assert found == wanted


@given(sign=st.sampled_from(list(COMPARE)), value=near(0, 2**64), left=KINDS["d"][1])
def test_a_double_beside_a_constant_integer(sign, value, left):
    table = pa.table({"d": pa.array([left], from_pandas=False)})
    condition = resolve_condition(f"d {sign} {value}", Scope.from_schema(table.schema))
    wanted = left == left and COMPARE[sign](left, value)
    assert Mask(condition)(table).to_pylist() == [wanted]


def test_an_integer_between_two_doubles_has_them_for_neighbours():
    assert among_doubles("=", 2**53 + 1) is None
    for sign, value in (("<", 2**53 + 1), (">=", 2**53 + 3)):
        changed, constant = among_doubles(sign, value)
        for d in (2.0**53, 2.0**53 + 2, 2.0**53 + 4):
            assert COMPARE[changed](d, constant.value) == COMPARE[sign](d, value)


def test_each_side_is_written_alone_so_that_joins_are_by_hash():
    schema = pa.schema([(name, kind) for name, (kind, _) in KINDS.items()])
    names = {(name,): name for name in KINDS}
    for text in ("i = u", "i = d", "r = u", "s = i", "u = s", "n = s"):
        condition = resolve_condition(text, Scope.from_schema(schema))
        assert isinstance(condition, Compare)
        for side, name in zip((condition.left, condition.right), text.split(" = "), strict=True):
            assert set(re.findall(r"\b[iudrsn]\b", Writer(names).value(side))) == {name}


def test_lists_of_values_may_be_of_other_types():
    table = pa.table(
        {"u": pa.array([2**63 + 1, 5, 7], pa.uint64()), "s": [str(2**63 + 1), "6", ""]}
    )
    scope = Scope.from_schema(table.schema)

    def where(text):
        return Mask(resolve_condition(text, scope))(table).to_pylist()

    assert where("u IN (s)") == where("s IN (u)") == [True, False, False]
    assert where("u IN (s, 5)") == [True, True, False]
    assert where("u NOT IN (s, 5)") == [False, False, False]


@pytest.mark.parametrize("text", ["s < i", "i >= s", "s = 5", "'5' = i", "s = d", "i IN ('5')"])
def test_texts_are_no_numbers_elsewhere(text):
    scope = Scope.from_schema(pa.schema([(name, kind) for name, (kind, _) in KINDS.items()]))
    with pytest.raises(QueryError, match="cannot be compared"):
        resolve_condition(text, scope)
