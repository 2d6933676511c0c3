"""Whole jobs: import, light-curve building, the demo."""
