"""The loop with explicit vectors, on this machine and compiled for ones without AVX."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = """
import numba as nb
import numpy as np
from skyseries.timeseries.kernels import lombscargle
from skyseries.timeseries import periodogram
rng = np.random.default_rng(5)
t = rng.uniform(0, 3650, 90)
y = np.sin(2 * np.pi * 7.7 * t) + rng.normal(0, 1, 90)
band = rng.integers(0, 3, 90)
found = periodogram(t, y, rng.uniform(0.5, 2, 90), band, min_period=0.125, max_period=0.135)
kinds = [nb.int64, nb.int64, nb.int64, nb.float32[:, :, ::1], nb.int64]
kinds += [nb.float64[:, ::1], nb.float32[:, ::1], nb.float32[:, :, ::1], nb.boolean]
lombscargle._add_tile.compile(tuple(kinds))  # by Numba in this process, which shows what it makes
code = "".join(lombscargle._add_tile.inspect_asm().values())
print(np.abs(found.power - found.power_at(found.frequency)).max(), found.power.size)
print("ymm" in code, "zmm" in code, "xmm" in code)
"""


def run(tmp_path: Path, **environment: str) -> tuple[float, list[str]]:
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
        env=os.environ | environment,
    )  # fmt: skip
    numbers, registers = made.stdout.splitlines()[-2:]
    error, size = numbers.split()
    assert int(size) > 10_000
    return float(error), registers.split()


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="instruction sets of x86 are chosen"
)
def test_right_without_avx(tmp_path: Path) -> None:
    error, registers = run(tmp_path, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert error < 1e-5
    assert registers == ["False", "False", "True"]


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 4095, 4096, 4097, 9000])
def test_tiles_and_groups_have_no_seams(n: int) -> None:
    from skyseries.timeseries.kernels.harmonics import exact_powers, prepare
    from skyseries.timeseries.kernels.lombscargle import grid_power

    rng = np.random.default_rng(n)
    offsets = np.array([0, n, n + 40])
    t, y = rng.uniform(0, 300, n + 40), rng.normal(size=n + 40)
    arrays = [np.empty(n + 40) for _ in range(3)]
    start = np.empty(3, np.int64)
    kept, _ = prepare(t, y, np.ones(n + 40), offsets, 0.0, 0.0, *arrays, start)
    power = np.empty(130, np.float32)
    grid_power(*arrays, start, kept, 0.5, 1 / 1500, power)
    expected = exact_powers(*arrays, start, kept, 1, 0.5 + np.arange(130) / 1500)
    np.testing.assert_allclose(power, expected, atol=1e-5)
