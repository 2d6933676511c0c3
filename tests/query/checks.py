"""What must hold of every statement, tried on random ones.

``python -m tests.query.checks 20000`` tries many seeds and prints what they have covered.
"""

from __future__ import annotations

import collections
import shutil
import sys
import tempfile
from pathlib import Path

import pyarrow as pa

import skyseries as sky
from skyseries import adql
from tests.query.compare import assert_same
from tests.query.oracle import answer
from tests.query.random_queries import Statements
from tests.query.world import World, build

__all__ = ["Checks", "bare"]


def bare(world: World, folder: Path) -> sky.Catalog:
    """Return a copy of the catalog without statistics, margin and index of the ids."""
    path = folder / "bare"
    shutil.copytree(sky.open_catalog(world.path).dataset.root.path, path)
    for name in ("per_partition_statistics.parquet", "_metadata"):
        for file in path.rglob(name):
            file.unlink()
    return sky.open_catalog(path)


class Checks:
    """Tries statements on the catalog of a world, and on a copy that knows less of itself."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._catalogs = {"survey": world.catalog}
        self._bare = {"survey": bare(world, folder)}
        self.counts: collections.Counter[str] = collections.Counter()
        self.tried = self.filled = 0

    def rows(self, text: str, catalogs=None) -> pa.Table:
        """Return the rows of a statement."""
        return sky.sql(text, catalogs or self._catalogs, dialect="python").to_arrow()

    def seed(self, seed: int) -> None:
        """Make the statement of a seed, and try it."""
        statements = Statements(seed, "survey", self._world.ids)
        text = statements.statement()
        condition = statements.condition(2)
        self.counts += statements.counts
        try:
            self.answers(text)
            self.divided(statements.plain_rows(), condition)
            self.printed(text, run=seed % 10 == 0)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {text}\n{error}") from error

    def answers(self, text: str) -> None:
        """Compare with the slow interpreter, and with the catalog that knows less of itself."""
        query = adql.parse(text, "python")
        found = self.rows(text)
        assert_same(found, answer(query, self._world.objects), query)
        less = self.rows(text, self._bare)
        assert _sorted(found) == _sorted(less), "without statistics and index other rows"
        hidden = self.rows(_hidden(text))
        assert _sorted(found) == _sorted(hidden), "behind OR 1=0 other rows"
        self.tried += 1
        self.filled += found.num_rows > 0

    def divided(self, text: str, condition: str) -> None:
        """Compare all rows with those of a condition, of its opposite, and where it is unknown."""
        unknown = f"(CASE WHEN {condition} THEN 1 WHEN NOT ({condition}) THEN 0 END) IS NULL"
        parts = [self.rows(_and(text, part)) for part in (condition, f"NOT ({condition})", unknown)]
        assert _sorted(pa.concat_tables(parts)) == _sorted(self.rows(text)), condition

    def printed(self, text: str, *, run: bool) -> None:
        """Compare with the statement as it is printed: the same tree, and the same rows."""
        again = str(adql.parse(text, "python"))
        assert adql.parse(again, "python") == adql.parse(text, "python"), again
        if run:
            assert _sorted(self.rows(again)) == _sorted(self.rows(text)), again


def _sorted(table: pa.Table) -> list[str]:
    return sorted(map(repr, zip(*(c.to_pylist() for c in table.columns), strict=True)))


def _hidden(text: str) -> str:
    before, word, after = text.partition(" WHERE ")
    if not word:
        return text
    ends = [after.find(end) for end in (" GROUP BY ", " HAVING ", " ORDER BY ")]
    end = min((place for place in ends if place >= 0), default=len(after))
    return f"{before} WHERE ({after[:end]}) OR 1 = 0{after[end:]}"


def _and(text: str, condition: str) -> str:
    before, word, after = text.partition(" WHERE ")
    return f"{before} WHERE ({after}) AND ({condition})" if word else f"{text} WHERE {condition}"


def main(count: int) -> None:
    """Try seeds and print what was covered."""
    with tempfile.TemporaryDirectory() as folder, sky.executor("serial"):
        checks = Checks(build(Path(folder)), Path(folder))
        for seed in range(count):
            checks.seed(seed)
            if seed % 1000 == 999:
                print(seed + 1, flush=True)  # noqa: T201
        print(f"{checks.tried} statements, {checks.filled} with rows")  # noqa: T201
        for name, times in sorted(checks.counts.items()):
            print(f"{times:8} {name}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
