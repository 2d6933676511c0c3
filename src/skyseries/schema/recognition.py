"""What columns are by their names: the one table of names that surveys and archives use.

Small and capital letters do not matter, unless two columns differ in them only: then the exact
name wins. Of several known names the first in the table is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "FLUX_UNITS",
    "NAMES",
    "POSITION_NAMES",
    "TIMES",
    "find_error",
    "find_id",
    "find_name",
    "find_position",
    "flux_unit_of",
    "unused_errors",
]

POSITION_NAMES: tuple[tuple[str, str], ...] = (
    ("ra", "dec"), ("coord_ra", "coord_dec"), ("RA_ICRS", "DE_ICRS"), ("RAJ2000", "DEJ2000"),
    ("_RAJ2000", "_DEJ2000"), ("ra_deg", "dec_deg"), ("RAdeg", "DEdeg"), ("s_ra", "s_dec"),
    ("raMean", "decMean"), ("meanra", "meandec"), ("raStack", "decStack"), ("objra", "objdec"),
    ("ra_j2000", "dec_j2000"), ("ra2000", "dec2000"), ("ALPHA_J2000", "DELTA_J2000"),
    ("ALPHAWIN_J2000", "DELTAWIN_J2000"), ("_RA", "_DE"), ("RA", "Decl"), ("ra_icrs", "dec_icrs"),
    ("right_ascension", "declination"), ("RightAscension", "Declination"),
)  # fmt: skip
"""Columns of right ascension and declination: Rubin, Gaia, VizieR, Pan-STARRS, ZTF, SExtractor,
CRTS."""

NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "objectId", "diaObjectId", "object_id", "objId", "obj_id", "source_id", "oid", "ztf_id",
        "star_id", "asas_sn_id", "MasterID", "LINEARobjectID", "id",
    ),
    "time": (
        "midpointMjdTai", "midPointTai", "expMidptMJD", "obsStartMJD",
        "hmjd", "mjd", "obsmjd", "mjd_obs", "expmjd", "mean_mjd", "bmjd", "bmjd_tdb",
        "bjd_tdb", "bjd", "btjd", "bkjd", "hjd", "jd", "obsTime", "obs_time", "time", "t",
    ),
    "band": (
        "band", "filterName", "filter", "passband", "fid", "filtercode", "filter_id", "filterID",
        "filter_name", "filt", "bandpass",
    ),
    "flux": (
        "psfFlux", "psFlux", "psfDiffFlux", "forcediffimflux", "PDCSAP_FLUX", "SAP_FLUX",
        "flux", "uJy",
    ),
    "mag": ("psfMag", "mag", "magpsf", "magnitude", "mag_psf"),
    "flag": ("psfFlux_flag", "catflags", "flag", "flags", "quality", "sap_quality"),
}  # fmt: skip
"""Names by role, the more specific first: Rubin (DP0.2, DP1, APDB), ZTF, ATLAS, ASAS and CRTS,
TESS and Kepler, Pan-STARRS, Gaia, then plain words."""

_TAI_HERE = {"time_format": "mjd", "time_scale": "tai", "refposition": "topocenter"}
TIMES: dict[str, dict[str, str]] = {
    "midpointmjdtai": _TAI_HERE,
    "midpointtai": _TAI_HERE,
    "expmidptmjd": _TAI_HERE,
    "obsstartmjd": _TAI_HERE,
    "hmjd": {"time_format": "hmjd", "time_scale": "utc"},
    "mjd": {"time_format": "mjd"},
    "obsmjd": {"time_format": "mjd"},
    "mjd_obs": {"time_format": "mjd"},
    "expmjd": {"time_format": "mjd"},
    "mean_mjd": {"time_format": "mjd"},
    "bmjd": {"time_format": "bmjd"},
    "bmjd_tdb": {"time_format": "bmjd_tdb"},
    "hjd": {"time_format": "hjd"},
    "bjd": {"time_format": "bjd"},
    "bjd_tdb": {"time_format": "bjd_tdb"},
    "btjd": {"time_format": "btjd"},
    "bkjd": {"time_format": "bkjd"},
    "jd": {"time_format": "jd"},
}
"""What a name (in small letters) says of its times: Rubin's data products; ZTF's, TESS's and
Kepler's documentation. The formats are those of `schema.times`."""

