"""The import of tables as catalogs."""
