"""The slow interpreter: by hand, and beside plain DuckDB."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries import adql
from tests.query.compare import all_same, assert_matched
from tests.query.joined.flat import FlatTables
from tests.query.joined.interpreter import Interpreter, SeveralRowsError
from tests.query.joined.random_statements import JoinedStatements
from tests.query.joined.world import tables

_A = (("id", "k"), [{"id": 1, "k": "a"}, {"id": 2, "k": None}, {"id": None, "k": "b"}])
_B = (("id", "v"), [{"id": 1, "v": 1.5}, {"id": 1, "v": math.nan}, {"id": 3, "v": 2.5}])
_HAND = Interpreter({("a",): _A, ("s", "b"): _B})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("* FROM a JOIN b USING (id)", [(1, "a", 1.5), (1, "a", None)]),
        ("* FROM a NATURAL RIGHT JOIN s.b",
         [(1, "a", 1.5), (1, "a", None), (3, None, 2.5)]),
        ("* FROM a NATURAL FULL JOIN b", [(1, "a", 1.5), (1, "a", None), (2, None, None),
                                          (None, "b", None), (3, None, 2.5)]),
        ("a.id, b.id FROM a LEFT JOIN b ON a.id < b.id AND v > 2", [(1, 3), (2, 3), (None, None)]),
        ("k FROM a WHERE id NOT IN (SELECT id FROM b)", [(None,)]),
        ("id FROM b WHERE v NOT IN (SELECT v FROM b)", []),
        ("id FROM a WHERE EXISTS (SELECT * FROM b WHERE b.id = a.id)", [(1,)]),
        ("id, (SELECT MAX(v) FROM b WHERE b.id = a.id) FROM a",
         [(1, 1.5), (2, None), (None, None)]),
        ("id FROM a WHERE id > ALL (SELECT id FROM b WHERE v < 2)", [(2,)]),
        ("id FROM a WHERE id >= ANY (SELECT id FROM b)", [(1,), (2,)]),
        ("v FROM b UNION SELECT v FROM b", [(1.5,), (None,), (2.5,)]),
        ("id FROM b EXCEPT ALL SELECT id FROM a", [(1,), (3,)]),
        ("id FROM b INTERSECT ALL SELECT id FROM a", [(1,)]),
        ("COUNT(*), k FROM a, b GROUP BY k HAVING k < ANY (SELECT k FROM a)", [(3, "a")]),
    ],
)  # fmt: skip
def test_of_hand(text, wanted):
    found = _HAND.answer(adql.parse(f"SELECT {text}"))
    assert_matched(found.rows, wanted)


def test_a_query_that_stands_for_one_value_has_one_row():
    with pytest.raises(SeveralRowsError):
        _HAND.answer(adql.parse("SELECT (SELECT id FROM b) FROM a"))


def test_plain_duckdb_says_the_same(tmp_path):
    with sky.executor("serial"):
        world = tables(tmp_path, 0)
    interpreter, flat = Interpreter(world.rows()), FlatTables(world.flat)
    compared = correlated = 0
    for seed in range(400):
        made = JoinedStatements(seed, world.survey.ids, world.anchor)
        query = adql.parse(made.statement(), made.dialect)
        plain = flat.answer(query)
        if plain is not None:
            found = interpreter.answer(query).rows
            rows = list(zip(*(column.to_pylist() for column in plain.columns), strict=True))
            assert (query.order_by and all_same(rows, found)) or assert_matched(rows, found) is None
            compared += 1
            correlated += interpreter.correlated
    assert compared > 40
    assert correlated > 3


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("CONTAINS(POINT(ra, dec), CIRCLE(POINT(1, 2), 3))", True),
        ("DISTANCE(ra, dec, 1, 2)", True),
        ("POINT(ra, dec)", False),
        ("CIRCLE(POINT(ra, dec), 1)", False),
        ("MAX(flux) - 1", True),
        ("flux - fluxErr", False),
        ("MAX(flux) - MIN(-fluxErr)", False),
    ],
)
def test_what_plain_duckdb_means_the_same_by(value, told):
    table = pa.table({name: [1.0] for name in ("ra", "dec", "flux", "fluxErr")})
    query = adql.parse(f"SELECT {value} AS v0 FROM a")  # noqa: S608
    assert (FlatTables({"a": table}).answer(query) is not None) is told


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("a JOIN b USING (k) JOIN c USING (n)", "n k x y z"),
        ("a, b JOIN c USING (n)", "k x n k_2 y z"),
        ("a JOIN (b NATURAL JOIN c) USING (k)", "k x n y z"),
        ("a NATURAL JOIN b NATURAL FULL JOIN c", "n k x y z"),
    ],
)
def test_an_asterisk_has_the_columns_of_using_first_in_each_join(source, wanted):
    columns = {"a": "k x", "b": "k n y", "c": "n z"}
    rows = {name: dict.fromkeys(names.split(), 1) for name, names in columns.items()}
    tables = {(name,): (tuple(row), [row]) for name, row in rows.items()}
    text = f"SELECT * FROM {source}"  # noqa: S608
    found = Interpreter(tables).answer(adql.parse(text)).relation("t").sources[0].columns
    given = {name: pa.table({key: [1] for key in row}) for name, row in rows.items()}
    assert " ".join(sky.sql(text, given).to_arrow().column_names) == " ".join(found) == wanted
