"""Summaries of whole catalogs: computed in parts, one for each unit of work, and merged."""
