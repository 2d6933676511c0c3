"""Small files that several writers change: each change is made to what is there at the moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from skyseries.errors import StorageError
from skyseries.store.base import Changed, Store, Taken

__all__ = ["rewrite"]

_TRIES = 100


def rewrite(store: Store, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
    """Change a file, or write one that was not there.

    Parameters
    ----------
    store : Store
    name : str
    change : callable
        Given what the file holds, None if there is none, returns what it shall hold; None: it
        stays as it is. Called again if another writer came in between.

    Raises
    ------
    StorageError
        If another writer comes in between each time.
    """
    for attempt in range(_TRIES):
        found = store.read(name)
        content = change(None if found is None else found.content)
        if content is None:
            return
        try:
            if found is None:
                store.create(name, content)
            else:
                store.replace(name, content, found.tag)
        except (Taken, Changed):
            time.sleep(random.random() * 0.01 * attempt)  # noqa: S311 - who comes first
        else:
            return
    raise StorageError(
        f"{store.path}/{name} was changed by others {_TRIES} times while it was to be written; "
        "run the same again"
    )
