"""Times at the barycentre in catalogs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import skyseries as sky
from skyseries.errors import InputError
from skyseries.timeseries import barycentric_times
from tests.conftest import Engines


def test_features_and_periods_of_a_catalog(survey: Any, engines: Engines) -> None:
    catalog = sky.open_catalog(survey.path)
    plan = catalog.features(["firstTime"], barycentric=True)
    before = catalog.features(["firstTime"])["id", "ra", "dec", "firstTime"].to_arrow()
    expected = barycentric_times(
        before["firstTime"].to_numpy(), before["ra"].to_numpy(), before["dec"].to_numpy(),
        time_scale="tai",
    )  # fmt: skip
    for columns in (["id", "firstTime"], ["id", "ra", "firstTime"]):
        table = plan[tuple(columns)].to_arrow()
        found = table["firstTime"].to_numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    assert 1 < np.nanmax(np.abs(found - before["firstTime"].to_numpy())) * 86400 < 570
    some = plan.query("id IN ({})".format(",".join(map(str, before["id"].to_pylist()[3:9]))))
    assert set(some["id", "firstTime"].to_arrow()["firstTime"].to_pylist()) <= {
        None if np.isnan(x) else x for x in expected
    }
    narrow = catalog.select(["id", "lightcurve"]).periods(barycentric=True, min_period=5.0)
    wide = catalog.periods(barycentric=True, min_period=5.0)
    assert narrow["id", "period"].to_arrow().equals(wide["id", "period"].to_arrow())
    with sky.executor(engines("processes")):
        assert wide["id", "period"].to_arrow().equals(narrow["id", "period"].to_arrow())
    (read,) = {
        line for line in str(plan["id", "firstTime"].explain()).splitlines() if "read" in line
    }
    assert " dec" in read


def test_what_is_not_known_is_said_at_once(survey: Any) -> None:
    catalog = sky.open_catalog(survey.path).set_lightcurve(refposition="heliocenter")
    with pytest.raises(InputError, match="are heliocentric"):
        catalog.periods(barycentric=True)
    with pytest.raises(InputError, match="location"):
        sky.open_catalog(survey.path).features(barycentric=True, location=(1, 2))  # type: ignore[arg-type]
