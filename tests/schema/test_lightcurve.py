"""Roles of light-curve fields: recognised, recorded, overridden."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import SchemaError
from skyseries.schema import ColumnMeta, LightCurveFields, column_meta, with_column_meta

NAMES = st.text("abcXYZ_", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["objectId", "midpointMjdTai", "band", "psfFlux", "psfFluxErr", "psfFlux_flag"],
            LightCurveFields(
                "midpointMjdTai", "band", "psfFlux", "psfFluxErr", flag="psfFlux_flag",
                time_format="mjd", time_scale="tai", refposition="topocenter", flux_unit="nJy",
            ),
        ),
        (
            ["hmjd", "mag", "magerr", "catflags", "fid"],
            LightCurveFields(
                "hmjd", "fid", mag="mag", mag_err="magerr", flag="catflags",
                time_format="mjd", time_scale="utc", refposition="heliocenter",
            ),
        ),
        (["mjd", "mag"], LightCurveFields("mjd", mag="mag", time_format="mjd")),
        (["bjd", "flux", "flux_err"], LightCurveFields(
            "bjd", flux="flux", flux_err="flux_err", time_format="jd", refposition="barycenter"
        )),
    ],
)  # fmt: skip
def test_recognised_names(names, expected):
    assert LightCurveFields.guess(names) == expected


@pytest.mark.parametrize("names", [[], ["ra", "dec"], ["mjd"], ["flux"]])
def test_what_is_no_light_curve(names):
    assert LightCurveFields.guess(names) is None


@given(
    st.fixed_dictionaries({"time": NAMES, "mag": NAMES}, optional={"band": NAMES, "flag": NAMES})
)
def test_properties_round_trip(roles):
    fields = LightCurveFields(**roles)
    kept = fields.to_properties("lc") | {"skyseries_lightcurve.lc.bands": "g r", "other": "x"}
    assert LightCurveFields.from_properties(kept, "lc") == fields
    assert LightCurveFields.from_properties(kept, "other") is None


def test_faults():
    with pytest.raises(SchemaError, match="needs a flux or a magnitude"):
        LightCurveFields("mjd")
    with pytest.raises(SchemaError, match="no field 'mag'; it has: mjd, m"):
        LightCurveFields("mjd", mag="mag").check(["mjd", "m"])


def test_column_metadata_round_trip():
    meta = ColumnMeta("nJy", "phot.flux", "Flux")
    field = with_column_meta(pa.field("x", pa.float32()), meta)
    assert column_meta(field) == meta
    assert column_meta(with_column_meta(field, ColumnMeta(unit="Jy"))) == ColumnMeta(
        "Jy", "phot.flux", "Flux"
    )
    assert column_meta(pa.field("y", pa.int64())) == ColumnMeta()
