"""A feature of the user's own: a function of one light curve that joins the registry."""

from __future__ import annotations

import inspect
import os
import threading
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from skyseries.errors import ExecutionError, InputError
from skyseries.timeseries.features.builtin import all_features, register
from skyseries.timeseries.features.registry import UNITS, Feature, Unit
from skyseries.timeseries.given import whole_number
from skyseries.timeseries.kernels.each import is_compiled, loop_over
from skyseries.timeseries.segments import Segments

__all__ = ["feature", "features_of", "function_segments", "load_features"]

F = TypeVar("F", bound=Callable[..., Any])

Arrays = tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64],
    NDArray[np.int64],
]  # fmt: skip

_making_a_loop = threading.Lock()


@overload
def feature(function: F) -> F: ...
@overload
def feature(
    *,
    name: str | Sequence[str] | None = ...,
    scope: Literal["all", "band"] = ...,
    unit: Unit | Sequence[Unit] = ...,
    min_epochs: int = ...,
    formula: str = ...,
    description: str | Sequence[str] | None = ...,
    needs_error: bool = ...,
    replace: bool = ...,
) -> Callable[[F], F]: ...
def feature(function: F | None = None, **declared: Any) -> F | Callable[[F], F]:
    """Register a function of one light curve as a feature, under its name; a decorator.

    ``compute_features``, ``Catalog.features`` and the command line then know it by its name,
    and the preset ``all`` holds it.

    Parameters
    ----------
    function : callable
        ``function(t, flux, flux_err, band)``: read-only arrays of the usable epochs in the order
        of time. `t` in days; `flux` the measured value (the magnitude, where it is one);
        `flux_err` its errors, ones where there are none; `band` the position of each epoch's band
        in the list of bands, whole numbers. Plain Python, or compiled by Numba: that is called
        from compiled code, without Python for each light curve. It gives a number, or a tuple of
        numbers; NaN (from Python also None) where it is not defined.
    name : str or sequence of str, optional
        One for each number; by default the name of the function. A feature of each band has the
        column ``{band}_{field}{name}``.
    scope : {"all", "band"}
        All bands together, or each band by itself.
    unit : str or sequence of str
        One of `skyseries.timeseries.features.registry.UNITS`.
    min_epochs : int
        With fewer usable epochs the function is not called, and the feature is NULL.
    formula : str
    description : str or sequence of str, optional
        By default the first line of the docstring.
    needs_error : bool
        Refuse light curves without errors.
    replace : bool
        Take the place of a feature of the same name, as when a notebook's cell runs again.

    Returns
    -------
    function : callable
        As it was given.

    Raises
    ------
    InputError
        For a name that is taken or no word, or an unknown unit or scope.

    Examples
    --------
    >>> @feature(unit="value", min_epochs=2)
    ... def largestStep(t, flux, flux_err, band):
    ...     "Largest difference of two successive epochs"
    ...     return abs(flux[1:] - flux[:-1]).max()
    """
    replace = bool(declared.pop("replace", False))

    def decorate(f: F) -> F:
        for made in features_of(f, **declared):
            register(made, replace=replace)
        return f

    return decorate if function is None else decorate(function)


def features_of(
    function: Callable[..., Any],
    *,
    name: str | Sequence[str] | None = None,
    scope: Literal["all", "band"] = "all",
    unit: Unit | Sequence[Unit] = "none",
    min_epochs: int = 1,
    formula: str = "",
    description: str | Sequence[str] | None = None,
    needs_error: bool = False,
) -> tuple[Feature, ...]:
    """Return a function of one light curve as features, one for each number that it gives.

    They are not registered: hand them to ``compute_features`` or ``Catalog.features``. The
    parameters are those of `feature`.
    """
    own = getattr(function, "__name__", type(function).__name__)
    single = name is None or isinstance(name, str)
    if not callable(function):
        raise InputError(f"a feature is a function of (t, flux, flux_err, band), not {function!r}")
    if not single and not isinstance(name, Iterable):
        raise InputError(f"name must be text, or several texts, not {name!r}")
    names = (own if name is None else str(name),) if single else tuple(name or ())
    if not names or not all(isinstance(n, str) and n.isidentifier() for n in names):
        raise InputError(f"features need names of letters, digits and _, not {list(names)}: name=")
    if len(set(names)) < len(names):
        raise InputError(f"the names of features must differ: {list(names)}")
    if scope not in ("all", "band"):
        raise InputError(f"the scope of a feature of one's own is 'all' or 'band', not {scope!r}")
    min_epochs = whole_number(min_epochs, "min_epochs", 0)
    units = _one_each(unit, names, "unit")
    if unknown := [u for u in units if not isinstance(u, str) or u not in UNITS]:
        raise InputError(f"unknown unit {unknown[0]!r}; there are: {', '.join(UNITS)}")
    doc = inspect.getdoc(function) or ""
    given = (
        doc.strip().split("\n")[0].rstrip(".") or names[0] if description is None else description
    )
    texts = _one_each(given, names, "description")
    is_compiled(function)  # it can be pickled by any thread from here on
    compute = _EachCurve(function, None if single else len(names), int(min_epochs))
    return tuple(
        Feature(
            names[k], texts[k], formula or f"{own}(t, x, e, band)", compute, output=k,
            scope=scope, unit=units[k],  # type: ignore[arg-type]  # checked above
            inputs=("time", "value", "error"), error_optional=not needs_error,
            min_epochs=int(min_epochs),
        )
        for k in range(len(names))
    )  # fmt: skip


