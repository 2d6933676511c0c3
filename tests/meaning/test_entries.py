"""No entry is forgotten: each parameter is known, and each with a meaning has a case."""

from __future__ import annotations

import skyseries as sky
from skyseries import timeseries
from tests.meaning.cases import CASES
from tests.meaning.entries import parameters


def test_every_parameter_is_known():
    unknown = sorted({f"{p.name} of {p.entry}" for p in parameters() if not p.is_known})
    assert not unknown, (
        "say in tests/meaning/entries.py what these parameters are: in PHYSICAL what may hold "
        f"positions, errors, times, values, labels or tables of such, else in PLAIN: {unknown}"
    )


def test_every_meaning_has_a_case():
    wanted = {(p.entry, p.name) for p in parameters() if p.is_physical}
    missing = sorted(f"{entry}({name})" for entry, name in wanted - _cased())
    assert not missing, f"add a Case in tests/meaning/cases_*.py for {missing}"


def test_no_case_is_of_an_entry_that_is_not_there():
    there = {(p.entry, p.name) for p in parameters()}
    assert sorted(_cased() - there) == []


def test_cases_have_names_of_their_own():
    names = [case.name for case in CASES]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_a_new_entry_is_seen(monkeypatch):
    monkeypatch.setattr(timeseries, "weigh", lambda t, heft: 0.0, raising=False)
    monkeypatch.setattr(timeseries, "__all__", [*timeseries.__all__, "weigh"])
    monkeypatch.setattr(sky.Catalog, "near", lambda self, radius_arcsec: self, raising=False)
    new = [p for p in parameters() if p.entry in ("weigh", "Catalog.near")]
    assert [(p.name, p.is_known, p.is_physical) for p in new] == [
        ("radius_arcsec", True, True), ("t", True, True), ("heft", False, False),
    ]  # fmt: skip


def _cased() -> set[tuple[str, str]]:
    return {(case.entry, case.parameter) for case in CASES}
