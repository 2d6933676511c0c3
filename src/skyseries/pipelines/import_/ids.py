"""From an object's id to its rank along the sky: an open-addressing hash table on disk.

The table is memory-mapped, so that all workers share it. Integer ids are their own key; a text
id is replaced by two independent 64-bit hashes (for 1e10 ids the chance that any two are taken
for one is below 1e-18).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arraytypes import Ints
from skyseries.arrow import is_text, plain_type, to_numpy
from skyseries.errors import SchemaError
from skyseries.hats.check.row_hash import mixed
from skyseries.jit import kernel
from skyseries.lazy import pc
from skyseries.store.files import storage_errors

__all__ = ["IdTable", "check_id_type", "check_same_kind", "create_array", "id_keys"]

U64 = NDArray[np.uint64]

_EMPTY = -1


def check_id_type(type_: pa.DataType, name: str) -> None:
    """Raise SchemaError unless ids of this type are exact: integers or text."""
    if not (pa.types.is_integer(type_) or is_text(plain_type(type_))):
        raise SchemaError(
            f"column {name!r} is {type_}: an id must be an integer or text, so that it is exact"
        )


def check_same_kind(sources: pa.DataType, objects: pa.DataType) -> None:
    """Raise SchemaError where one side has text and the other numbers: nothing would match."""
    if is_text(plain_type(objects)) != is_text(plain_type(sources)):
        raise SchemaError(
            f"ids of the light curves are {sources}, those of the objects {objects}: convert one"
        )


def id_keys(ids: pa.Array, like: pa.DataType) -> tuple[U64, U64, NDArray[np.bool_]]:
    """Return two 64-bit keys of each id, and which ids `like` can hold (no null is).

    Parameters
    ----------
    ids : pyarrow.Array
        Integers or text.
    like : pyarrow.DataType
        The type of the objects' ids, which these are compared with.
    """
    check_same_kind(ids.type, like)
    valid = to_numpy(ids.is_valid())
    if is_text(plain_type(like)):
        text = ids.cast(pa.large_string()).fill_null("")
        _, offsets, data = text.buffers()
        ends = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
        raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
        key, check = _hash_text(ends, raw)
        return key, check, valid
    unsigned = bool(pa.types.is_unsigned_integer(ids.type))
    values = pc.fill_null(ids, 0).cast(pa.uint64() if unsigned else pa.int64()).to_numpy()
    key = np.ascontiguousarray(values).view(np.uint64)
    if unsigned != pa.types.is_unsigned_integer(like):
        valid &= key < 1 << 63  # -1 has the bits of 2**64 - 1, and is another id
    return key, np.zeros(len(key), np.uint64), valid


def create_array(path: Path, dtype: type[np.generic], rows: int) -> np.memmap:
    """Make an array on disk whose space is taken now: a full disk would end the process later."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows,))
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with storage_errors(str(path)), path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


class IdTable:
    """Ranks by id key, in three memory-mapped arrays.

    Parameters
    ----------
    folder : Path
        Where the arrays are; `create` makes them.
    """

    def __init__(self, folder: Path, mode: Literal["r", "r+"] = "r") -> None:
        self._key, self._check, self._rank = (  # plain arrays: machine code is kept for these only
            np.asarray(np.load(folder / f"{name}.npy", mmap_mode=mode))
            for name in ("key", "check", "rank")
        )

    @classmethod
    def create(cls, folder: Path, rows: int) -> IdTable:
        """Make an empty table for so many ids."""
        folder.mkdir(parents=True, exist_ok=True)
        slots = 1 << max(int(rows * 1.6), 16).bit_length()
        for name, dtype in (("key", np.uint64), ("check", np.uint64), ("rank", np.int64)):
            array = create_array(folder / f"{name}.npy", dtype, slots)
            if name == "rank":
                array[:] = _EMPTY
        return cls(folder, "r+")

    def insert(self, key: U64, check: U64, first_rank: int) -> NDArray[np.int64]:
        """Add ids of consecutive ranks; return the places of those that were there already."""
        again = np.empty(len(key), np.int64)
        n = _insert(self._key, self._check, self._rank, key, check, first_rank, again)
        return again[:n]

    def find(self, key: U64, check: U64) -> NDArray[np.int64]:
        """Return the rank of each id, -1 where it is not known."""
        rank = np.empty(len(key), np.int64)
        _find(self._key, self._check, self._rank, key, check, rank)
        return rank


@kernel
def _hash_text(ends: Ints, raw: NDArray[np.uint8]) -> tuple[U64, U64]:
    n = ends.size - 1
    key = np.empty(n, np.uint64)
    check = np.empty(n, np.uint64)
    for i in range(n):
        a = np.uint64(0x9E3779B97F4A7C15)
        b = np.uint64(0xC2B2AE3D27D4EB4F) ^ np.uint64(ends[i + 1] - ends[i])
        for j in range(ends[i], ends[i + 1]):
            byte = np.uint64(raw[j])
            a = (a ^ byte) * np.uint64(0x100000001B3)
            b = (b + byte + np.uint64(1)) * np.uint64(0x9FB21C651E98DF25)
            b ^= b >> np.uint64(29)
        key[i] = mixed(a)
        check[i] = mixed(b)
    return key, check


@kernel
def _insert(
    keys: U64, checks: U64, ranks: Ints, key: U64, check: U64, first_rank: int, again: Ints
) -> int:
    mask = np.uint64(keys.size - 1)
    n = 0
    for i in range(key.size):
        slot = mixed(key[i]) & mask
        while ranks[slot] >= 0 and not (keys[slot] == key[i] and checks[slot] == check[i]):
            slot = (slot + np.uint64(1)) & mask
        if ranks[slot] >= 0:
            again[n] = i
            n += 1
        else:
            keys[slot] = key[i]
            checks[slot] = check[i]
            ranks[slot] = first_rank + i
    return n


@kernel
def _find(keys: U64, checks: U64, ranks: Ints, key: U64, check: U64, rank: Ints) -> None:
    mask = np.uint64(keys.size - 1)
    for i in range(key.size):
        slot = mixed(key[i]) & mask
        while ranks[slot] >= 0 and not (keys[slot] == key[i] and checks[slot] == check[i]):
            slot = (slot + np.uint64(1)) & mask
        rank[i] = ranks[slot]
