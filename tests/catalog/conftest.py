"""Small catalogs with many partitions and row groups, imported once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.hats.dataset import Dataset
from tests.pipelines.survey import expected_rows, random_survey, small_parts, write_parts


class Survey(NamedTuple):
    """A catalog and what it has to hold."""

    path: Path
    rows: list[dict]
    objects: pa.Table
    sources: pa.Table


def _import(folder: Path, *, text_ids: bool) -> Survey:
    objects, sources = random_survey(150, 5, text_ids=text_ids)
    mag = objects["mag"].to_pylist()
    mag[3] = None
    field = pa.field("mag", pa.float32(), metadata={"unit": "mag", "description": "of the object"})
    objects = objects.set_column(3, field, pa.array(mag, pa.float32()))
    flux = pa.field("flux", pa.float32(), metadata={"unit": "nJy"})
    sources = sources.set_column(3, flux, sources["flux"])
    with small_parts():
        sky.import_catalog(
            write_parts(folder / "o", objects, [50]),
            folder / "survey",
            id="id",
            lightcurves=write_parts(folder / "s", sources, [400]),
            time_format="mjd",
            time_scale="tai",
            refposition="topocenter",
            max_rows=25,
            executor="serial",
            progress=False,
            durability="process",
        )
    return Survey(folder / "survey", expected_rows(objects, sources), objects, sources)


@pytest.fixture(scope="session")
def survey(tmp_path_factory) -> Survey:
    """Return a catalog whose ids are numbers above 2**53."""
    return _import(tmp_path_factory.mktemp("numbers"), text_ids=False)


@pytest.fixture(scope="session")
def text_survey(tmp_path_factory) -> Survey:
    """Return a catalog whose ids are text."""
    return _import(tmp_path_factory.mktemp("text"), text_ids=True)


@pytest.fixture
def catalog(survey) -> sky.Catalog:
    """Return the catalog with numbers as ids, open."""
    return sky.open_catalog(survey.path)


@pytest.fixture
def unreadable(monkeypatch):
    """Make every read of a leaf fail."""

    def refuse(*args):
        raise AssertionError("a leaf is read")

    monkeypatch.setattr(Dataset, "read_leaf", refuse)


@pytest.fixture
def reads(monkeypatch):
    """Return what is read of the leaves: triples of file, columns and row groups."""
    seen = []
    real = Dataset.read_leaf

    def spy(self, leaf, paths, row_groups=None):
        seen.append((leaf.path, frozenset(paths), tuple(row_groups or ())))
        return real(self, leaf, paths, row_groups)

    monkeypatch.setattr(Dataset, "read_leaf", spy)
    return seen
