"""Regions of the sky: cones, boxes, polygons, coverage maps, cells, and what is made of them."""

from skyseries.spatial.regions.base import Region
from skyseries.spatial.regions.box import Box
from skyseries.spatial.regions.compound import Intersection, Union
from skyseries.spatial.regions.cone import Cone
from skyseries.spatial.regions.moc import Moc, Pixels
from skyseries.spatial.regions.polygon import Polygon

__all__ = ["Box", "Cone", "Intersection", "Moc", "Pixels", "Polygon", "Region", "Union"]
