"""Sums between frequencies: interpolated against direct."""

from __future__ import annotations

import numpy as np
import pytest

from skyseries.timeseries.kernels import gridding


@pytest.mark.parametrize("share", [-0.3, -0.1, 0.0, 0.02, 0.2999])
def test_taps_reproduce_a_wave_of_the_band(share: float) -> None:
    for place in np.linspace(0, 1, 7)[:-1]:
        taps = np.empty(gridding.TAPS, np.float32)
        gridding.fill_taps(place, taps)
        neighbours = np.arange(1 - gridding.REACH, gridding.REACH + 1)
        wave = np.exp(2j * np.pi * share * neighbours) / gridding.spread(share)
        assert taps @ wave == pytest.approx(np.exp(2j * np.pi * share * place), abs=3e-6)


def test_transform_is_that_of_the_kernel() -> None:
    x = np.linspace(-gridding.REACH, gridding.REACH, 20_001)
    phi = np.exp(gridding._BETA * (np.sqrt(np.maximum(1 - (x / gridding.REACH) ** 2, 0)) - 1))
    for share in (0.0, 0.1, 0.25, 0.3):
        expected = np.trapezoid(phi * np.cos(2 * np.pi * x * share), x)
        assert gridding.spread(share) == pytest.approx(expected, rel=1e-6)


def test_three_ways_to_step_agree() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=200).astype(np.float32)
    taps = rng.normal(size=gridding.TAPS).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(values, gridding.TAPS) @ taps
    out = np.empty(60, np.float32)
    gridding.interpolate(values, taps, out)
    np.testing.assert_allclose(out, windows[:60], rtol=1e-5, atol=1e-5)
    gridding.interpolate_by_two(values[::2].copy(), values[1::2].copy(), taps, out)
    np.testing.assert_allclose(out, windows[:120:2], rtol=1e-5, atol=1e-5)
    gridding.interpolate_by_stride(values, 3, taps, out)
    np.testing.assert_allclose(out, windows[:180:3], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("oversampling", [0.7, 1, 2, 3, 5, 7.3, 20, 200])
@pytest.mark.parametrize("n_bands", [1, 3])
@pytest.mark.parametrize("f0", [1e-4, 0.4, 31.0])
def test_power_of_any_grid(oversampling: float, n_bands: int, f0: float) -> None:
    from skyseries.timeseries.kernels.harmonics import exact_powers, prepare
    from skyseries.timeseries.kernels.lombscargle import grid_power

    rng = np.random.default_rng(3)
    offsets = np.linspace(0, 66, n_bands + 1).astype(np.int64)
    t, y = rng.uniform(0, 700, 66), rng.normal(size=66)
    arrays = [np.empty(66) for _ in range(3)]
    start = np.empty(n_bands + 1, np.int64)
    kept, _ = prepare(t, y, rng.uniform(1, 2, 66), offsets, 0.0, 0.0, *arrays, start)
    df = 1 / (oversampling * arrays[0].max())
    for size in (1, 2, 700, 30_000):
        power = np.full(size, np.nan, np.float32)
        grid_power(*arrays, start, kept, f0, df, power)
        some = np.unique(np.linspace(0, size - 1, 500).astype(int))
        expected = exact_powers(*arrays, start, kept, 1, f0 + some * df)
        np.testing.assert_allclose(power[some], expected, atol=1e-5)
