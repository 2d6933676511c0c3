"""The columns of a search that belong to bands."""

import numpy as np
import pytest

from skyseries.errors import InputError
from skyseries.schema import LightCurveFields
from skyseries.timeseries import as_lightcurve, joined, period_schema
from skyseries.timeseries.periods.columns import SINGLE

LIMITS = {"min_period": 0.2, "max_period": 2.0}


@pytest.fixture(scope="module")
def star():
    """Return a light curve with many epochs in g and r, and three in i."""
    rng = np.random.default_rng(0)
    time, band = np.sort(rng.uniform(0, 300, 150)), np.where(rng.random(150) < 0.5, "g", "r")
    band[:3] = "i"
    value = 16 + 0.3 * np.sin(2 * np.pi * time / 0.57) + rng.normal(0, 0.02, 150)
    return as_lightcurve(time, value, 0.02, band, magnitude=True)


def test_single_bands_are_those_of_their_epochs_alone(star):
    found = star.periods(single_bands=True, **LIMITS)
    for band in "gr":
        alone = star.band(band).periods(**LIMITS)
        assert alone["period"] == pytest.approx(0.57, abs=1e-3)
        assert {name: found[f"{band}_{name}"] for name in SINGLE} == {
            name: alone[name] for name in SINGLE
        }
    assert {found[f"i_{name}"] for name in SINGLE} == {None}  # too few epochs
    without = star.periods(**LIMITS)
    assert {name: found[name] for name in without} == without


def test_amplitudes_of_the_bands_that_are_there_or_asked_for(star):
    found = star.periods(**LIMITS)
    assert [n for n in found if n.endswith("amplitude")] == [
        f"{band}_period_amplitude" for band in "gri"
    ]
    assert found["r_period_amplitude"] == pytest.approx(0.6, abs=0.03)
    with pytest.warns(UserWarning, match="no epochs in band 'z'"):
        chosen = star.periods(bands=["z", "r"], **LIMITS)
    assert chosen["z_period_amplitude"] is None
    assert chosen["r_period_amplitude"] == found["r_period_amplitude"]
    assert "g_period_amplitude" not in chosen


def test_names_of_bands_in_columns(star):
    both = joined({"ztf": star, "rubin": star.band("g")}).periods(bands=["rubin.g"], **LIMITS)
    assert both["rubin_g_period_amplitude"] == pytest.approx(0.6, abs=0.03)
    number = as_lightcurve(star.time, star.value, 0.02, 1, magnitude=True).periods(**LIMITS)
    none = as_lightcurve(star.time, star.value, 0.02, magnitude=True)
    plain = none.periods(single_bands=True, **LIMITS)
    assert number["band1_period_amplitude"] == plain["period_amplitude"] > 0.5
    assert not [name for name in plain if not name.startswith("period")]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"bands": ["a.b", "a_b"]}, "two of the bands .* columns a_b_"),
        ({"single_bands": True}, "say which, bands="),
        ({"single_bands": "g", "bands": ["g"]}, "must be True or False, not 'g'"),
        ({"bands": ["g", "g"]}, "more than once"),
    ],
)
def test_bands_that_cannot_be_meant(wrong, words):
    with pytest.raises(InputError, match=words):
        period_schema(**wrong)


def test_amplitudes_have_the_unit_of_the_values():
    schema = period_schema(
        LightCurveFields(time="t", mag="m", band="b"), bands=["g"], single_bands=True
    )
    assert schema.field("g_period_amplitude").metadata[b"unit"] == b"mag"
    assert schema.field("g_period_err").metadata[b"unit"] == b"d"
