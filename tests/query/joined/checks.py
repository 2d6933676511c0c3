"""What must hold of every statement over several tables, tried on random ones.

``python -m tests.query.joined.checks FIRST LAST`` tries seeds, and prints what they have covered.
"""

from __future__ import annotations

import collections
import functools
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

import skyseries as sky
from skyseries import adql
from skyseries.adql import tree
from tests.query.checks import and_also, bare_copy, behind_or, parsed
from tests.query.compare import all_same, assert_matched, assert_same, assert_same_rows
from tests.query.flat import with_parts
from tests.query.joined.flat import FlatTables
from tests.query.joined.interpreter import Answer, Interpreter
from tests.query.joined.random_statements import JoinedStatements
from tests.query.joined.world import Tables, tables
from tests.query.random_queries import names_in

__all__ = ["JoinedChecks"]

WORLDS = 4


class _Asked:
    """Tables, copies of the catalogs that know less of themselves, and slow answers."""

    def __init__(self, seed: int, folder: Path) -> None:
        folder.mkdir()
        self.tables: Tables = tables(folder, seed)
        self.bare = self.tables.catalogs | {
            name: bare_copy(folder / name, folder / f"bare_{name}") for name in ("survey", "other")
        }
        self.interpreter = Interpreter(self.tables.rows())
        self.flat = FlatTables(self.tables.flat)


class JoinedChecks:
    """Tries statements on small tables, which are made as they are needed.

    Parameters
    ----------
    folder : pathlib.Path
    share : int
        Each check but that beside nested loops is made for one statement of so many.
    """

    def __init__(self, folder: Path, share: int = 1) -> None:
        self._share = share
        self._asked = functools.cache(lambda seed: _Asked(seed, folder / f"world{seed}"))
        self.counts: collections.Counter[str] = collections.Counter()
        self.tried = self.filled = self.correlated = self.in_duckdb = 0

    def seed(self, seed: int) -> None:
        """Make the statement of a seed, and try it."""
        asked = self._asked(seed % WORLDS)
        statements = JoinedStatements(seed, asked.tables.survey.ids, asked.tables.anchor)
        texts = statements.statement(), statements.plain_rows(), statements.condition()
        try:
            tried = _Tried(asked, statements.dialect)
            self._answers(tried, texts[0], seed)
            if seed % self._share == 2 % self._share:
                tried.divided(tried.parsed(texts[1]), parsed(texts[2], statements.dialect))
        except Exception as error:
            error.add_note(
                f"world {seed % WORLDS}, seed {seed}, {statements.dialect}:\n" + "\n".join(texts)
            )
            raise

    def _answers(self, tried: _Tried, text: str, seed: int) -> None:
        query = tried.parsed(text)
        self.counts.update(set(names_in(query)))
        found = tried.answers(text, query)
        if seed % self._share == 0:
            tried.knows_little(text, found)
        if seed % self._share == 1 % self._share:
            tried.hidden(query, found)
        self.tried += 1
        self.filled += found.num_rows > 0
        self.correlated += tried.correlated
        self.in_duckdb += tried.in_duckdb


class _Tried:
    """Statements on the tables of one world."""

    def __init__(self, asked: _Asked, dialect: str) -> None:
        self._asked, self._dialect = asked, dialect
        self.in_duckdb = self.correlated = False

    def parsed(self, text: str) -> tree.Query:
        """Return the tree of a statement."""
        return adql.parse(text, self._dialect)

    def rows(self, text: str, catalogs=None) -> pa.Table:
        """Return the rows of a statement."""
        catalogs = catalogs or self._asked.tables.catalogs
        return sky.sql(text, catalogs, dialect=self._dialect).to_arrow()

    def answers(self, text: str, query: tree.Query) -> pa.Table:
        """Compare with the slow interpreter, and with DuckDB."""
        wanted = self._asked.interpreter.answer(query)
        self.correlated = self._asked.interpreter.correlated
        found = self.rows(text)
        _assert_answer(found, wanted, query)
        assert self.parsed(str(query)) == query
        plain = self._asked.flat.answer(query)
        if plain is not None:
            self.in_duckdb = True
            assert_same_rows(plain, found)
        return found

    def knows_little(self, text: str, found: pa.Table) -> None:
        """Compare with catalogs that know less of themselves."""
        assert_same_rows(found, self.rows(text, self._asked.bare))

    def hidden(self, query: tree.Query, found: pa.Table) -> None:
        """Compare with the statement as it is printed, with conditions that nothing can use."""
        assert_same_rows(found, self.rows(str(_hidden(query))))

    def divided(self, query: tree.Query, condition: tree.Node) -> None:
        """Compare all rows with those of a condition, of its opposite, and where it is unknown."""
        unknown = parsed(
            f"COALESCE(CASE WHEN {condition} THEN 1 WHEN NOT ({condition}) THEN 0 END, 2) = 2",
            self._dialect,
        )
        negated = tree.Not(condition, position=condition.position)
        parts = [self.rows(str(and_also(query, part))) for part in (condition, negated, unknown)]
        wanted = self._asked.interpreter.answer(query)
        _assert_answer(pa.concat_tables(parts), wanted, query)


def _assert_answer(table: pa.Table, wanted: Answer, query: tree.Query) -> None:
    """Compare rows; in their order where it is by all that is selected."""
    if isinstance(query.body, tree.Select):
        assert_same(table, wanted.rows, query)
        return
    found = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    if query.order_by:
        assert len(found) == len(wanted.rows)
        assert all_same(found, wanted.rows)
    assert_matched(found, wanted.rows)


def _hidden(node: tree.Placed) -> tree.Placed:
    """Return a statement with each condition of each WHERE and join behind OR 1 = 0."""
    node = with_parts(node, _hidden)
    match node:
        case tree.Select() if node.where is not None:
            return replace(node, where=behind_or(node.where))
        case tree.Join() if node.on is not None:
            return replace(node, on=behind_or(node.on))
    return node


def main(first: int, last: int) -> None:
    """Try seeds and print what was covered, and what was found."""
    with tempfile.TemporaryDirectory() as folder, sky.executor("serial"):
        checks = JoinedChecks(Path(folder))
        for seed in range(first, last):
            try:
                checks.seed(seed)
            except Exception:
                print(traceback.format_exc(), flush=True)  # noqa: T201
        print(  # noqa: T201
            f"{checks.tried} statements, {checks.filled} with rows, {checks.in_duckdb} in DuckDB "
            f"too, {checks.correlated} with correlated queries "
            f"({100 * checks.correlated / max(checks.tried, 1):.1f} %)"
        )
        for name, times in sorted(checks.counts.items()):
            print(f"{times:8} {name}")  # noqa: T201


if __name__ == "__main__":
    main(*map(int, ([0, *sys.argv[1:]] if len(sys.argv) == 2 else sys.argv[1:])))
