"""Checking catalogs on disk."""
