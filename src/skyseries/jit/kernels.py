"""The decorator of kernels, and what it makes of a function."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from skyseries.jit.signatures import Key, NotPortable, key_of, portable

if TYPE_CHECKING:
    from skyseries.jit.wanted import Wanted

__all__ = ["Emitted", "Kernel", "is_compiled", "kernel"]

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
        return cast(F, Kernel(f, options, is_kept=cache))

    return decorate if function is None else decorate(function)


class Kernel:
    """A loop that runs as machine code.

    To Numba it is a dispatcher: a kernel that calls it finds ``_numba_type_`` and the options.
    """

    def __init__(
        self, function: Callable[..., Any], options: dict[str, Any], *, is_kept: bool
    ) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        self.options = options
        self._is_kept = is_kept
        self._arity = function.__code__.co_argcount
        self._ready: dict[Key, Callable[..., Any]] = {}
        self._made: Any = None
        self._is_native = True
        self._digest: str | None = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Run it."""
        if named or len(arguments) != self._arity:
            arguments = self.bound(arguments, named)
        try:
            key = key_of(arguments)
            run = self._ready.get(key) or self.prepare(key)
        except NotPortable:
            run = self._ordinary()
        return run(*arguments)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._dispatcher(), name)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Go to other processes by name, or as a whole where they cannot import it."""
        if self._has_place():
            return str(self.__qualname__)
        return _remade, (self.py_func, self.options, self._is_kept)

    @property
    def is_native(self) -> bool:
        """Whether all calls so far have run machine code that was loaded without Numba."""
        return self._is_native and bool(self._ready)

    def bound(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments of a call by position, with those that have a default."""
        bound = _signature(self.py_func).bind(*arguments, **named)
        bound.apply_defaults()
        return bound.args

    def wanted(self, key: Key) -> Wanted | None:
        """Return what names the machine code for a key; None if it cannot be kept."""
        if not self._is_kept or _is_switched_off() or not self._has_place():
            return None
        from skyseries.jit.digests import Unknown
        from skyseries.jit.wanted import Unavailable, wanted_of

        try:
            digest = self.__skyseries_digest__
            return wanted_of(self.py_func.__module__, self.__qualname__, portable(key), digest)
        except (Unavailable, Unknown):
            return None

    @property
    def __skyseries_digest__(self) -> str:
        """A name for what it is, with all that it refers to."""
        if self._digest is None:
            from skyseries.jit.digests import digest_of

            with _naming:
                if self in _named:  # it calls itself
                    return str(self.__qualname__)
                _named.append(self)
                try:
                    self._digest = digest_of(self.py_func, self.options)
                finally:
                    _named.pop()
        return self._digest

    def _has_place(self) -> bool:
        """Return whether other processes find it by its name."""
        found: Any = sys.modules.get(self.py_func.__module__)
        if not _is_importable(self.py_func.__module__):
            return False
        for part in self.__qualname__.split("."):
            found = getattr(found, part, None)
        return found is self

    def prepare(self, key: Key) -> Callable[..., Any]:
        """Return what runs calls with arguments of a key."""
        wanted = self.wanted(key)
        run = None if wanted is None else self._loaded(wanted)
        if run is None and wanted is not None and _is_built(wanted):
            run = self._loaded(wanted)
        self._ready[key] = run or self._ordinary()
        return self._ready[key]

    def _loaded(self, wanted: Wanted) -> Callable[..., Any] | None:
        from skyseries.jit import native, store

        compiled = store.kept(wanted.name)
        if compiled is None:
            return None
        try:
            return native.load(compiled, self.__qualname__, self.py_func.__globals__)
        except native.Unavailable as error:
            _warn_once(f"kernels are compiled by Numba, in this process: {error}")
            return None

    def _ordinary(self) -> Callable[..., Any]:
        self._is_native = False
        return self.py_func if _is_switched_off() else self._dispatcher()

    def _dispatcher(self) -> Any:
        with _making:
            if self._made is None:
                import numba

                dispatcher = numba.njit(**self.options, **callee_options)(self.py_func)
                _widen_constants(dispatcher)
                self._made = dispatcher
        return self._made


def _remade(function: Any, options: dict[str, Any], is_kept: bool) -> Kernel:
    return Kernel(function, options, is_kept=is_kept)


@functools.cache
def _is_importable(module: str) -> bool:
    """Return whether other processes, with the path of this one, can import a module."""
    if module == "__main__":
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):  # it was made here, by hand
        return False


_naming = threading.RLock()
_named: list[Kernel] = []
callee_options: dict[str, bool] = {}
"""More options of what other kernels call; set where it is only drafted."""
_making = threading.RLock()


def _renew_locks() -> None:
    """After a fork: another thread of the parent may have held them."""
    global _making, _naming
    _making, _naming = threading.RLock(), threading.RLock()
    _named.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


class Emitted:
    """Instructions that kernels call by a name; their module is imported to compile them only.

    Parameters
    ----------
    module, name : str
        Where there is an intrinsic of Numba's.
    *constants : int
        What the module takes from elsewhere.
    """

    def __init__(self, module: str, name: str, *constants: int) -> None:
        self.module, self.name, self.constants = module, name, constants

    def __call__(self, *arguments: Any) -> Any:
        """Fail: there is no Python of it."""
        raise TypeError(f"{self.name} can be called by compiled kernels only")

    @property
    def __skyseries_digest__(self) -> str:
        """A name for the instructions: they stand in a file of their own."""
        source = importlib.util.find_spec(self.module)
        if source is None or source.origin is None:
            raise TypeError(f"{self.module} is not in a file")
        text = hashlib.sha256(Path(source.origin).read_bytes()).hexdigest()
        return f"{self.name} {self.constants} {text}"

    @property
    def _numba_type_(self) -> Any:
        from numba.core.registry import cpu_target

        intrinsic = getattr(importlib.import_module(self.module), self.name)
        context = cpu_target.typing_context
        context.refresh()  # the intrinsic may be new to it
        return context.resolve_value_type(intrinsic)


_signature = functools.cache(inspect.signature)


def _is_switched_off() -> bool:
    """Return whether all is to be run by Python, to look for faults."""
    try:
        return int(os.environ.get("NUMBA_DISABLE_JIT", 0)) != 0
    except ValueError:  # as Numba reads it
        return False


def _is_built(wanted: Wanted) -> bool:
    """Compile a kernel; False if it cannot be, which Numba will say better in this process."""
    from skyseries.jit.builders import build

    try:
        return not build([wanted])
    except OSError as error:
        _warn_once(f"kernels are compiled in this process, and not kept: {error}")
        return False


@functools.cache
def _warn_once(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=5)


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
