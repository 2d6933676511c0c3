"""Papers and presets that several declarations name."""

from __future__ import annotations

from skyseries.timeseries.features.registry import DEFAULT_PRESET

__all__ = ["AP", "BASIC", "DRP", "LDM151", "LIGHT_CURVE", "RICHARDS", "RUBIN", "STETSON"]

BASIC = (DEFAULT_PRESET, "rubin-ap", "rubin-drp")
AP = ("rubin-ap", "rubin-drp")
DRP = ("rubin-drp",)
LIGHT_CURVE = ("light-curve",)

LDM151 = "LDM-151 section 6.21 (DMTN-118)"
RUBIN = "Rubin DP1 DiaObject"
STETSON = "Stetson 1996, PASP 108, 851"
RICHARDS = "Richards et al. 2011, ApJ 733, 10"
