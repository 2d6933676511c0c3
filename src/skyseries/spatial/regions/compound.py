"""Regions made of other regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skyseries.arraytypes import Bools, Ints
from skyseries.errors import InputError
from skyseries.spatial.regions.base import (
    DividingRegion,
    Region,
    centre_positions,
    positions,
)
from skyseries.spatial.regions.cells import as_cells

__all__ = ["Intersection", "Union"]


@dataclass(frozen=True)
class Union:
    """Everything that is in one of some regions; of none, nothing.

    Parameters
    ----------
    regions : sequence of Region
    """

    regions: Sequence[Region]

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(self.regions))

    def contains(self, ra: Any, dec: Any = None) -> Bools:
        """Tell which positions are in one of the regions."""
        ra, dec, there = positions(ra, dec)
        return _any([region.contains(ra, dec) for region in self.regions], there.shape)

    def overlaps(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells may have a point of one of the regions."""
        order, npix = as_cells(order, npix)
        return _any([region.overlaps(order, npix) for region in self.regions], npix.shape)

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells may have a point of one of the regions, by a quick test."""
        order, npix = as_cells(order, npix)
        return _any([region.near(order, npix) for region in self.regions], npix.shape)

    def inside(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells are certainly wholly in a single one of the regions."""
        order, npix = as_cells(order, npix)
        return _any([region.inside(order, npix) for region in self.regions], npix.shape)


@dataclass(frozen=True)
class Intersection(DividingRegion):
    """Everything that is in all of some regions.

    Parameters
    ----------
    regions : sequence of Region

    Raises
    ------
    InputError
        If there is no region.
    """

    regions: Sequence[Region]

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(self.regions))
        if not self.regions:
            raise InputError("an intersection needs at least one region")

    def contains(self, ra: Any, dec: Any = None) -> Bools:
        """Tell which positions are in all of the regions."""
        return np.asarray(np.all([region.contains(ra, dec) for region in self.regions], axis=0))

    def near(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells are near to all of the regions."""
        order, npix = as_cells(order, npix)
        return np.asarray(np.all([region.near(order, npix) for region in self.regions], axis=0))

    def inside(self, order: ArrayLike, npix: ArrayLike) -> Bools:
        """Tell which cells are certainly wholly in all of the regions."""
        order, npix = as_cells(order, npix)
        return np.asarray(np.all([region.inside(order, npix) for region in self.regions], axis=0))

    def touched(self, order: Ints, npix: Ints) -> Bools:
        """Tell which cells have their centre in all of the regions."""
        ra, dec = centre_positions(order, npix)
        return self.contains(ra, dec) | self.inside(order, npix)

    @property
    def size_deg(self) -> float:
        """Return the least size of those regions that have one."""
        sizes = [region.size_deg for region in self.regions if isinstance(region, DividingRegion)]
        return min((size for size in sizes if size > 0.0), default=0.0)


def _any(parts: list[Bools], shape: tuple[int, ...]) -> Bools:
    return np.asarray(np.any([np.zeros(shape, np.bool_), *parts], axis=0))
