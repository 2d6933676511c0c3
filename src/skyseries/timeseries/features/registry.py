"""The registry of light-curve features: what each one is, and how to compute it for many.

A feature declares its name, formula, reference, unit, what it needs and from how many epochs on
it is defined; the column names, the documentation and the tests follow from the declaration.
Several features may share one computation (``compute`` returns several rows): it then runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.schema.roles import nearest_names
from skyseries.timeseries.segments import Segments

__all__ = [
    "DEFAULT_PRESET",
    "PRESETS",
    "UNITS",
    "Compute",
    "Feature",
    "all_features",
    "asked_for",
    "include",
    "parts_of",
    "presets",
    "register",
    "register_all",
    "select",
]

Compute = Callable[[Segments], NDArray[np.float64]]
"""Segments -> (k, n) array: k numbers for each of the n columns' rows, NaN where undefined.

What it is given, and n, depend on the scope of the feature: see `Feature.scope`.
"""

Input = Literal["time", "value", "error"]
Scope = Literal["band", "pair", "all"]
Cost = Literal["n", "n log n", "n x iterations", "n x lags", "n^2", "n x frequencies"]
Unit = Literal[
    "count",
    "none",
    "time",
    "1/time",
    "value",
    "value^2",
    "value/time",
    "value/time^2",
    "mag",
    "rad",
]

UNITS: dict[str, tuple[int, int]] = {
    "count": (0, 0), "none": (0, 0), "mag": (0, 0), "rad": (0, 0),
    "time": (0, 1), "1/time": (0, -1),
    "value": (1, 0), "value^2": (2, 0), "value/time": (1, -1), "value/time^2": (1, -2),
}  # fmt: skip
"""Powers of the value and of the time in each unit."""

DEFAULT_PRESET = "default"

PRESETS = {
    DEFAULT_PRESET: "the basic statistics of each band, at most 100 columns for six bands",
    "rubin-ap": "what fits alert production: about 80 epochs in six bands over twelve months",
    "rubin-drp": "what a data release computes from the whole history; has all of rubin-ap",
    "dpdd": "lcPeriodic (32 numbers a band) and lcNonPeriodic (20 a band), as lists",
    "dpdd-columns": "the numbers of dpdd, each a column of its own",
    "dp02": "the DiaObject columns of Rubin's DP0.2, under their own names",
    "dp1": "the DiaObject columns of Rubin's DP1, under their own names",
    "dp2": "the DiaObject columns of Rubin's DP2 (drp_base 1.0.1), under their own names",
    "apdb": "the DiaObject columns of Rubin's alert production database (10.0.0)",
    "light-curve": "the general features of the package light-curve 0.13",
    "all": "every feature that is registered",
}
"""The names of the presets, and what they are for."""


@dataclass(frozen=True)
class Feature:
    """The declaration of one feature."""

    name: str
    """Statistic, the end of the column's name (``StetsonJ``); or the whole name (``nObs``)."""
    description: str
    formula: str
    compute: Compute | None = None
    """None: the feature is a list of others (`parts`)."""
    output: int = 0
    """Row of what `compute` returns."""
    reference: str = ""
    scope: Scope = "band"
    """Of the epochs of one band (`compute` is given the segments by band, and returns a number for
    each), of two neighbouring bands (given the same; returns n_bands - 1 numbers for each light
    curve, in the order of the bands), or of all bands together (given `Segments.whole`)."""
    unit: Unit = "value"
    inputs: tuple[Input, ...] = ("value",)
    """What the number depends on."""
    error_optional: bool = False
    """Whether it is also defined, with equal weights, without errors."""
    min_epochs: int = 1
    """NULL below (for two bands: in either of them)."""
    shift: Literal["moves", "invariant", "other"] = "other"
    """What adding a constant to all values does: adds it to the feature, nothing, or else."""
    cost: Cost = "n"
    """How the time grows with the number of epochs n."""
    presets: tuple[str, ...] = ()
    across: bool = False
    """Of one band: whether the epochs of the other bands count, too."""
    parts: tuple[str, ...] = ()
    """Names of the features of one band that a list holds, for one band after the other."""

    @property
    def needs_error(self) -> bool:
        """Whether it is not defined without errors."""
        return "error" in self.inputs and not self.error_optional


