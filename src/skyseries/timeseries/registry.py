"""The registry of light-curve features: what each one is, and how to compute it for many.

A feature declares its name, formula, reference, unit, what it needs and from how many epochs on
it is defined; the column names, the documentation and the tests follow from the declaration.
Several features may share one computation (``compute`` returns several rows): it then runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.timeseries.segments import Segments

__all__ = ["DEFAULT_PRESET", "Compute", "Feature", "all_features", "presets", "register", "select"]

Compute = Callable[[Segments], NDArray[np.float64]]
"""Segments -> (k, n) array: k numbers for each of the n segments, NaN where undefined."""

Input = Literal["time", "value", "error"]
Unit = Literal["count", "none", "time", "value", "value/time"]

DEFAULT_PRESET = "default"


@dataclass(frozen=True)
class Feature:
    """The declaration of one feature."""

    name: str
    """Statistic, the end of the column's name (``StetsonJ``); or the whole name (``nObs``)."""
    description: str
    formula: str
    compute: Compute
    output: int = 0
    """Row of what `compute` returns."""
    reference: str = ""
    scope: Literal["band", "all"] = "band"
    """Of the epochs of one band, or of all bands together."""
    unit: Unit = "value"
    inputs: tuple[Input, ...] = ("value",)
    """What the number depends on."""
    error_optional: bool = False
    """Whether it is also defined, with equal weights, without errors."""
    min_epochs: int = 1
    """NULL below."""
    shift: Literal["moves", "invariant", "other"] = "other"
    """What adding a constant to all values does: adds it to the feature, nothing, or else."""
    cost: Literal["n", "n log n", "n x iterations"] = "n"
    """How the time grows with the number of epochs n."""
    presets: tuple[str, ...] = ()

    @property
    def needs_error(self) -> bool:
        """Whether it is not defined without errors."""
        return "error" in self.inputs and not self.error_optional


_REGISTRY: dict[str, Feature] = {}


def register(feature: Feature) -> Feature:
    """Add a feature to the registry, so that every front end knows it.

    Raises
    ------
    InputError
        If the name is taken.
    """
    if feature.name in _REGISTRY or feature.name in presets():
        raise InputError(f"a feature or preset named {feature.name!r} is already registered")
    _REGISTRY[feature.name] = feature
    return feature


def all_features() -> Iterator[Feature]:
    """Iterate over the registered features in the order of their registration."""
    yield from _REGISTRY.values()


def presets() -> dict[str, tuple[str, ...]]:
    """Return the names of the features of each preset; ``all`` has every feature."""
    result: dict[str, tuple[str, ...]] = {DEFAULT_PRESET: (), "all": tuple(_REGISTRY)}
    for feature in all_features():
        for preset in feature.presets:
            result[preset] = (*result.get(preset, ()), feature.name)
    return result


def select(features: Sequence[str] | str | None, *, has_error: bool) -> list[Feature]:
    """Return the features that are asked for, each once.

    Parameters
    ----------
    features : str or sequence of str, optional
        Names of features and presets; None: the default preset.
    has_error : bool
        Whether the light curves have errors. A preset leaves out what needs them.

    Raises
    ------
    InputError
        For a name that is not known, or a feature that needs errors where there are none.
    """
    names = [DEFAULT_PRESET] if features is None else features
    names = [names] if isinstance(names, str) else list(names)
    known = presets()
    chosen: dict[str, Feature] = {}
    for name in names:
        if name in known:
            members = (_REGISTRY[member] for member in known[name])
            chosen.update((f.name, f) for f in members if has_error or not f.needs_error)
        elif name in _REGISTRY:
            if _REGISTRY[name].needs_error and not has_error:
                raise InputError(f"feature {name!r} needs errors, which these light curves lack")
            chosen[name] = _REGISTRY[name]
        else:
            raise InputError(
                f"no feature or preset {name!r}; presets: {', '.join(known)}; "
                f"features: {', '.join(_REGISTRY)}"
            )
    return list(chosen.values())
