"""What a plan needs before its first task: made once, kept as long as the plan."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from skyseries.config import settings

__all__ = ["Scratch"]

T = TypeVar("T")


class Scratch(Generic[T]):
    """A value that is made when it is first asked for, with a folder for its files.

    The folder is removed when nobody holds this object any more. It is in the folder that
    ``SKYSERIES_TMPDIR`` names, which workers on other machines must see.

    Parameters
    ----------
    make : callable
        ``make(folder)`` returns the value; picklable.
    """

    def __init__(self, make: Callable[[Path], T]) -> None:
        self._make = make
        self._value: list[T] = []
        self._lock = threading.Lock()

    def get(self) -> T:
        """Return the value."""
        with self._lock:
            if not self._value:
                folder = tempfile.mkdtemp(prefix="skyseries-join-", dir=settings().tmp_dir)
                try:
                    self._value.append(self._make(Path(folder)))
                except BaseException:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            return self._value[0]

    def __getstate__(self) -> dict[str, Any]:
        # a copy in another process must not remove our folder, and makes its own if it has to
        return {"_make": self._make}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_make"])  # type: ignore[misc]
