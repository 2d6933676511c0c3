"""Which peaks of a periodogram are aliases, harmonics or halves of a higher one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skyseries.arraytypes import Floats
from skyseries.timeseries.kernels.calendar import is_at_limit

__all__ = ["CYCLES", "Candidate", "mark_aliases"]

CYCLES = {
    "1/day": (1.0, 2),
    "1/sidereal day": (1.0027379, 2),
    "1/month": (1 / 29.53, 1),
    "1/year": (1 / 365.25, 2),
}
"""What observations repeat with: frequency, 1/d, and up to which multiple it is looked for."""

_RATIOS = {"f": 1.0, "2 f": 2.0, "f / 2": 0.5}
_HARMONICS = {"2 f": 2.0, "f / 2": 0.5, "3 f": 3.0, "f / 3": 1 / 3}


@dataclass(frozen=True)
class Candidate:
    """A peak of a periodogram."""

    frequency: float
    """1/d."""
    period: float
    """Days."""
    power: float
    alias_of: int | None
    """Place in the list of the higher peak that it may be an alias of."""
    relation: str | None
    """How: ``"f + 1/day"``, ``"2 f"``, ``"|f - 2/day|"``..., f being that peak's frequency."""
    at_limit: bool = False
    """Whether it is at an end of what was searched: the true period may be beyond."""


def mark_aliases(
    frequency: Floats, power: Floats, span: float, limits: tuple[float, float]
) -> list[Candidate]:
    """Return the peaks, the highest first, with those marked that another one explains.

    Parameters
    ----------
    frequency, power : (n,) arrays
        Peaks, the highest first; frequencies in 1/d.
    span : float
        Time span, days. Frequencies nearer than 1 / span are the same, and cycles longer than it
        are not looked for.
    limits : tuple of float
        Lowest and highest frequency that were searched.

    Notes
    -----
    A mark is a coincidence of frequencies: the true period may be the lower peak.
    """
    result: list[Candidate] = []
    for k, f in enumerate(frequency):
        place, relation = None, None
        for j in range(k):
            # an alias of an alias is one of the first
            if result[j].alias_of is None and (known := _relation(frequency[j], f, 1.0 / span)):
                place, relation = j, known
                break
        at_limit = bool(is_at_limit(f, *limits, span))
        found = Candidate(float(f), float(1.0 / f), float(power[k]), place, relation, at_limit)
        result.append(found)
    return result


def _relation(high: float, low: float, tolerance: float) -> str | None:
    """Return how the lower peak follows from the higher one: the nearest of the relations."""
    best, name = tolerance, None
    for text, f in _expected(high, tolerance):
        if abs(f - low) < best * (1 - 1e-9):
            best, name = abs(f - low), text
    return name


def _expected(high: float, tolerance: float) -> Iterator[tuple[str, float]]:
    for text, ratio in _HARMONICS.items():
        yield text, ratio * high
    for text, ratio in _RATIOS.items():
        for cycle, (rate, most) in CYCLES.items():
            for n in range(1, most + 1):
                if n * rate <= tolerance:
                    continue
                label = cycle if n == 1 else cycle.replace("1/", f"{n}/")
                yield f"{text} + {label}", ratio * high + n * rate
                below = ratio * high - n * rate
                yield (f"{text} - {label}" if below > 0 else f"|{text} - {label}|"), abs(below)
