"""LSDB opens simulated releases of Rubin, with all rows and several light curves side by side."""

from __future__ import annotations

import lsdb
import pytest
from hats.io.validation import is_valid_catalog

from skyseries.timeseries.simulate.rubin import NESTED

pytestmark = pytest.mark.interop


def test_catalogs_are_strictly_valid_and_whole(rubin) -> None:
    files = rubin("dp1")
    for name, path in files.catalogs.items():
        assert is_valid_catalog(path, strict=True), name
    for name, nested in NESTED.items():
        found = lsdb.open_catalog(files.catalogs[f"dp1.{name}"]).compute(progress_bar=False)
        assert len(found) == files.rows[f"dp1.{name}"]
        for column, epochs in nested.items():
            assert len(found[column].nest.to_flat()) == files.rows[f"dp1.{epochs}"]
