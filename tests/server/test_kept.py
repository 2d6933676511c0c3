"""Where catalogs are that a notebook serves."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError
from skyseries.server.kept import kept

TABLE = pa.table({"id": [1, 2, 3], "ra": [1.0, 2, 3], "dec": [1.0, 2, 3], "x": [5, 6, 7]})


@pytest.fixture
def path(tmp_path: Path) -> str:
    sky.from_table(TABLE).write_catalog(tmp_path / "stars")
    return str(tmp_path / "stars")


def test_what_is_on_disk_is_served_as_it_is(path: str) -> None:
    for given in (path, Path(path), sky.open_catalog(path)):
        (one,) = kept({"mine": given})
        assert (one.name, one.path) == ("mine", path)
    (one,) = kept({"": sky.open_catalog(path)})
    assert one.name == "stars"
    (one,) = kept({"mine.Star": path})
    assert one.name == "mine.Star"


def test_all_else_is_written(path: str) -> None:
    few = sky.open_catalog(path).query("x > 5")
    for given in ({"few": few}, {"few": TABLE.slice(1)}, {"few": sky.from_table(TABLE.slice(1))}):
        (one,) = kept(given)
        assert one.name == "few"
        assert one.path != path
        assert sorted(sky.open_catalog(one.path).to_arrow()["x"].to_pylist()) == [6, 7]


def test_an_old_version_is_written_too(path: str) -> None:
    old = sky.versions(path).versions[0].number
    sky.from_table(TABLE.slice(1)).write_catalog(path, overwrite=True)
    (one,) = kept({"old": sky.open_catalog(path, version=old)})
    assert len(sky.open_catalog(one.path)) == 3
    (one,) = kept({"new": sky.open_catalog(path)})
    assert one.path == path


@pytest.mark.parametrize(("given", "words"), [
    ({}, "nothing to serve"),
    ({"a": 5}, "cannot take a int for the table a"),
    ({"a b": TABLE}, "'a b' is no name to serve"),
    ({"a=b": TABLE}, "'a=b' is no name to serve"),
    ({"a": TABLE, "A": TABLE}, "would both be served as A"),
])  # fmt: skip
def test_what_cannot_be_served(given: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        kept(given)
