"""Functions of the operator, called when a worker starts: they register features, for instance."""

from __future__ import annotations

import importlib

from skyseries.errors import InputError

__all__ = ["call"]


def call(name: str) -> None:
    """Call a function without arguments.

    Parameters
    ----------
    name : str
        ``module:function``.

    Raises
    ------
    InputError
        If there is none.
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise InputError(f"a plug-in is named module:function, not {name!r}")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"the plug-in {name!r} cannot be found: {error}") from error
    found()
