"""Checks of the id index: its parts, their order, and that it agrees with its catalog.

The index and the catalog lie in different orders. Sums of the digests of (id, cell) over each
partition tell whether both hold the same; only partitions where they differ are compared id by id.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.errors import CatalogError
from skyseries.executors import Task
from skyseries.hats.batches import leaf_batches, whole_leaf
from skyseries.hats.check.files import BROKEN, is_ours, relative, run_checks, said
from skyseries.hats.check.findings import Findings
from skyseries.hats.check.ids import repeats
from skyseries.hats.check.row_hash import row_digests, surplus
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Cell
from skyseries.lazy import pc

__all__ = ["Parts", "compare_index", "read_parts"]

U64 = NDArray[np.uint64]

_COMPARED = 10
"""Partitions that are compared id by id; further ones are only named."""


@dataclass(frozen=True)
class Parts:
    """The files of an index as ``_metadata`` names them."""

    index: Dataset
    column: str
    files: tuple[str, ...]
    groups: tuple[tuple[tuple[int, Any, Any], ...], ...] = field(repr=False)
    """Of each file and row group: rows, lowest and highest id."""
    prefix: str = ""


@dataclass
class PartFound:
    """What was found in one part of an index."""

    findings: Findings
    rows: int = 0
    places: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    sums: U64 = field(default_factory=lambda: np.empty(0, np.uint64))
    """For each partition in `places`: rows and sum of digests."""
    first: Any = None
    last: Any = None
    repeated: int = 0
    example: Any = None
    whole: bool = False


def read_parts(index: Dataset, column: str, findings: Findings) -> Parts | None:
    """Read which files an index has, and check that they are what is there."""
    where = "dataset/_metadata"
    missing = [name for name in (column, "Norder", "Npix") if name not in index.schema.names]
    if missing:
        findings.fault("index-columns", "dataset/_common_metadata", f"has no column {missing[0]!r}")
        return None
    if index.root.join("dataset", "_common_metadata").read_bytes_if_there() is None:
        findings.fault("no-common-metadata", "dataset/_common_metadata", "there is no such file")
    try:
        content = index.root.join(where).read_bytes_if_there()
        if content is None:
            findings.fault("no-metadata", where, "there is no such file; an index needs it")
            return None
        files = _part_groups(pq.read_metadata(pa.BufferReader(content)), column)
    except BROKEN as error:
        findings.fault("broken-metadata", where, said(error))
        return None
    try:
        for file in index.root.join("dataset").walk_files():
            path = relative(index.root, file).removeprefix("dataset/")
            if path not in files and not file.name.startswith((".", "_")):
                what = "is not named in dataset/_metadata"
                findings.fault("stray-file", f"dataset/{path}", what)
    except BROKEN as error:
        findings.warn("not-listed", "dataset", f"its files cannot be listed: {said(error)}")
    groups = tuple(tuple(group) for group in files.values())
    return Parts(index, column, tuple(files), groups, findings.prefix)


def _part_groups(footer: pq.FileMetaData, column: str) -> dict[str, list[tuple[int, Any, Any]]]:
    names = [footer.schema.column(c).path for c in range(footer.num_columns)]
    place = names.index(column)
    files: dict[str, list[tuple[int, Any, Any]]] = {}
    for g in range(footer.num_row_groups):
        chunk = footer.row_group(g).column(place)
        known = chunk.statistics is not None and chunk.statistics.has_min_max
        lowest, highest = (chunk.statistics.min, chunk.statistics.max) if known else (None, None)
        rows = footer.row_group(g).num_rows
        files.setdefault(chunk.file_path, []).append((rows, lowest, highest))
    return files


def compare_index(
    parts: Parts, primary: Dataset, key: tuple[str, ...], sums: dict[Cell, tuple[int, int]],
    findings: Findings,
) -> None:  # fmt: skip
    """Check all parts of an index, and compare them with the catalog.

    Parameters
    ----------
    parts : Parts
    primary : Dataset
    key : tuple of str
        The columns that the digests are of.
    sums : dict
        Rows and sum of digests of each partition that could be read.
    findings : Findings
    """
    tasks = [Task(_check_part, (parts, n, primary, key)) for n in range(len(parts.files))]
    found: list[PartFound] = run_checks(tasks)
    for part in found:
        findings.add(part.findings)
    rows = sum(part.rows for part in found)
    findings.count("ids in indexes", rows)
    told = parts.index.rows
    if told is not None and told != rows and all(part.whole for part in found):
        what = f"hats_nrows = {told:,}, but the index has {rows:,} rows"
        findings.fault("row-count", "hats.properties", what)
    _check_sequence(parts, found, primary, findings)
    if not all(part.whole for part in found):
        return
    counts = np.zeros(len(primary.partitions), np.int64)
    totals = np.zeros(len(primary.partitions), np.uint64)
    for part in found:
        counts[part.places] += part.counts
        totals[part.places] += part.sums
    differing = [
        n for n, cell in enumerate(primary.partitions)
        if cell in sums and sums[cell] != (int(counts[n]), int(totals[n]))
    ]  # fmt: skip
    _tell_differences(parts, primary, key, differing, findings)


def _check_part(parts: Parts, number: int, primary: Dataset, key: tuple[str, ...]) -> PartFound:
    file = parts.index.root.join("dataset", parts.files[number])
    found = PartFound(Findings(parts.prefix))
    where = f"dataset/{parts.files[number]}"
    try:
        with whole_leaf(file) as opened:
            groups = opened.metadata
        told = [group[0] for group in parts.groups[number]]
        true = [groups.row_group(g).num_rows for g in range(groups.num_row_groups)]
        if told != true:
            what = f"says {len(told)} row groups of {sum(told):,} rows of {where}, "
            what += f"which has {len(true)} of {sum(true):,}"
            found.findings.fault("metadata-groups", "dataset/_metadata", what)
        else:
            _check_bounds(parts, number, where, found.findings)
        _read_part(parts, file, where, primary, key, found)
        found.whole = True
    except FileNotFoundError:
        found.findings.fault("missing-leaf", where, "there is no such file")
    except BROKEN as error:
        found.findings.fault("broken-leaf", where, said(error))
    return found


def _check_bounds(parts: Parts, number: int, where: str, findings: Findings) -> None:
    """Compare the bounds that a look-up goes by with the ids of each row group."""
    with whole_leaf(parts.index.root.join("dataset", parts.files[number])) as opened:
        for g, (rows, lowest, highest) in enumerate(parts.groups[number]):
            if not rows:
                continue
            ids = opened.read_row_group(g, columns=[parts.column], use_threads=False)
            true = pc.min_max(ids.column(0)).as_py()
            if (lowest, highest) != (true["min"], true["max"]):
                what = f"says ids {lowest!r} to {highest!r} of row group {g} of {where}, "
                what += f"which has {true['min']!r} to {true['max']!r}"
                findings.fault("index-bounds", "dataset/_metadata", what)


def _read_part(
    parts: Parts, file: Any, where: str, primary: Dataset, key: tuple[str, ...], found: PartFound
) -> None:
    counts = np.zeros(len(primary.partitions), np.int64)
    sums = np.zeros(len(primary.partitions), np.uint64)
    astray = unsorted = 0
    example = ""
    for rows in leaf_batches(parts.index, file):
        if not rows.num_rows:
            continue
        ids = rows.column(parts.column).combine_chunks()
        place = _places(rows, primary)
        bad = place < 0
        if bad.any() and not astray:
            i = int(np.argmax(bad))
            cell = Cell(*(rows.column(c)[i].as_py() for c in ("Norder", "Npix")))
            example = f"the first, {ids[i].as_py()!r}, in {cell}"
        astray += int(bad.sum())
        np.add.at(counts, place[~bad], 1)
        np.add.at(sums, place[~bad], row_digests(rows.select(key))[~bad])
        unsorted += _check_order(ids, found)
        found.rows += rows.num_rows
    if astray:
        what = f"{astray:,} ids are in no partition of the catalog, {example}"
        found.findings.fault("index-place", where, what)
    if unsorted:
        wrong = is_ours(parts.index.properties)
        found.findings.note(wrong, "index-unsorted", where, f"{unsorted:,} ids are out of order")
    found.places = np.flatnonzero(counts)
    found.counts, found.sums = counts[found.places], sums[found.places]


def _places(rows: pa.Table, primary: Dataset) -> NDArray[np.int64]:
    """Return the partition that each entry names, -1 where there is no such."""
    partitions = primary.partitions
    order = rows.column("Norder").to_numpy().astype(np.int64)
    npix = rows.column("Npix").to_numpy().astype(np.int64)
    known = (order >= 0) & (order <= 29)
    place = partitions.find(np.where(known, npix << 2 * (29 - np.where(known, order, 29)), -1))
    if not len(partitions):
        return place
    same = (partitions.order[place] == order) & (partitions.npix[place] == npix)
    return np.where(same & known, place, -1)


def _check_order(ids: Any, found: PartFound) -> int:
    """Count steps down and repeats, also from the batch before."""
    if found.rows == 0:
        found.first = ids[0].as_py()
    else:
        ids = pa.concat_arrays([pa.array([found.last], ids.type), ids])
    found.last = ids[-1].as_py()
    again = pc.equal(ids[1:], ids[:-1])
    if repeated := pc.sum(again).as_py() or 0:
        found.repeated += repeated
        if found.example is None:
            found.example = ids[pc.index(again, True).as_py() + 1].as_py()
    return int(pc.sum(pc.less(ids[1:], ids[:-1])).as_py() or 0)


def _check_sequence(
    parts: Parts, found: list[PartFound], primary: Dataset, findings: Findings
) -> None:
    """Check that each part begins where the one before it ends, and tell repeated ids."""
    repeated = sum(part.repeated for part in found)
    example = next((part.example for part in found if part.repeated), None)
    filled = [(name, part) for name, part in zip(parts.files, found, strict=True) if part.rows]
    for (_, before), (name, part) in itertools.pairwise(filled):
        if part.first < before.last:
            what = f"begins with {part.first!r}, but the part before it ends with {before.last!r}"
            findings.note(
                is_ours(parts.index.properties), "index-unsorted", f"dataset/{name}", what
            )
        elif part.first == before.last:
            repeated += 1
            example = part.first if example is None else example
    if repeated and primary.kind == "object":
        findings.warn("repeated-id", "", repeats(repeated, parts.column, example))


def _tell_differences(
    parts: Parts, primary: Dataset, key: tuple[str, ...], differing: list[int], findings: Findings
) -> None:
    named = differing[:_COMPARED]
    tasks = [Task(_entries, (parts, file, primary, key, tuple(named))) for file in parts.files]
    entries = [entry for found in run_checks(tasks) for entry in found] if named else []
    for n in named:
        cell = primary.partitions[n]
        mine = [(ids, digests) for place, ids, digests in entries if place == n]
        _compare_cell(parts, primary, key, cell, mine, findings)
    for n in differing[_COMPARED:]:
        findings.fault("index-differs", str(primary.partitions[n]), "has other ids than the index")


def _entries(
    parts: Parts, file: str, primary: Dataset, key: tuple[str, ...], named: tuple[int, ...]
) -> list[tuple[int, Any, U64]]:
    """Return the entries of some partitions: ids and digests."""
    found = []
    for rows in leaf_batches(parts.index, parts.index.root.join("dataset", file)):
        place = _places(rows, primary)
        for n in named:
            if (mine := np.flatnonzero(place == n)).size:
                taken = rows.take(pa.array(mine))
                found.append((n, taken.column(parts.column), row_digests(taken.select(key))))
    return found


def _compare_cell(
    parts: Parts, primary: Dataset, key: tuple[str, ...], cell: Cell,
    entries: Sequence[tuple[Any, U64]], findings: Findings,
) -> None:  # fmt: skip
    ids, digests = [], []
    for file in primary.leaves(cell):
        for rows in leaf_batches(primary, file, key):
            ids.append(rows.column(parts.column))
            digests.append(row_digests(rows))
    true, told = (
        np.concatenate([np.empty(0, np.uint64), *some])
        for some in (digests, [digest for _, digest in entries])
    )
    if not is_ours(parts.index.properties):  # others enter an id once for each partition
        missing, unknown = _absent(true, told), _absent(told, true)
    else:
        missing, unknown = surplus(true, told), surplus(told, true)
    if len(missing):
        what = f"{len(missing):,} ids are not in the index with their place, the first is "
        findings.fault("index-missing", str(cell), what + _value(ids, int(missing[0])))
    if len(unknown):
        what = f"{len(unknown):,} entries of the index have no such row here, the first is "
        value = _value([some for some, _ in entries], int(unknown[0]))
        findings.fault("index-unknown", str(cell), what + value)


def _absent(a: U64, b: U64) -> NDArray[np.int64]:
    return np.flatnonzero(~np.isin(a, b))


def _value(columns: Sequence[Any], place: int) -> str:
    for column in columns:
        if place < len(column):
            return repr(column[place].as_py())
        place -= len(column)
    raise CatalogError(f"there is no row {place}")
