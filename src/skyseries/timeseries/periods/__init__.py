"""Periods of light curves."""
