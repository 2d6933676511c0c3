"""`Catalog`: a lazy plan over the partitions of a HATS catalog."""

from skyseries.catalog.catalog import Catalog
from skyseries.catalog.opening import from_table, open_catalog

__all__ = ["Catalog", "from_table", "open_catalog"]
