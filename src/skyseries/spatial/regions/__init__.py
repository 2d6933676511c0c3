"""Regions of the sky: cones, boxes, polygons, coverage maps, cells, and what is made of them."""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.spatial.regions.base import Region
    from skyseries.spatial.regions.box import Box
    from skyseries.spatial.regions.compound import Intersection, Union
    from skyseries.spatial.regions.cone import Cone
    from skyseries.spatial.regions.moc import Moc, Pixels
    from skyseries.spatial.regions.polygon import Polygon

__all__ = ["Box", "Cone", "Intersection", "Moc", "Pixels", "Polygon", "Region", "Union"]

__getattr__, __dir__ = names_on_use(
    __name__,
    {
        "base": "Region",
        "box": "Box",
        "compound": "Intersection Union",
        "cone": "Cone",
        "moc": "Moc Pixels",
        "polygon": "Polygon",
    },
)
