"""What a light curve computes itself is what a column of it gives, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skyseries.errors import InputError, SchemaError
from skyseries.schema import LightCurveFields
from skyseries.timeseries import (
    LightCurve,
    as_lightcurve,
    compute_features,
    compute_periods,
    to_nested,
)
from tests.timeseries.build import FLUX, MAG, column, sinusoid

LIMITS: dict[str, Any] = {"min_period": 1.0, "max_period": 5.0}
FLAGGED = FLUX.override(flag="bad", time_format="mjd", time_scale="tai")


def row(seed: int) -> dict[str, Any]:
    made = sinusoid(np.random.default_rng(seed), 80, 2.5, span=100)
    made["flag"] = np.arange(80) % 9 == 0
    made["band"] = [None if k % 13 == 0 else band for k, band in enumerate(made["band"])]
    made["value"] = [float("nan") if k % 17 == 0 else v for k, v in enumerate(made["value"])]
    return made


@pytest.mark.parametrize("fields", [FLUX, MAG, FLAGGED])
@pytest.mark.parametrize("value_type", [pa.float32(), pa.float64()])
@pytest.mark.parametrize("features", [None, ["lcNonPeriodic", "timeSpan"], ["dp1"]])
def test_features_are_those_of_a_column(
    fields: LightCurveFields, value_type: pa.DataType, features: Any
) -> None:
    if features == ["dp1"] and fields is MAG:
        features = ["Mean", "StetsonJ"]
    nested = column([row(1), row(2)], fields, value_type=value_type)
    wanted = compute_features(nested, fields, features, bands=["g", "r", "i"]).to_pylist()
    for k in range(2):
        curve = LightCurve.from_struct(nested[k], fields)
        found = curve.features(features)
        assert list(found) == list(wanted[k])
        assert found == wanted[k]


def test_periods_are_those_of_a_column() -> None:
    nested = column([row(1), row(2)], FLAGGED)
    bands = ["g", "r", "i"]
    wanted = compute_periods(nested, FLAGGED, n_peaks=3, bands=bands, **LIMITS).to_pylist()
    for k in range(2):
        curve = LightCurve.from_struct(nested[k], FLAGGED)
        assert curve.periods(n_peaks=3, **LIMITS) == wanted[k]
        assert len(curve.periods(n_peaks=3, **LIMITS)["period_peaks"]) == 3


def test_columns_of_light_curves() -> None:
    nested = column([row(1), row(2), row(3)], FLAGGED)
    curves = [LightCurve.from_struct(nested[k], FLAGGED) for k in range(3)]
    made, fields = to_nested(iter(curves))
    assert fields == FLAGGED
    assert compute_periods(made, fields, **LIMITS).equals(
        compute_periods(nested, FLAGGED, **LIMITS)
    )


def test_arrays_without_a_role_are_not_lost() -> None:
    fields = LightCurveFields(time="t", mag="m")
    t, y = np.arange(9.0), np.sin(np.arange(9.0))
    curve = LightCurve(t, y, fields, 0.1, "g", t > 7)
    assert curve.to_arrow().column_names == ["t", "band", "m", "m_err", "flag"]
    found = curve.features(["nExcluded", "MeanErr"])
    assert found == {"nExcluded": 1, "g_mMeanErr": pytest.approx(0.1 / np.sqrt(8))}
    bare = LightCurve(t, y, MAG).features(["nObs"])  # its fields name errors and bands
    assert bare == {"nObs": 9}


def test_default_bands_are_its_own() -> None:
    t, y = np.arange(9.0), np.sin(np.arange(9.0))
    curve = as_lightcurve(t, y, 0.1, ["V", "I", "V"] * 3, magnitude=True)
    assert list(curve.features(["Mean"])) == ["I_magMean", "V_magMean"]
    assert list(curve.features(["Mean"], bands=["V"])) == ["V_magMean"]
    with pytest.warns(UserWarning, match="no epochs in band 'Q'"):
        assert curve.features(["Mean"], bands=["Q"]) == {"Q_magMean": None}
    numbered = as_lightcurve(t, y, 0.1, [1, 2, 1] * 3, magnitude=True)
    assert list(numbered.features(["Mean"])) == ["band1_magMean", "band2_magMean"]


def test_its_own_position_moves_the_times() -> None:
    made = row(1)
    known = {"time_format": "mjd", "time_scale": "utc", "refposition": "topocenter"}
    t = np.asarray(made["time"]) + 59000
    curve = as_lightcurve(t, made["value"], 0.1, mag="m", ra=10, dec=-20, **known)
    nested, fields = to_nested([curve])
    moved = {"barycentric": True, "ra": [10], "dec": [-20]}
    assert (
        curve.features(["firstTime"], barycentric=True)
        == (compute_features(nested, fields, ["firstTime"], **moved).to_pylist()[0])
    )
    assert curve.features(["firstTime"], barycentric=True) != curve.features(["firstTime"])
    assert (
        curve.periods(barycentric=True, **LIMITS)
        == (compute_periods(nested, fields, **moved, **LIMITS).to_pylist()[0])
    )
    lost = as_lightcurve(t, made["value"], mag="m", **known)
    with pytest.raises(InputError, match="positions"):
        lost.periods(barycentric=True)


def test_what_is_no_column() -> None:
    t, y = np.arange(9.0), np.arange(9.0)
    one = as_lightcurve(t, y, magnitude=True)
    for curves, said in (
        ([], "one light curve or more"), ([t], "is no LightCurve"), (5, "is no LightCurve"),
        ([one, as_lightcurve(t, y, 0.1, magnitude=True)], "light curve 1 has other fields"),
        ([as_lightcurve(t, y, band=b, magnitude=True) for b in ("g", 1)], "different types"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            to_nested(curves)  # type: ignore[arg-type]


def test_light_curves_are_no_column() -> None:
    curve = as_lightcurve([1.0, 2.0], [15.0, 15.1], magnitude=True)
    for given in (curve, [curve, curve]):
        with pytest.raises(SchemaError, match="to_nested makes it"):
            compute_periods(given, curve.fields)  # type: ignore[arg-type]
