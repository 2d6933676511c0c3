"""The one place that decides how kernels are compiled.

A kernel is a plain loop over NumPy arrays, decorated with `kernel`. The policy:

- ``nogil``: threads run kernels side by side.
- ``error_model="numpy"``: a division by zero gives inf or NaN, as in NumPy, and the check that
  would stop vectorisation is not made.
- compiled once for each combination of argument types, on first use, and kept on disk. Numba is
  imported when the first kernel is called: what only opens a catalog does without.
- saving to that cache is serialised between processes by a file lock. Numba names the compiled
  files by a counter that it reads from an index: two processes that save different signatures
  of one function at once can otherwise end with an index that points to the wrong machine code
  (numba issues 4807 and 10128).
- what cannot be read of that cache, such as an index that names a class that is no longer there, is
  compiled anew and overwritten.
- what is kept is valid for exactly these sources of kernels: Numba looks at the file of a kernel
  only, and would go on using a kernel whose helper in another file has changed. A source of
  kernels is a file that names this module; kernels take constants from such files only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast, overload

try:
    import fcntl
except ImportError:  # Windows has no fcntl; processes there compile for themselves
    fcntl = None  # type: ignore[assignment]

__all__ = ["is_compiled", "kernel"]

F = TypeVar("F", bound=Callable[..., Any])


@overload
def kernel(function: F) -> F: ...
@overload
def kernel(
    *, fastmath: bool | set[str] = ..., inline: bool = ..., cache: bool = ...
) -> Callable[[F], F]: ...
def kernel(
    function: F | None = None,
    *,
    fastmath: bool | set[str] = False,
    inline: bool = False,
    cache: bool = True,
) -> F | Callable[[F], F]:
    """Compile a loop over arrays with the project's policy.

    Parameters
    ----------
    function : callable
        Plain loops over arrays and scalars.
    fastmath : bool or set of str
        Allow the reordering of floating-point sums, which reductions need to be vectorised.
        Only where no NaN or infinity reaches the loop.
    inline : bool
        Compile into the caller (small helpers of other kernels).
    cache : bool
        Keep the machine code on disk. False for a loop that is made around a function of the
        user's: the function may change without any of our sources changing.
    """
    options = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    if inline:
        options["inline"] = "always"

    def decorate(f: F) -> F:
        return cast(F, _Kernel(f, options, cache=cache and fcntl is not None))

    return decorate if function is None else decorate(function)


class _Kernel:
    """A loop that becomes a dispatcher of Numba's when it is called first.

    To Numba it is that dispatcher: a kernel that calls it finds ``_numba_type_`` and the options.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any], cache: bool) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self._options = options
        self._cache = cache
        self._made: Any = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return (self._made or self._dispatcher())(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._dispatcher(), name)

    def __reduce__(self) -> str:
        return str(self.__qualname__)

    def _dispatcher(self) -> Any:
        with _making:
            if self._made is None:
                import numba

                dispatcher = numba.njit(**self._options)(self.py_func)
                _widen_constants(dispatcher)
                if self._cache:
                    _enable_locked_cache(dispatcher)
                self._made = dispatcher
        return self._made


_making = threading.RLock()


def _widen_constants(dispatcher: Any) -> None:
    """Let a call with a constant use what is compiled for any value.

    Numba would compile a function anew for each constant that other kernels pass.
    """
    from numba.types import unliteral

    template = dispatcher.get_call_template

    def widened(arguments: Any, named: Any) -> Any:
        plain = tuple(unliteral(a) for a in arguments)
        return template(plain, {name: unliteral(a) for name, a in named.items()})

    dispatcher.get_call_template = widened


def is_compiled(function: Callable[..., Any]) -> bool:
    """Return whether a function is one of Numba's, which other compiled loops can call.

    Such a function has its name for other processes after this: Numba gives it when it is
    pickled first, and fails if two threads do so at once.
    """
    numba = sys.modules.get("numba")  # whoever has made such a function has imported it
    if numba is None or not isinstance(function, numba.core.dispatcher.Dispatcher):
        return False
    _ = function._uuid
    return True


def _enable_locked_cache(dispatcher: Any) -> None:
    try:
        dispatcher.enable_caching()
    except RuntimeError:  # no source file to key the cache by (a notebook, a frozen program)
        return
    cache = dispatcher._cache
    cache._cache_file._source_stamp = (cache._cache_file._source_stamp, _package_stamp())
    _read_or_forget(cache._cache_file)
    save = cache.save_overload

    def save_locked(signature: Any, data: Any) -> None:
        with _lock(Path(cache.cache_path) / ".skyseries-kernels.lock"):
            save(signature, data)

    cache.save_overload = save_locked


_UNREADABLE = (
    pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError,
    ValueError,
)  # fmt: skip
"""What pickle raises for a class that was renamed or removed, or for a file that is cut short."""


def _read_or_forget(cache_file: Any) -> None:
    """Let a cache that cannot be read be as one that is not there.

    Numba unpickles the types of an index before it sees that the index is of older sources.
    """
    load_index, load_data = cache_file._load_index, cache_file._load_data

    def read_index() -> Any:
        try:
            return load_index()
        except _UNREADABLE:
            return {}

    def read_data(name: str) -> Any:
        try:
            return load_data(name)
        except _UNREADABLE as error:
            raise FileNotFoundError(name) from error

    cache_file._load_index, cache_file._load_data = read_index, read_data


@functools.cache
def _package_stamp() -> str:
    """Return a name for the state of all sources of kernels."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if b"skyseries.jit" not in path.read_bytes():
            continue
        stat = path.stat()
        digest.update(f"{path.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; without a place for it, go on without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