def load_features(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Run a Python file that registers features of one's own; return their names.

    So do the command line's ``skyseries features --code``. Functions of the file travel to other
    processes with their code: it need not be installed there.

    Raises
    ------
    InputError
        If the file cannot be read, fails, or registers nothing.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"the path of a Python file is needed, not {path!r}")
    file = Path(path)
    before = {feature.name: feature for feature in all_features()}
    module = types.ModuleType(f"features of {file.stem}")  # not importable: pickled by value
    module.__file__ = str(file)
    try:
        exec(compile(file.read_text("utf-8"), str(file), "exec"), vars(module))  # noqa: S102
    except Exception as error:
        raise InputError(f"{file} failed: {type(error).__name__}: {error}") from error
    names = tuple(f.name for f in all_features() if before.get(f.name) is not f)
    if not names:
        raise InputError(f"{file} registers no feature: decorate a function with @feature")
    return names


def _one_each(given: str | Sequence[str], names: tuple[str, ...], what: str) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,) * len(names)
    values = tuple(given) if isinstance(given, Iterable) else (given,)
    if len(values) != len(names):
        raise InputError(f"{len(names)} names but {len(values)} values of {what}")
    return values


def function_segments(segments: Segments) -> Arrays:
    """Return the epochs that functions of one light curve are given, read-only.

    Parameters
    ----------
    segments : Segments
        The whole light curves: all bands together in the order of time; or those of each band.

    Returns
    -------
    t, value, error : (m,) arrays
    band : (m,) array
        Position of each epoch's band.
    offsets : (n + 1,) array
    """
    return segments.once(_arrays)


def _arrays(segments: Segments) -> Arrays:
    if segments.by_band is not None:
        segments, band = segments.by_band.merged
    else:
        place = np.arange(segments.size) % len(segments.bands)
        band = np.repeat(place, segments.count)
    arrays = (segments.time, segments.value, segments.error, band.astype(np.int64, copy=False))
    views = tuple(array.view() for array in arrays)
    for view in views:
        view.flags.writeable = False
    return (*views, segments.offsets)  # type: ignore[return-value]  # four and one


@dataclass(frozen=True, eq=False)
class _EachCurve:
    """Calls a function for each segment; pickled with the function."""

    function: Callable[..., Any]
    outputs: int | None
    """How long its tuples are; None: it gives a number."""
    min_epochs: int

    def __call__(self, segments: Segments) -> NDArray[np.float64]:
        *arrays, offsets = function_segments(segments)
        out = np.full((self.outputs or 1, segments.size), np.nan)
        at = np.zeros(1, np.int64)
        with np.errstate(all="ignore"):
            try:
                if is_compiled(self.function):
                    self._compiled()(*arrays, offsets, self.min_epochs, out, at)
                else:
                    self._python(tuple(arrays), offsets, out, at)
            except Exception as error:
                raise self._failure(segments, int(at[0]), error) from error
        return out

    def _python(self, arrays: Any, offsets: Any, out: Any, at: Any) -> None:
        bounds = offsets.tolist()
        for i in range(len(bounds) - 1):
            a, b = bounds[i], bounds[i + 1]
            if b - a < self.min_epochs:
                continue
            at[0] = i
            answer = self.function(*[array[a:b] for array in arrays])
            if self.outputs is None:
                out[0, i] = _number(answer)
            elif answer is not None:
                if len(answer) != self.outputs:
                    raise ValueError(f"gave {len(answer)} numbers, not {self.outputs}")
                out[:, i] = [_number(value) for value in answer]

    def _compiled(self) -> Any:
        with _making_a_loop:
            return loop_over(self.function, self.outputs is not None)

    def _failure(self, segments: Segments, at: int, error: Exception) -> Exception:
        name = getattr(self.function, "__name__", type(self.function).__name__)
        text = f"{type(error).__name__}: {error}"
        if is_compiled(self.function) and type(error).__module__.startswith("numba"):
            return InputError(
                f"the feature {name!r} cannot be compiled with arguments (t, flux, flux_err, band: "
                f"read-only arrays) and {self._answer()} as the answer: {text}"
            )
        bands = segments.bands
        where = "" if bands == (None,) else f", band {bands[at % len(bands)]!r}"
        return ExecutionError(
            f"the feature {name!r} failed for light curve {at // len(bands)} of the batch"
            f"{where}: {text}"
        )

    def _answer(self) -> str:
        return "a number" if self.outputs is None else f"a tuple of {self.outputs} numbers"


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)
