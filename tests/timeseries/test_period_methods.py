"""Every period-finding method over a nested column."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skyseries.timeseries import (
    LightCurve,
    all_methods,
    as_lightcurve,
    compute_periods,
    period_schema,
    periodogram,
)
from tests.timeseries.build import FLUX, MAG, column, sinusoid
from tests.timeseries.test_bad_lightcurves import BAD, GOOD

METHODS = [method.name for method in all_methods()]


@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_the_plain_function(method: str) -> None:
    rng = np.random.default_rng(1)
    rows = [sinusoid(rng, 60, 0.9, span=80) for _ in range(3)]
    limits: dict[str, Any] = {"min_period": 0.5, "max_period": 10}
    options: dict[str, Any] = {"dips": "up"} if method == "bls" else {}
    table = compute_periods(
        column(rows, MAG), MAG, method=method, n_peaks=3, ranked=False, **limits, **options
    )
    for i, row in enumerate(rows):
        # in the order of time, as there: sums in another order choose another of equal boxes
        order = np.argsort(row["time"])
        arrays = (np.asarray(row[name])[order] for name in ("time", "value", "error", "band"))
        plain = periodogram(*arrays, method=method, error_floor=None, **limits, **options)
        # the first is then fitted by harmonics
        peaks = 1 / np.array(table["period_peaks"][i].as_py())
        error = table["period_err"][i].as_py()
        period = table["period"][i].as_py()
        times = round(period / 0.9)  # multiples fold as well for all but Lomb-Scargle
        assert 1 / peaks[0] == period == pytest.approx(0.9 * times, abs=4 * error)
        assert times == 1 or method != "lombscargle"
        assert abs(peaks[0] - plain.peaks(3)[0]) < 0.3 / 80
        np.testing.assert_allclose(peaks[1:], plain.peaks(3)[1:], rtol=1e-9)
        assert table["period_evidence"][i].as_py() is None
        power = plain.power_at(plain.peaks(3))[0]
        assert table["period_power"][i].as_py() == pytest.approx(power, rel=1e-6)
        fap = table["period_fap"][i].as_py()
        if method in {"lombscargle", "mhaov"}:
            # the grid may end a little before the highest frequency asked for
            expected = plain.false_alarm_probability(table["period_power"][i].as_py())
            assert fap == pytest.approx(float(expected), rel=1e-3, abs=1e-300)
        else:
            assert fap is None


@pytest.mark.parametrize("method", METHODS)
def test_schema_and_parameters(method: str) -> None:
    schema = period_schema(method=method)
    assert compute_periods(column([], MAG), MAG, method=method).schema.names == schema.names
    assert schema.types == period_schema().types
    recorded = json.loads(schema.field("period").metadata[b"skyseries_periods"])
    found = next(m for m in all_methods() if m.name == method)
    assert recorded["method"] == found.title
    assert recorded["oversampling"] == found.oversampling(found.settle({}))
    for option in found.options:
        default = option.default
        expected = list(default) if isinstance(default, tuple) else default
        assert recorded[option.name] == expected


def test_options_are_recorded_and_checked() -> None:
    schema = period_schema(method="pdm", n_bins=20, oversampling=7)
    recorded = json.loads(schema.field("period").metadata[b"skyseries_periods"])
    assert (recorded["n_bins"], recorded["n_covers"], recorded["oversampling"]) == (20, 2, 7)
    for wrong, message in (
        ({"method": "fft"}, "unknown method 'fft'"),
        ({"method": "pdm", "nterms": 2}, "no option 'nterms'"),
        ({"method": "pdm", "n_bins": 0}, "n_bins"),
    ):
        with pytest.raises(ValueError, match=message):
            period_schema(**wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=message):
            compute_periods(column([], MAG), MAG, **wrong)  # type: ignore[arg-type]


def test_dips_are_faint_in_magnitudes_and_in_fluxes() -> None:
    rng = np.random.default_rng(2)
    t = 60000 + rng.uniform(0, 60, 200)
    dip = 0.3 * ((t - 60000) / 1.37 % 1 < 0.06)
    row = {"time": t, "band": ["g"] * 200, "error": np.full(200, 0.02), "flag": [False] * 200}
    for fields, value in ((MAG, 18 + dip), (FLUX, 5 - dip)):
        made = column([{**row, "value": value + rng.normal(0, 0.02, 200)}], fields)
        table = compute_periods(made, fields, method="bls", min_period=1, max_period=3)
        assert table["period"][0].as_py() == pytest.approx(1.37, abs=0.01)
        recorded = json.loads(table.schema.field("period").metadata[b"skyseries_periods"])
        assert recorded["dips"] == "faint"
        curve = LightCurve.from_struct(made[0], fields)
        found = curve.periodogram(method="bls", min_period=1, max_period=3)
        assert found.period_at_max_power == pytest.approx(1.37, abs=0.01)
        assert found.box().depth["g"] == pytest.approx(0.3, abs=0.1)
        up = compute_periods(made, fields, method="bls", min_period=1, max_period=3, dips="up")
        assert up["period"].equals(table["period"]) == (fields is MAG)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BAD)
def test_bad_light_curve(method: str, name: str) -> None:
    row, usable, has_period = BAD[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = compute_periods(
            column([GOOD, row, GOOD], MAG), MAG, method=method, min_period=0.5, max_period=20
        )
    assert table.slice(0, 1).equals(table.slice(2, 1))
    values = [table[c][1].as_py() for c in ("period", "period_power", "period_fap")]
    assert all(v is None or np.isfinite(v) for v in values)
    assert (values[0] is None) == (not has_period), usable
    assert (values[1] is None) == (not has_period)
    assert table["period"][0].as_py() is not None


@pytest.mark.parametrize("method", METHODS)
def test_order_of_rows_and_chunks_is_no_matter(method: str) -> None:
    rng = np.random.default_rng(3)
    rows = [sinusoid(rng, 40, 1.7, span=60) for _ in range(3)]
    made = column(rows, MAG)
    table = compute_periods(made, MAG, method=method, min_period=0.8, max_period=9)
    shuffle = rng.permutation(40)
    mixed = [{k: [row[k][i] for i in shuffle] for k in row} for row in rows]
    again = compute_periods(column(mixed, MAG), MAG, method=method, min_period=0.8, max_period=9)
    assert again.equals(table)
    chunked = pa.chunked_array([made.slice(0, 1), made.slice(1)])
    parts = compute_periods(chunked, MAG, method=method, min_period=0.8, max_period=9)
    assert parts.combine_chunks().equals(table)


def test_a_transit_of_few_cycles_is_believed() -> None:
    """A box has more harmonics than what else has few cycles."""
    rng = np.random.default_rng(1)
    t = 60000 + np.arange(0, 27, 1 / 48)
    flux = 1 + 0.0008 * rng.standard_normal(t.size)
    flux[np.abs(((t - 60001.23) / 3.3 + 0.5) % 1 - 0.5) * 3.3 < 0.08] -= 0.006
    star = as_lightcurve(t, flux, 0.0008, magnitude=False)
    found = star.periods(method="bls", min_period=1, max_period=10)
    assert found["period"] == pytest.approx(3.3, abs=0.005)
    assert found["period_flag"] == "ok"
