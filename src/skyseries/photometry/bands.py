"""The passbands of Rubin (and SDSS, Pan-STARRS) and their order in wavelength."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["UGRIZY", "band_order"]

UGRIZY: tuple[str, ...] = ("u", "g", "r", "i", "z", "y")
"""The six LSST bands, the bluest first."""


def band_order(bands: Iterable[str | int]) -> list[str | int]:
    """Return the bands in plotting order: ugrizy by wavelength, then the others by name.

    Parameters
    ----------
    bands : iterable of str or int
        Names or numbers of passbands; repeats are dropped.
    """

    def key(band: str | int) -> tuple[int, int, str]:
        if isinstance(band, int):
            return (2, band, "")
        known = UGRIZY.index(band) if band in UGRIZY else len(UGRIZY)
        return (0 if band in UGRIZY else 1, known, band)

    return sorted(set(bands), key=key)
