"""Names and media types of encoders."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import tests.formats.streams as suites
from skyseries.errors import InputError
from skyseries.formats.streams import ENCODERS, encoder_of
from tests.formats.streams.contract import Contract


def test_every_encoder_keeps_the_contract() -> None:
    def all_below(suite: type[Contract]) -> set[type[Contract]]:
        return {suite}.union(*map(all_below, suite.__subclasses__()))

    for module in pkgutil.iter_modules(suites.__path__, f"{suites.__name__}."):
        importlib.import_module(module.name)
    tested = {getattr(suite, "encoder", None) for suite in all_below(Contract)}
    assert set(ENCODERS.values()) == tested - {None}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("VOTable", "votable"),
        ("application/x-votable+xml", "votable"),
        ("application/x-votable+xml; serialization=BINARY2", "votable"),
        ("application/x-votable+xml;serialization=tabledata", "votable/td"),
        ("text/csv; header=present; charset=utf-8", "csv"),
        ("text/csv", "csv"),
        ("text/tab-separated-values", "tsv"),
        ("application/vnd.apache.parquet", "parquet"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert encoder_of(text).name == name


@pytest.mark.parametrize("text", ["", "html", "text/csv;header=absent", "votable/fits"])
def test_unknown_names(text: str) -> None:
    with pytest.raises(InputError, match=r"there are votable .*csv .*json") as caught:
        encoder_of(text)
    assert repr(text) in str(caught.value)
