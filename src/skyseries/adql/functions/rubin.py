"""Functions that Rubin's services know (scisql), and bits.

A magnitude or flux without meaning (of a flux that is not above zero, of an error below zero) is
NaN, which counts as missing; there it is NULL. Left out are those of the HTM index (``s2HtmId``,
``s2CircleHtmRanges``, ``s2CPolyHtmRanges``, ``s2HtmLevel``, ``s2CPolyToBin``), which files nothing
here, and ``getVersion``.
"""

from __future__ import annotations

from skyseries.adql.functions.signature import Function, Origin, Signature, takes
from skyseries.adql.types import Type

__all__ = ["BITS", "RUBIN"]

_FLUX = "erg.s**-1.cm**-2.Hz**-1"
_SCALE = "3.630780547701013425e-20"
"""10**(-48.6 / 2.5): the flux of AB magnitude 0 in erg/s/cm²/Hz (Oke & Gunn 1983, ApJ 266, 713)."""
_ERROR = "1.0857362047581294e0"
"""2.5 / ln 10."""
_FLUX_ERROR = "0.9210340371976183e0"
"""ln 10 / 2.5."""


def _where(condition: str, value: str, count: int) -> str:
    """Return a value where a condition holds, NaN elsewhere, NULL where an argument is NULL."""
    known = " AND ".join(f"{{{i}}} IS NOT NULL" for i in range(count))
    return f"CASE WHEN {condition} THEN {value} WHEN {known} THEN 'NaN'::DOUBLE END"


def _above(*places: int) -> str:
    return " AND ".join(f"{{{i}}} > 0 AND {{{i}}} < 'Infinity'::DOUBLE" for i in places)


def _not_below(*places: int) -> str:
    return " AND ".join(f"{{{i}}} >= 0 AND {{{i}}} < 'Infinity'::DOUBLE" for i in places)


def _hypot(one: str, other: str) -> str:
    return f"sqrt(({one}) * ({one}) + ({other}) * ({other}))"


def _photometry(name: str, doc: str, arguments: str, unit: str, sql: str, ucd: str) -> Function:
    signature = takes(arguments, Type.DOUBLE, sql, unit=unit, ucd=ucd)
    return Function(f"scisql_{name}", (signature,), doc, Origin.RUBIN)


_DN_FLUX = f"({_SCALE} * {{0}} / {{1}})"
_ZERO = "fluxMag0 double"
_DN_ERROR = "dn double, dnSigma double, fluxMag0 double, fluxMag0Sigma double"
_DN_HYPOT = _hypot("{0} * {3}", "{1} * {2}")
_AB_FLUX = "pow(1e1, -0.4e0 * ({0} + 48.6e0))"
_AB_NANOJANSKY = "pow(1e1, -0.4e0 * ({0} - 31.4e0))"
_MAG, _FLUX_UCD, _COUNT = "phot.mag", "phot.flux.density", "phot.count"
_OF_ERROR = "stat.error;"

