"""Geometry on arrays: HEALPix cells, the sphere, matching."""
