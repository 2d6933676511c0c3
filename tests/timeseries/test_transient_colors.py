"""Detections in both spaces, colours of pairs of bands, cadence over all bands."""

from __future__ import annotations

from typing import Any

import light_curve
import numpy as np
import pytest

from skyseries.timeseries import compute_features
from tests.timeseries.build import FLUX, MAG, ONE_BAND, Epochs, column, random_rows

BANDS = "ugrizy"
COLORS = ["ColorMean", "ColorMedian", "ColorMax", "ColorMin", "AmplitudeRatio", "colorSpread"]


def of_band(row: Epochs, band: str) -> tuple[Any, Any, Any]:
    here = np.array([b == band for b in row["band"]], bool)
    t, x, e = (np.asarray(row[k])[here] for k in ("time", "value", "error"))
    return t, x, e


def brightness(x: Any, e: Any, *, faint_first: bool) -> list[float]:
    ends = [x.max(), x.min()] if faint_first else [x.min(), x.max()]
    return [np.average(x, weights=e**-2.0), np.median(x), *ends]


@pytest.mark.parametrize("space", ["flux", "mag"])
def test_colors_of_pairs(space: str) -> None:
    is_flux = space == "flux"
    rows = random_rows(np.random.default_rng(31), 40, most=40, mean=60.0 if is_flux else 1000.0)
    fields, prefix = (FLUX, "psfFlux") if is_flux else (MAG, "mag")
    table = compute_features(column(rows, fields), fields, COLORS)
    seen = set()
    for i, row in enumerate(rows):
        means = []
        for k, band in enumerate(BANDS):
            _, x, e = of_band(row, band)
            mean = np.average(x, weights=e**-2.0) if len(x) else np.nan
            means.append(mean if not is_flux else -2.5 * np.log10(mean) if mean > 0 else np.nan)
            if k == 5:
                continue
            _, x2, e2 = of_band(row, BANDS[k + 1])
            for name in COLORS[:-1]:
                got = table[f"{band}{BANDS[k + 1]}_{prefix}{name}"][i].as_py()
                expected = None
                if name == "AmplitudeRatio":
                    if min(len(x), len(x2)) > 1:
                        expected = np.ptp(x) / np.ptp(x2)
                elif len(x) and len(x2):
                    place = COLORS.index(name)
                    a = brightness(x, e, faint_first=is_flux)[place]
                    b = brightness(x2, e2, faint_first=is_flux)[place]
                    if not is_flux:
                        expected = a - b
                    elif a > 0 and b > 0:
                        expected = -2.5 * np.log10(a / b)
                seen.add((name, expected is None))
                assert got == (None if expected is None else pytest.approx(expected, abs=1e-9))
        good = np.array(means)[np.isfinite(means)]
        spread = table["colorSpread"][i].as_py()
        assert spread == (pytest.approx(good.std(), abs=1e-9) if len(good) > 1 else None)
    assert len(seen) == 10  # NULL and not, each


