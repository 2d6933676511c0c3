"""The functions of positions and regions of ADQL 2.1 (section 4.2), and coverage maps.

Degrees throughout, ICRS. A pair of coordinates becomes a point (see `calls`), so each function
has one evaluation.
"""

from __future__ import annotations

from typing import Any

from skyseries.adql.functions.signature import Function, Origin, Signature, takes
from skyseries.adql.types import Type

__all__ = ["GEOMETRY"]


def _function(name: str, doc: str, *signatures: Signature) -> Function:
    return Function(name, signatures, doc, Origin.ADQL)


def _made(arguments: list[str], result: Type, **rest: Any) -> list[Signature]:
    """Return signatures with and without the name of a frame before the others."""
    return [
        takes(f"{frame}{a}", result, **rest) for frame in ("", "coosys coosys, ") for a in arguments
    ]


_VERTICES = "lon1 lon, lat1 lat, lon2 lon, lat2 lat, lon3 lon, lat3 lat"

GEOMETRY = (
    _function("POINT", "a position: right ascension and declination",
              *_made(["lon lon, lat lat"], Type.POINT, ucd="pos.eq")),
    _function("CIRCLE", "the positions within a radius of a centre",
              *_made(["lon lon, lat lat, radius double deg", "centre point, radius double deg"],
                     Type.CIRCLE, kernel="shapes.circle")),
    _function("BOX",
              "a polygon around a cross: its arms, width and height long, run east and north from"
              " the centre, and great circles cross their ends at right angles",
              *_made(["lon lon, lat lat, width double deg, height double deg",
                      "centre point, width double deg, height double deg"],
                     Type.POLYGON, kernel="shapes.box")),
    _function("POLYGON",
              "the smaller area that great circles between three vertices or more enclose",
              *_made([_VERTICES], Type.POLYGON, kernel="shapes.polygon", repeated=2),
              *_made(["v1 point, v2 point, v3 point"], Type.POLYGON, kernel="shapes.polygon",
                     repeated=1)),
    _function("REGION",
              "what a text in STC-S describes: POSITION, CIRCLE, BOX or POLYGON, in ICRS",
              takes("stcs literal", Type.POLYGON)),
    Function("MOC", (takes("moc literal", Type.MOC),),
             "a coverage map, written as '3/1-4 5/77' (order/cells, NESTED)"),
    _function("DISTANCE", "the angle between two positions, degrees",
              takes("lon1 lon, lat1 lat, lon2 lon, lat2 lat", Type.DOUBLE, unit="deg",
                    kernel="shapes.distance", ucd="pos.angDistance"),
              takes("p1 point, p2 point", Type.DOUBLE, unit="deg", kernel="shapes.distance",
                    ucd="pos.angDistance")),
    _function("CONTAINS", "1 where the first lies in the second, whose border counts, else 0",
              takes("inner point, outer region", Type.INTEGER, unit="",
                    kernel="relations.contains"),
              takes("inner figure, outer figure", Type.INTEGER, unit="",
                    kernel="relations.contains")),
    _function("INTERSECTS", "1 where both have a position in common, else 0",
              *(takes(pair, Type.INTEGER, unit="", kernel="relations.intersects")
                for pair in ("a figure, b figure", "a point, b region", "a region, b point"))),
    _function("AREA", "square degrees",
              takes("g shape", Type.DOUBLE, unit="deg2", kernel="shapes.area",
                    ucd="phys.angArea")),
    _function("CENTROID", "the middle of an area",
              takes("g point", Type.POINT, kernel="shapes.centroid", ucd="pos.eq"),
              takes("g figure", Type.POINT, kernel="shapes.centroid", ucd="pos.eq")),
    _function("COORD1", "the right ascension of a position",
              takes("p point", Type.DOUBLE, unit="deg", kernel="shapes.longitude",
                    ucd="pos.eq.ra")),
    _function("COORD2", "the declination of a position",
              takes("p point", Type.DOUBLE, unit="deg", kernel="shapes.latitude",
                    ucd="pos.eq.dec")),
    _function("COORDSYS", "the frame of a geometry: ICRS, of a missing one too",
              takes("g shape", Type.TEXT)),
)  # fmt: skip
