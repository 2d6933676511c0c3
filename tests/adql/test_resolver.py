"""Names, types, units and levels."""

from __future__ import annotations

import pickle
from datetime import datetime

import pyarrow as pa
import pytest

from skyseries import adql
from skyseries.adql import (
    FUNCTIONS,
    STRICT,
    Function,
    Scope,
    Signature,
    Source,
    Type,
    function_table,
    resolve_condition,
    resolve_value,
)
from skyseries.adql.expressions import And, Compare, Constant, Not, OneOf, Truth
from skyseries.adql.scope import columns_of
from skyseries.errors import QueryError
from tests.adql.tables import SCHEMA, SCOPE


def value(text, **options):
    return resolve_value(text, SCOPE, **options)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("ra", ("ra",)),
        ("RA", ("ra",)),
        ("survey.ra", ("ra",)),
        ("SURVEY.Ra", ("ra",)),
        ("z", ("z",)),
        ("Z", ("Z",)),
        ('"Z"', ("Z",)),
        ("survey.Z", ("Z",)),
        ("lc.mjd", ("lc", "mjd")),
        ("LC.MJD", ("lc", "mjd")),
        ("survey.lc.mjd", ("lc", "mjd")),
        ("diff.snr", ("diff", "snr")),
        ("shape.e1", ("shape", "e1")),
        ("lc.time", ("lc", "time")),
        ("size", ("size",)),
        ("_score", ("_score",)),
    ],
)
def test_names(text, path):
    assert value(text).path == path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gMga", "did you mean gMag"),
        ("mjd", "did you mean lc.mjd or diff.mjd"),
        ("lc.mdj", "did you mean lc.mjd"),
        ('"RA"', "no column RA; did you mean"),
        ("other.ra", "no column other.ra"),
        ("qqqqqq", "there are objectId, uid"),
    ],
)
def test_unknown_names_suggest_the_nearest(text, words):
    with pytest.raises(QueryError, match=words) as caught:
        value(f"1 + {text}")
    assert (caught.value.line, caught.value.column) == (1, 5)


def test_case_that_is_not_exact_must_be_unique():
    schema = pa.schema([("Mag", pa.float64()), ("MAG", pa.float64()), ("id", pa.int64())])
    scope = Scope.from_schema(schema)
    with pytest.raises(QueryError, match='"Mag", "MAG"'):
        resolve_value("mag", scope)
    assert resolve_value('"MAG"', scope).path == ("MAG",)
    assert resolve_value("ID", scope).path == ("id",)


def test_a_table_comes_before_a_nested_field():
    nested = pa.schema([("t", pa.struct([("a", pa.list_(pa.float64()))])), ("a", pa.int64())])
    scope = Scope.from_schema(nested, names=["t"])
    assert resolve_value("t.a", scope).level is None
    assert resolve_value("t.t.a", scope).level == "t"


