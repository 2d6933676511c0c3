"""What arguments a kernel is called with, as a key: the types that its machine code is made for.

Two calls with equal keys have equal types to Numba. A key is made without Numba in a microsecond;
its portable form, of texts and numbers only, is what other processes and files understand.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["Key", "NotPortable", "Portable", "key_of", "portable", "types_of"]

Key = tuple[Any, ...]
"""For each argument: a letter of a Python number, (dtype) of a NumPy number, (dtype, dimensions,
flags) of an array, (class, key) of a tuple."""
Portable = tuple[Any, ...]
"""A key with ``module:name:fields`` in the place of classes."""

_CONTIGUOUS, _FORTRAN, _ALIGNED, _WRITEABLE = 0x1, 0x2, 0x100, 0x400
_FLAGS = _CONTIGUOUS | _FORTRAN | _ALIGNED | _WRITEABLE
_WORD = 2**63
_NUMBERS = "biufcmM"
"""Kinds of NumPy's numbers and times."""
_LETTERS: dict[type, str] = {bool: "?", float: "f", complex: "c", type(None): "n"}


class NotPortable(TypeError):
    """An argument has no key, such as a function: Numba itself looks at it."""


def key_of(arguments: Iterable[Any]) -> Key:
    """Return the key of the arguments of a call.

    Raises
    ------
    NotPortable
        If there is none.
    """
    return tuple([_part(argument) for argument in arguments])


def _part(argument: Any) -> Any:
    kind = type(argument)
    if kind is np.ndarray:
        dtype = argument.dtype
        if dtype.kind in "VO":
            raise NotPortable(f"an array of {dtype} has no key")
        flags = argument.flags.num & _FLAGS
        # a row is contiguous in both ways, and to Numba no other than a table
        return dtype.str, argument.ndim, flags & ~_FORTRAN if flags & _CONTIGUOUS else flags
    if kind is int:
        return "i" if -_WORD <= argument < _WORD else "I"
    letter = _LETTERS.get(kind)
    if letter is not None:
        return letter
    if isinstance(argument, np.generic) and argument.dtype.kind in _NUMBERS:
        return (argument.dtype.str,)
    if isinstance(argument, tuple):
        return kind, key_of(argument)
    raise NotPortable(f"{kind.__name__} has no key")


def portable(key: Any) -> Any:
    """Return the portable form of a key, or of what was read from JSON."""
    if isinstance(key, (tuple, list)):
        return tuple(portable(part) for part in key)
    if isinstance(key, type):
        return f"{key.__module__}:{key.__qualname__}:{','.join(getattr(key, '_fields', ()))}"
    return key


def types_of(key: Portable) -> tuple[Any, ...]:
    """Return the types of a key as Numba's."""
    return tuple(_type(part) for part in key)


def _type(part: Any) -> Any:
    from numba import from_dtype, types

    letters = {
        "i": types.intp, "I": types.uint64, "?": types.boolean, "f": types.float64,
        "c": types.complex128, "n": types.none,
    }  # fmt: skip
    if isinstance(part, str):
        return letters[part]
    if len(part) == 2:
        return types.BaseTuple.from_types(types_of(part[1]), _class(part[0]))
    element = from_dtype(np.dtype(part[0]))
    if len(part) == 1:
        return element
    _, ndim, flags = part
    layout = "C" if flags & _CONTIGUOUS else "F" if flags & _FORTRAN else "A"
    return types.Array(
        element, ndim, layout, readonly=not flags & _WRITEABLE, aligned=bool(flags & _ALIGNED)
    )


def _class(name: str) -> Any:
    module, qualname, _ = name.split(":")
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    if portable(found) != name:
        raise TypeError(f"{portable(found)} is not {name}")
    return found
