"""Saying what is about to be done, so that its kernels are compiled together."""

from __future__ import annotations

__all__ = ["expect"]

_met: set[str] = set()


def expect(*occasions: str) -> None:
    """Compile together what some occasions are known to call, where it is not compiled yet.

    Parameters
    ----------
    *occasions : str
        Such as ``import`` or ``features.Mean``: see `skyseries.jit.expected`. One that nobody
        knows is no fault: what it calls is compiled when it is called.
    """
    if _met.issuperset(occasions):
        return
    from skyseries.jit.expected import compile_for

    compile_for(occasions)
    _met.update(occasions)
