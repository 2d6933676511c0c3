"""Settings: where they come from, which wins, and what is wrong with them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from skyseries.errors import InputError
from skyseries.server.limits import Limits
from skyseries.server.served import Served
from skyseries.server.settings import Settings, make_settings

FILE = """
port = 9001
title = "Mine"
upload_from = ["a.example.org", "b.example.org:8443"]
plugin = "my.features:register"
base_url = "https://archive.example.org/"

[limits]
workers = 3
memory = "4GB"
sync_seconds = 2.5

[[serve]]
name = "dp1.Star"
path = "stars"
metadata = "stars.toml"

[[serve]]
path = "other"
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "serve.toml"
    path.write_text(FILE)
    return str(path)


def test_what_holds_if_nothing_is_said() -> None:
    made = make_settings((), {}, {"HOME": "/", "SKYSERIES_MEMORY": "1GB"})
    assert made == Settings()
    assert (made.host, made.port, made.limits.workers) == ("127.0.0.1", 8080, 4)


def test_a_file(file: str) -> None:
    made = make_settings((), {}, {}, file)
    assert (made.port, made.title) == (9001, "Mine")
    assert made.upload_from == ("a.example.org", "b.example.org:8443")
    assert made.plugin == ("my.features:register",)
    assert made.base_url == "https://archive.example.org"
    assert made.limits == Limits(workers=3, memory=4 * 10**9, sync_seconds=2.5)
    assert made.served == (Served("dp1.Star", "stars", "stars.toml"), Served("other", "other"))


def test_flags_win_over_the_environment_and_that_over_the_file(file: str) -> None:
    environment = {
        "SKYSERIES_SERVE_PORT": "9002",
        "SKYSERIES_SERVE_TITLE": "Theirs",
        "SKYSERIES_SERVE_WORKERS": "5",
        "SKYSERIES_SERVE_WARM": "no",
        "SKYSERIES_SERVE_UPLOAD_FROM": "c.example.org, d.example.org",
    }
    flags = {"port": 0, "workers": 7, "title": None, "upload_from": ()}
    made = make_settings(("x=y",), flags, environment, file)
    assert (made.port, made.title, made.limits.workers, made.warm) == (0, "Theirs", 7, False)
    assert made.upload_from == ("c.example.org", "d.example.org")
    assert made.limits.sync_seconds == 2.5
    assert made.served == (Served("x", "y"),)


def test_what_is_printed_means_the_same(file: str, tmp_path: Path) -> None:
    made = make_settings((), {"title": 'T "é" \\'}, {}, file)
    again = tmp_path / "again.toml"
    again.write_text(made.to_toml())
    assert make_settings((), {}, {}, str(again)) == made
    assert set(tomllib.loads(made.to_toml())["limits"]) == set(vars(Limits()))


def test_metadata_of_what_is_served() -> None:
    made = make_settings(("a=x", "b=y"), {"metadata": {"b": "b.toml"}}, {})
    assert made.served == (Served("a", "x"), Served("b", "y", "b.toml"))
    with pytest.raises(InputError, match="'c', which is not served; there are a"):
        make_settings(("a=x",), {"metadata": {"c": "c.toml"}}, {})


@pytest.mark.parametrize(("flags", "words"), [
    ({"port": "many"}, "port is a whole number, not 'many'"),
    ({"memory": "lots"}, "memory is a number of bytes, such as 2GB, not 'lots'"),
    ({"sync_seconds": "x"}, "sync_seconds is a number, not 'x'"),
    ({"workers": "-1"}, "workers is a whole number"),
    ({"workers": 0}, "of 0 workers"),
    ({"workers": 2, "short_workers": 2}, "of 2 workers 2 cannot take short statements only"),
    ({"maxrek": 3}, "maxrek is no setting; did you mean 'maxrec'"),
    ({"host": "0.0.0.0"}, "say --public"),  # noqa: S104
    ({"base_url": "archive.example.org"}, "--base-url is an address of HTTP"),
])  # fmt: skip
def test_flags_that_are_wrong(flags: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_settings((), flags, {})


def test_beyond_this_machine_if_it_is_said() -> None:
    assert make_settings((), {"host": "0.0.0.0", "public": True}, {}).public  # noqa: S104


def test_no_more_rows_than_there_may_be() -> None:
    assert make_settings((), {"maxrec_hard": 10}, {}).limits.maxrec == 10


@pytest.mark.parametrize(("name", "value", "words"), [
    ("PROT", "1", "SKYSERIES_SERVE_PROT is no setting; did you mean 'port'"),
    ("WARM", "perhaps", "SKYSERIES_SERVE_WARM is true or false, not 'perhaps'"),
])  # fmt: skip
def test_an_environment_that_is_wrong(name: str, value: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_settings((), {}, {f"SKYSERIES_SERVE_{name}": value})


@pytest.mark.parametrize(("text", "words"), [
    ("port =", "cannot be read as a file of TOML"),
    ("prot = 1", "prot is no setting; did you mean 'port'"),
    ("[limits]\nworker = 1", "limits.worker is no setting; did you mean 'workers'"),
    ("limits = 3", "limits.limits is no setting"),
    ("port = 'x'", "serve.toml: port is a whole number"),
    ("[[serve]]\nname = 'a'", "has a path"),
    ("[[serve]]\npath = 'a'\nsecret = 1", "serve.secret is no setting"),
    ("[[serve]]\npath = 'a'\nname = 'select'", "'select' is no name"),
])  # fmt: skip
def test_a_file_that_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "serve.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        make_settings((), {}, {}, str(path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        make_settings((), {}, {}, str(tmp_path / "none.toml"))
