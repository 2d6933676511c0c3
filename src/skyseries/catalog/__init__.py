"""`Catalog`: a lazy plan over the partitions of a HATS catalog."""

from skyseries.catalog.catalog import Catalog
from skyseries.catalog.opening import open_catalog

__all__ = ["Catalog", "open_catalog"]
