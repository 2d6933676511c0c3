"""A compiled loop around a compiled function of one light curve."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from skyseries.jit import is_compiled, kernel

__all__ = ["is_compiled", "loop_over"]

_KEPT = 64
"""Loops that are remembered: the functions of a long session in a notebook do not pile up."""


@lru_cache(_KEPT)
def loop_over(function: Any, is_tuple: bool) -> Any:
    """Return a compiled loop that calls a compiled function for each segment.

    It is made for this one function, so that the call can be inlined and both are forgotten
    together.

    Parameters
    ----------
    function : Numba dispatcher
        ``function(t, x, e, band)`` gives a number or a tuple of numbers.
    is_tuple : bool

    Returns
    -------
    loop : callable
        ``loop(t, x, e, band, offsets, min_epochs, out, at)`` fills the columns of `out`, (k, n),
        of the segments with min_epochs or more; ``at[0]`` is the segment that it is at, also
        when the function raises.
    """
    from numba import literal_unroll

    @kernel(cache=False)
    def number(t, x, e, band, offsets, min_epochs, out, at):  # type: ignore[no-untyped-def]
        for i in range(offsets.size - 1):
            a, b = offsets[i], offsets[i + 1]
            if b - a >= min_epochs:
                at[0] = i
                out[0, i] = function(t[a:b], x[a:b], e[a:b], band[a:b])

    @kernel(cache=False)
    def numbers(t, x, e, band, offsets, min_epochs, out, at):  # type: ignore[no-untyped-def]
        for i in range(offsets.size - 1):
            a, b = offsets[i], offsets[i + 1]
            if b - a >= min_epochs:
                at[0] = i
                answer = function(t[a:b], x[a:b], e[a:b], band[a:b])
                if len(answer) != out.shape[0]:
                    raise ValueError("the tuple has another length than there are names")
                k = 0
                for value in literal_unroll(answer):
                    out[k, i] = value
                    k += 1  # noqa: SIM113 - Numba unrolls no enumerate

    return numbers if is_tuple else number
