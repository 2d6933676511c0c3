"""A plug-in of the service that `bench_tap.py` measures: a feature that never comes to an end."""

from __future__ import annotations

import time

from skyseries.timeseries import feature


def register() -> None:
    """Register it: ``LC_NAPS`` in statements."""
    feature(name="naps")(naps)


def naps(t: object, flux: object, flux_err: object, band: object) -> float:
    """Sleep, as a function does that waits for something."""
    time.sleep(3600)
    return 0.0
