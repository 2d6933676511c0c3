"""A small sky and a few light curves, which all cases ask about."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import skyseries as sky
from skyseries.schema import LightCurveFields
from skyseries.timeseries import LightCurve, Periodogram, periodogram
from tests.meaning import files
from tests.meaning.containers import Gone
from tests.meaning.kinds import MAGNITUDE, MOTION, RADIUS, TIME, YEAR, Kind
from tests.meaning.tables import Given, as_arrow

__all__ = ["COLUMNS", "DY", "FIELDS", "FLAGS", "MJD", "SKY", "T", "World", "Y"]

_RNG = np.random.default_rng(20260101)
N = 40
T = np.sort(_RNG.choice(np.arange(8, 1920), N, replace=False)) / 64.0
"""(n,) days, exact in float32 and to the millisecond."""
PERIOD = 1.7
Y = np.round(100 + 40 * np.sin(2 * np.pi * T / PERIOD) + _RNG.normal(0, 4, N), 2)
DY = np.round(_RNG.uniform(3, 8, N), 2)
BANDS = np.where(np.arange(N) % 3 == 0, "g", "r")
FLAGS = np.arange(N) % 4 == 3
MJD = 59000.0 + T
FREQUENCIES = np.array([0.25, 0.5, 0.59375, 0.75, 1.0])

FIELDS = LightCurveFields(
    time="t", mag="mag", mag_err="e", time_format="mjd", time_scale="tdb", refposition="topocenter"
)

SKY = {
    "id": np.arange(1, 5),
    "ra": np.array([10.5, 10.5, 12.5, 200.25]),
    "dec": np.array([1.25, 1.5, 1.25, -30.5]),
}
OTHER = SKY | {"id": SKY["id"] + 10, "dec": SKY["dec"] + 2 / 3600.0}
"""The same, two arcsec farther north."""

COLUMNS: dict[str, tuple[np.ndarray[Any, Any], Kind]] = {
    "e": (np.array([1.0, 2.0, 0.5, 3.0]), RADIUS),
    "r": (np.array([1.0, 3.0, 2.5, 1.5]), RADIUS),
    "pmra": (np.array([0.0, 100.0, 200.0, 0.0]), MOTION),
    "pmdec": (np.array([125.0, 250.0, 125.0, 60.0]), MOTION),
    "year": (np.array([2000.0, 2008.0, 2012.0, 2016.0]), YEAR),
    "time": (np.array([9.5, 9.0, 12.0, 9.875]), TIME),
    "wide": (np.array([1000.0, 8000.0, 800.5, 10.0]), RADIUS),
    "m": (np.array([3.5, 4.5, 5.5, 11.25]), MAGNITUDE),
}
"""Columns of the sky with a meaning."""


def epochs() -> dict[str, np.ndarray[Any, Any]]:
    """Return the epochs of the four objects, as rows."""
    made = {"id": np.repeat(SKY["id"], N), "t": np.tile(MJD, 4), "e": np.tile(DY, 4)}
    phase = np.repeat(np.arange(4), N) + 2 * np.pi * made["t"] / PERIOD
    return made | {"mag": np.round(100 + 40 * np.sin(phase) + _NOISE, 2)}


_NOISE = _RNG.normal(0, 4, 4 * N)


class World:
    """Where files are, and what is made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._imported: dict[Any, sky.Catalog] = {}
        self._paths: dict[int, Path] = {}
        self._count = 0

    def fresh(self, suffix: str = "") -> Path:
        """Return a path where nothing is."""
        self._count += 1
        return self.folder / f"made{self._count}{suffix}"

    @cached_property
    def sky(self) -> sky.Catalog:
        """The sky, in memory."""
        return sky.from_table(as_arrow(plainly(SKY | {"mag": COLUMNS["m"][0]})))

    @cached_property
    def other(self) -> pa.Table:
        """The other sky, a table."""
        return as_arrow(plainly(OTHER))

    def objects(self, form: str = "Parquet") -> Path:
        """Return a file of the sky."""
        return files.write(plainly(SKY), form, self.fresh())

    @cached_property
    def stored(self) -> sky.Catalog:
        """The sky with light curves, on disk; the epochs have positions of their own."""
        rows = epochs()
        for name in ("ra", "dec"):
            rows[name] = np.repeat(SKY[name], N)
        path = self.fresh(".parquet")
        pq.write_table(as_arrow(plainly(rows)), path)
        return self.imported(lightcurves=path, time_scale="tdb", refposition="topocenter")

    @cached_property
    def two(self) -> Path:
        """A file of two objects, beside each other."""
        return files.write(plainly({n: v[:2] for n, v in SKY.items()}), "Parquet", self.fresh())

    @cached_property
    def few(self) -> sky.Catalog:
        """The catalog of two objects."""
        return self.imported(self.two)

    @cached_property
    def star(self) -> Path:
        """A file of the light curve of one star, which does not say where it is."""
        rows = {"id": np.ones(N, int), "t": MJD, "mag": Y}
        return files.write(plainly(rows), "Parquet", self.fresh())

    @cached_property
    def curves(self) -> sky.Catalog:
        """The sky with light curves, on disk, without positions of epochs."""
        path = self.fresh(".parquet")
        pq.write_table(as_arrow(plainly(epochs())), path)
        return self.imported(lightcurves=path, time_scale="tdb", refposition="topocenter")

    def imported(self, objects: Any = None, **options: Any) -> sky.Catalog:
        """Import files, and open the catalog."""
        path = self.fresh()
        if "lightcurves" in options:
            options = {"time": "t", "mag": "mag", "mag_err": "e", "time_format": "mjd"} | options
        options = {
            "margin_arcsec": None, "progress": False, "executor": "serial", "durability": "process",
        } | options  # fmt: skip
        sky.import_catalog(objects or self.objects(), path, id="id", **options)
        opened = sky.open_catalog(path)
        self._paths[id(opened)] = path
        return opened

    def path_of(self, catalog: sky.Catalog) -> Path:
        """Return where a catalog is that was imported."""
        return self._paths[id(catalog)]

    @staticmethod
    def margin_of(path: Path) -> np.ndarray[Any, Any]:
        """Return the width of the margin of a catalog, arcsec."""
        texts = [p.read_text() for p in sorted(path.rglob("*.properties"))]
        found = [
            w for text in texts for w in re.findall(r"hats_margin_threshold\s*=\s*(\S+)", text)
        ]
        return np.array(found, float)

    @cached_property
    def lightcurve(self) -> LightCurve:
        """One light curve, without bands."""
        return LightCurve(T, Y, FIELDS, DY)

    @cached_property
    def periodogram(self) -> Periodogram:
        """That of the light curve."""
        return periodogram(T, Y, DY, min_period=1, max_period=5)

    @cached_property
    def boxes(self) -> Periodogram:
        """One by boxes."""
        return periodogram(T, Y, DY, min_period=1, max_period=5, method="bls")

    def wide(self, form: str) -> sky.Catalog:
        """Return the sky as a file of a format, with each column in each unit, as a catalog."""
        if form not in self._imported:
            columns = {name: Given(values) for name, values in SKY.items()}
            for name, (values, kind) in COLUMNS.items():
                for unit in kind.units() if form != "CSV" else (None,):
                    for gone in (None, ROW_GONE):
                        given = Given(kind.stated(values, unit), gone, unit)
                        columns[wide_name(name, kind, unit, gone)] = given
            path = files.write(columns, form, self.fresh())
            self._imported[form] = self.imported(path)
        return self._imported[form]


ROW_GONE = np.arange(4) == 1
"""The row that misses something where one does."""


def wide_name(name: str, kind: Kind, unit: str | None, gone: Gone) -> str:
    """Return what a column is called in the wide files."""
    return f"{name}{kind.units().index(unit)}{'' if gone is None else 'm'}"


def plainly(columns: dict[str, Any]) -> dict[str, Given]:
    return {name: Given(np.asarray(values)) for name, values in columns.items()}
