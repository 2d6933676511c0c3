"""Kernels of each kind of argument and answer."""

from typing import NamedTuple

import numpy as np

from skyseries.jit import kernel


class One(NamedTuple):
    """A tuple with a name."""

    value: float


class Box(NamedTuple):
    """Arrays and tuples in one."""

    values: np.ndarray
    inner: One
    n: int


@kernel
def total(x):
    """Return a number."""
    found = 0.0
    for i in range(x.size):
        found += x[i]
    return found


@kernel(fastmath=True)
def quick_total(x):
    """Return a number, in whatever order it is summed."""
    found = np.float32(0)
    for i in range(x.size):
        found += x[i]
    return found


@kernel
def doubled(x):
    """Change in place, and return nothing."""
    for i in range(x.size):
        x[i] *= 2


@kernel
def halves(x):
    """Return arrays, one of them a part of what is given, and numbers."""
    made = np.empty(x.size // 2)
    for i in range(made.size):
        made[i] = x[i] / 2
    return made, x[made.size :], x.size, x.size % 2 == 0


@kernel
def boxed(x, n):
    """Return tuples with names."""
    return Box(x[:n].copy(), One(total(x)), n)


@kernel
def unboxed(box):
    """Take tuples with names."""
    return total(box.values) + box.inner.value * box.n


@kernel
def value_of(one):
    """Take a tuple of any class that has a value."""
    return one.value


@kernel
def powered(x, n=2):
    """Have a default."""
    return x**n


@kernel
def root(x):
    """Raise."""
    if x < 0:
        raise ValueError("x must not be negative")
    return np.sqrt(x)


@kernel
def ratio(a, b):
    """Divide."""
    return a / b


@kernel
def wrapped(word, by):
    """Compute with 64-bit words."""
    return word * np.uint64(by)


@kernel
def applied(function, x):
    """Call what is given."""
    return function(x)


_x = np.arange(101.0)
ARGUMENTS = {
    "total": [(_x,), (_x[::3],), (_x[::-1],), (np.arange(5),), (np.zeros(0),)],
    "quick_total": [(_x.astype(np.float32),)],
    "doubled": [(_x,), (np.arange(7, dtype=np.int8),), (np.asfortranarray(_x),)],
    "halves": [(_x,), (_x[::2],)],
    "boxed": [(_x, 3)],
    "unboxed": [(Box(_x, One(2.5), 3),)],
    "powered": [(2.0, 3), (np.float32(2), 3), (2, 3), (1j, 2)],
    "ratio": [(1.0, 0.0), (1, 3), (True, 2.0)],
    "wrapped": [(np.uint64(2**63 + 5), 3), (2**63 + 5, 3)],
}


def copied(arguments):
    """Return arguments with arrays of their own, laid out as they were."""
    if isinstance(arguments, np.ndarray):
        whole = arguments if arguments.base is None else arguments.base
        if whole is arguments:
            return arguments.copy(order="K")
        own = whole.copy()
        offset = arguments.ctypes.data - whole.ctypes.data
        return np.ndarray(arguments.shape, arguments.dtype, own, offset, arguments.strides)
    if isinstance(arguments, tuple):
        parts = [copied(part) for part in arguments]
        return type(arguments)(*parts) if hasattr(arguments, "_fields") else tuple(parts)
    return arguments


def bits(value):
    """Return something that is equal for the same types and bits only."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.strides, value.tobytes()
    if isinstance(value, tuple):
        return type(value).__name__, tuple(bits(part) for part in value)
    return type(value).__name__, np.asarray(value).tobytes()
