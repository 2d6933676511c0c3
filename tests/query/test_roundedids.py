"""Ids that pandas has made floating point, compared with integers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import skyseries as sky

ID = 609781522116911051
OBJECTS = pa.table({"objectId": [ID, 7], "n": pa.array([1, 2], pa.int16())})


def asked(ids, text):
    mine = pd.DataFrame({"id": ids, "mag": [1.0, 2.0]})
    catalogs = {"s": OBJECTS, "TAP_UPLOAD.mine": mine}
    return sky.sql(text, catalogs).to_arrow().num_rows


@pytest.mark.parametrize(
    "text",
    [
        "SELECT s.n FROM s JOIN TAP_UPLOAD.mine AS m ON s.objectId = m.id",
        "SELECT n FROM s WHERE EXISTS (SELECT 1 FROM mine WHERE mine.id = s.objectId)",
        "SELECT q.n FROM (SELECT s.n FROM s JOIN mine ON mine.id = s.objectId) AS q",
        "SELECT n FROM s WHERE objectId IN (SELECT id FROM mine)",
    ],
)
def test_rounded_ids_are_warned_of(text):
    with pytest.warns(UserWarning, match="id of TAP_UPLOAD.mine .* such as 609781522116911104"):
        assert asked([float(ID), np.nan], text) == 0


@pytest.mark.parametrize(
    ("ids", "text", "rows"),
    [
        (pd.array([ID, None], "Int64"), "SELECT n FROM s JOIN mine ON id = objectId", 1),
        ([7.0, np.nan], "SELECT n FROM s JOIN mine ON id = objectId", 1),
        ([np.nan, np.nan], "SELECT n FROM s JOIN mine ON id = objectId", 0),
        ([1e300, np.inf], "SELECT n FROM s JOIN mine ON id = objectId", 0),
        ([1e17, 7.0], "SELECT n FROM s JOIN mine ON mag = n", 2),
        ([1e17, 7.0], "SELECT n FROM s JOIN mine ON objectId > id", 2),
    ],
)
def test_other_numbers_are_not(ids, text, rows, recwarn):
    assert asked(ids, text) == rows
    assert [str(one.message) for one in recwarn if "rounds" in str(one.message)] == []
