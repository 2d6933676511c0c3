"""Functions of the operator, called when a worker starts: they register features, for instance."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from skyseries.errors import InputError

__all__ = ["function_of"]


def function_of(plugin: str) -> Callable[[], object]:
    """Return the function that ``module:function`` names.

    Raises
    ------
    InputError
        If there is none.
    """
    module, _, name = plugin.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"there is no plugin {plugin!r} (MODULE:FUNCTION): {error}") from error
    if not callable(found):
        raise InputError(f"the plugin {plugin!r} is no function")
    return found