FLUX_UNITS = {"psfflux": "nJy", "psflux": "nJy", "psfdiffflux": "nJy", "ujy": "uJy"}
"""Units that go without saying (names in small letters)."""
PAN_STARRS_TIME = "obstime"
"""Beside it the fluxes are those of Pan-STARRS, in Jy (its table Detection)."""

_ERROR_FORMS = (
    "{}Err", "{}_err", "{}err", "{}_error", "{}Error", "{} err", "{} error", "err_{}", "e_{}",
    "{}_unc", "{}unc", "{}_uncertainty", "{}_sigma", "sigma_{}", "sigma{}", "sig{}", "d{}",
    "{}_std",
)  # fmt: skip
_OWN_ERRORS = {
    "magpsf": ("sigmapsf",),
    "magnitude": ("magerr", "mag_err"),
    "mag_psf": ("sigmapsf",),
}
_PLAIN_ERRORS = ("error", "err", "e", "sigma", "uncertainty", "unc", "dy")
_IS_ERROR = re.compile(
    r"(?i:(^|_|\b)(err|error|sigma|unc|uncertainty|rms)(_|\b|$)|err(or)?$|^(e|err|sig)_)|Err[A-Z]"
)


def find_name(role: str, available: Iterable[str]) -> str | None:
    """Return the column of a role of `NAMES`; None if there is none."""
    return _first(NAMES[role], list(available))


def find_id(available: Iterable[str]) -> str | None:
    """Return the column of the object's id; None if there is none."""
    return find_name("id", available)


def find_position(
    available: Iterable[str], is_number: Callable[[str], bool] | None = None
) -> tuple[str, str] | None:
    """Return the columns of right ascension and declination; None if there are none.

    Parameters
    ----------
    available : iterable of str
    is_number : callable, optional
        Pairs of columns that are no numbers (hours, minutes and seconds as text) are taken only
        if there are no others.
    """
    available = list(available)
    found = []
    for pair in POSITION_NAMES:
        ra, dec = (_first((name,), available) for name in pair)
        if ra is not None and dec is not None:
            found.append((ra, dec))
    if is_number is not None:
        found.sort(key=lambda pair: not all(map(is_number, pair)))
    return found[0] if found else _parts_of_one(available)


def _parts_of_one(available: list[str]) -> tuple[str, str] | None:
    """Return the two columns as which astropy writes the only SkyCoord of a table."""
    ends = (".ra", ".dec")
    pairs = [
        (name, name.removesuffix(ends[0]) + ends[1]) for name in available if name.endswith(ends[0])
    ]
    found = [pair for pair in pairs if pair[1] in available]
    return found[0] if len(found) == 1 else None


def find_error(value: str, available: Iterable[str], *, alone: bool = True) -> str | None:
    """Return the column of the errors of a value; None if there is none.

    Parameters
    ----------
    value : str
    available : iterable of str
    alone : bool
        There is no other value, so a plain ``error`` is this one's.
    """
    own = _OWN_ERRORS.get(value.lower(), ())
    names = (*own, *(form.format(value) for form in _ERROR_FORMS))
    return _first((*names, *(_PLAIN_ERRORS if alone else ())), list(available))


def flux_unit_of(flux: str | None, available: Iterable[str]) -> str | None:
    """Return the unit that the name of a flux says, beside the other names; None: nothing."""
    unit = FLUX_UNITS.get((flux or "").lower())
    return "Jy" if unit == "nJy" and PAN_STARRS_TIME in _by_lower(list(available)) else unit


def unused_errors(available: Iterable[str], used: Iterable[str | None]) -> list[str]:
    """Return the columns that look like errors and are not used."""
    taken = set(used)
    return [name for name in available if name not in taken and _IS_ERROR.search(name)]


def _first(names: Iterable[str], available: list[str]) -> str | None:
    lower = _by_lower(available)
    for name in names:
        if name in available:
            return name
        if (alike := lower.get(name.lower())) is not None and len(alike) == 1:
            return alike[0]
    return None


def _by_lower(available: list[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in available:
        found.setdefault(name.lower(), []).append(name)
    return found
