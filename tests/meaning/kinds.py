"""What numbers can mean, and the units in which each is needed, comes, and cannot come."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

UNKNOWN = "zorkmid"
"""A text that is no unit."""


class Kind(NamedTuple):
    """What a number means."""

    name: str
    needed: str
    """Its unit where none is said; empty: it is plain, and may have none."""
    others: tuple[str, ...] = ()
    """Units that are converted."""
    wrong: str = ""
    """A unit of another kind."""
    holds: str = "n"
    """n: numbers, t: text, b: true and false."""

    def units(self) -> tuple[str | None, ...]:
        """Return all units to try; None: nothing is said."""
        if self.holds != "n":
            return (None,)
        own = (self.needed,) if self.needed else ()
        return (None, *own, *self.others, self.wrong, UNKNOWN)

    def role(self, unit: str | None) -> str:
        """Return what a unit is beside the one that is needed."""
        if unit is None or unit in (self.needed, self.wrong, UNKNOWN):
            named = {None: "unsaid", self.needed: "needed", self.wrong: "wrong"}
            return named.get(unit, "unknown")
        return f"other {self.others.index(unit)}"

    def is_refused(self, unit: str | None) -> bool:
        """Return whether there is no way from a unit to the one that is needed."""
        return unit is not None and unit in (self.wrong, UNKNOWN)

    def stated(self, values: NDArray[Any], unit: str | None) -> NDArray[Any]:
        """Return the numbers that mean the same in a unit, by astropy."""
        if unit is None or self.is_refused(unit) or unit == self.needed:
            return values
        return np.asarray(u.Quantity(values, self.needed).to_value(unit))


POSITION = Kind("position", "deg", ("rad", "arcmin", "hourangle"), "d")
RADIUS = Kind("small angle", "arcsec", ("mas", "deg", "arcmin"), "d")
MOTION = Kind("motion", "mas/yr", ("arcsec/yr", "deg/yr"), "mas")
TIME = Kind("time", "d", ("h", "s", "yr"), "arcsec")
YEAR = Kind("year", "yr", ("d",), "mag")
PERIOD = Kind("period", "d", ("h", "s", "min"), "1/d")
FREQUENCY = Kind("frequency", "1/d", ("1/h", "Hz", "uHz"), "d")
MAGNITUDE = Kind("magnitude", "mag", ("mmag",), "nJy")
FLUX = Kind("flux", "nJy", ("uJy", "Jy"), "d")
DENSITY = Kind("density", "1/arcmin2", ("1/deg2", "1/arcsec2"), "1/arcmin")
NUMBER = Kind("plain number", "", (), "mag")
LABEL = Kind("label", "", holds="t")
SWITCH = Kind("flag", "", holds="b")
ID = Kind("id", "", holds="i")


def parsed(unit: str) -> u.UnitBase:
    """Return a unit of astropy, also of a text that is none."""
    return u.Unit(unit, parse_strict="silent")
