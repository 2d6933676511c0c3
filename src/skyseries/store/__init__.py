"""Where catalogs are kept: files of any place read, and the few ways in which they are written."""

from skyseries.store.base import Changed, Entry, Found, Store, Taken
from skyseries.store.create import store_at
from skyseries.store.rewriting import rewrite

__all__ = ["Changed", "Entry", "Found", "Store", "Taken", "rewrite", "store_at"]
