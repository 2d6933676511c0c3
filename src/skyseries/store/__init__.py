"""Where catalogs are kept: files of any place read, and the few ways in which they are written."""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.store.base import Changed, Entry, Found, Store, Taken
    from skyseries.store.create import store_at
    from skyseries.store.rewriting import rewrite

__all__ = ["Changed", "Entry", "Found", "Store", "Taken", "rewrite", "store_at"]

__getattr__, __dir__ = names_on_use(
    __name__,
    {
        "base": "Changed Entry Found Store Taken",
        "create": "store_at",
        "rewriting": "rewrite",
    },
)