def test_several_tables():
    left = columns_of(pa.schema([("id", pa.int64()), ("x", pa.float64())]))
    right = columns_of(pa.schema([("id", pa.int64()), ("y", pa.float64())]))
    scope = Scope((Source(left, (("dp1", "Object"), ("o",))), Source(right, (("s",),))))
    assert resolve_value("y - x", scope).type is Type.DOUBLE
    for text in ("o.id", "Object.id", "dp1.object.id", "s.id"):
        assert resolve_value(text, scope).path == ("id",)
    with pytest.raises(QueryError, match="several columns"):
        resolve_value("id", scope)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("nObs + 1", Type.BIGINT),
        ("small * small", Type.BIGINT),
        ("uid + 1", Type.UBIGINT),
        ("uid - 1", Type.BIGINT),
        ("gMag + gMag", Type.REAL),
        ("gMag + 1", Type.DOUBLE),
        ("gMag + rMag", Type.DOUBLE),
        ("gMag + nObs", Type.DOUBLE),
        ("-nObs", Type.BIGINT),
        ("-gMag", Type.REAL),
        ("1.0 * nObs / small", Type.DOUBLE),
        ("name || 'x'", Type.TEXT),
        ("LOG10(gMag)", Type.DOUBLE),
        ("ABS(gMag)", Type.REAL),
        ("ABS(nObs)", Type.BIGINT),
        ("FLOOR(nObs)", Type.INTEGER),
        ("COALESCE(uid, 0)", Type.UBIGINT),
        ("COALESCE(nObs, 1.5)", Type.DOUBLE),
        ("COALESCE(gMag, NULL)", Type.REAL),
        ("CAST(nObs AS SMALLINT)", Type.SMALLINT),
        ("18446744073709551615", Type.UBIGINT),
        ("-9223372036854775808", Type.BIGINT),
        ("gMag < 20", Type.BOOLEAN),
        ("MOD(uid, 3)", Type.BIGINT),
        ("DISTANCE(ra, dec, 1, 2)", Type.DOUBLE),
        ("CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3))", Type.INTEGER),
        ("COORD1(POINT(ra, dec))", Type.DOUBLE),
        ("lc", Type.NESTED),
        ("tags", Type.LIST),
        ("lc.band", Type.TEXT),
    ],
)
def test_types(text, kind):
    assert value(text).type is kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name + 1", r"\+ takes numbers, not a text; texts are joined with \|\|"),
        ("nObs / small", r"1\.0 \* a / b"),
        ("nObs || 'x'", "CAST"),
        ("-name", "takes a number"),
        ("LOG10(name)", r"LOG10 does not take \(text\); write LOG10\(number\)"),
        ("LOG10(1, 2)", "LOG10 does not take"),
        ("ROUND(rMag, nObs)", "whole number"),
        ("ROUND(rMag, 1.5)", "ROUND does not take"),
        ("LGO10(rMag)", "did you mean LOG10"),
        ("COALESCE(name, 1)", "cannot choose"),
        ("COALESCE()", "at least one"),
        ("CAST(lc AS VARCHAR)", "cannot be made a text"),
        ("CAST(nObs AS TIMESTAMP)", "makes a timestamp of a text"),
        ("CAST('2025-13-01' AS TIMESTAMP)", "not a time"),
        ("CAST(name AS POINT)", "cannot be made a point"),
        ("COUNT(*)", "aggregate"),
        ("AVG(rMag)", "aggregate"),
        ("SUM(lc.band)", "SUM takes numbers, not a text"),
        ("SUM(lc.mjd, lc.flux)", "takes one value"),
        ("SUM(*)", "needs a field"),
        ("ABS(DISTINCT rMag)", "no meaning"),
        ("ABS(*)", "only in COUNT"),
        ("lc.mjd + diff.mjd", "diff and lc have different epochs"),
        ("lc + 1", "takes numbers, not a light curve"),
        ("-18446744073709551615", "does not fit"),
        ("1e400", "too large"),
        ("FIRST(DISTINCT lc.mjd)", "no meaning"),
        ("IN_UNIT(rMag)", "takes a value and a unit"),
    ],
)
def test_wrong_types(text, words):
    with pytest.raises(QueryError, match=words) as caught:
        value(text)
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 3", "text cannot be compared with a bigint; write '3'"),
        ("nObs = '3'", "write 3 without quotes"),
        ("name = rMag", "CAST"),
        ("gMag = NULL", "IS NULL"),
        ("lc > 3", "light curve cannot be compared"),
        ("good > name", "boolean cannot be compared"),
        ("good = 'true'", "boolean cannot be compared with a text; write = 1 for true"),
        ("seen > 3", "timestamp cannot be compared with a bigint"),
        ("seen > 'yesterday'", "not a time"),
        ("nObs LIKE 'a'", "LIKE compares texts"),
        ("rMag", "value of type double"),
        ("nObs AND good", "value of type integer"),
        ("POINT(ra, dec) = 1", "point cannot be compared"),
        ("lc.mjd > 1 AND diff.mjd > 1", "different epochs"),
    ],
)
def test_wrong_comparisons(text, words):
    with pytest.raises(QueryError, match=words):
        resolve_condition(text, SCOPE)


