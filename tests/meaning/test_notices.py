"""The matrix can fail: the answers change with the unit, and with what lies under a mask."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.meaning.case import Case
from tests.meaning.cases import CASES
from tests.meaning.combination import Combination, Refusal, outcome_of
from tests.meaning.world import World

_WITH_UNITS = [case for case in CASES if case.kind.others and case.form != "coordinate"]
_WITH_GAPS = [case for case in CASES if case.misses and case.form in ("array", "table", "nested")]


def _plainest(case: Case) -> Any:
    """Return the container that says nothing and takes everything."""
    return next(c for c in case.containers() if c.says != "must" and not c.refused)


@pytest.mark.parametrize("case", _WITH_UNITS, ids=lambda case: case.name)
def test_numbers_in_another_unit_are_another_answer(world: World, case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = Combination(case, _plainest(case), None, gap=False).wanted(world)
        assert not isinstance(wanted, Refusal), wanted
        given = Combination(_misread(case), _plainest(case), None, gap=False).given(world)
        _check_other(case, outcome_of(case, world, given, said=False), wanted)


@pytest.mark.parametrize("case", _WITH_GAPS, ids=lambda case: case.name)
def test_a_value_that_is_missing_is_another_answer(world: World, case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gap, whole = (Combination(case, _plainest(case), None, gap=g).wanted(world) for g in (1, 0))
        _check_other(case, gap, whole)


def _check_other(case: Case, found: Any, wanted: Any) -> None:
    if isinstance(found, Refusal):
        return
    same = found.shape == wanted.shape and np.allclose(found, wanted, 1e-7, 1e-7, equal_nan=True)
    assert not same, f"{case.name} does not notice: {found}"


def _misread(case: Case) -> Case:
    """Return the case with the numbers of another unit, which is not said."""
    kind, unit = case.kind, case.kind.others[0]
    if isinstance(case.values, dict):
        return replace(case, values={n: kind.stated(v, unit) for n, v in case.values.items()})
    return replace(case, values=kind.stated(np.asarray(case.values, np.float64), unit))
