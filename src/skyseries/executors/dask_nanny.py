"""The nanny of a worker on this machine."""

from __future__ import annotations

import os
from typing import Any

from distributed import Nanny

from skyseries.executors.worker import end_with

__all__ = ["WatchfulNanny"]


class WatchfulNanny(Nanny):  # type: ignore[misc]  # untyped
    """Ends, and its worker with it, when the program that started it is gone.

    Dask's own would look for its scheduler for half a minute.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        end_with(os.getppid())
        super().__init__(*args, **options)
