"""What is kept of files: no more than there is room for, nothing of files that were replaced."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.cache import forget_all, held_bytes, kept
from skyseries.config import tuned


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    forget_all()


class Maker:
    """Makes arrays of so many bytes, and counts how often."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []
        self.get = kept(self._make)

    def _make(self, name: str, nbytes: int) -> np.ndarray:
        self.made.append((name, nbytes))
        return np.zeros(nbytes, np.uint8)


def test_what_was_not_asked_for_longest_goes_first() -> None:
    maker = Maker()
    with tuned(cache_bytes=100):
        first = maker.get("a", 40)
        maker.get("b", 40)
        assert maker.get("a", 40) is first
        maker.get("c", 40)  # in the place of b
        assert held_bytes() == 80
        maker.get("a", 40)
        maker.get("c", 40)
        assert [name for name, _ in maker.made] == ["a", "b", "c"]
        maker.get("b", 40)
    assert [name for name, _ in maker.made] == ["a", "b", "c", "b"]


def test_all_share_the_room_and_what_is_too_large_drives_nothing_out() -> None:
    one, other = Maker(), Maker()
    with tuned(cache_bytes=100):
        one.get("a", 60)
        other.get("large", 101)
        assert held_bytes() == 60
        other.get("a", 60)
        assert held_bytes() == 60
        one.get("a", 60)
    assert len(one.made) == 2


def test_what_grows_is_counted_as_it_is() -> None:
    class Growing:
        nbytes = 10

    growing = Growing()
    get = kept(lambda name: growing)
    maker = Maker()
    with tuned(cache_bytes=100):
        maker.get("a", 50)
        get("g")
        growing.nbytes = 90
        get("g")
        assert held_bytes() == 90
    maker.get("a", 50)
    assert len(maker.made) == 2


def test_none_is_kept_and_a_failure_is_not() -> None:
    calls: list[bool] = []

    @kept
    def fails(now: bool) -> None:
        calls.append(now)
        if now:
            raise ValueError("now")

    for _ in range(2):
        fails(False)
        with pytest.raises(ValueError, match="now"):
            fails(True)
    assert calls == [False, True, True]


def test_threads_keep_the_count() -> None:
    maker = Maker()

    def work(seed: int) -> None:
        for size in np.random.default_rng(seed).integers(1, 20, 300).tolist():
            assert maker.get("x", size).nbytes == size

    with tuned(cache_bytes=60):
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    forget_all()
    assert held_bytes() == 0


def stars(ids: range, mag: float) -> pa.Table:
    """Return stars on both sides of a border of partitions, the same places for the same seed."""
    rng = np.random.default_rng(len(ids))
    return pa.table(
        {
            "id": np.array(ids),
            "ra": rng.uniform(44.99, 45.01, len(ids)),
            "dec": rng.uniform(0.0, 0.02, len(ids)),
            "mag": np.full(len(ids), mag),
        }
    )


def answers(path: Path) -> dict[str, Any]:
    """Return what the statistics, the id index and the margin of a catalog say."""
    catalog = sky.open_catalog(path)
    near = catalog.crossmatch(catalog, radius_arcsec=60, n_neighbors=5, suffixes=("", "_b"))
    return {
        "rows": len(catalog),
        "bright": catalog.query("mag < 15").to_arrow().num_rows,
        "one": catalog.id_search(3).to_arrow()["mag"].to_pylist(),
        "far": catalog.id_search(150).to_arrow()["mag"].to_pylist(),
        "pairs": near.to_arrow().num_rows,
    }


def write(path: Path, table: pa.Table) -> None:
    shutil.rmtree(path, ignore_errors=True)
    pq.write_table(table, path.with_suffix(".parquet"))
    options = {"id": "id", "max_rows": 40, "margin_arcsec": 60}
    sky.import_catalog(path.with_suffix(".parquet"), path, **options)


def test_a_catalog_that_is_written_anew_at_its_path_is_read_anew(tmp_path: Path) -> None:
    before, after = stars(range(100), 10.0), stars(range(200), 20.0)
    write(tmp_path / "stars", before)
    first = answers(tmp_path / "stars")
    assert (first["rows"], first["bright"], first["one"], first["far"]) == (100, 100, [10.0], [])
    write(tmp_path / "stars", after)
    second = answers(tmp_path / "stars")
    forget_all()
    assert second == answers(tmp_path / "stars")
    assert (second["rows"], second["bright"], second["one"]) == (200, 0, [20.0])
    assert second["far"] == [20.0]
    assert second["pairs"] > first["pairs"]
