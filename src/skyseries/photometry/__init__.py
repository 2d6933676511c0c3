"""Photometry: fluxes in nJy and AB magnitudes, and the passbands in their order."""

from skyseries.photometry.bands import UGRIZY, band_order
from skyseries.photometry.magnitudes import AB_ZERO_POINT_NJY, mag_to_njy, njy_to_mag

__all__ = ["AB_ZERO_POINT_NJY", "UGRIZY", "band_order", "mag_to_njy", "njy_to_mag"]
