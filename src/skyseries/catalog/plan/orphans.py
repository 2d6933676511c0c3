"""Rows of the other side that belong to no row: noticed, so that they do not vanish silently."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from skyseries.arraytypes import Ints
from skyseries.catalog.plan.keyindex import INDEX_KEY, build_key_index
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.partners import Partners
from skyseries.catalog.plan.rows import Rows
from skyseries.catalog.plan.scan import Scan
from skyseries.catalog.plan.stage import Runner, Stage
from skyseries.catalog.plan.steps import Select
from skyseries.errors import InputError
from skyseries.hats.idindex import open_index
from skyseries.hats.keys import KeyTable, plain
from skyseries.spatial.order import run_lengths
from skyseries.store.files import Location

__all__ = ["OnOrphans", "Watched", "report_orphans"]

OnOrphans = Literal["warn", "ignore", "raise"]


@dataclass(frozen=True, eq=False)
class Watched(Partners):
    """Partners whose keys are compared with those of the left side before the first task.

    Parameters
    ----------
    partners : Partners
    checked : Stage
        Made when all have been compared.
    """

    partners: Partners
    checked: Stage[int] = field(repr=False)

    @classmethod
    def of(
        cls,
        partners: Partners,
        side: tuple[Any, str, str],
        left: tuple[Node, str],
        index: tuple[Location, str] | None,
        orphans: OnOrphans,
    ) -> Watched:
        """Return the partners, watched.

        Parameters
        ----------
        partners : Partners
        side : Node or Table, str and str
            All rows of the right side, their column of the keys, and its name.
        left : Node and str
            The left side and its column of the keys.
        index : Location and str, optional
            An index of the left keys; by default one is made.
        orphans : {"warn", "ignore", "raise"}
        """
        rows, key, name = side
        plans = [Select(rows, (key,))] if isinstance(rows, Node) else []
        plans += [Select(left[0], (left[1],))] if index is None else []
        said = f"the {key} of {name} compared with those of the rows"
        return cls(partners, Stage(said, partial(_compare, side, left, index, orphans), *plans))

    @property
    def schema(self) -> pa.Schema:
        return self.partners.schema

    @property
    def node(self) -> Node | None:  # type: ignore[override]
        return self.partners.node

    def stages(self) -> tuple[Stage[Any], ...]:
        return (self.checked, *self.partners.stages())

    def for_tasks(self) -> Partners:
        return self.partners.for_tasks()

    def near(self, keys: pa.Array, hpx: Ints, hints: Hints) -> tuple[Rows, KeyTable]:
        return self.partners.near(keys, hpx, hints)

    def describe(self) -> str:
        return self.partners.describe()

    def demand(self, paths: Sequence[str]) -> Iterator[tuple[Scan, list[str]]]:
        return self.partners.demand(paths)


def report_orphans(lost: int, name: str, key: str, orphans: OnOrphans) -> None:
    """Warn of rows that belong to no row, or raise InputError."""
    if not lost or orphans == "ignore":
        return
    text = f"{lost:,} rows of {name} belong to no row: their {key} is not there"
    if orphans == "raise":
        raise InputError(f"{text}; orphans='ignore' leaves them out")
    warnings.warn(f"{text}; orphans='ignore' leaves them out silently", stacklevel=2)


def _compare(
    side: tuple[Any, str, str],
    left: tuple[Node, str],
    index: tuple[Location, str] | None,
    orphans: OnOrphans,
    folder: Path,
    run: Runner,
) -> int:
    rows, key, name = side
    where = index or (build_key_index(*left, folder, run), INDEX_KEY)
    if isinstance(rows, pa.Table):
        lost = _lost(rows.column(key), where)
    else:
        found = run(rows, partial(_lost_of_unit, key=key, index=where), stage=f"keys of {name}")
        lost = sum(some for _, some in found)
    report_orphans(lost, name, key, orphans)
    return lost


def _lost_of_unit(node: Node, unit: Unit, *, key: str, index: tuple[Location, str]) -> int:
    return _lost(node.rows(unit.area, Hints()).fetch([key]).column(0), index)


def _lost(keys: pa.ChunkedArray, index: tuple[Location, str]) -> int:
    """Return how many keys the index does not have."""
    return len(keys) - len(run_lengths(open_index(*index).find_many(plain(keys)).asked)[0])
