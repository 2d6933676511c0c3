"""What a period-finding method is: the seam that periodogram() and compute_periods() go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.errors import InputError
from skyseries.schema.roles import did_you_mean, nearest_names
from skyseries.timeseries.curve import Curve, CurveData
from skyseries.timeseries.given import whole_number
from skyseries.timeseries.kernels.evidence import SINE

__all__ = [
    "Method",
    "Option",
    "Options",
    "all_methods",
    "find_method",
    "positive_integer",
    "register_method",
]

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Option:
    """A parameter of a method."""

    name: str
    default: Any
    description: str
    check: Callable[[str, Any], Any]
    """Returns the value as the method wants it, or raises InputError; given name and value."""


@dataclass(frozen=True)
class Method:
    """A way to tell a right period from wrong ones.

    The power of a method is the higher, the better the period.
    """

    name: str
    title: str
    reference: str
    use: str
    """When to take it."""
    power: str
    """What the power means."""
    multiband: str
    """How several bands are taken together."""
    options: tuple[Option, ...]
    fill: Callable[[Curve, Options, float, float, Floats], None]
    """Fills the power at f0 + k df, given curve, options, f0, df and the array."""
    oversampling: Callable[[Options], float]
    """Steps of the grid in 1 / time span, unless something else is asked for."""
    spare: Callable[[Options], int]
    """So many more epochs than means of bands a period needs."""
    shape: int = SINE
    """What repeats with the periods that it finds, see `kernels.evidence.PROFILES`."""
    is_share: bool = False
    """Whether the power is the share of chi2 that a model takes away."""
    exact: Callable[[Curve, Options, Floats], Floats] | None = None
    """The power at any frequencies; None: by `fill`."""
    refine: Callable[[Curve, Options, float, float, float, float], tuple[float, float]] | None = (
        None
    )
    """Frequency and power of the maximum near a peak, given also its frequency, the step, and the
    lowest and highest frequency; None: on finer and finer grids."""
    false_alarm: Callable[[Curve, Options, float, float, float], float] | None = None
    """Chance of such a power (standard) from noise, given also lowest and highest frequency; NaN
    where it is not known."""
    model: (
        Callable[[Curve, CurveData, Options, float, Floats, NDArray[np.int64]], Floats] | None
    ) = None
    """Values of the model at times from the first epoch on and places of bands."""
    arrange: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """Returns the options that were given, where one of them says what another one is."""
    check_periods: Callable[[Options, float], None] | None = None
    """Raises InputError where the options suit no period up to the longest one."""

    def settle(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options with their values; InputError for an unknown or a wrong one."""
        known = {option.name: option for option in self.options}
        given = given if self.arrange is None else self.arrange(given)
        for name in given:
            if name not in known:
                raise InputError(_unknown(self.name, name, list(known)))
        return {o.name: o.check(o.name, given.get(o.name, o.default)) for o in self.options}

    def powers(self, curve: Curve, options: Options, frequency: Floats) -> Floats:
        """Return the power at any frequencies."""
        if self.exact is not None:
            return self.exact(curve, options, frequency)
        result = np.empty(frequency.size)
        for k, f in enumerate(frequency):
            self.fill(curve, options, float(f), 0.0, result[k : k + 1])
        return result

    def peak(
        self, curve: Curve, options: Options, f: float, step: float, low: float, high: float
    ) -> tuple[float, float]:
        """Return frequency and power of the maximum within a step of a peak of the grid."""
        if self.refine is not None:
            return self.refine(curve, options, f, step, low, high)
        return _refine_on_grids(self, curve, options, f, step, low, high)


COMMON = (
    "min_period", "max_period", "frequency", "error_floor", "oversampling", "normalization",
    "n_peaks", "ranked", "method", "bands", "single_bands", "barycentric",
    "ra", "dec", "location", "units",
)  # fmt: skip
"""What `periodogram` and `compute_periods` take themselves, beside options of methods."""


def _unknown(method: str, name: str, known: list[str]) -> str:
    every = "; every search takes " + ", ".join(COMMON)
    there = f"it has {', '.join(known)}" if known else "it has none"
    if name in COMMON:
        return f"{name}= is not for this search, but for others (see docs/periods.md)"
    near = nearest_names(name, [*known, *COMMON], 2)
    hint = f"; did you mean {' or '.join(near)}?" if near else every
    return f"method {method!r} has no option {name!r}; {there}{hint}"


_methods: dict[str, Method] = {}


def register_method(method: Method) -> Method:
    """Add a method to the registry, or replace the one of this name."""
    _methods[method.name] = method
    return method


def find_method(name: str) -> Method:
    """Return the method of a name; InputError with the list of them if there is none."""
    if isinstance(name, str) and name in _methods:
        return _methods[name]
    hint = did_you_mean(str(name), list(_methods))
    raise InputError(f"unknown method {name!r}; there are {', '.join(map(repr, _methods))}{hint}")


def all_methods() -> tuple[Method, ...]:
    """Return all methods in the order of their registration."""
    return tuple(_methods.values())


def positive_integer(name: str, value: Any) -> int:
    """Return a value that must be a whole number from 1 on."""
    return whole_number(value, name)


_POINTS = 16
_ROUNDS = 2
_SAME = 1e-9
"""Powers that differ by less (relatively) are one plateau: sums in another order differ so."""


def _refine_on_grids(
    method: Method, curve: Curve, options: Options, f: float, step: float, low: float, high: float
) -> tuple[float, float]:
    """Return the middle of the highest plateau: most powers have steps, and no slope to follow."""
    top = -np.inf
    for _ in range(_ROUNDS):
        first, last = max(f - step, low), min(f + step, high)
        fine = (last - first) / (2 * _POINTS)
        if not fine > 0:
            break
        power = np.empty(2 * _POINTS + 1)
        method.fill(curve, options, first, fine, power)
        high_ones = power >= power.max() - _SAME * abs(power.max())
        k = int(high_ones.argmax())
        width = int((~high_ones[k:]).argmax()) or power.size - k
        f, top, step = first + (k + (width - 1) // 2) * fine, float(power.max()), fine
    if not np.isfinite(top):
        top = float(method.powers(curve, options, np.array([f]))[0])
    return f, top
