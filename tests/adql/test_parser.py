"""Which texts are expressions, and what they mean."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import PYTHON, STRICT, parse_condition, parse_value
from skyseries.adql import tree as nodes
from skyseries.adql.parser import Parser, parse_expression
from skyseries.errors import QueryError

VALUES = [
    "1", "-1", "+1.5", "'x'", "NULL", "a", "t.a", "s.t.a", '"a b"', '"t"."a"', "a + b * c - d / e",
    "(a)", "((a + b)) * c", "a || 'x' || b", "-a", "a * -b", "a - -1", "ABS(a)", "abs( a )",
    "POWER(a, 2)", "PI()", "RAND()", "RAND(3)", "ROUND(a, -2)", "ROUND(a)", "f(a, b)",
    "COUNT(*)", "COUNT(DISTINCT a)", "SUM(ALL a)", "AVG(a + b)", "COALESCE(a, b, 0)",
    "CAST(a AS CHAR)", "CAST(a AS CHAR(3))", "CAST(a AS VARCHAR(3))", "CAST(a AS SMALLINT)",
    "CAST(a AS INTEGER)", "CAST(a AS BIGINT)", "CAST(a AS REAL)", "CAST(a AS DOUBLE PRECISION)",
    "CAST('2021-01-14T11:25:00' AS TIMESTAMP)", "CAST('1 2' AS POINT)", "IN_UNIT(pmra, 'deg/yr')",
    "DISTANCE(POINT('ICRS', a, b), POINT(1, 2))", "POLYGON(1, 2, 3, 4, 5, 6)", "LOWER(a)",
    "a -- comment\n + b", "18446744073709551615", "1.", ".5", "1E10", "1.5e-3", "BOX(1, 2, 3, 4)",
    "CASE WHEN a = 1 THEN 'x' WHEN a > 2 THEN 'y' ELSE 'z' END", "CASE a WHEN 1 THEN 2 END",
    "CASE WHEN a = 1 THEN CASE b WHEN 1 THEN 2 END END + 1", "-(-a)",
]  # fmt: skip

CONDITIONS = [
    "a = 1", "a <> 1", "a != 1", "a < 1 AND b > 2 OR c <= 3", "NOT a = 1", "NOT (a = 1 OR b = 2)",
    "(a = 1)", "((a) = (1))", "(a + 1) * 2 > b", "a BETWEEN 1 AND 2 AND b = 3",
    "a NOT BETWEEN -b AND b + 1", "a IN (1)", "a NOT IN (1, 2, b)", "a LIKE 'x%'",
    "a NOT LIKE 'x' || b", "a ILIKE 'x'", "a IS NULL", "t.a IS NOT NULL", "a\nAND\nb = 1"[5:],
    "1 = CONTAINS(POINT(a, b), CIRCLE(c, d, e))", "a = NULL", "a > -1", "a=-1", "a<-b",
    "NOT a IS NULL AND b = 1", "CONTAINS(POINT('ICRS', ra, dec), BOX('ICRS', 1, 2, 3, 4)) = 1",
]  # fmt: skip

INVALID = [
    "", " ", "--", "a", "1", "a =", "= 1", "a = 1 AND", "AND a = 1", "a = 1 b = 2", "(a = 1",
    "a = 1)", "a = (1, 2)", "a IN ()", "a IN 1", "a IN (1,)", "a IN (1 2)", "a BETWEEN 1",
    "a < b < c", "a BETWEEN 1 OR 2", "a IS 1", "a IS NOT 1", "a NOT 1", "a NOT = 1", "NOT", "NOT a",
    "a LIKE",
    "a LIKE 'x' ESCAPE '!'", "a = 'x' 'y'", "a & b", "(a = 1) & (b = 2)", "(a = 1) | (b = 2)",
    "~(a = 1)", "a % 2 = 1", "a ** 2 = 1", "a ^ 2 = 1", "!a = 1", "a = 1;", "a = 1; DROP TABLE t",
    "a = ?", "a = :x", "a = (SELECT b FROM t)", "EXISTS (SELECT 1 FROM t)",
    "a IN (SELECT b FROM t)", "SELECT a FROM t",
    "a = CASE b = 1 THEN 2 END", "a = CASE WHEN b = 1 THEN 2", "a = CASE WHEN b THEN c = 1 END",
    "a = CASE WHEN b = 1 END", "a = CASE b WHEN b = 1 THEN 2 END", "a = CASE ELSE 1 END",
    "f(a", "f(a,)", "f(,a)", "a.b(c) = 1",
    '"f"(a) = 1', "CAST(a) = 1", "CAST(a AS) = 1", "CAST(a AS BLOB) = 1",
    "CAST(a AS CHAR(0)) = 'x'", "CAST(a, REAL) = 1",
    "a. = 1", ".a = 1", "a..b = 1", "18446744073709551616 = a",
    "(a = 1) = (b = 1)", "(a = 1) + 2 > 3", "a = b = c", "ABS(a > 1) = 1", "a AND b = 1 = c",
    "a = 1 OR", "OR", "a = [1]", "a[1] = 2", "a IN (b = 1)", "a LIKE b = c", "1 1", "a == ",
    "COUNT(DISTINCT) = 1", "DISTINCT a = 1", "AS = 1", "a = 'x", "a => 1", "a =< 1", "a >< 1",
]  # fmt: skip

ONLY_PYTHON = [
    "_a = 1", "a == 1", "good", "NOT good", "good AND a = 1", "a + 1 IS NULL", "a = 0x1F",
    "good = TRUE", "NOT NOT a = 1", "t.size = 1", "- -a = 1", "CAST(a AS INT) = 1",
    "CAST(a AS DOUBLE) = 1", "CAST(a AS FLOAT) = 1", "CAST(a AS BOOLEAN)",
    "TRY_CAST(a AS REAL) = 1", "a.b.c.d.e = 1",
]  # fmt: skip


@pytest.mark.parametrize("text", VALUES)
def test_values(text):
    assert parse_value(text, STRICT) == parse_value(text, PYTHON)


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions(text):
    assert parse_condition(text, STRICT) == parse_condition(text, PYTHON)


@pytest.mark.parametrize("text", INVALID)
@pytest.mark.parametrize("dialect", [STRICT, PYTHON], ids=["strict", "python"])
def test_invalid(text, dialect):
    if dialect is PYTHON and text in ("a", "NOT a"):
        return  # a may be a boolean column
    with pytest.raises(QueryError) as caught:
        parse_condition(text, dialect)
    assert caught.value.line is not None
    assert caught.value.column is not None


@pytest.mark.parametrize("text", ONLY_PYTHON)
def test_kindnesses(text):
    parse_condition(text, PYTHON)
    with pytest.raises(QueryError):
        parse_condition(text, STRICT)


@pytest.mark.parametrize("word", ["size", "date", "time", "level", "first", "distance", "Size"])
def test_a_reserved_word_that_names_a_column_is_that_column(word):
    parse_condition(f"{word} > 3 AND 1 < {word}", PYTHON, {"size", *([word])})
    with pytest.raises(QueryError, match="reserved word"):
        parse_condition(f"{word} > 3", PYTHON)
    with pytest.raises(QueryError, match="reserved word"):
        parse_condition(f"{word} > 3", STRICT, {word})
    parse_condition(f'"{word}" > 3', STRICT)


def test_a_word_before_a_parenthesis_is_a_function_and_operators_are_never_columns():
    node = parse_value("distance(a, b)", PYTHON, {"distance"})
    assert isinstance(node, nodes.Call)
    with pytest.raises(QueryError):
        parse_condition("and > 3", PYTHON, {"and"})


def shape(node):
    """Write a tree with all its parentheses."""
    match node:
        case nodes.Literal():
            return str(node.value)
        case nodes.ColumnRef():
            return ".".join(part.text for part in node.parts)
        case nodes.Unary():
            return f"({node.operator}{shape(node.operand)})"
        case nodes.Binary() | nodes.Comparison():
            return f"({shape(node.left)} {node.operator} {shape(node.right)})"
        case nodes.And() | nodes.Or():
            word = f" {type(node).__name__.upper()} "
            return f"({word.join(map(shape, node.operands))})"
        case nodes.Not():
            return f"(NOT {shape(node.operand)})"
        case nodes.Between():
            return f"({shape(node.operand)} BETWEEN {shape(node.low)} AND {shape(node.high)})"
        case _:
            return type(node).__name__


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b * c", "((a / b) * c)"),
        ("-a * b", "((-a) * b)"),
        ("a * -b + c", "((a * (-b)) + c)"),
        ("a || b + c || d", "((a || (b + c)) || d)"),
        ("a = 1 OR b = 2 AND NOT c = 3", "((a = 1) OR ((b = 2) AND (NOT (c = 3))))"),
        ("a + 1 BETWEEN b AND c - 1 AND d == 1", "(((a + 1) BETWEEN b AND (c - 1)) AND (d = 1))"),
        ("(a = 1 AND b = 1) AND c = 1", "(((a = 1) AND (b = 1)) AND (c = 1))"),
        ("NOT a < b + 1", "(NOT (a < (b + 1)))"),
    ],
)
def test_precedence(text, meaning):
    assert shape(parse_expression(text)) == meaning


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("(a = 1) & (b = 2)", "AND, OR and NOT"),
        ("a < b < c", "a < b AND b < c"),
        ("a % 2 = 1", r"MOD\(a, b\)"),
        ("a ** 2 = 1", r"POWER\(a, b\)"),
        ("a = 99999999999999999999", "does not fit in 64 bits"),
        ("order = 1", '"order"'),
        ("a + 1", "condition is needed"),
        ("SELECT a FROM t", "query"),
    ],
)
def test_advice(text, advice):
    with pytest.raises(QueryError, match=advice):
        parse_condition(text)


@pytest.mark.parametrize(
    "text",
    ["(" * 5000 + "a" + ")" * 5000, "a" + " + 1" * 5000, "-" * 1, "NOT " * 5000 + "a = 1",
     "+" * 5000 + "a", "ABS(" * 5000 + "a" + ")" * 5000],
    ids=["parentheses", "sum", "sign", "not", "signs", "calls"],
)  # fmt: skip
def test_depth_is_limited_by_an_error(text):
    with pytest.raises(QueryError):
        parse_expression(text)


def test_nested_chains_are_limited_too_and_long_lists_are_not():
    text = "a"
    for _ in range(20):
        text = f"({text}" + " + 1" * 20 + ")"
    with pytest.raises(QueryError, match="too deeply"):
        parse_value(text)
    parse_condition("a IN (" + ", ".join(map(str, range(50_000))) + ")")
    parse_condition(" OR ".join(f"a = {i}" for i in range(2_000)))


@given(st.lists(st.sampled_from(
    ["a", "1", "'x'", "(", ")", "+", "-", "*", "/", "||", "=", "<", "AND", "OR", "NOT", "IN", "IS",
     "NULL", "BETWEEN", "LIKE", ",", ".", "ABS", "COUNT", "CAST", "AS", "REAL", "DISTINCT", "size"]
), max_size=12))  # fmt: skip
def test_any_tokens_give_a_tree_or_a_query_error(words):
    for dialect in (STRICT, PYTHON):
        column = 1
        try:
            parse_expression(" ".join(words), dialect, {"size"})
        except QueryError as error:
            column = error.column
        assert column is not None


HOLES = [
    (r"(?<=CIRCLE\('ICRS', )\{\}(?=, [{\d][}.\d]*\))", "1, 2"),
    (r"(?<=POLYGON\('ICRS', )\{\}", "1, 2, 3, 4, 5, 6"),
    (r"'\{\w*\}'", "'x'"),
    (r"\bIN\s*\{\w*\}", "IN (1, 2)"),
    (r"(?<![\w])\{\w*\}(?=_)", "g"),
    (r"\bSELECT\s+(TOP\s+\S+\s+)?\{\w*\}", "SELECT a"),
    (r"\bAND \(\{\w*\}\)", "AND (a = 1)"),
    (r"\b(AND|WHERE)\s*\{\w*\}(?=\s*($|AND|ORDER))", r"\1 a = 1"),
    (r"\{\w*\}|%[fsd]|%\.\d+f", "1"),
]


def split(text):
    """Split at the commas outside of parentheses."""
    depth, columns = 0, [""]
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            columns.append("")
        else:
            columns[-1] += character
    return columns


def parts(query):
    """Return the columns and the conditions of a query; what stands in templates is filled in."""
    for hole, filling in HOLES:
        query = re.sub(hole, filling, query)
    query = query.rstrip("; ")
    head = re.match(
        r"SELECT\s+(?:TOP\s+\S+\s+)?(?:DISTINCT\s+)?(.*?)\s*\bFROM\b",
        query,
        re.IGNORECASE | re.DOTALL,
    )
    found = []
    if head and head[1] != "*":
        columns = split(head[1])
        columns = [
            re.sub(r"\s+AS\s+\w+\s*$", "", column, flags=re.IGNORECASE) for column in columns
        ]
        found += [("value", column) for column in columns if column.strip() not in ("*", "")]
    for where in re.findall(
        r"\bWHERE\b(.*?)(?:\bORDER\s+BY\b|\bGROUP\s+BY\b|$)", query, re.IGNORECASE | re.DOTALL
    ):
        found.append(("where", where))
    return found


def test_the_expressions_of_rubin_tutorials(shared_data):
    path = shared_data / "adql" / "rubin_tutorial_queries.json"
    if not path.is_file():
        pytest.skip("the Rubin tutorial queries are not there")
    counts = {"value": 0, "where": 0}
    for entry in json.loads(path.read_text()):
        for kind, text in parts(entry["query"]):
            parser = Parser(text, STRICT)
            parser.finish(parser.condition() if kind == "where" else parser.value())
            counts[kind] += 1
    assert counts["value"] > 1000
    assert counts["where"] > 150
