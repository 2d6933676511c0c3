"""Text to tokens."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.adql import STRICT
from skyseries.adql.lexer import Kind, pointer, tokenize
from skyseries.errors import QueryError


def kinds(text):
    return [(token.kind, token.value) for token in tokenize(text)[:-1]]


def test_kinds():
    text = """ra _x "a""b" 'it''s' 12 0x1F 1.5 .5 2. 1e-3 <> || select Size"""
    assert kinds(text) == [
        (Kind.NAME, "ra"),
        (Kind.NAME, "_x"),
        (Kind.QUOTED, 'a"b'),
        (Kind.STRING, "it's"),
        (Kind.INTEGER, "12"),
        (Kind.INTEGER, "31"),
        (Kind.DECIMAL, "1.5"),
        (Kind.DECIMAL, ".5"),
        (Kind.DECIMAL, "2."),
        (Kind.DECIMAL, "1e-3"),
        (Kind.SYMBOL, "<>"),
        (Kind.SYMBOL, "||"),
        (Kind.WORD, "select"),
        (Kind.WORD, "Size"),
    ]


def test_the_grammar_knows_symbols_and_reserved_words_only():
    tokens = tokenize("""select "select" 'from' from_ <> 1""")
    assert [token.key for token in tokens] == ["SELECT", "", "", "", "<>", "", ""]


def test_places_are_counted_from_one_over_lines_and_comments():
    tokens = tokenize("a -- b 'c\n  d\n\n'x\ny' e")
    places = [(t.text, t.position.line, t.position.column) for t in tokens]
    assert places == [("a", 1, 1), ("d", 2, 3), ("'x\ny'", 4, 1), ("e", 5, 4), ("", 5, 5)]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a = 'x", (1, 5), "closing quote '"),
        ('a = "x', (1, 5), 'closing quote "'),
        ("a\n = 12abc", (2, 4), "not a number: 12abc"),
        ("1.2.3", (1, 1), "not a number"),
        ("0x", (1, 1), "no hexadecimal digits"),
        ("0x1G", (1, 1), "not a number"),
        ("a = ä", (1, 5), "in double quotes"),
        ('""', (1, 1), "empty"),
        ("a @ b", (1, 3), "no meaning here: '@'"),
        ("a = '\0'", (1, 5), "zero byte"),
        ('"\0" = 1', (1, 1), "zero byte"),
        ("0x" + "f" * 5000, (1, 1), "does not fit in 64 bits"),
        ("a /* b */", (1, 3), "begins with --"),
        ("`a`", (1, 1), "names stand in double quotes"),
    ],
)
def test_errors_name_the_place(text, place, words):
    with pytest.raises(QueryError, match=words.replace("(", r"\(")) as caught:
        tokenize(text)
    assert (caught.value.line, caught.value.column) == place
    assert str(caught.value).endswith(f"(line {place[0]}, column {place[1]})")
    assert pickle.loads(pickle.dumps(caught.value)).column == place[1]  # noqa: S301


@pytest.mark.parametrize("text", ["_x", "0x1F"])
def test_strict_adql_lacks_the_kindnesses(text):
    tokenize(text)
    with pytest.raises(QueryError):
        tokenize(text, STRICT)


def test_a_word_right_after_a_number():
    """`SELECT 89x` is a number and its name in ADQL; in Python it is rather a typing error."""
    assert [token.text for token in tokenize("89x 2desc 10AND 1.5e3y 1ex", STRICT)[:-1]] == [
        "89", "x", "2", "desc", "10", "AND", "1.5e3", "y", "1", "ex",
    ]  # fmt: skip
    assert [token.text for token in tokenize("10AND")[:-1]] == ["10", "AND"]
    for text in ("89x", "2descx", "1ex"):
        with pytest.raises(QueryError, match="not a number"):
            tokenize(text)
    for text in ("1_", "1.2.3", "1.5.x"):
        with pytest.raises(QueryError, match="not a number"):
            tokenize(text, STRICT)


def test_a_caret_points_at_the_place():
    text = "ra > 1\n  AND b = 'x"
    with pytest.raises(QueryError) as caught:
        tokenize(text)
    assert pointer(text, caught.value) == "  AND b = 'x\n          ^"
    assert pointer(text, QueryError("no place")) == ""


def test_what_is_no_text_and_what_is_too_long():
    with pytest.raises(QueryError, match="not int"):
        tokenize(3)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="too long"):
        tokenize(" " * 2_000_000)
    with pytest.raises(QueryError, match="too long: at most 110000 words"):
        tokenize("a " * 200_000)
    assert len(tokenize("'" + "''" * 400_000 + "'")) == 2


@given(text=st.text(max_size=60))
def test_any_text_gives_tokens_or_a_query_error(text):
    try:
        tokens = tokenize(text)
    except QueryError as error:
        places = [(error.line, error.column)]
    else:
        assert tokens[-1].kind is Kind.END
        assert all(text[t.start : t.start + len(t.text)] == t.text for t in tokens)
        places = [(t.position.line, t.position.column) for t in tokens]
    assert all(line >= 1 and 1 <= column <= len(text) + 1 for line, column in places)


@given(value=st.text().filter(lambda s: "\0" not in s))
def test_quoted_texts_and_names_come_back(value):
    assert tokenize("'" + value.replace("'", "''") + "'")[0].value == value
    if value:
        assert tokenize('"' + value.replace('"', '""') + '"')[0].value == value
