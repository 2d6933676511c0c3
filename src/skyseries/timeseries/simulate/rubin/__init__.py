"""Data releases of Rubin, simulated: tables with their names, types and keys."""

from skyseries.timeseries.simulate.rubin.release import (
    NESTED,
    SimulatedRelease,
    simulate_release,
    table_infos,
)

__all__ = ["NESTED", "SimulatedRelease", "simulate_release", "table_infos"]
