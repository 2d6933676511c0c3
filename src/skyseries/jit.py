"""The one place that decides how kernels are compiled.

A kernel is a plain loop over NumPy arrays, decorated with `kernel`. The policy:

- ``nogil``: threads run kernels side by side.
- ``error_model="numpy"``: a division by zero gives inf or NaN, as in NumPy, and the check that
  would stop vectorisation is not made.
- compiled once for each combination of argument types, on first use, and kept on disk.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, overload

import numba
from numba import literal_unroll

try:
    import fcntl
except ImportError:  # Windows has no fcntl; processes there compile for themselves
    fcntl = None  # type: ignore[assignment]

__all__ = ["is_compiled", "kernel", "literal_unroll"]

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

    def decorate(f: F) -> F:
        options = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
        if inline:
            options["inline"] = "always"
        dispatcher = numba.njit(**options)(f)
        _widen_constants(dispatcher)
        if cache and fcntl is not None:
            _enable_locked_cache(dispatcher)
        return dispatcher  # type: ignore[no-any-return]

    return decorate if function is None else decorate(function)


def _widen_constants(dispatcher: Any) -> None:
    """Let a call with a constant use what is compiled for any value.

    Numba would compile a function anew for each constant that other kernels pass.
    """
    template = dispatcher.get_call_template

    def widened(arguments: Any, named: Any) -> Any:
        plain = tuple(numba.types.unliteral(a) for a in arguments)
        return template(plain, {name: numba.types.unliteral(a) for name, a in named.items()})

    dispatcher.get_call_template = widened


def is_compiled(function: Callable[..., Any]) -> bool:
    """Return whether a function is one of Numba's, which other compiled loops can call.

    Such a function has its name for other processes after this: Numba gives it when it is
    pickled first, and fails if two threads do so at once.
    """
    if not isinstance(function, numba.core.dispatcher.Dispatcher):
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
