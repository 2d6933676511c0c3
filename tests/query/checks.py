"""What must hold of every statement, tried on random ones.

``python -m tests.query.checks 20000`` tries many seeds and prints what they have covered;
``python -m tests.query.checks 500 1000`` those from 500 on.
"""

from __future__ import annotations

import collections
import functools
import shutil
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

import skyseries as sky
from skyseries import adql
from skyseries.adql import tree
from tests.query.compare import assert_same, assert_same_rows
from tests.query.flat import Flat
from tests.query.oracle import answer
from tests.query.random_queries import Statements, names_in
from tests.query.world import Make, World, build

__all__ = ["Checks", "and_also", "bare", "bare_copy", "behind_or", "parsed"]

WORLDS = 5


def bare(world: World, folder: Path) -> sky.Catalog:
    """Return a copy of the catalog without statistics, margin and index of the ids."""
    return bare_copy(world.path, folder / "bare")


def bare_copy(catalog: Path, path: Path) -> sky.Catalog:
    """Copy a catalog to a path, without statistics, margin and index of the ids."""
    shutil.copytree(sky.open_catalog(catalog).dataset.root.path, path)
    for name in ("per_partition_statistics.parquet", "_metadata"):
        for file in path.rglob(name):
            file.unlink()
    return sky.open_catalog(path)


class _Asked:
    """A catalog, a copy that knows less of itself, its rows, and those in a plain database."""

    def __init__(self, seed: int, folder: Path) -> None:
        folder.mkdir()
        make = Make.of(seed)
        self.anchor = make.anchors[0]
        self.world = build(folder, make)
        self.whole = {"survey": self.world.catalog}
        self.bare = {"survey": bare(self.world, folder)}
        self.flat = Flat(self.world.flat)


class Checks:
    """Tries statements on small catalogs, which are made as they are needed."""

    def __init__(self, folder: Path) -> None:
        self._asked = functools.cache(lambda seed: _Asked(seed, folder / f"world{seed}"))
        self.counts: collections.Counter[str] = collections.Counter()
        self.tried = self.filled = self.in_duckdb = 0

    def seed(self, seed: int) -> None:
        """Make the statement of a seed, and try it."""
        asked = self._asked(seed % WORLDS)
        statements = Statements(seed, asked.world.ids, asked.anchor)
        texts = statements.statement(), statements.plain_rows(), statements.condition()
        try:
            query, rows = (adql.parse(text, statements.dialect) for text in texts[:2])
            one = adql.parse(f"SELECT ra FROM t WHERE {texts[2]}", statements.dialect)  # noqa: S608
            self.counts.update(n for part in (query, rows, one) for n in names_in(part))
            tried = _Tried(asked, statements)
            found = tried.answers(texts[0], query)
            tried.divided(rows, one.body.where)
        except Exception as error:
            error.add_note(
                f"world {seed % WORLDS}, seed {seed}, {statements.dialect}:\n" + "\n".join(texts)
            )
            raise
        self.tried += 1
        self.filled += found.num_rows > 0
        self.in_duckdb += tried.in_duckdb


class _Tried:
    """One statement."""

    def __init__(self, asked: _Asked, statements: Statements) -> None:
        self._asked, self._dialect = asked, statements.dialect
        self._objects = bool(statements.asked.nested)
        self.in_duckdb = False

    def rows(self, text: str, catalogs=None) -> pa.Table:
        """Return the rows of a statement."""
        return sky.sql(text, catalogs or self._asked.whole, dialect=self._dialect).to_arrow()

    def answers(self, text: str, query: tree.Query) -> pa.Table:
        """Compare with the slow interpreter, with DuckDB, and without what speeds it up."""
        found = self.rows(text)
        assert_same(found, self._wanted(query), query)
        assert_same_rows(found, self.rows(text, self._asked.bare))
        hidden = str(_hidden(query))  # and as it is printed
        assert_same_rows(found, self.rows(hidden))
        assert adql.parse(str(query), self._dialect) == query
        plain = self._asked.flat.answer(query) if self._objects else None
        if plain is not None:
            self.in_duckdb = True
            assert_same_rows(plain, found)
        return found

    def _wanted(self, query: tree.Query) -> list[tuple]:
        world = self._asked.world
        return answer(query, world.objects if self._objects else world.epochs)

    def divided(self, query: tree.Query, condition: tree.Node) -> None:
        """Compare all rows with those of a condition, of its opposite, and where it is unknown."""
        unknown = parsed(
            f"COALESCE(CASE WHEN {condition} THEN 1 WHEN NOT ({condition}) THEN 0 END, 2) = 2",
            self._dialect,
        )
        negated = tree.Not(condition, position=condition.position)
        parts = [self.rows(str(and_also(query, part))) for part in (condition, negated, unknown)]
        assert_same(pa.concat_tables(parts), self._wanted(query), query)


def parsed(condition: str, dialect: str) -> tree.Node:
    return adql.parse(f"SELECT ra FROM t WHERE {condition}", dialect).body.where  # noqa: S608


def _hidden(query: tree.Query) -> tree.Query:
    """Return a statement with each condition behind OR 1 = 0."""
    where = query.body.where
    return query if where is None else _with(query, behind_or(where))


def behind_or(node: tree.Node) -> tree.Node:
    if isinstance(node, tree.And | tree.Or):
        return replace(node, operands=tuple(map(behind_or, node.operands)))
    if isinstance(node, tree.Not):
        return replace(node, operand=behind_or(node.operand))
    return tree.Or((node, parsed("1 = 0", "adql")), position=node.position)


def and_also(query: tree.Query, condition: tree.Node) -> tree.Query:
    where = query.body.where
    both = condition if where is None else tree.And((where, condition), position=where.position)
    return _with(query, both)


def _with(query: tree.Query, where: tree.Node) -> tree.Query:
    return replace(query, body=replace(query.body, where=where))


def main(first: int, last: int) -> None:
    """Try seeds and print what was covered, and what was found."""
    with tempfile.TemporaryDirectory() as folder, sky.executor("serial"):
        checks = Checks(Path(folder))
        for seed in range(first, last):
            try:
                checks.seed(seed)
            except Exception:
                print(traceback.format_exc(), flush=True)  # noqa: T201
        print(  # noqa: T201
            f"{checks.tried} statements, {checks.filled} with rows, "
            f"{checks.in_duckdb} in DuckDB too"
        )
        for name, times in sorted(checks.counts.items()):
            print(f"{times:8} {name}")  # noqa: T201


if __name__ == "__main__":
    main(*map(int, ([0, *sys.argv[1:]] if len(sys.argv) == 2 else sys.argv[1:])))
