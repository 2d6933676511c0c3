"""Which leaves of a catalog that is being written are done, so that a stopped run can go on.

A leaf gets its name by a rename when it is whole, and its mark after that: a small file with
its facts. What has no mark is written again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skyseries.hats.build.facts import CurveFacts, LeafFacts
from skyseries.hats.layout import leaf_path
from skyseries.hats.partitions import Cell
from skyseries.store.files import write_text

__all__ = ["Marks"]

_END_OF_PARQUET = b"PAR1"


class Marks:
    """The marks of one run; picklable.

    Parameters
    ----------
    folder : Path
        Where the marks are.
    root : Path
        The catalog folder that the leaves are in.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self._root = root

    def set(self, facts: LeafFacts) -> None:
        """Mark a leaf as done."""
        write_text(self._path(facts.cell), json.dumps(_to_json(facts)))

    def get(self, cell: Cell) -> LeafFacts | None:
        """Return the facts of a leaf that is done; None if it has to be written."""
        try:
            facts = _from_json(json.loads(self._path(cell).read_text()))
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            return None
        return facts if self._is_whole(facts) else None

    def note(self, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Keep something about the run; return what was kept when it began."""
        path = self.folder / f"{name}.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            found = dict(value)
            write_text(path, json.dumps(found))
        return found

    def _path(self, cell: Cell) -> Path:
        return self.folder / f"{cell.order}-{cell.npix}.json"

    def _is_whole(self, facts: LeafFacts) -> bool:
        """Return whether the file of a leaf has its last bytes, also after a power cut."""
        if not facts.rows:
            return True
        try:
            with (self._root / leaf_path(facts.cell)).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(-len(_END_OF_PARQUET), 2)
                return size == facts.nbytes and file.read() == _END_OF_PARQUET
        except OSError:
            return False


def _to_json(facts: LeafFacts) -> dict[str, Any]:
    return {
        "cell": list(facts.cell),
        "rows": facts.rows,
        "nbytes": facts.nbytes,
        "curves": {
            name: [c.epochs, c.longest, c.time_range, list(c.bands)]
            for name, c in facts.curves.items()
        },
        "pixels": facts.pixels.tolist(),
        "counts": facts.counts.tolist(),
        "statistics": _table_to_text(facts.statistics),
        "first": _table_to_text(facts.first),
    }


def _from_json(said: dict[str, Any]) -> LeafFacts:
    curves = {
        name: CurveFacts(epochs, longest, times and tuple(times), tuple(bands))
        for name, (epochs, longest, times, bands) in said["curves"].items()
    }
    return LeafFacts(
        Cell(*said["cell"]), said["rows"], said["nbytes"], curves,
        np.array(said["pixels"], np.int64), np.array(said["counts"], np.int64),
        _table_from_text(said["statistics"]), _table_from_text(said["first"]),
    )  # fmt: skip


def _table_to_text(table: pa.Table | None) -> str | None:
    if table is None:
        return None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return base64.b64encode(sink.getvalue()).decode()


def _table_from_text(text: str | None) -> pa.Table | None:
    return None if text is None else pa.ipc.open_stream(base64.b64decode(text)).read_all()
