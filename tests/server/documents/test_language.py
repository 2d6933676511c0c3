"""Each function of the language is told once, and all that is told is there."""

import re

from skyseries.adql import FUNCTIONS, Function, Origin, Type, parse
from skyseries.adql.aggregates import AGGREGATE_TABLE, AGGREGATES
from skyseries.adql.functions.signature import takes
from skyseries.query.curvefunctions import curve_functions
from skyseries.server.documents.language import MANDATORY, feature_lists, served_functions

TYPE = "ivo://ivoa.net/std/TAPRegExt#features-"
_IN_2_0 = """
ABS CEILING DEGREES EXP FLOOR LOG LOG10 MOD PI POWER RADIANS RAND ROUND SQRT TRUNCATE
ACOS ASIN ATAN ATAN2 COS COT SIN TAN
"""
"""The functions that ADQL 2.1 demands of each service (tables 4 and 5)."""
_GEOMETRIES = """
AREA BOX CENTROID CIRCLE CONTAINS COORD1 COORD2 COORDSYS DISTANCE INTERSECTS POINT POLYGON REGION
"""
FORM = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\((.*)\) -> (.*)")


def told():
    """Return the names that stand in features, one for each form."""
    return {
        kind: [feature.form for feature in features]
        for kind, features in feature_lists(served_functions()).items()
    }


def test_no_form_is_told_twice():
    forms = [form for forms in told().values() for form in forms]
    assert len(forms) == len(set(forms))


def test_each_function_is_mandatory_or_told_in_one_place():
    places = {}
    for kind, forms in told().items():
        for form in forms:
            places.setdefault(form.partition("(")[0].upper(), set()).add(kind)
    ours = {name.upper() for name in AGGREGATES if AGGREGATE_TABLE[name].origin != Origin.ADQL}
    all_ = {f.name.upper() for f in (*FUNCTIONS.values(), *curve_functions(lambda _: None))} | ours
    assert set(_IN_2_0.split()) == MANDATORY
    assert all_ - MANDATORY - {"COALESCE"} == places.keys() - {
        "ILIKE", "WITH", "UNION", "EXCEPT", "INTERSECT", "CAST", "OFFSET",
    }  # fmt: skip
    assert {len(kinds) for kinds in places.values()} == {1}


def test_all_signatures_of_a_function_are_told():
    forms = told()[TYPE + "udf"]
    for function in (*FUNCTIONS.values(), *curve_functions(lambda _: None)):
        if function.origin is not Origin.ADQL:
            assert set(function.forms()) <= set(forms)
    assert "ivo_geom_transform(fromSys VARCHAR, toSys VARCHAR, geo POINT) -> POINT" in forms
    assert "LC_PERIOD(lc LIGHTCURVE, minPeriod DOUBLE PRECISION, maxPeriod DOUBLE PRECISION) -> " \
        "DOUBLE PRECISION" in forms  # fmt: skip
    assert "scisql_percentile(x DOUBLE PRECISION, percent DOUBLE PRECISION) -> DOUBLE PRECISION" \
        in forms  # fmt: skip


def test_forms_of_functions_are_as_tapregext_has_them():
    for form in told()[TYPE + "udf"]:
        name, arguments, result = FORM.fullmatch(form).groups()
        assert not name.startswith("MEDIAN")  # of Python's dialect
        assert result
        for argument in filter(None, arguments.split(", ")):
            assert argument == "..." or re.fullmatch(r"[A-Za-z0-9]+ [A-Z ]+", argument), form


def test_geometries_are_told_by_name_only():
    assert set(told()[TYPE + "adqlgeo"]) == set(_GEOMETRIES.split())


def test_what_is_told_of_the_language_is_read():
    statements = {
        "LOWER": "SELECT LOWER(a) AS b FROM t",
        "UPPER": "SELECT UPPER(a) AS b FROM t",
        "ILIKE": "SELECT a FROM t WHERE a ILIKE 'x%'",
        "WITH": "WITH u AS (SELECT a FROM t) SELECT a FROM u",
        "UNION": "SELECT a FROM t UNION ALL SELECT a FROM u",
        "EXCEPT": "SELECT a FROM t EXCEPT SELECT a FROM u",
        "INTERSECT": "SELECT a FROM t INTERSECT SELECT a FROM u",
        "CAST": "SELECT CAST(a AS DOUBLE PRECISION) AS b FROM t",
        "IN_UNIT": "SELECT IN_UNIT(a, 'deg') AS b FROM t",
        "OFFSET": "SELECT a FROM t ORDER BY a OFFSET 5",
    }
    names = {form for kind, forms in told().items() if "#features-adql-" in kind for form in forms}
    assert names == statements.keys()
    for name, text in statements.items():
        assert name in str(parse(text))


def test_a_function_of_the_operator_is_told():
    own = Function("my_function", (takes("x double", Type.DOUBLE, "{0}"),), "itself")
    features = feature_lists([*served_functions(), own])[TYPE + "udf"]
    form = "my_function(x DOUBLE PRECISION) -> DOUBLE PRECISION"
    assert [f.description for f in features if f.form == form] == ["itself"]
