"""Random samples of an exact size, of all rows or of each stratum.

Each row has a random number that depends on the seed and on its place; the sample is the rows
with the smallest. So it is the same on every engine and however the catalog is divided, and
smaller samples with the same seed are parts of larger ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arraytypes import Ints
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.places import Places, hashes, ordinals
from skyseries.catalog.plan.rows import gather
from skyseries.catalog.plan.stage import Runner
from skyseries.catalog.run.duplicates import codes_of, normal_key
from skyseries.catalog.run.inputs import lifted, values_from
from skyseries.catalog.run.parts import merged
from skyseries.errors import InputError

__all__ = ["check_enough", "sample_places"]

Size = int | float
"""Of each stratum: rows, or the fraction of its rows."""


def sample_places(
    node: Node,
    strata: Sequence[adql.Expr],
    size: Size,
    seed: int,
    least: int,
    folder: Path,
    run: Runner,
) -> Places:
    """Return the places of a sample; a stage of a plan.

    Parameters
    ----------
    node : Node
    strata : sequence of Expr
        What the rows of a stratum have in common; none: all rows are one.
    size : int or float
        Rows of each stratum, all of it where it has no more; or the fraction of its rows,
        rounded to whole rows.
    seed : int
    least : int
        InputError if there are fewer rows.
    folder : Path
    run : callable
        Neither is needed: nothing is kept on disk, and parts are merged in a fixed order.
    """
    wide, plain = lifted(node, strata)
    limit: Callable[[tuple[Any, ...]], int]
    if isinstance(size, float):
        counts = merged(wide, partial(_count_strata, tuple(plain)), _add)
        wanted = {key: round(size * count) for key, count in counts.items()}
        sizes = {key: n for key, n in wanted.items() if n}
        limit = partial(_of_stratum, sizes)
    else:
        limit = partial(_same, size)
    part = partial(_smallest_of_unit, tuple(plain), limit, seed)
    table = merged(wide, part, partial(_smallest, limit))
    check_enough(0 if table is None else table.num_rows, least)
    if table is None:
        return Places(np.empty(0, np.int64), np.empty(0, np.int64))
    return Places.of(*(table.column(name).to_numpy() for name in ("hpx", "ordinal")))


def check_enough(rows: int, least: int) -> None:
    """Raise InputError if there are fewer rows than are to be taken."""
    if rows < least:
        raise InputError(f"there are only {rows:,} rows to take {least:,} from")


def _same(size: int, key: tuple[Any, ...]) -> int:
    return size


def _of_stratum(sizes: dict[tuple[Any, ...], int], key: tuple[Any, ...]) -> int:
    return sizes.get(key, 0)


def _count_strata(
    strata: tuple[adql.Expr, ...], node: Node, unit: Unit
) -> dict[tuple[Any, ...], int]:
    rows = node.rows(unit.area, Hints())
    codes, names = _strata([normal_key(key) for key in values_from(rows, strata)], len(rows))
    return dict(zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True))


def _add(parts: Sequence[dict[tuple[Any, ...], int]]) -> dict[tuple[Any, ...], int]:
    total: dict[tuple[Any, ...], int] = {}
    for part in parts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return total


def _smallest_of_unit(
    strata: tuple[adql.Expr, ...], limit: Any, seed: int, node: Node, unit: Unit
) -> pa.Table | None:
    rows = node.rows(unit.area, Hints())
    hpx = rows.hpx()
    columns = {f"k{i}": normal_key(key) for i, key in enumerate(values_from(rows, strata))}
    table = pa.table({**columns, "hash": hashes(hpx, seed), "hpx": hpx, "ordinal": ordinals(hpx)})
    return _smallest(limit, [table])


def _smallest(limit: Any, parts: Sequence[pa.Table | None]) -> pa.Table | None:
    """Return the rows with the smallest random numbers of each stratum."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    table = pa.concat_tables(there).combine_chunks()
    hash_ = table.column("hash").to_numpy()
    names = [name for name in table.column_names if name.startswith("k")]
    codes, strata = _strata([table.column(name).combine_chunks() for name in names], len(hash_))
    if len(strata) == 1 and 0 < (size := limit(strata[0])) < len(hash_):
        kept = np.flatnonzero(hash_ <= np.partition(hash_, size - 1)[size - 1])
        if len(kept) == size:  # sorting all takes several times as long
            return gather(table, kept)
    sizes = np.array([limit(name) for name in strata], np.int64)
    order = np.lexsort((hash_, codes))
    sorted_codes = codes[order]
    first = np.searchsorted(sorted_codes, np.arange(len(strata)))
    rank = np.arange(len(order)) - first[sorted_codes]
    kept = np.sort(order[rank < sizes[sorted_codes]])
    return gather(table, kept)


def _strata(keys: Sequence[pa.Array], n: int) -> tuple[Ints, list[tuple[Any, ...]]]:
    """Return the number of the stratum of each row, and what each has in common."""
    if not keys:
        return np.zeros(n, np.int64), [()]
    _, first, codes = np.unique(codes_of(keys), return_index=True, return_inverse=True)
    values = [key.take(pa.array(first)).to_pylist() for key in keys]
    return codes, list(zip(*values, strict=True))
