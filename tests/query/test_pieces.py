"""What stands side by side in FROM, and which conditions say what belongs together."""

from skyseries import adql
from skyseries.query.pieces import Piece, spans
from tests.query.typed import condition

ITEMS = [("one", frozenset(["#0"])), ("two", frozenset(["#1", "#2"])), ("three", frozenset(["#3"]))]


def groups(where):
    conditions = adql.conjuncts(condition(where)) if where else []
    return [sorted(texts) for texts in Piece(ITEMS, [], conditions).unrelated()]


def test_a_piece_is_one_text_without_its_conditions():
    piece = Piece(ITEMS, ["c0"], [condition("a.n = 1")])
    assert piece.text() == "(one CROSS JOIN two CROSS JOIN three)"
    assert piece.ids == {"#0", "#1", "#2", "#3"}
    assert Piece(ITEMS[:1], []).text() == "one"
    assert Piece([], []).ids == frozenset()


def test_things_are_related_by_conditions_over_both():
    assert groups("") == [["one"], ["two"], ["three"]]
    assert groups("a.n = 1 AND d.n = 2 AND b.n = c.n") == [["one"], ["two"], ["three"]]
    assert groups("a.n < b.n") == [["one", "two"], ["three"]]
    assert groups("a.n = d.n") == [["two"], ["one", "three"]]
    assert groups("a.n = d.n AND c.n = d.n") == [["one", "three", "two"]]
    assert groups("a.n + b.n = d.n") == [["one", "three", "two"]]
    assert groups("a.n IN (SELECT u.id FROM b AS u WHERE u.n = d.n)") == [["two"], ["one", "three"]]


def test_a_condition_is_of_both_sides():
    left, right = frozenset(["#0", "#1"]), frozenset(["#2"])
    for where, wanted in {
        "a.n = c.n": True,
        "a.n = b.n": False,
        "c.n = 1": False,
        "c.n + d.n = 1": False,
        "EXISTS (SELECT u.n FROM a AS u WHERE u.n = b.n + c.n)": True,
    }.items():
        assert spans(condition(where), left, right) is wanted, where
