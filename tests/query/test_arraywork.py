"""Which parts of expressions are calculated from arrays, not by DuckDB."""

import pyarrow as pa
import pytest

from skyseries import adql
from skyseries.adql.dialect import PYTHON
from skyseries.adql.expressions import Convert
from skyseries.adql.query_resolver import resolve
from skyseries.adql.relations import Table, Tables
from skyseries.adql.shown import shown
from skyseries.adql.statements import parse_statement
from skyseries.adql.types import Type
from skyseries.query.arraywork import array_parts, constant_work, ids_of, is_array_work
from tests.query.typed import SCHEMA, condition

EPOCHS = pa.struct([("mjd", pa.list_(pa.float64())), ("flux", pa.list_(pa.float64()))])
CURVES = Tables([Table(("a",), SCHEMA.append(pa.field("lc", EPOCHS)))])


def parts(where):
    return [shown(part).partition("(")[0] for part in array_parts(condition(where))]


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("a.n + 1 = b.n AND ABS(a.x) > 2.5 AND a.kind LIKE 'x%'", []),
        ("DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.5", ["DISTANCE"]),
        ("a.n = 1 OR DISTANCE(a.ra, a.dec, 10, 20) / 2 < b.x", ["DISTANCE"]),
        ("CONTAINS(POINT(a.ra, a.dec), CIRCLE(10, 20, 1)) = 1", ["CONTAINS"]),
        (
            "a.n IN (SELECT u.n FROM b AS u WHERE DISTANCE(u.ra, u.dec, a.ra, a.dec) < 1)",
            ["DISTANCE"],
        ),
        ("a.x > (SELECT MAX(DISTANCE(u.ra, u.dec, 10, 20)) FROM b AS u)", ["DISTANCE"]),
    ],
)  # fmt: skip
def test_the_largest_parts_are_found(where, wanted):
    assert parts(where) == wanted


def test_a_sum_over_kernels_is_no_array_work_itself():
    sum_ = condition("DISTANCE(a.ra, a.dec, 1, 2) + a.n > 3").left
    assert not is_array_work(sum_)
    assert is_array_work(next(array_parts(sum_)))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("MAX(lc.flux)", True), ("MAX(lc.flux) + 1", False), ("x", False), ("lc", False)],
)
def test_what_is_calculated_of_light_curves(value, wanted):
    statement = parse_statement(f"SELECT {value} AS v FROM a", PYTHON)  # noqa: S608
    output = resolve(statement, CURVES, PYTHON).body.outputs[0]
    assert is_array_work(output.value) is wanted
    assert list(adql.columns(output.value))


def test_tables_whose_columns_are_needed():
    assert ids_of(condition("a.n + b.n = 3")) == {"#0", "#1"}
    assert ids_of(condition("1 = 1")) == frozenset()
    inner = "a.n IN (SELECT u.n FROM c AS u WHERE u.id = d.id)"
    assert ids_of(condition(inner)) == {"#0", "#3"}


def test_array_work_on_constants_is_a_constant():
    found = constant_work(condition("DISTANCE(1, 0, 3, 2 - 2) < a.x").left)
    assert found == adql.Constant(pytest.approx(2.0), Type.DOUBLE)
    nothing = constant_work(
        condition("DISTANCE(1, 0, 3, CAST('x' AS DOUBLE PRECISION)) < a.x").left
    )
    assert nothing == Convert(adql.Constant(None, Type.NULL), Type.DOUBLE)


@pytest.mark.parametrize(
    "value",
    [
        "DISTANCE(a.ra, 0, 3, 0)",
        "DISTANCE(1, 0, (SELECT MAX(b.ra) FROM b), 0)",
        "ivo_normal_random(1, 2)",
        "ABS(1)",
    ],
)
def test_other_values_are_no_constants(value):
    assert constant_work(condition(f"{value} < a.x").left) is None