_REGISTRY: dict[str, Feature] = {}


def register(feature: Feature, *, replace: bool = False) -> Feature:
    """Add a feature to the registry, so that every front end knows it.

    Parameters
    ----------
    feature : Feature
    replace : bool
        Put it in the place of a feature of the same name, as when a notebook's cell runs again.

    Raises
    ------
    InputError
        If the name is taken, a preset that is named is not known, or a part is not registered.
    """
    if not isinstance(feature, Feature):
        raise InputError(f"{feature!r:.80} is no Feature: features_of makes them of functions")
    if feature.name in PRESETS or (feature.name in _REGISTRY and not replace):
        raise InputError(f"a feature or preset named {feature.name!r} is already registered")
    if unknown := [name for name in feature.presets if name not in PRESETS or name == "all"]:
        raise InputError(f"{feature.name!r} cannot be in preset {unknown[0]!r}: see PRESETS")
    if missing := [name for name in feature.parts if name not in _REGISTRY]:
        raise InputError(f"the list {feature.name!r} has an unknown part {missing[0]!r}")
    _REGISTRY[feature.name] = feature
    return feature


def register_all(features: Iterable[Feature]) -> None:
    """Add features to the registry, in this order."""
    for feature in features:
        register(feature)


def include(names: Sequence[str], preset: str) -> None:
    """Put features that are registered into one more preset."""
    for name in names:
        feature = _REGISTRY[name]
        if preset not in feature.presets:
            _REGISTRY[name] = replace(feature, presets=(*feature.presets, preset))


def all_features() -> Iterator[Feature]:
    """Iterate over the registered features in the order of their registration."""
    yield from _REGISTRY.values()


def presets() -> dict[str, tuple[str, ...]]:
    """Return the names of the features of each preset; ``all`` has every feature."""
    return {preset: tuple(feature.name for feature in _members(preset)) for preset in PRESETS}


def _members(preset: str) -> Iterator[Feature]:
    return (f for f in all_features() if preset == "all" or preset in f.presets)


def select(
    features: Sequence[str | Feature] | str | None, *, has_error: bool
) -> tuple[Feature, ...]:
    """Return the features that are asked for, each once.

    Parameters
    ----------
    features : str or sequence of str or Feature, optional
        Names of features and presets; None: the default preset. A feature itself need not be
        registered: so a selection travels to other processes.
    has_error : bool
        Whether the light curves have errors. A preset leaves out what needs them.

    Raises
    ------
    InputError
        For a name that is not known, or a feature that needs errors where there are none.
    """
    names = asked_for(DEFAULT_PRESET if features is None else features)
    chosen: dict[str, Feature] = {}
    for name in names:
        if isinstance(name, str) and name in PRESETS:
            members = _members(name)
            chosen.update((f.name, f) for f in members if has_error or not f.needs_error)
            continue
        feature = name if isinstance(name, Feature) else _REGISTRY.get(name)
        if feature is None:
            raise InputError(_unknown(name))
        if feature.needs_error and not has_error:
            raise InputError(
                f"feature {feature.name!r} needs errors, which these light curves lack"
            )
        chosen[feature.name] = feature
    return tuple(chosen.values())


def _unknown(name: Any) -> str:
    near = nearest_names(str(name), [*PRESETS, *_REGISTRY], 3)
    near = [n for n in near if n.lower() == str(name).lower()] or near
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return (
        f"no feature or preset {name!r}; {hint}presets: {', '.join(PRESETS)}; all "
        f"{len(_REGISTRY)} features: skyseries.timeseries.all_features(), docs/features.md"
    )


def asked_for(features: Any) -> list[str | Feature]:
    """Return features that are asked for as a list of names and features.

    Raises
    ------
    InputError
        If there is something else among them.
    """
    if isinstance(features, str | Feature):
        return [features]
    if not isinstance(features, Iterable):
        raise InputError(f"features are names, or made by features_of, not {features!r}")
    names = list(features)
    if wrong := [name for name in names if not isinstance(name, str | Feature)]:
        raise InputError(f"a feature is a name, or made by features_of, not {wrong[0]!r:.80}")
    return names


def parts_of(feature: Feature) -> tuple[Feature, ...]:
    """Return the features that a list holds."""
    return tuple(_REGISTRY[name] for name in feature.parts)
