"""The axes of a light curve name the units of what they show."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time

from skyseries.errors import InputError
from skyseries.plot.lightcurve import plot_lightcurve

mpl.use("Agg")
T = [1.0, 2.0, 3.0]


def drawn(*arrays: Any, **options: Any) -> tuple[str, str, np.ndarray, int]:
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots()
    plot_lightcurve(*arrays, ax=ax, **options)
    y = np.concatenate([c[0].get_ydata() for c in ax.containers])
    plt.close(figure)
    return ax.get_xlabel(), ax.get_ylabel(), y, len(ax.containers)


def test_labels() -> None:
    assert drawn(T, T, is_magnitude=True)[:2] == ("time [d]", "magnitude [mag]")
    assert drawn(T, T, is_magnitude=False)[:2] == ("time [d]", "flux")
    assert drawn(T, T * u.uJy, is_magnitude=False)[1] == "flux [uJy]"
    assert drawn(T, T, phase=[0.1, 0.2, 0.3], is_magnitude=False)[0] == "phase"
    given = {"x": "MJD", "y": "psfMag"}
    assert drawn(T, T, is_magnitude=True, labels=given)[:2] == ("MJD", "psfMag")


def test_units_and_masks() -> None:
    mmag = np.array(T) * 1000 * u.mmag
    for t in (T, np.array(T) * u.d, Time(T, format="mjd")):
        np.testing.assert_allclose(drawn(t, mmag, 20 * mmag, is_magnitude=True)[2], T)
    *_, y, n = drawn(T, np.ma.array(T, mask=[0, 1, 0]), None, ["g", None, "g "], is_magnitude=True)
    assert (y.tolist(), n) == ([1.0, 3.0], 1)


def test_what_is_refused() -> None:
    for wrong in ((T, T * u.nJy), ("abc", T), (T, ["a", "b", "c"])):
        with pytest.raises(InputError):
            drawn(*wrong, is_magnitude=True)
    for ax in (5, "axes"):
        with pytest.raises(InputError, match="ax must be the Axes"):
            plot_lightcurve(T, T, ax=ax, is_magnitude=True)
