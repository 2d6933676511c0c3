from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyseries.errors import InputError
from skyseries.formats import Chunk, InputFile, find_files, read_table


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a,b\n1,2\n")


def _names(files: list[InputFile], root: Path) -> list[str]:
    return [str(Path(file.path).relative_to(root)) for file in files]


def test_folder_is_recursive_natural_and_leaves_out_hidden_files(tmp_path: Path) -> None:
    _touch(tmp_path, "f10.csv", "f2.csv", "sub/f1.csv", "_metadata", "_skip/x.csv", ".h.csv")
    _touch(tmp_path, "README.md", "notes.txt", "run.json")
    assert _names(find_files(tmp_path), tmp_path) == ["f2.csv", "f10.csv", "sub/f1.csv"]


def test_patterns(tmp_path: Path) -> None:
    _touch(tmp_path, "a1.csv", "a2.csv", "_a3.csv", "deep/er/a4.csv", "deep/b.csv")
    assert _names(find_files(str(tmp_path / "a*.csv")), tmp_path) == ["a1.csv", "a2.csv"]
    found = _names(find_files(str(tmp_path / "**" / "*.csv")), tmp_path)
    assert found == ["a1.csv", "a2.csv", "deep/b.csv", "deep/er/a4.csv"]
    assert _names(find_files(str(tmp_path / "_a*.csv")), tmp_path) == ["_a3.csv"]


def test_list_takes_a_file_once(tmp_path: Path) -> None:
    _touch(tmp_path, "a1.csv", "a2.csv")
    files = find_files([tmp_path / "a2.csv", str(tmp_path / "*.csv")])
    assert _names(files, tmp_path) == ["a1.csv", "a2.csv"]


def test_name_with_brackets_is_a_name_if_it_exists(tmp_path: Path) -> None:
    _touch(tmp_path, "a[1].csv", "a1.csv")
    assert _names(find_files(tmp_path / "a[1].csv"), tmp_path) == ["a[1].csv"]


def test_size_time_and_pickle(tmp_path: Path) -> None:
    _touch(tmp_path, "a.csv")
    (file,) = find_files(tmp_path / "a.csv")
    assert file.size == 8
    assert file.modified == pytest.approx((tmp_path / "a.csv").stat().st_mtime)
    chunk = Chunk(file, 5, 0, (0, 1))
    assert pickle.loads(pickle.dumps(chunk)) == chunk  # noqa: S301
    assert {file: 1}[file] == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.parquet", "parquet"), ("a.parq", "parquet"), ("a.PQ", "parquet"), ("a.csv.gz", "csv"),
        ("a.tsv", "csv"), ("a.ecsv", "ecsv"), ("a.fit", "fits"), ("a.fits.gz", "fits"),
        ("a.vot", "votable"), ("a.votable.gz", "votable"),
    ],
)  # fmt: skip
def test_format_by_suffix(tmp_path: Path, name: str, expected: str) -> None:
    _touch(tmp_path, name)
    assert find_files(tmp_path / name)[0].format == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"PAR1....PAR1", "parquet"),
        (b"SIMPLE  =                    T", "fits"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<VOTABLE version="1.4">', "votable"),
        (b"# %ECSV 1.0\n# ---\n", "ecsv"),
        (b"ra,dec\n1,2\n", "csv"),
        (gzip.compress(b"ra\tdec\n1\t2\n", mtime=0), "csv"),
        (b"id\n9007199254740993\n2\n", "csv"),
    ],
)
def test_format_by_content(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "data.unknown"
    path.write_bytes(content)
    assert find_files(path)[0].format == expected


def test_parquet_parts_without_suffix_are_found_in_a_folder(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "part-0")
    _touch(tmp_path, "LICENSE")
    assert _names(find_files(tmp_path), tmp_path) == ["part-0"]


@pytest.mark.parametrize("content", [b"\0\1\2", b"alone\n", b"\n\n", b"two words\nhere\n"])
def test_unknown_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.bin").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.bin is in no known format"):
        find_files(tmp_path / "x.bin")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file or folder .*nowhere\.csv"):
        find_files(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match=r"no data file matches the pattern .*\*\.fits"):
        find_files(str(tmp_path / "*.fits"))
    with pytest.raises(InputError, match="has no data files"):
        find_files(tmp_path)
    with pytest.raises(InputError, match="the list is empty"):
        find_files([])


def test_urls() -> None:
    memory = fsspec.filesystem("memory")
    table = pa.table({"id": [1, 2]})
    for name in ("part10", "part2"):
        with memory.open(f"/formats-test/{name}.parquet", "wb") as handle:
            pq.write_table(table, handle)
    memory.pipe("/formats-test/_metadata", b"x")
    memory.pipe("/formats-test/lines.csv", b"id\n7\n")
    folder = find_files("memory://formats-test")
    assert [file.path.rpartition("/")[2] for file in folder] == [
        "lines.csv", "part2.parquet", "part10.parquet",
    ]  # fmt: skip
    pattern = find_files("memory://formats-test/part*.parquet")
    assert len(pattern) == 2
    assert read_table(pattern).num_rows == 4
    assert read_table("memory://formats-test/lines.csv")["id"].to_pylist() == [7]
    with pytest.raises(InputError, match="memory://formats-test/none"):
        find_files("memory://formats-test/none.csv")
    with pytest.raises(InputError, match="nosuch"):
        find_files("nosuch://x/y.csv")
