"""What is kept of files that were read, as much as fits into `Tuning.cache_bytes`.

A value is kept under the arguments that it was made of. Where it comes from a file these hold a
stamp of the file as it was, never its path alone: what was written anew is read anew.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from skyseries.config import tuning

__all__ = ["forget_all", "held_bytes", "kept"]

P = ParamSpec("P")


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


V = TypeVar("V", bound=_Sized | None)


class _Store:
    """All that is kept in this process; what was not asked for longest goes first."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._held: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: tuple[Any, ...]) -> tuple[Any, int] | None:
        with self._lock:
            return self._held.get(key)

    def keep(self, key: tuple[Any, ...], value: Any, nbytes: int) -> None:
        """Keep a value, now the youngest; one that was kept may have grown."""
        most = tuning().cache_bytes
        with self._lock:
            _, before = self._held.pop(key, (None, 0))
            self.nbytes -= before
            if nbytes > most:
                return
            self._held[key] = value, nbytes
            self.nbytes += nbytes
            while self.nbytes > most:
                _, (_, oldest) = self._held.popitem(last=False)
                self.nbytes -= oldest

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self.nbytes = 0


_store = _Store()


def kept(make: Callable[P, V]) -> Callable[P, V]:
    """Keep what a function returns, by its arguments, while there is room.

    Each value says by ``nbytes`` about how much it holds; it may grow while it is kept.
    """

    @functools.wraps(make)
    def found(*args: P.args, **named: P.kwargs) -> V:
        key = make, args, tuple(named.items())
        known = _store.find(key)
        value: V = make(*args, **named) if known is None else known[0]
        _store.keep(key, value, 0 if value is None else value.nbytes)
        return value

    return found


def held_bytes() -> int:
    """Return about how many bytes are kept in this process."""
    return _store.nbytes


def forget_all() -> None:
    """Forget everything that is kept in this process."""
    _store.clear()
