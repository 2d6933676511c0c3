"""Rows whose key an earlier row along the sky has already, wherever both are filed."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.adql.connections import run_sql
from skyseries.arraytypes import Ints
from skyseries.arrow import to_numpy
from skyseries.catalog.plan.node import Hints, Node, Unit
from skyseries.catalog.plan.places import Places, ordinals
from skyseries.catalog.plan.stage import Runner
from skyseries.catalog.run.inputs import lifted, values_from
from skyseries.catalog.run.parts import fixed_units
from skyseries.config import settings
from skyseries.lazy import pc
from skyseries.spatial.order import argsort

__all__ = ["codes_of", "duplicate_places", "normal_key"]


def duplicate_places(
    node: Node,
    keys: Sequence[adql.Expr],
    keep: str,
    folder: Path,
    run: Runner,
    memory: int | None = None,
) -> Places:
    """Return the places of rows that are not the first (or last) with their key; a stage.

    Parameters
    ----------
    node : Node
    keys : sequence of Expr
        Missing values (null, NaN) are equal to each other.
    keep : {"first", "last"}
        Along the sky.
    folder : Path
        For what does not fit into memory.
    run : callable
    memory : int, optional
        Bytes of keys and places (16 bytes) that are held; by default a quarter of what
        `skyseries.config` says. More go to disk, divided by a hash of the key.
    """
    memory = settings().memory // 4 if memory is None else memory
    wide, plain = lifted(node, keys)
    hpx, ordinal = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    with ExitStack() as stack:
        for table in _divided(wide, tuple(plain), memory, folder, run, stack):
            rows = _repeated(table, keep)
            hpx.append(table.column("hpx").to_numpy()[rows])
            ordinal.append(table.column("ordinal").to_numpy()[rows])
    return Places.of(np.concatenate(hpx), np.concatenate(ordinal))


def codes_of(keys: Sequence[pa.Array]) -> Ints:
    """Return integers that are equal where all keys are; null is equal to null."""
    codes = _codes(keys[0])
    for key in keys[1:]:
        _, left = np.unique(codes, return_inverse=True)
        _, right = np.unique(_codes(key), return_inverse=True)
        codes = left * (int(right.max(initial=0)) + 1) + right
    return codes


def _repeated(table: pa.Table, keep: str) -> Ints:
    """Return the rows to drop; they are in the order of the sky."""
    names = [name for name in table.column_names if name.startswith("k")]
    codes = codes_of([table.column(name).combine_chunks() for name in names])
    if keep == "last":
        codes = codes[::-1]
    order = argsort(codes)
    again: Ints = order[1:][codes[order[1:]] == codes[order[:-1]]]
    return len(codes) - 1 - again if keep == "last" else again


def _codes(key: pa.Array) -> Ints:
    if pa.types.is_integer(key.type) and not key.null_count:
        return np.ascontiguousarray(key.to_numpy()).astype(np.int64)  # uint64 wraps: one-to-one
    if pa.types.is_string(key.type):
        key = key.cast(pa.large_string())
    codes = pc.dictionary_encode(key, null_encoding="encode").indices
    return to_numpy(codes).astype(np.int64)


def _keys_of_unit(keys: tuple[adql.Expr, ...], node: Node, unit: Unit) -> pa.Table:
    """Return the keys and places of the rows of a unit."""
    rows = node.rows(unit.area, Hints())
    hpx = rows.hpx()
    columns = {f"k{i}": normal_key(key) for i, key in enumerate(values_from(rows, keys))}
    return pa.table({**columns, "hpx": hpx, "ordinal": ordinals(hpx)})


def normal_key(key: pa.Array) -> pa.Array:
    """Return a key in which equal values have equal bits, and missing ones are null."""
    if pa.types.is_float16(key.type):
        key = key.cast(pa.float32())
    if not pa.types.is_floating(key.type):
        return key
    value = pc.add(key, pa.scalar(0.0, key.type))  # -0.0 is 0.0
    return pc.if_else(pc.is_nan(value), pa.scalar(None, key.type), value)


def _divided(
    node: Node,
    keys: tuple[adql.Expr, ...],
    memory: int,
    folder: Path,
    run: Runner,
    stack: ExitStack,
) -> Iterator[pa.Table]:
    """Yield tables that have all rows of their keys, in the order of the sky."""
    held: list[pa.Table] = []
    files: _Buckets | None = None
    units = fixed_units(node)
    weight = sum(unit.weight for unit in units)
    seen = 0.0
    parts = (
        p for _, p in run(node, partial(_keys_of_unit, keys), units, stage="keys", ordered=True)
    )
    for unit, part in zip(units, parts, strict=True):
        held.append(part)
        seen += unit.weight
        size = sum(table.nbytes for table in held)
        if files is None and 4 * size > memory:  # sorting takes as much again, and more
            count = math.ceil(8 * size * weight / max(seen, 1) / memory) + 1
            files = _Buckets(min(count, 512), part.schema, folder, stack)
        if files is not None:
            for table in held:
                files.add(table)
            held = []
    if files is not None:
        yield from files.tables()
    elif held:
        yield pa.concat_tables(held)


class _Buckets:
    """Files on disk, each with the rows of some keys."""

    def __init__(self, count: int, schema: pa.Schema, folder: Path, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        self._paths = [folder / f"{i}.arrow" for i in range(count)]
        files = [stack.enter_context(pa.OSFile(str(path), "wb")) for path in self._paths]
        self._writers = [pa.ipc.new_file(file, schema) for file in files]
        self._files = files

    def add(self, table: pa.Table) -> None:
        """Divide rows; they stay in their order."""
        if not table.num_rows:
            return
        keys = ", ".join(name for name in table.column_names if name.startswith("k"))
        sql = f"SELECT CAST(hash({keys}) % {len(self._paths)} AS INTEGER) AS b FROM t"  # noqa: S608 - no user text
        bucket = run_sql(table, sql).column(0).to_numpy()
        order = np.argsort(bucket, kind="stable")
        cuts = np.searchsorted(bucket[order], np.arange(len(self._paths) + 1))
        table = table.take(pa.array(order))
        for i, writer in enumerate(self._writers):
            if cuts[i + 1] > cuts[i]:
                writer.write_table(table.slice(cuts[i], cuts[i + 1] - cuts[i]))

    def tables(self) -> Iterator[pa.Table]:
        """Yield what each file has, and close all."""
        for writer, file in zip(self._writers, self._files, strict=True):
            writer.close()
            file.close()
        for path in self._paths:
            yield pa.ipc.open_file(pa.memory_map(str(path))).read_all()
