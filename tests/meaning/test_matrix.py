"""The same answer, or the same error, in every container and unit."""

from __future__ import annotations

import warnings

import numpy as np

from tests.meaning.combination import Combination, Outcome, Refusal
from tests.meaning.kinds import parsed
from tests.meaning.world import World


def test_the_meaning_is_kept(world: World, combinations: list[Combination]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # float32 times are told, and have a test of their own
        faults = {str(one): fault for one in combinations if (fault := _fault(world, one))}
    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())


def _fault(world: World, combination: Combination) -> str:
    """Return what is wrong with the answer; nothing if it is right."""
    try:
        found = combination.outcome(world)
    except Exception as error:  # those of libraries are what is looked for
        return f"{type(error).__name__} instead of an InputError: {error}"
    if combination.must_refuse:
        return _of_refusal(combination, found)
    wanted = combination.wanted(world)
    if isinstance(wanted, Refusal):
        return "" if isinstance(found, Refusal) else f"taken, but plain: {wanted.message}"
    if isinstance(found, Refusal):
        may = combination.case.refuses and combination.said
        return "" if may else f"refused, but plain numbers are not: {found.message}"
    relative = 1e-6 if combination.container.type == "f4" else 1e-9
    same = found.shape == wanted.shape
    if same and np.allclose(found, wanted, relative, 1e-9, equal_nan=True):
        return ""
    return f"{found}, not {wanted}"


def _of_refusal(combination: Combination, found: Outcome) -> str:
    if not isinstance(found, Refusal):
        return f"means nothing here, but is taken, as {found}"
    if (unit := combination.unit) is None:
        return ""
    names = {name.replace(" ", "") for name in (unit, str(parsed(unit)))}
    said = found.message.replace(" ", "")
    return "" if any(n in said for n in names) else f"{unit} is not named: {found.message}"
