"""The matrix can fail: the answers change with the unit, and with what lies under a mask."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.meaning.case import Case
from tests.meaning.cases import CASES
from tests.meaning.combination import Combination, Outcome, Refusal, gap_of, outcome_of
from tests.meaning.containers import Container, filled, under
from tests.meaning.world import World

_WITH_UNITS = [
    case for case in CASES if case.kind.others and case.form != "coordinate" and not case.scale_free
]
_WITH_GAPS = [case for case in CASES if case.misses and case.form in ("array", "table", "nested")]


@pytest.mark.parametrize("case", _WITH_UNITS, ids=lambda case: case.name)
def test_numbers_in_another_unit_are_another_answer(
    world: World, case: Case, pytestconfig: pytest.Config
) -> None:
    others = case.kind.others
    one = CASES.index(case) % len(others)  # not the same one for all
    tried = others if pytestconfig.getoption("--whole") else others[one : one + 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = Combination(case, _plainest(case), None, gap=False).wanted(world)
        assert not isinstance(wanted, Refusal), wanted
        for unit in tried:
            misread = _with(case, lambda v, unit=unit: case.kind.stated(v, unit))
            _check_other(unit, _answer(world, misread), wanted)


@pytest.mark.parametrize("case", _WITH_GAPS, ids=lambda case: case.name)
def test_a_value_from_under_a_mask_is_another_answer(world: World, case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = Combination(case, _plainest(case), None, gap=True).wanted(world)
        seen = _with(case, lambda v: filled(v, gap_of(v), under(v)))
        _check_other("under the mask", _answer(world, seen), wanted)


def _plainest(case: Case) -> Container:
    """Return the container that says nothing and takes everything."""
    return next(c for c in case.containers() if c.says != "must" and not c.refused)


def _with(case: Case, change: Callable[[Any], Any]) -> Case:
    """Return the case with other values."""
    if isinstance(case.values, dict):
        return replace(case, values={name: change(v) for name, v in case.values.items()})
    values = np.asarray(case.values, float if case.kind.holds == "n" else None)
    return replace(case, values=change(values))


def _answer(world: World, case: Case) -> Outcome:
    given = Combination(case, _plainest(case), None, gap=False).given(world)
    return outcome_of(case, world, given, said=False)


def _check_other(what: str, found: Outcome, wanted: Outcome) -> None:
    if isinstance(found, Refusal) or isinstance(wanted, Refusal):
        assert type(found) is not type(wanted), f"{what} is refused too"
        return
    same = found.shape == wanted.shape and np.allclose(found, wanted, 1e-7, 1e-7, equal_nan=True)
    assert not same, f"{what} is not noticed: {found}"