def test_strict_adql_cuts_integers_and_knows_null():
    assert resolve_value("nObs / small", SCOPE, STRICT).type is Type.BIGINT
    assert isinstance(resolve_condition("gMag = NULL", SCOPE, STRICT), Compare)
    with pytest.raises(QueryError, match="a value is needed"):
        resolve_value("gMag > 1", SCOPE, STRICT)
    with pytest.raises(QueryError, match="MEDIAN"):
        resolve_value("MEDIAN(lc.mjd)", SCOPE, STRICT)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("ra", "deg"), ("ra + dec", "deg"), ("2 * ra", "deg"), ("ra / dec", ""),
        ("ra * dec", "deg**2"), ("SQRT(ra * dec)", "deg"), ("POWER(ra, 3)", "deg**3"),
        ("ra + gMag", None), ("rMag", "mag"), ("ABS(pm)", "mas.yr**-1"), ("RADIANS(ra)", "rad"),
        ("LOG10(ra)", ""), ("AVG(lc.flux)", "nJy"), ("COUNT(lc.flux)", ""), ("nObs", None),
        ("IN_UNIT(ra, 'arcsec')", "arcsec"), ("DISTANCE(ra, dec, 1, 2)", "deg"),
        ("10 + pm", "mas.yr**-1"),
        ("COALESCE(ra, 0)", "deg"), ("CAST(ra AS REAL)", "deg"),
        ("scisql_nanojanskyToAbMag(lc.flux)", "mag"),
    ],
)  # fmt: skip
def test_units(text, unit):
    assert value(text).unit == unit


def test_in_unit_multiplies_by_a_constant():
    table = pa.table({"ra": [1.0, None], "pm": [3.6e6, 0.0]})
    expressions = [value("IN_UNIT(ra, 'arcmin')"), value("IN_UNIT(pm, 'deg/yr')")]
    first, second = adql.Values(expressions)(table)
    assert first.to_pylist() == [60.0, None]
    assert second.to_pylist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IN_UNIT(ra, '')", "empty"),
        ("IN_UNIT(ra, 'foo')", "'foo' is no unit"),
        ("IN_UNIT(ra, 'kg')", "deg cannot be converted to kg"),
        ("IN_UNIT(42, 'kg')", "not known"),
        ("IN_UNIT(nObs, 'deg')", "not known"),
        ("IN_UNIT(ra, name)", "constant text"),
        ("IN_UNIT(name, 'deg')", "takes a number"),
        ("IN_UNIT(rMag, 'Jy')", "cannot be converted|times a number"),
    ],
)
def test_in_unit_refuses(text, words):
    with pytest.raises(QueryError, match=words):
        value(text)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("gMag", None), ("lc.mjd", "lc"), ("lc.flux - gMag", "lc"), ("AVG(lc.flux)", None),
        ("lc.flux - AVG(lc.flux)", "lc"), ("gMag + MAX(diff.snr)", None), ("diff.snr * 2", "diff"),
        ("lc.flux > 5 AND gMag < 3", "lc"), ("COUNT(lc.mjd) > 5", None),
        ("AVG(lc.flux) > AVG(diff.snr)", None), ("lc.mjd > MIN(diff.mjd)", "lc"), ("lc", None),
    ],
)  # fmt: skip
def test_levels(text, level):
    assert value(text).level == level


