"""The same answer, or the same error, in every container and unit."""

from __future__ import annotations

import warnings

import numpy as np

from tests.meaning.combination import Combination, Refusal
from tests.meaning.kinds import parsed
from tests.meaning.world import World


def test_the_meaning_is_kept(world: World, combination: Combination) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # float32 times are told, and have a test of their own
        found = combination.outcome(world)
        if combination.must_refuse:
            _check_refused(combination, found)
            return
        wanted = combination.wanted(world)
    if isinstance(wanted, Refusal):
        assert isinstance(found, Refusal), f"plain numbers are refused ({wanted.message}), not this"
        return
    if isinstance(found, Refusal) and combination.case.refuses and combination.said:
        return
    assert isinstance(found, np.ndarray), f"refused, though plain numbers are not: {found.message}"
    loose = combination.container.type == "f4"
    np.testing.assert_allclose(found, wanted, rtol=1e-6 if loose else 1e-9, atol=1e-9)


def _check_refused(combination: Combination, found: object) -> None:
    assert isinstance(found, Refusal), f"is taken, as {found}, though it means nothing here"
    if (unit := combination.unit) is not None:
        names = {unit, str(parsed(unit)), unit.replace(" ", "")}
        said = found.message.replace(" ", "")
        spelled = any(name.replace(" ", "") in said for name in names)
        assert spelled, f"the unit {unit} is not named: {found.message}"
