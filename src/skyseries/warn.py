"""Warnings that stand at the line of the user's program that they are about."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn_user"]


def warn_user(message: str) -> None:
    """Warn, at the place in the code that called Skyseries."""
    frame, level = sys._getframe(0), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("skyseries"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
