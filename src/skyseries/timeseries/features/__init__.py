"""Features of light curves."""
