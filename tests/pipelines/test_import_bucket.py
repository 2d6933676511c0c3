"""Catalogs that are written to a bucket: imported, computed, gone on with, read by LSDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import InputError
from skyseries.store import s3
from tests.store.servers import s3_server

pytestmark = pytest.mark.slow

N = 300
PLACE = "s3://surveys/cat"


@pytest.fixture(scope="module")
def reached() -> Iterator[dict[str, Any]]:
    with s3_server() as options:
        yield options


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    columns = {
        "id": (1 << 60) + rng.permutation(N),
        "ra": rng.uniform(0, 360, N),
        "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, N))),
        "mag": rng.normal(20, 1, N),
    }
    pq.write_table(pa.table(columns), tmp_path / "objects.parquet")
    return tmp_path / "objects.parquet"


def imported(objects: Path, reached: dict[str, Any], place: str = PLACE, **options: Any) -> Any:
    return sky.import_catalog(
        objects, place, id="id", progress=False, executor="serial", tmp_dir=objects.parent / "tmp",
        storage_options=reached, **options,
    )  # fmt: skip


def ids(catalog: Any) -> list[int]:
    return sorted(catalog.to_arrow()["id"].to_pylist())


def test_import_query_and_a_second_version(objects: Path, reached: dict[str, Any]) -> None:
    expected = sorted(pq.read_table(objects)["id"].to_pylist())
    report = imported(objects, reached)
    assert (report.path, report.version, report.rows) == (PLACE, "v000001", N)
    reader = sky.open_catalog(PLACE, **reached)
    assert ids(reader) == expected
    assert reader.id_search(expected[7])["id"].to_arrow()["id"].to_pylist() == [expected[7]]
    assert sky.validate_catalog(PLACE, deep=True, **reached).faults == ()
    with pytest.raises(InputError, match=f"{PLACE} holds a catalog already; overwrite=True"):
        imported(objects, reached)
    faint = reader.query("mag > 20")
    written = faint.write_catalog(PLACE, "cat", overwrite=True, storage_options=reached)
    assert written.version == "v000002"
    assert ids(sky.open_catalog(PLACE, **reached)) == ids(faint)
    assert ids(reader) == expected  # it goes on with the version that it opened
    assert ids(sky.open_catalog(PLACE, version=1, **reached)) == expected
    assert not (objects.parent / "tmp").exists()  # it was made for the build, and goes with it


def test_an_upload_that_was_stopped_goes_on(
    objects: Path, reached: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, sent = "s3://surveys/stopped", []
    real = s3.S3Bucket.send

    def send(self: Any, key: str, *args: Any) -> None:
        if len(sent) == 8:
            raise KeyboardInterrupt
        sent.append(key)
        real(self, key, *args)

    with monkeypatch.context() as patch:
        patch.setattr(s3.S3Bucket, "send", send)
        with pytest.raises(KeyboardInterrupt):
            imported(objects, reached, place)
    with pytest.raises(sky.CatalogNotFoundError):
        sky.open_catalog(place, **reached)
    again: list[str] = []
    monkeypatch.setattr(s3.S3Bucket, "send", lambda *args: again.append(args[1]) or real(*args))
    report = imported(objects, reached, place)
    assert (report.resumed, report.version) == (True, "v000001")
    assert again
    assert not set(again) & set(sent)
    assert len(ids(sky.open_catalog(place, **reached))) == N
    assert sky.validate_catalog(place, deep=True, **reached).faults == ()


def test_two_that_create_one_catalog(
    objects: Path, reached: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "s3://surveys/two"
    real = s3.S3Bucket.send

    def other_comes_first(self: Any, key: str, *args: Any) -> None:
        monkeypatch.setattr(s3.S3Bucket, "send", real)
        imported(objects, reached, place, max_rows=100)
        real(self, key, *args)

    monkeypatch.setattr(s3.S3Bucket, "send", other_comes_first)
    with pytest.raises(InputError, match="another writer has made meanwhile"):
        imported(objects, reached, place)
    assert [v.name for v in sky.versions(place, **reached).versions] == ["v000002"]
    assert len(ids(sky.open_catalog(place, **reached))) == N


@pytest.mark.interop
def test_lsdb_reads_it(objects: Path, reached: dict[str, Any], lsdb: ModuleType) -> None:
    upath = pytest.importorskip("upath")
    place = "s3://surveys/lsdb"
    imported(objects, reached, place)
    found = lsdb.open_catalog(upath.UPath(place, **reached)).compute()
    assert sorted(found["id"].tolist()) == ids(sky.open_catalog(place, **reached))
