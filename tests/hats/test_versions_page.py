"""The page of versions says what is so."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from click.testing import CliRunner

import skyseries as sky
from skyseries.cli.app import cli

PAGE = (Path(__file__).resolve().parents[2] / "docs/versions.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_programs_do_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with sky.executor("serial"):
        exec("\n".join(blocks("python")), {})  # noqa: S102
    told = capsys.readouterr().out
    rows = len(sky.open_catalog("survey"))
    assert 400 < rows < 500
    assert f"\n{rows} 500 v000001\n" in told
    assert "'colours' was computed from version 1" in told
    assert [v.number for v in sky.versions("survey").versions] == [2]
    for line in "".join(blocks("sh")).splitlines():
        assert CliRunner().invoke(cli, shlex.split(line)[1:]).exit_code == 0, line
    shown = {word.rstrip("/") for word in blocks("text")[0].split()}
    assert {path.name for path in Path("survey").iterdir()} <= shown


def test_the_manifest_is_as_shown(tmp_path):
    with sky.executor("serial"):
        sky.from_table({"ra": [1.0], "dec": [2.0]}).write_catalog(tmp_path / "c", name="c")
    (shown,) = (json.loads(text) for text in blocks("json"))
    written = json.loads((tmp_path / "c/v000001/manifest.json").read_text())
    assert list(shown) == list(written)
    assert (shown["skyseries_manifest"], shown["hash"]) == (1, written["hash"])
    rows = {path: rows for path, _, _, rows in written["files"]}
    assert rows["c/hats.properties"] is None
    assert [rows[path] for path in rows if "Npix=" in path] == [1]
