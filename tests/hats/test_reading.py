"""What a task reads of leaves is told in the bytes that they take in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyseries.executors import Job, Task, TaskEnd
from skyseries.hats.dataset import Dataset
from skyseries.hats.partitions import Partitions
from skyseries.hats.reading import Footer
from skyseries.store.files import locate

CURVES = pa.struct([("mjd", pa.list_(pa.float64())), ("flux", pa.list_(pa.float32()))])


@pytest.fixture(scope="module")
def leaf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    curves = [
        {"mjd": rng.random(n).tolist(), "flux": rng.random(n).tolist()}
        for n in rng.integers(9, size=90)
    ]
    table = pa.table(
        {
            "id": rng.integers(1 << 60, size=90),
            "lc": pa.array(curves, CURVES),
            "lcx": rng.random(90),
        }
    )
    path = tmp_path_factory.mktemp("leaf") / "leaf.parquet"
    pq.write_table(table, path, row_group_size=30)
    return path


def slow(path: Path, groups: list[int], chunks: list[str]) -> int:
    """Add up the chunks of these paths in the file."""
    metadata = pq.read_metadata(path)
    total = 0
    for g in groups:
        columns = [metadata.row_group(g).column(c) for c in range(metadata.num_columns)]
        total += sum(c.total_compressed_size for c in columns if c.path_in_schema in chunks)
    return total


MJD, FLUX = "lc.mjd.list.element", "lc.flux.list.element"


@pytest.mark.parametrize(
    ("columns", "chunks"),
    [
        (["id"], ["id"]),
        (["lc"], [MJD, FLUX]),
        (["lc.flux", "lcx"], [FLUX, "lcx"]),
        ([], []),
        (None, ["id", MJD, FLUX, "lcx"]),
    ],
)
def test_bytes_of_columns(leaf: Path, columns: list[str] | None, chunks: list[str]) -> None:
    footer = Footer(pq.read_metadata(leaf))
    for groups in ([], [1], [0, 1, 2]):
        assert footer.stored_bytes(groups, columns) == slow(leaf, groups, chunks)


@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_a_job_knows_what_its_tasks_read(leaf: Path, engine: str) -> None:
    dataset = Dataset(locate(leaf.parent), {}, pq.read_schema(leaf), Partitions.of([]))
    tasks = [
        Task(dataset.read_leaf, (locate(leaf), ["lc.mjd"], [0, 2])),
        Task(dataset.read_leaf, (locate(leaf), ["id", "lcx"])),
    ]
    read: dict[int, int] = {}

    def listen(event: object) -> None:
        if isinstance(event, TaskEnd):
            read[event.index] = event.bytes_read

    with Job("reading", engine, on_event=listen) as job:
        list(job.run("leaves", tasks))
    assert read == {0: slow(leaf, [0, 2], [MJD]), 1: slow(leaf, [0, 1, 2], ["id", "lcx"])}
    assert job.bytes_read == sum(read.values())