_PHOTOMETRY = (
    _photometry("nanojanskyToAbMag", "the AB magnitude of a flux", "flux double nJy", "mag",
                _where(_above(0), "31.4e0 - 2.5e0 * log10({0})", 1), _MAG),
    _photometry("nanojanskyToAbMagSigma", "the error of the AB magnitude of a flux with its error",
                "flux double nJy, fluxSigma double nJy", "mag",
                _where("{0} > 0", f"{_ERROR} * {{1}} / {{0}}", 1), _OF_ERROR + _MAG),
    _photometry("abMagToNanojansky", "the flux of an AB magnitude", "mag double mag", "nJy",
                _AB_NANOJANSKY, _FLUX_UCD),
    _photometry("abMagToNanojanskySigma", "the error of the flux of an AB magnitude with its error",
                "mag double mag, magSigma double mag", "nJy",
                _where(_not_below(1), f"{{1}} * {_AB_NANOJANSKY} * {_FLUX_ERROR}", 2),
                _OF_ERROR + _FLUX_UCD),
    _photometry("fluxToAbMag", "the AB magnitude of a flux", f"flux double {_FLUX}", "mag",
                _where(_above(0), "-2.5e0 * log10({0}) - 48.6e0", 1), _MAG),
    _photometry("fluxToAbMagSigma", "the error of the AB magnitude of a flux with its error",
                f"flux double {_FLUX}, fluxSigma double {_FLUX}", "mag",
                _where(f"{_above(0)} AND {_not_below(1)}", f"{_ERROR} * {{1}} / {{0}}", 2),
                _OF_ERROR + _MAG),
    _photometry("abMagToFlux", "the flux of an AB magnitude", "mag double mag", _FLUX, _AB_FLUX,
                _FLUX_UCD),
    _photometry("abMagToFluxSigma", "the error of the flux of an AB magnitude with its error",
                "mag double mag, magSigma double mag", _FLUX,
                _where(_not_below(1), f"{{1}} * {_AB_FLUX} * {_FLUX_ERROR}", 2),
                _OF_ERROR + _FLUX_UCD),
    _photometry("dnToAbMag", "the AB magnitude of counts, with those of magnitude 0",
                f"dn double, {_ZERO}", "mag",
                _where(_above(0, 1), f"-2.5e0 * log10({_DN_FLUX}) - 48.6e0", 2), _MAG),
    _photometry("dnToAbMagSigma", "the error of the AB magnitude of counts, with theirs",
                _DN_ERROR, "mag",
                _where(f"{_above(0, 2)} AND {_not_below(1, 3)}",
                       f"{_ERROR} * {_DN_HYPOT} / ({{2}} * {{0}})", 4), _OF_ERROR + _MAG),
    _photometry("dnToFlux", "the flux of counts, with those of magnitude 0",
                f"dn double, {_ZERO}", _FLUX, _where(_above(1), _DN_FLUX, 2), _FLUX_UCD),
    _photometry("dnToFluxSigma", "the error of the flux of counts, with theirs", _DN_ERROR, _FLUX,
                _where(f"{_above(2)} AND {_not_below(1, 3)}",
                       f"{_SCALE} * {_DN_HYPOT} / ({{2}} * {{2}})", 4), _OF_ERROR + _FLUX_UCD),
    _photometry("fluxToDn", "the counts of a flux, with those of magnitude 0",
                f"flux double {_FLUX}, {_ZERO}", "adu",
                _where(_above(1), f"{{0}} * {{1}} / {_SCALE}", 2), _COUNT),
    _photometry("fluxToDnSigma", "the error of the counts of a flux, with theirs",
                f"flux double {_FLUX}, fluxSigma double {_FLUX}, fluxMag0 double,"
                " fluxMag0Sigma double", "adu",
                _where(f"{_above(2)} AND {_not_below(1, 3)}", f"{_DN_HYPOT} / {_SCALE}", 4),
                _OF_ERROR + _COUNT),
    _photometry("abMagToDn", "the counts of an AB magnitude, with those of magnitude 0",
                f"mag double mag, {_ZERO}", "adu",
                _where(_above(1), f"{_AB_FLUX} * {{1}} / {_SCALE}", 2), _COUNT),
    _photometry("abMagToDnSigma", "the error of the counts of an AB magnitude, with theirs",
                "mag double mag, magSigma double mag, fluxMag0 double,"
                " fluxMag0Sigma double", "adu",
                _where(f"{_above(2)} AND {_not_below(1, 3)}",
                       f"{_AB_FLUX} / {_SCALE} * "
                       + _hypot("{3}", f"{{1}} * {_FLUX_ERROR} * {{2}}"), 4), _OF_ERROR + _COUNT),
)  # fmt: skip


def _test(name: str, doc: str, *signatures: Signature) -> Function:
    return Function(f"scisql_{name}", signatures, doc, Origin.RUBIN)


_POSITION = "lon double deg, lat double deg"

_POSITIONS = (
    _test("angSep", "the angle between two positions, degrees, or between two vectors",
          takes("lon1 lon, lat1 lat, lon2 lon, lat2 lat", Type.DOUBLE, unit="deg",
                kernel="shapes.distance", ucd="pos.angDistance"),
          takes(", ".join(f"{axis}{i} double" for i in (1, 2) for axis in "xyz"), Type.DOUBLE,
                unit="deg", kernel="rubin.vector_angle", ucd="pos.angDistance")),
    _test("s2PtInCircle", "1 where a position lies in a circle, else 0",
          takes("lon lon, lat lat, centerLon lon, centerLat lat, radius double deg", Type.INTEGER,
                unit="", kernel="rubin.within")),
    _test("s2PtInBox", "1 where a position lies between right ascensions and declinations, else 0",
          takes(f"{_POSITION}, lonMin double deg, latMin double deg, lonMax double deg,"
                " latMax double deg", Type.INTEGER, unit="", kernel="rubin.within_box")),
    _test("s2PtInCPoly", "1 where a position lies in a polygon of great circles, else 0",
          takes("lon lon, lat lat, lon1 lon, lat1 lat, lon2 lon, lat2 lat, lon3 lon, lat3 lat",
                Type.INTEGER, unit="", kernel="rubin.within", repeated=2)),
    _test("s2PtInEllipse", "1 where a position lies in an ellipse, else 0",
          takes(f"{_POSITION}, centerLon double deg, centerLat double deg,"
                " semiMajorAxis double arcsec, semiMinorAxis double arcsec,"
                " positionAngle double deg", Type.INTEGER, unit="", kernel="rubin.within_ellipse")),
)  # fmt: skip

RUBIN = _PHOTOMETRY + _POSITIONS

BITS = (
    Function(
        "BITAND",
        (
            takes("a ubigint, b unsigned", Type.UBIGINT, "({0} & {1})", unit=""),
            takes("a unsigned, b ubigint", Type.UBIGINT, "({0} & {1})", unit=""),
            takes("a integer, b integer", Type.BIGINT, "({0}::BIGINT & {1}::BIGINT)", unit=""),
        ),
        "the bits that are set in both numbers",
    ),
)
