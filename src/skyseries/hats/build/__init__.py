"""Building catalogs on disk."""
