"""Joins by ids of all types, signed, unsigned, as doubles and as texts, against a nested loop."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, product

import pyarrow as pa
import pytest

import skyseries as sky

HARD = [1, 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1, -1, -(2**63)]
TABLES = {
    "signed": pa.array([v for v in HARD if v < 2**63] + [1, None], pa.int64()),
    "unsigned": pa.array([v for v in HARD if v >= 0] + [1, None], pa.uint64()),
    "small": pa.array([1, -1, 7, None], pa.int16()),
    "doubles": pa.array(
        [1.0, 2.0**53, 2.0**53 + 2, 2.0**63, 2.0**64, -1.0, 0.5, float("nan"), float("inf"), None],
        from_pandas=False,
    ),
    "texts": pa.array(
        [*map(str, HARD), "abc", "", "1.0", " 1 ", "+1", "1e0", "0001", "nan", "9" * 30, None]
    ),
}
CATALOGS = {
    name: pa.table({"id": ids, "name": pa.array([f"{name} {i}" for i in range(len(ids))])})
    for name, ids in TABLES.items()
}
PAIRS = [pair for pair in combinations(TABLES, 2) if pair != ("doubles", "texts")]


def number(x):
    """Return the number that an id is; None where it is none."""
    if isinstance(x, str):
        return int(x) if re.fullmatch(r" *[+-]?[0-9]+ *", x, re.ASCII) else None
    return None if x is None or x != x else x


def rows(name):
    """Return the names and the numbers of the rows of a table."""
    columns = (CATALOGS[name][column].to_pylist() for column in ("name", "id"))
    return [(of, number(x)) for of, x in zip(*columns, strict=True)]


def pairs(one, two, kind):
    """Return what a join by ids gives, from a nested loop."""
    left, right = rows(one), rows(two)
    found = [(a, b) for (a, x), (b, y) in product(left, right) if x is not None and x == y]
    if kind == "FULL":
        found += [(a, None) for a, _ in left if a not in {pair[0] for pair in found}]
        found += [(None, b) for b, _ in right if b not in {pair[1] for pair in found}]
    return sorted(found, key=str)


def asked(text):
    return sorted(
        (tuple(row.values()) for row in sky.sql(text, CATALOGS).to_arrow().to_pylist()), key=str
    )


@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_joins_by_ids_are_exact(one, two):
    for kind in ("INNER", "FULL"):
        text = f"SELECT a.name AS x, b.name AS y FROM {one} AS a {kind} JOIN {two} AS b"  # noqa: S608
        wanted = pairs(one, two, kind)
        assert asked(f"{text} ON a.id = b.id") == wanted
        if kind != "FULL" or (one, two) != ("signed", "unsigned"):  # -1 is no unsigned one
            assert asked(f"{text} USING (id)") == wanted
    assert len(pairs(one, two, "INNER")) >= 2


@pytest.mark.parametrize(("one", "two"), [*PAIRS[::2], *(pair[::-1] for pair in PAIRS[1::2])])
def test_queries_in_conditions_compare_ids_exactly(one, two):
    known = {y for _, y in rows(two) if y is not None}
    inside = sorted((a,) for a, x in rows(one) if x in known)
    outside = sorted((a,) for a, x in rows(one) if x is not None and x not in known)
    text = f"SELECT name FROM {one} AS a WHERE"  # noqa: S608
    every = f"(SELECT id FROM {two})"  # noqa: S608
    some = f"(SELECT id FROM {two} WHERE id IS NOT NULL AND name NOT IN ('{{}}'))"  # noqa: S608
    some = some.format("', '".join(of for of, y in rows(two) if y is None))
    assert asked(f"{text} id IN {every}") == asked(f"{text} id = ANY {every}") == inside
    assert asked(f"{text} EXISTS (SELECT 1 FROM {two} AS b WHERE b.id = a.id)") == inside  # noqa: S608
    assert asked(f"{text} id NOT IN {some}") == outside
    assert asked(f"{text} id NOT IN {every}") == []
    absent = f"{text} NOT EXISTS (SELECT 1 FROM {two} AS b WHERE b.id = a.id)"  # noqa: S608
    assert asked(absent) == sorted((a,) for a, x in rows(one) if x not in known)


@pytest.mark.parametrize("every", ["", " ALL"])
@pytest.mark.parametrize(("one", "two"), [("signed", "unsigned"), ("unsigned", "signed")])
def test_sets_of_ids_are_exact(one, two, every):
    left, right = (Counter(x for _, x in rows(name)) for name in (one, two))
    wanted = {"INTERSECT": left & right, "EXCEPT": left - right}
    if not every:
        wanted = {"INTERSECT": set(left) & set(right), "EXCEPT": set(left) - set(right)}
    for operator, ids in wanted.items():
        text = f"SELECT id FROM {one} {operator}{every} SELECT id FROM {two}"  # noqa: S608
        found = sky.sql(text, CATALOGS).to_arrow()
        assert found.schema.field("id").type == TABLES[one].type
        assert Counter(found["id"].to_pylist()) == Counter(ids)


def test_signed_ids_beside_unsigned_ones_become_unsigned():
    ids = sorted({x for name in ("signed", "unsigned") for _, x in rows(name) if x and x > 0})
    for text in (
        "SELECT id FROM signed WHERE id > 0 UNION SELECT id FROM unsigned WHERE id > 0",
        "SELECT DISTINCT id FROM (SELECT id FROM signed WHERE id > 0) AS a FULL JOIN"
        " (SELECT id FROM unsigned WHERE id > 0) AS b USING (id)",
        "SELECT DISTINCT COALESCE(b.id, a.id) AS id FROM unsigned AS a"
        " FULL JOIN (SELECT id FROM signed WHERE id > 0) AS b ON a.id = b.id",
    ):
        found = sky.sql(text, CATALOGS).to_arrow()
        assert sorted(set(found["id"].to_pylist()) - {None}) == ids
        assert found.schema.field("id").type == pa.uint64()
    with pytest.raises(sky.QueryError, match="-1"):
        sky.sql("SELECT id FROM signed UNION SELECT id FROM unsigned", CATALOGS).to_arrow()
