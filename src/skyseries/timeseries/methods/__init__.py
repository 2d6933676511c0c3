"""The period-finding methods, one registry of them."""

import skyseries.timeseries.methods.aov
import skyseries.timeseries.methods.boxes
import skyseries.timeseries.methods.lombscargle
import skyseries.timeseries.methods.phased  # noqa: F401 - each registers its methods
from skyseries.timeseries.methods.boxes import Box
from skyseries.timeseries.methods.registry import (
    Method,
    Option,
    all_methods,
    find_method,
    register_method,
)

__all__ = ["Box", "Method", "Option", "all_methods", "find_method", "register_method"]
