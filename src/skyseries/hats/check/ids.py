"""Check for ids that repeat, where no index has brought equal ids together."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.config import settings
from skyseries.executors import Task
from skyseries.hats.batches import leaf_batches
from skyseries.hats.check.files import BROKEN, run_checks, said
from skyseries.hats.check.findings import Findings
from skyseries.hats.check.row_hash import row_digests
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Cell

__all__ = ["check_repeated_ids", "repeats"]

U64 = NDArray[np.uint64]

_BYTES_PER_ID = 24
"""What looking for repeats holds of each id."""


def repeats(repeated: int, column: str, example: Any) -> str:
    """Return the sentence that tells of repeated ids."""
    return f"{repeated:,} rows repeat an earlier {column!r}, for instance {example!r}"


def check_repeated_ids(dataset: Dataset, column: str, rows: int, findings: Findings) -> None:
    """Look for ids that repeat in a catalog without an index, in as many passes as memory asks."""
    budget = max(settings().memory // 4, 1)
    passes = -(-rows * _BYTES_PER_ID // budget)
    repeated: list[U64] = []
    for number in range(passes):
        tasks = [
            Task(_keys, (dataset, cell, column, number, passes)) for cell in dataset.partitions
        ]
        keys = np.concatenate([np.empty(0, np.uint64), *run_checks(tasks)])
        keys.sort()
        repeated.append(keys[1:][keys[1:] == keys[:-1]])
    again = np.concatenate([np.empty(0, np.uint64), *repeated])
    if not len(again):
        return
    some = np.unique(again)[:1000]
    tasks = [Task(_ids_of, (dataset, cell, column, some)) for cell in dataset.partitions]
    ids = Counter(id_ for found in run_checks(tasks) for id_ in found)
    if true := [id_ for id_, count in ids.items() if count > 1]:
        findings.warn("repeated-id", "", repeats(len(again), column, true[0]))


def _keys(dataset: Dataset, cell: Cell, column: str, number: int, passes: int) -> U64:
    found = [np.empty(0, np.uint64)]
    for _, keys in _id_digests(dataset, cell, column):
        found.append(keys[keys % np.uint64(passes) == number])
    return np.concatenate(found)


def _ids_of(dataset: Dataset, cell: Cell, column: str, some: U64) -> list[Any]:
    ids: list[Any] = []
    for values, keys in _id_digests(dataset, cell, column):
        ids += values.take(pa.array(np.flatnonzero(np.isin(keys, some)))).to_pylist()
    return ids


def _id_digests(dataset: Dataset, cell: Cell, column: str) -> Any:
    """Yield ids and their digests; of a broken leaf, what can be read."""
    try:
        for file in dataset.leaves(cell):
            for rows in leaf_batches(dataset, file, [column]):
                yield rows.column(column), row_digests(rows)
    except BROKEN as error:
        said(error)  # the check of the leaf has told it