def test_colors_as_in_light_curve() -> None:
    rng = np.random.default_rng(32)
    n = 60
    t = 60000 + np.sort(rng.uniform(0, 100, n))
    row: Epochs = {
        "time": t, "band": list("gr") * (n // 2), "value": rng.normal(19, 0.5, n),
        "error": rng.uniform(0.01, 0.2, n),
    }  # fmt: skip
    table = compute_features(column([row], MAG), MAG, COLORS, bands="gr")
    theirs = light_curve.Extractor(
        light_curve.ColorOfMedian(["g", "r"]), light_curve.ColorOfMinimum(["g", "r"]),
        light_curve.ColorOfMaximum(["g", "r"]), light_curve.ColorSpread(["g", "r"]),
    )(t, row["value"], row["error"], np.array(row["band"]))  # fmt: skip
    names = ["gr_magColorMedian", "gr_magColorMax", "gr_magColorMin", "colorSpread"]
    assert [table[name][0].as_py() for name in names] == pytest.approx(theirs, rel=1e-9)


COUNTS = [
    "NumPositive", "NumNegative", "PositiveFraction", "FirstDetection", "LastDetection",
    "NonDetBefore", "NonDetAfter", "TimeOfMax", "timeSinceFirstDetection", "timeSinceLastDetection",
]  # fmt: skip


def counts(row: Epochs, fields: Any, space: str | None = None) -> dict[str, Any]:
    table = compute_features(column([row], fields), fields, COUNTS, space=space)
    return {name.removeprefix("flux"): table[name][0].as_py() for name in table.column_names}


def test_detections_and_upper_limits() -> None:
    row: Epochs = {
        "time": [1, 2, 3, 4, 5, 6, 7], "value": [1, -9, 2, 50, 30, 6, -1], "error": [1.0] * 7,
    }  # fmt: skip
    assert counts(row, ONE_BAND) == {
        "NumPositive": 3, "NumNegative": 1, "PositiveFraction": 0.75, "FirstDetection": 2,
        "LastDetection": 6, "NonDetBefore": 1, "NonDetAfter": 1, "TimeOfMax": 4,
        "timeSinceFirstDetection": 5, "timeSinceLastDetection": 1,
    }  # fmt: skip
    none = counts({**row, "value": [1] * 7}, ONE_BAND)
    assert none["PositiveFraction"] is none["FirstDetection"] is None
    assert none["timeSinceLastDetection"] is None
    assert none["NonDetBefore"] == none["NonDetAfter"] == 7


def test_the_last_epoch_of_any_band_ends_the_time_since_detection() -> None:
    row: Epochs = {
        "time": [1, 2, 3, 9], "band": list("grgu"), "value": [90, 2, 80, 1], "error": [1.0] * 4,
    }  # fmt: skip
    names = ["timeSinceFirstDetection", "timeSinceLastDetection"]
    table = compute_features(column([row], FLUX), FLUX, names)
    assert [c.to_pylist() for c in table.columns] == [[8.0], [6.0]]


def test_magnitudes_have_the_detections_of_their_fluxes() -> None:
    rng = np.random.default_rng(33)
    row: Epochs = {
        "time": np.arange(30.0), "band": ["r"] * 30, "value": rng.normal(20, 1, 30),
        "error": rng.uniform(0.05, 0.4, 30),
    }  # fmt: skip
    table = compute_features(column([row], MAG), MAG, COUNTS)
    fluxes = compute_features(column([row], MAG), MAG, COUNTS, space="flux")
    assert [c.to_pylist() for c in table.columns] == [c.to_pylist() for c in fluxes.columns]
    assert 5 < table["r_magNumPositive"][0].as_py() < 25


def test_moving_averages_and_slopes_of_a_flare() -> None:
    t = np.arange(0.0, 100.0, 2.0)
    x = 1000 - np.abs(t - 40) * np.where(t < 40, 20, 5)
    names = ["Ema2", "Ema8", "Ema28", "RiseSlope", "FadeSlope", "TimeOfMax"]
    row = {"time": t, "value": x, "error": np.ones(50)}
    table = compute_features(column([row], ONE_BAND), ONE_BAND, names)
    got = [c[0].as_py() for c in table.columns]
    assert got[3:] == pytest.approx([20.0, -5.0, 40.0])
    assert x[-1] < got[0] < got[1] < got[2]
    constant = compute_features(
        column([{**row, "value": np.full(50, 0.1)}], ONE_BAND), ONE_BAND, names
    )
    assert [c[0].as_py() for c in constant.columns] == [0.1, 0.1, 0.1, None, 0.0, 0.0]


def test_cadence_of_all_bands_and_of_each() -> None:
    t = [60000.1, 60000.11, 60000.3, 60001.2, 60001.21, 60100.5]
    row: Epochs = {"time": t, "band": list("grgrgg"), "value": [1] * 6, "error": [1] * 6}
    names = ["numNights", "numSeasons", "intervalShare1h", "intervalMax", "NumNights", "NumSeasons"]
    table = compute_features(column([row], FLUX), FLUX, names, bands="gr")
    assert [c[0].as_py() for c in table.columns] == pytest.approx([3, 2, 0.4, 99.29, 3, 2, 2, 1])
