"""The light curves of one star in two surveys are one search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.time import Time

from skyseries.errors import InputError
from skyseries.schema import LightCurveFields
from skyseries.timeseries import (
    LightCurve,
    as_lightcurve,
    barycentric_times,
    compute_periods,
    joined,
)
from skyseries.timeseries.surveys import join_columns, joined_fields
from tests.timeseries.build import FLUX, MAG, column

LIMITS: dict[str, Any] = {"min_period": 0.3, "max_period": 3.0}
PERIOD = 0.6178


def half(seed: int, n: int, **more: Any) -> LightCurve:
    """Return a few epochs of a star, with an offset of the survey's own."""
    rng = np.random.default_rng(seed)
    t = np.sort(59000 + rng.uniform(0, 200, n))
    y = 15 + seed + 0.3 * np.sin(2 * np.pi * t / PERIOD) + rng.normal(0, 0.02, n)
    return as_lightcurve(t, y, 0.02, np.array(["g", "r"])[np.arange(n) % 2], magnitude=True, **more)


def test_a_star_is_found_by_both_together_only() -> None:
    one, other = half(2, 8), half(22, 7)
    both = joined({"ztf": one, "rubin": other})
    assert len(both) == 15
    assert both._present() == ["rubin.g", "rubin.r", "ztf.g", "ztf.r"]
    for alone in (one, other):
        period = alone.periods(**LIMITS)["period"]
        assert abs(period / PERIOD - 1) > 0.01
    assert both.periods(**LIMITS)["period"] == pytest.approx(PERIOD, rel=1e-3)
    # as one search in four bands
    assert one.bands is not None
    assert other.bands is not None
    bands = [*(f"a{b}" for b in one.bands), *(f"b{b}" for b in other.bands)]
    t, y = (np.concatenate([getattr(c, k) for c in (one, other)]) for k in ("time", "value"))
    plain = as_lightcurve(t, y, 0.02, bands, magnitude=True).periods(**LIMITS)
    assert plain["period"] == pytest.approx(both.periods(**LIMITS)["period"], rel=1e-12)


def test_formats_and_scales_become_one() -> None:
    mjd = np.array([59000.25, 59001.5, 59003.125])
    y = [1.0, 2.0, 1.5]
    tai = as_lightcurve(mjd, y, magnitude=True, time_format="mjd", time_scale="tai")
    jd = as_lightcurve(mjd + 2400000.5, y, magnitude=True, time_format="jd", time_scale="utc")
    both = joined([tai, jd])
    assert (both.fields.time_format, both.fields.time_scale) == ("mjd", "tdb")
    expected = [Time(mjd, format="mjd", scale=scale).tdb.mjd for scale in ("tai", "utc")]
    np.testing.assert_allclose(both.time, np.concatenate(expected), rtol=0, atol=1e-9)
    assert both.bands is not None
    assert both.bands.tolist() == ["1"] * 3 + ["2"] * 3
    same = joined([tai, tai], names=["a", "b"])
    assert same.fields.time_scale == "tai"
    np.testing.assert_array_equal(same.time, np.tile(mjd, 2))


def test_times_at_the_sun_and_of_an_observatory() -> None:
    mjd = np.array([59000.25, 59090.5])
    words: dict[str, Any] = {"magnitude": True, "time_format": "mjd", "ra": 10.0, "dec": 20.0}
    here = as_lightcurve(mjd, [1, 2], time_scale="tai", refposition="topocenter", **words)
    there = as_lightcurve(mjd, [1, 2], time_scale="utc", refposition="heliocenter", **words)
    with pytest.raises(InputError, match=r"1 topocenter, 2 heliocenter.*barycentric=True"):
        joined([here, there])
    fields = [here.fields, there.fields]
    columns = [column([{"time": mjd, "value": [1, 2]}], f.override(flag=None)) for f in fields]
    found = join_columns(columns, fields, "ab", barycentric=True, ra=[10.0], dec=[20.0])
    moved = barycentric_times(mjd, 10, 20, time_scale="tai")
    clock = Time(mjd, format="mjd", scale="utc").tdb.mjd
    np.testing.assert_allclose(
        found.field("time")[0].as_py(), np.concatenate([moved, clock]), rtol=0, atol=1e-9
    )
    roles = joined_fields(fields, "ab", barycentric=True)
    assert (roles.time_scale, roles.refposition) == ("tdb", "barycenter")


