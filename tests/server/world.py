"""Small catalogs that a service has, and the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

import skyseries as sky
from skyseries.server.limits import Limits
from skyseries.server.running import Service
from skyseries.server.served import parse_served
from skyseries.server.settings import Settings

RELEASE = "dp02_dc2_catalogs"
N = 40
IDS = [2**53 + 1, 2**53 + 3, 2**63 - 1, -(2**53) - 1, *range(4, N)]
UNSIGNED = [2**63 + 1, 2**64 - 1, 2**53 + 1, *range(3, N)]
TEXTS = ["9007199254740993", "SDSS J1", "007", " a b", "été", 'q"u<o&t', *map(str, range(6, N))]


@dataclass(frozen=True)
class Archive:
    """A service that runs, its catalogs, and a client of it."""

    service: Service
    catalogs: Mapping[str, Any]
    """As `skyseries.sql` takes them."""
    http: httpx.Client

    @property
    def tap(self) -> str:
        return self.service.url + "/tap"

    def sync(self, query: str, format: str = "votable", **more: Any) -> httpx.Response:
        """Return the answer to a statement."""
        data = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": format, **more}
        return self.http.post("/tap/sync", data=data)

    def rows(self, query: str, **more: Any) -> list[dict[str, Any]]:
        """Return the rows of a statement."""
        answer = self.sync(query, "arrow", **more)
        assert answer.status_code == 200, answer.text
        with pa.ipc.open_stream(answer.content) as reader:
            return reader.read_all().to_pylist()


def tables() -> dict[str, pa.Table]:
    """Return the rows of the catalogs but Rubin's."""
    rng = np.random.default_rng(7)
    place = {"ra": rng.uniform(0, 360, N), "dec": rng.uniform(-80, 80, N)}
    curve = pa.StructArray.from_arrays(
        [pa.array([[60000.0 + i, 60001.5] for i in range(N)]),
         pa.array([[1.0 + i, None] for i in range(N)], pa.list_(pa.float32())),
         pa.array([["g", "r"] for _ in range(N)])],
        names=["mjd", "mag", "band"],
    )  # fmt: skip
    odd = {
        "text_id": TEXTS, **place, "odd name": np.arange(N, dtype="f4"), "select": np.arange(N),
        "naïve": ["été <&>"] * N, "arr": pa.array([[1.5, None]] * N, pa.list_(pa.float64(), 2)),
    }  # fmt: skip
    unsigned = {
        "id": pa.array(UNSIGNED, pa.uint64()), **place, "flag": np.arange(N) % 2 == 0,
        "small": pa.array(np.arange(N) + 200, pa.uint8()),
        "when": pa.array(np.arange(N) * 10**12, pa.timestamp("us")),
    }  # fmt: skip
    return {
        "nested": pa.table({"id": IDS, **place, "lc": curve}),
        "plain": pa.table({"id": IDS, **place, "x": [None, *range(1, N)]}),
        "odd": pa.table(odd),
        "unsigned": pa.table(unsigned),
    }


def write(folder: Path) -> list[str]:
    """Write the catalogs; return them as ``NAME=PATH``."""
    for name, table in tables().items():
        sky.from_table(table).write_catalog(folder / name)
    return [f"{name}={folder / name}" for name in tables()]


def settings(given: list[str], **limits: Any) -> Settings:
    """Return the settings of a service with two workers, which compiles nothing ahead."""
    return Settings(tuple(parse_served(given)), port=0, warm=False, limits=Limits(2, **limits))
