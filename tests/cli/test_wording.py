"""Messages of the library in the words of the command line."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skyseries
from skyseries.cli import cli
from skyseries.cli.app import _run
from skyseries.cli.wording import in_options

COMMANDS = {name: cli.get_command(click.Context(cli), name) for name in cli.list_commands(None)}
IMPORT = COMMANDS["import"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("give id=", "give --id"),
        ("give time_scale=, or nothing", "give --time-scale, or nothing"),
        ("ra=... (the columns are: ra)", "--ra (the columns are: ra)"),
        ("overwrite=True makes a new version", "--overwrite makes a new version"),
        ("on_nan_position='drop', or keep", "--on-nan-position drop, or keep"),
        ("give id_index=None", "give --no-id-index"),
        ("give resume=False.", "give --no-resume."),
        ("or margin_arcsec=None", "or --margin-arcsec none"),
        ("give null_values=99.994", "give --null-value 99.994"),
        ("null_values=[99.994, -1]", "--null-value 99.994 --null-value -1"),
        ("null_values={'mag': [-1]}", "--null-value"),
        ("give objects=, or lightcurves=", "give OBJECTS, or --lightcurves"),
        ("give it as mag=", "give it as --mag"),
        ("time_format must be one of mjd", "--time-format must be one of mjd"),
        ("refposition is said to be 'x'", "--refposition is said to be 'x'"),
        ("time_format='a b'", "--time-format 'a b'"),
        ("memory='1GB'.", "--memory 1GB."),
        # names of the user's own
        ("column 'flux_err' (flux_err) is string", "column 'flux_err' (flux_err) is string"),
        ("in/band=g/part-0.parquet is empty", "in/band=g/part-0.parquet is empty"),
        ("band=g/part-0.parquet is empty", "band=g/part-0.parquet is empty"),
        ("the columns are: id, time_format, ra", "the columns are: id, time_format, ra"),
        ("dec = 91 is not a declination", "dec = 91 is not a declination"),
        ("a condition such as mag==3", "a condition such as mag==3"),
    ],
)
def test_parameters_are_options(text, said):
    assert in_options(text, IMPORT) == said


@pytest.mark.parametrize(
    "text", ["leave it out with select([...])", "give suffixes=", "set_lightcurve(time_scale=...)"]
)
def test_what_no_option_does_is_said_to_be_python(text):
    command = COMMANDS["periods"]
    assert in_options(text, command).startswith(text)
    assert "is Python" in in_options(text, command)
    assert "is Python" not in in_options(f"the text '{text}'", command)


@functools.cache
def messages() -> list[str]:
    """Return the texts of all errors that the library raises, fillings replaced by a word."""
    found = []
    for path in sorted(Path(skyseries.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            for part in node.exc.args:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found.append(part.value)
                elif isinstance(part, ast.JoinedStr):
                    found.append("".join(str(getattr(p, "value", "")) if isinstance(p, ast.Constant)
                                         else "X" for p in part.values))  # fmt: skip
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_no_message_names_a_parameter_that_is_an_option(name):
    texts = [text for text in messages() if re.search(r"\b[a-z_]+=", text)]
    assert len(texts) > 40
    command: Any = COMMANDS[name]
    options = {parameter.name for parameter in command.params}
    for text in texts:
        said = in_options(text, command)
        left = set(re.findall(r"(?<![\w/.'\"=-])([a-z_]+)=(?![=>])", said)) & options
        assert not left, (text, said)
        if re.search(r"(?<![\w/.'\"=-])[a-z_]+=(?![=>/\w]*/)", said):
            assert "is Python" in said or "'" in said


# -- errors as commands print them ---------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    stars = pa.table({"star": [1, 2], "ra": [1.0, 2.0], "dec": [1.0, 2.0], "kind": ["a", "b"]})
    epochs = pa.table({"star": [1, 2], "mjd": [1.0, 2.0], "mag": [99.994, 15.0]})
    pq.write_table(stars, tmp_path / "o.parquet")
    pq.write_table(epochs, tmp_path / "s.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("import o c --lightcurves s", "give --id, and --source-id"),
        ("import o c --lightcurves s --id star --time-scale foo", "--time-scale must be one of"),
        ("import o c --lightcurves s --id star --source-id x", "--source-id (the columns are"),
        ("import o c --id sta", "did you mean 'star'? Give its name with --id"),
        ("import o c --ra kind --dec dec", "column 'kind' is string"),
        ("import c --lightcurves s --id star --columns nope", "give --source-columns"),
        ("import o c --max-bytes x", "not a size in bytes: 'x'"),
        ("import o a b c", "there is no file"),
        ("info nope", "there is no folder"),
        ("info o", "is a file, and a catalog is a folder"),
        ("query o", "is a folder: skyseries import makes one of a table\n"),
    ],
)
def test_errors_name_options(files, monkeypatch, capsys, words, said):
    monkeypatch.chdir(files)
    names = {"o": "o.parquet", "s": "s.parquet"}
    assert _run([names.get(word, word) for word in words.split()]) == 1
    text = capsys.readouterr().err
    assert said in text
    assert not re.search(r"\b(id|ra|dec|source_id|time_scale|columns)=", text)


def test_the_report_names_options(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    words = ["import", "o.parquet", "c", "--lightcurves", "s.parquet", "--id", "star"]
    assert _run([*words, "--columns", "kind", "--no-progress"]) == 0
    text = capsys.readouterr().out
    assert "light curves mjd (mjd), mag, no band" in text
    assert "'mag': 1 epoch has 99.994" in text
    assert "give --null-value 99.994" in text
    assert "give --time-scale" in text
    assert set(skyseries.open_catalog("c").columns) >= {"star", "ra", "dec", "kind"}
    assert _run(words) == 1
    assert "--overwrite makes a new version" in capsys.readouterr().err


def test_lists_may_be_given_in_parts(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    words = ["import", "o.parquet", "c", "--columns", "kind,star", "--columns", "dec"]
    assert _run([*words, "--no-progress"]) == 0
    assert set(skyseries.open_catalog("c").columns) >= {"star", "ra", "dec", "kind"}
    capsys.readouterr()
    assert _run(["query", "c", "--select", "kind", "--select", "ra + 1 AS x,dec"]) == 0
    assert capsys.readouterr().out.splitlines()[0].replace('"', "") == "kind,x,dec"
    assert _run(["features", "--list", "--features", "Mean", "--features", "Amplitude"]) == 0
    text = capsys.readouterr().out
    assert "Mean" in text
    assert "Amplitude" in text


def test_a_leaf_that_is_missing_is_not_a_result_that_cannot_be_written(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert _run(["import", "o.parquet", "c", "--no-progress"]) == 0
    for leaf in Path("c").rglob("dataset/Norder*/**/*.parquet"):
        leaf.unlink()
    capsys.readouterr()
    for end in ([], ["-o", "out.csv"]):
        assert _run(["query", "c", "--select", "kind", *end]) == 1
        text = capsys.readouterr().err
        assert "missing file" in text
        assert "cannot write" not in text
        assert "result.csv" not in text


def test_a_result_without_a_folder_is_named(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert _run(["import", "o.parquet", "c", "--no-progress"]) == 0
    capsys.readouterr()
    assert _run(["query", "c", "-o", "nodir/out.fits"]) == 1
    text = capsys.readouterr().err
    assert "cannot write nodir/out.fits: No such file or directory" in text
    assert ".writing" not in text


def test_any_error_is_a_message(monkeypatch, capsys):
    def broken(*_: Any, **__: Any) -> None:
        raise TypeError("'int' object is not iterable")

    monkeypatch.setattr(skyseries, "open_catalog", broken)
    monkeypatch.delenv("SKYSERIES_DEBUG", raising=False)
    assert _run(["info", "c"]) == 1
    text = capsys.readouterr().err
    assert "TypeError: 'int' object is not iterable" in text
    assert "a fault of Skyseries" in text
    monkeypatch.setenv("SKYSERIES_DEBUG", "1")
    with pytest.raises(TypeError):
        _run(["info", "c"])


def test_a_demo_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", "skyseries-demo")

    monkeypatch.setattr(Path, "mkdir", refused)
    assert _run(["demo", str(tmp_path / "demo")]) == 1
    assert f"cannot write {tmp_path / 'demo'}: Permission denied" in capsys.readouterr().err


def test_a_version_and_a_parent_are_no_catalogs(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert _run(["import", "o.parquet", "all/stars", "--no-progress"]) == 0
    capsys.readouterr()
    for path, said in (("all/stars/v000001", "open "), ("all", "'stars' in it is one"),
                       ("all/star", "did you mean 'stars'?")):  # fmt: skip
        assert _run(["info", path]) == 1
        assert said in capsys.readouterr().err
