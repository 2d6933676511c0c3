"""The period-finding methods, one registry of them."""

import skyseries.timeseries.periods.methods.aov
import skyseries.timeseries.periods.methods.boxes
import skyseries.timeseries.periods.methods.lombscargle
import skyseries.timeseries.periods.methods.phased  # noqa: F401 - each registers its methods
from skyseries.timeseries.periods.methods.boxes import Box
from skyseries.timeseries.periods.methods.registry import (
    Method,
    Option,
    all_methods,
    find_method,
    register_method,
)

__all__ = ["Box", "Method", "Option", "all_methods", "find_method", "register_method"]
