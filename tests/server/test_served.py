"""Under which names catalogs are served."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries as sky
from skyseries.errors import InputError
from skyseries.server.served import Served, legal_name, open_served, parse_served


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    lists = pa.StructArray.from_arrays(
        [pa.array([[1.0], []]), pa.array([[2.0], []])], names=["mjd", "flux"]
    )
    plain = pa.table({"id": [1, 2], "ra": [10.0, 20.0], "dec": [1.0, 2.0]})
    nested = plain.append_column("lc", lists)
    both = nested.append_column("diaSource", lists)
    for name, table in {"plain": plain, "nested": nested, "both": both, "2-mass": plain}.items():
        sky.from_table(table).write_catalog(folder / name)
    pq.write_table(pa.table({"x": np.arange(3)}), folder / "numbers.parquet")
    return folder


def tables(*given: str, metadata: dict[str, str] | None = None) -> list[str]:
    found = sky.sql(
        "SELECT table_name FROM tap_schema.tables WHERE schema_name <> 'tap_schema'",
        open_served(parse_served(given, metadata)),
    )
    return found.to_arrow()["table_name"].to_pylist()


def test_names_of_tables(folder: Path) -> None:
    assert tables(f"a={folder / 'plain'}") == ["a.Object"]
    assert tables(f"a={folder / 'nested'}") == ["a.Object", "a.ForcedSource"]
    assert tables(f"a.Star={folder / 'nested'}") == ["a.Star", "a.Star_ForcedSource"]
    assert tables(f"a={folder / 'both'}") == ["a.Object", "a.lc", "a.diaSource"]
    assert tables(f"a={folder / 'numbers.parquet'}") == ["a.numbers"]
    assert tables(f"a.b={folder / 'numbers.parquet'}") == ["a.b"]
    assert tables(str(folder / "2-mass")) == ["cat_2_mass.Object"]
    assert sorted(tables(f"a={folder}"))[:1] == ['a."2-mass"']


def test_epochs_are_found_under_their_names(folder: Path) -> None:
    catalogs = open_served(parse_served([f"a={folder / 'nested'}"]))
    found = sky.sql("SELECT id, mjd, flux FROM a.ForcedSource", catalogs)
    assert found.to_arrow().to_pylist() == [{"id": 1, "mjd": 1.0, "flux": 2.0}]


def test_two_tables_of_one_schema(folder: Path) -> None:
    found = tables(f"a.Star={folder / 'plain'}", f"a.Planet={folder / 'nested'}")
    assert found == ["a.Star", "a.Planet", "a.Planet_ForcedSource"]


def test_what_is_said_of_a_catalog_holds(folder: Path, tmp_path: Path) -> None:
    said = tmp_path / "said.toml"
    said.write_text(
        'title = "x"\n[tables.Things]\n[tables.Seen]\nnested = "lc"\n[columns.ra]\nunit = "deg"'
    )
    given = [f"a={folder / 'nested'}"]
    assert tables(*given, metadata={"a": str(said)}) == ["a.Things", "a.Seen"]
    with pytest.raises(InputError, match="'b', which is not served; there are a"):
        parse_served(given, {"b": str(said)})


def test_what_is_said_of_a_column_that_is_gone_is_warned_of_only(
    folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(folder / "nested", tmp_path / "nested")
    (copy / "metadata.toml").write_text('[columns.gone]\nunit = "deg"\n')
    with pytest.warns(UserWarning, match="gone"):
        assert tables(f"a={copy}") == ["a.Object", "a.ForcedSource"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["a.b.c={0}/plain"], "no name to serve"),
        (["select={0}/plain"], "'cat_select' would do"),
        (["tap_schema={0}/plain"], "the service's own"),
        (["a={0}/plain", "A={0}/nested"], "both be served as A"),
    ],
)
def test_wrong_names(given: list[str], says: str, folder: Path) -> None:
    with pytest.raises(InputError, match=says):
        parse_served([text.format(folder) for text in given])


def test_tables_of_the_same_name(folder: Path) -> None:
    with pytest.raises(InputError, match=r"two tables a\.object"):
        open_served(parse_served([f"a={folder / 'plain'}", f"a.object={folder / 'nested'}"]))


def test_legal_names() -> None:
    assert [legal_name(text) for text in ("gaia_dr3", "2mass", "a b.c", "table", "")] == [
        "gaia_dr3", "cat_2mass", "a_b_c", "cat_table", "cat_",
    ]  # fmt: skip


def test_a_path_may_have_an_equals_sign(folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a=b"
    odd.symlink_to(folder / "plain")
    assert parse_served([str(odd)]) == [Served("a_b", str(odd))]