def test_values_become_one_kind_and_one_unit() -> None:
    t = [1.0, 2.0, 3.0]
    mag = as_lightcurve(t, [20.0, 21.0, 22.5], 0.1, "g", magnitude=True)
    njy = 10 ** (0.4 * (31.4 - mag.value))
    micro = as_lightcurve(t, njy / 1000, njy / 10000, "g", magnitude=False, flux_unit="uJy")
    nano = as_lightcurve(t, njy, njy / 10, "g", magnitude=False, flux_unit="nJy")
    assert joined([mag, mag]).fields.is_magnitude
    for pair in ([mag, micro], [micro, nano], [nano, mag]):
        both = joined(pair)
        assert both.fields.flux_unit == "nJy"
        np.testing.assert_allclose(both.value, np.tile(njy, 2), rtol=1e-12)
        assert both.error is not None
        np.testing.assert_allclose(both.error, np.tile(njy, 2) / 10, rtol=0.1)
    assert joined([micro, micro]).fields.flux_unit == "uJy"
    adu = as_lightcurve(t, njy, njy / 10, magnitude=False, flux_unit="adu")
    assert joined([adu, adu]).fields.flux_unit == "adu"
    with pytest.raises(InputError, match="flux of '2'"):
        joined([mag, adu])
    with pytest.raises(InputError, match=r"fluxes of '1' is not known.*flux_unit="):
        joined([as_lightcurve(t, njy, njy, magnitude=False), nano])


def test_flags_bands_errors_places() -> None:
    flag = [False, True, False]
    one = as_lightcurve(
        [1, 2, 3], [1, 2, 3], 0.1, ["g", None, "r"], magnitude=True, flag=flag, id=5
    )
    other = as_lightcurve([1, 2, 3], [1, 2, 3], 0.1, magnitude=True, ra=1.0, dec=2.0)
    both = joined({"a": one, "b": other})
    assert both.bands is not None
    assert both.bands.tolist() == ["a.g", None, "a.r", "b", "b", "b"]
    assert both.flag is not None
    assert both.flag.tolist() == [False, True, False, False, False, False]
    assert (both.id, both.ra, both.dec) == (5, 1.0, 2.0)
    bare = as_lightcurve([1, 2, 3], [1, 2, 3], magnitude=True)
    assert joined([bare, bare]).error is None
    with pytest.raises(InputError, match="'2' have no errors"):
        joined([one, bare])


@pytest.mark.parametrize(
    ("known", "word"),
    [({"time_scale": "tai"}, "time_scale"), ({"time_format": "mjd"}, "time_format"),
     ({"refposition": "topocenter"}, "refposition")],
)  # fmt: skip
def test_what_is_not_known_of_one_is_refused(known: dict[str, str], word: str) -> None:
    one = as_lightcurve([1, 2], [1, 2], magnitude=True)
    other = as_lightcurve([1, 2], [1, 2], magnitude=True, **known)
    for pair in ([one, other], [other, one]):
        with pytest.raises(InputError, match=f"{word} of the light curves .* is not known"):
            joined(pair)


def test_what_is_no_pair() -> None:
    one = as_lightcurve([1, 2], [1, 2], magnitude=True)
    with pytest.raises(InputError, match="3 names for 2"):
        joined([one, one], names="abc")
    with pytest.raises(InputError, match="each another one"):
        joined([one, one], names="aa")
    with pytest.raises(InputError, match="have names already"):
        joined({"a": one}, names=["b"])
    with pytest.raises(InputError):
        joined([])
    with pytest.raises(InputError, match="no LightCurve"):
        joined([one, 5])  # type: ignore[list-item]
    gps = as_lightcurve([1, 2], [1, 2], magnitude=True, time_scale="gps")
    tai = as_lightcurve([1, 2], [1, 2], magnitude=True, time_scale="tai")
    with pytest.raises(InputError, match="times in GPS"):
        joined([gps, tai])


@pytest.mark.parametrize("value_type", [pa.float32(), pa.float64()])
def test_rows_that_miss_one_or_both(value_type: pa.DataType) -> None:
    def row(seed: int, n: int) -> dict[str, Any]:
        c = half(seed, n)
        return {"time": c.time, "value": c.value, "error": c.error, "band": c.bands}

    fields = [MAG, LightCurveFields(time="t", band="b", mag="m", mag_err="e")]
    empty: dict[str, Any] = {name: [] for name in ("time", "value", "error", "band")}
    left = column([row(1, 30), None, empty, row(1, 12), None], MAG, value_type=value_type)
    right = column(
        [None, row(5, 30), row(5, 12), row(5, 12), None], fields[1], value_type=value_type
    )
    found = join_columns([left, pa.chunked_array([right[:2], right[2:]])], fields, ["x", "y"])
    assert [len(c.as_py()["time"]) for c in found] == [30, 30, 12, 24, 0]
    assert found.type.field("mag").type.value_type == value_type
    table = compute_periods(found, joined_fields(fields, ["x", "y"]), **LIMITS)
    periods = table["period"].to_pylist()
    assert periods[4] is None
    for k in (0, 1, 3):
        assert periods[k] == pytest.approx(PERIOD, rel=2e-3)
    alone = compute_periods(left[:1], MAG, **LIMITS)["period"].to_pylist()
    assert periods[0] == pytest.approx(alone[0], rel=1e-9)


def test_columns_of_different_lengths() -> None:
    empty: dict[str, Any] = {"time": [], "value": [], "error": [], "band": []}
    with pytest.raises(InputError, match="do not match"):
        join_columns([column([empty], FLUX), column([None, None], FLUX)], [FLUX, FLUX], "ab")
