"""Where catalogs are kept: files of any place read, and the few ways in which they are written."""
