"""Compiled loops over flat arrays and offsets: no Arrow, no pandas, no catalogs.

A *segment* is the run of epochs of one light curve in one band: ``offsets[s]:offsets[s + 1]``.
Segments of a light curve stand beside each other in the order of the bands.
"""