def test_numbers_beside_integers_stay_exact():
    def right(text):
        condition = resolve_condition(text, SCOPE)
        return condition.operator, condition.right.value

    assert right("nObs > 5.5") == (">=", 6)
    assert right("nObs >= 5.5") == (">=", 6)
    assert right("nObs < 5.5") == ("<=", 5)
    assert right("nObs <= -5.5") == ("<=", -6)
    assert right("5.5 < nObs") == (">=", 6)
    assert right("objectId = 9007199254740993.0") == ("=", 9007199254740993)
    assert right("objectId > 1e300")[1] > 2**64
    assert right("nObs = CAST(5 AS DOUBLE PRECISION)") == ("=", 5)
    assert resolve_condition("nObs = 5.5", SCOPE) == OneOf(value("nObs"), ())
    assert resolve_condition("nObs <> 5.5", SCOPE) == Not(OneOf(value("nObs"), ()))


def test_booleans_compare_with_0_and_1():
    good = Truth(value("good"))
    for text in ("good", "good = 1", "good = TRUE", "1 = good", "good <> 0", "good = 1.0"):
        assert resolve_condition(text, SCOPE) == good
    for text in ("NOT good", "good = 0", "good <> TRUE", "good = FALSE"):
        assert resolve_condition(text, SCOPE) == Not(good)


def test_times_are_read_from_texts():
    condition = resolve_condition("seen >= '2025-06-01T12:30:00.5'", SCOPE)
    assert condition.right == Constant(datetime(2025, 6, 1, 12, 30, 0, 500_000), Type.TIMESTAMP)
    assert resolve_condition("seen > CAST('2025-06-01' AS TIMESTAMP)", SCOPE, STRICT)


def test_functions_of_the_caller():
    double = Function("twice", (Signature(("double",), Type.DOUBLE, "({0} * 2)"),), "2 x")
    scope = Scope.from_schema(SCHEMA, functions={**FUNCTIONS, **function_table([double])})
    (found,) = adql.Values([resolve_value("TWICE(nObs)", scope)])(pa.table({"nObs": [1, None]}))
    assert found.to_pylist() == [2.0, None]


def test_conjuncts_and_columns():
    condition = resolve_condition(
        "a.gMag < 20 AND (ra > 1 OR dec > 1) AND NOT (nObs = 1 OR good) AND NOT NOT size = 1"
        " AND lc.mjd BETWEEN 1 AND 2",
        Scope.from_schema(SCHEMA, names=["a"]),
    )
    parts = adql.conjuncts(condition)
    assert [sorted(".".join(path) for path in adql.columns(part)) for part in parts] == [
        ["gMag"], ["dec", "ra"], ["nObs"], ["good"], ["size"], ["lc.mjd"], ["lc.mjd"],
    ]  # fmt: skip
    assert [part.level for part in parts] == [None] * 5 + ["lc"] * 2
    assert isinstance(adql.conjunction(parts), And)
    assert adql.conjunction(parts[:1]) == parts[0]


def test_aggregates_are_taken_out():
    condition = resolve_condition(
        "lc.flux > 3 * AVG(lc.flux) AND AVG(lc.flux - AVG(lc.flux)) < COUNT(lc.mjd)", SCOPE
    )
    inner, outer = adql.split_aggregates(condition)
    assert [aggregate.name for aggregate in inner] == ["AVG", "AVG", "COUNT"]
    assert adql.columns(inner[1]) == {("lc", "flux"), (adql.aggregate_name(0),)}
    assert adql.columns(outer) == {("lc", "flux")} | {(adql.aggregate_name(i),) for i in range(3)}
    assert outer.level == "lc"
    assert not adql.has_aggregates(outer)
    assert adql.has_aggregates(condition)
    assert adql.split_aggregates(outer) == ([], outer)


def test_expressions_travel():
    for text in ("lc.flux > 3 * AVG(lc.flux)", "gMag IN (1, 2) AND seen > '2025-01-01'"):
        condition = resolve_condition(text, SCOPE)
        assert pickle.loads(pickle.dumps(condition)) == condition  # noqa: S301
