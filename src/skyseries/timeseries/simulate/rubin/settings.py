"""Where, when and how deep each data release is simulated, and which ids are to be found in it.

The fields are those of the releases and of Rubin's tutorials; so are the ids, and two of them are
of Rubin's own talks: an Object whose forced photometry is looked up, and a DiaObject with 74
DiaSources.
"""

from __future__ import annotations

from typing import NamedTuple

from skyseries.errors import InputError
from skyseries.schema.roles import did_you_mean
from skyseries.schema.rubin import RELEASES

__all__ = ["SETTINGS", "Field", "Setting", "setting_of"]


class Field(NamedTuple):
    """A part of the sky that is looked at again and again."""

    ra: float
    dec: float
    radius: float
    """Degrees; in which its objects lie."""
    share: float
    """Of the objects."""
    visits: int
    more: tuple[tuple[float, str], ...] = ()
    """Visits at times and in bands that Rubin's tutorials look for."""


class Setting(NamedTuple):
    """What is simulated of a release."""

    name: str
    start_mjd: float
    years: float
    fields: tuple[Field, ...]
    """The first one and the last one hold what is planted; the last one is far from the first."""
    side: int
    """Detectors along a side of the camera."""
    visit_ids: int | None
    """Number of the first visit; None: visits are numbered by their nights."""
    first_id: int
    """Of the Objects."""
    group: tuple[float, float]
    """Where some point sources lie close together, bright in all bands."""
    star: tuple[float, float]
    object_id: int
    """Of a variable whose light curve is long."""
    dia_object_id: int
    """Of a DiaObject with 74 DiaSources."""
    blend_id: int
    """Of an Object that was parted into many."""
    ss_object_ids: tuple[int, ...]
    """Of moving objects; there are none where it is empty."""


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            "dp02_dc2_catalogs", 59582.0, 5.0,
            (
                Field(62.0, -37.0, 0.6, 0.6, 480),
                Field(61.863, -35.79, 0.4, 0.2, 120),
                Field(57.5, -36.5, 0.4, 0.1, 60),
                Field(72.5, -40.0, 0.4, 0.1, 480),
            ),
            side=15, visit_ids=192_350, first_id=1_248_640_588_874_548_987,
            group=(62.0, -37.0), star=(61.989258, -37.005119),
            object_id=1_651_589_610_221_899_038, dia_object_id=1_736_269_597_746_659_594,
            blend_id=1_252_220_598_734_559_348, ss_object_ids=(),
        ),
        Setting(
            "dp1", 60603.0, 0.134,
            (
                Field(53.13, -28.10, 0.4, 0.6, 240, ((60623.256, "r"), (60623.264, "r"))),
                Field(59.10, -48.73, 0.4, 0.1, 60),
                Field(95.00, -25.00, 0.4, 0.1, 60),
                Field(37.86, 6.98, 0.4, 0.1, 60),
                Field(6.02, -72.08, 0.4, 0.1, 240),
            ),
            side=3, visit_ids=None, first_id=609_781_520_902_651_937,
            group=(53.0, -28.0), star=(53.128137, -28.103526),
            object_id=611_255_759_837_069_401, dia_object_id=611_256_447_031_836_758,
            blend_id=611_254_385_447_535_133,
            ss_object_ids=(21_163_620_217_073_748, 23_133_931_615_301_936),
        ),
        Setting(
            "dp2", 60790.0, 0.75,
            (
                Field(53.13, -28.10, 0.6, 0.5, 240, ((60880.4, "r"),)),
                Field(150.1, 2.1, 0.5, 0.2, 120, ((60819.02, "r"), (60819.03, "i"))),
                Field(186.7, -7.0, 0.4, 0.1, 60),
                Field(105.0, -27.0, 0.4, 0.1, 60),
                Field(6.02, -72.08, 0.4, 0.1, 240),
            ),
            side=15, visit_ids=None, first_id=579_574_701_371_523_521,
            group=(53.0, -28.0), star=(53.128137, -28.103526),
            object_id=579_575_319_846_814_112, dia_object_id=579_576_831_675_302_954,
            blend_id=579_574_907_530_010_633,
            ss_object_ids=(21_163_615_737_558_602,),
        ),
    )
}  # fmt: skip


def setting_of(release: str) -> Setting:
    """Return what is simulated of a release.

    Raises
    ------
    InputError
        If there is none of this name; names the nearest.
    """
    if release not in SETTINGS:
        near = did_you_mean(release, RELEASES) or f"; there are {', '.join(RELEASES)}"
        raise InputError(f"there is no data release {release!r}{near}")
    return SETTINGS[release]
