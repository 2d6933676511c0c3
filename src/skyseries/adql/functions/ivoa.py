"""The IVOA's catalogue of user-defined functions (Endorsed Note 1.2).

Left out: ``ivo_simbadpoint``, which asks a service on the network. ``ivo_string_agg`` and
``ivo_histogram`` are aggregates.
"""

from __future__ import annotations

from skyseries.adql.functions.signature import Function, Origin, Signature, takes
from skyseries.adql.types import Type

__all__ = ["IVOA"]


def _function(name: str, doc: str, *signatures: Signature) -> Function:
    return Function(f"ivo_{name}", signatures, doc, Origin.IVOA)


_WORDS = r"regexp_extract_all(lower({%d}), '[\p{{L}}\p{{N}}]+')"
_OVERLAPS = "CAST({0} <= {1} AND {2} <= {3} AND {0} <= {3} AND {2} <= {1} AS INTEGER)"
_NUMBERS = " AND ".join(f"{{{i}}} <= 'Infinity'::DOUBLE" for i in range(4))
_PRESENT = " AND ".join(f"{{{i}}} IS NOT NULL" for i in range(4))
_DAYS = "(epoch_us(CAST({0} AS TIMESTAMP)) / 86400e6 + %s)"

IVOA = (
    _function("healpix_index",
              "the HEALPix cell of a position, NESTED, of an order from 0 to 29; else NULL",
              takes("hpxOrder integer, lon lon, lat lat", Type.BIGINT, unit="",
                    kernel="sky.healpix_index", ucd="pos.healpix"),
              takes("hpxOrder integer, p point", Type.BIGINT, unit="",
                    kernel="sky.healpix_index", ucd="pos.healpix")),
    _function("healpix_center", "the centre of a HEALPix cell, NESTED; NULL if there is none",
              takes("hpxOrder integer, hpxIndex integer", Type.POINT,
                    kernel="sky.healpix_center", ucd="pos.eq")),
    _function("epoch_prop_pos",
              "where a star is at another epoch, moving straight; a missing parallax, motion or"
              " velocity counts as 0, and without position or epochs it is NULL",
              takes("ra double deg, dec double deg, parallax double mas, pmra double mas/yr,"
                    " pmdec double mas/yr, radial_velocity double km/s, ref_epoch double yr,"
                    " out_epoch double yr", Type.POINT, kernel="sky.propagated", ucd="pos.eq")),
    _function("geom_transform",
              "a geometry in another frame: ICRS, FK5 (J2000), FK4 (B1950), GALACTIC or ECLIPTIC"
              " (J2000)",
              *(takes(f"from_sys literal, to_sys literal, geo {kind}", None,
                      kernel="sky.transformed") for kind in ("point", "figure"))),
    _function("to_jd", "the Julian Date of a time",
              takes("d timestamp", Type.DOUBLE, _DAYS % "2440587.5e0", unit="d",
                    ucd="time.epoch")),
    _function("to_mjd", "the Modified Julian Date of a time",
              takes("d timestamp", Type.DOUBLE, _DAYS % "40587e0", unit="d", ucd="time.epoch")),
    _function("nocasematch", "1 where a text is like a pattern, whatever the case, else 0",
              takes("value text, pattern text", Type.INTEGER, "CAST({0} ILIKE {1} AS INTEGER)",
                    unit="")),
    _function("hasword",
              "1 where each word of the second text (letters and digits) is one of the first,"
              " whatever the case, else 0",
              takes("haystack text, needle text", Type.INTEGER,
                    f"CAST(list_has_all({_WORDS % 0}, {_WORDS % 1}) AS INTEGER)", unit="")),
    _function("hashlist_has",
              "1 where a word is one of those that hash signs separate, whatever the case, else 0",
              takes("hashlist text, item text", Type.INTEGER,
                    "CAST(list_contains(string_split(lower({0}), '#'), lower({1})) AS INTEGER)",
                    unit="")),
    _function("normal_random", "a random number of a normal distribution",
              takes("mu double, sigma double", Type.DOUBLE,
                    "{0} + {1} * sqrt(-2e0 * ln(1e0 - random())) * cos(2e0 * pi() * random())",
                    unit="same")),
    _function("interval_overlaps",
              "1 where the intervals a1 to b1 and a2 to b2 have a value in common, else 0",
              takes("a1 integer, b1 integer, a2 integer, b2 integer", Type.INTEGER,
                    f"CASE WHEN {_PRESENT} THEN {_OVERLAPS} END", unit=""),
              takes("a1 double, b1 double, a2 double, b2 double", Type.INTEGER,
                    f"CASE WHEN {_NUMBERS} THEN {_OVERLAPS} END", unit="")),
    _function("hms_to_degrees",
              "an angle in hours: '3:34:45.4', '3h34m45.4s' or '033445.4'; else NULL",
              takes("hms text", Type.DOUBLE, unit="deg", kernel="text.hms")),
    _function("dms_to_degrees",
              "an angle in degrees: '-0:15:00', '-0d15m0s' or '-001500'; else NULL",
              takes("dms text", Type.DOUBLE, unit="deg", kernel="text.dms")),
)  # fmt: skip
