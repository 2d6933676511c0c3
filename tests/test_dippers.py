"""The example that searches for dippers: its filter, and the same list from every engine."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import skyseries as sky

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


def load(name: str, path: Path):
    """Return a module from its file; not importable elsewhere, so that it travels with its code."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert name not in sys.modules
    return module


@pytest.fixture(scope="module")
def dippers():
    return load("dippers_example", ROOT / "examples" / "dippers.py")


@pytest.fixture(scope="module")
def twin():
    return load("dippers_twin", ROOT / "benchmarks" / "peer_dippers.py")


@pytest.fixture(scope="module")
def survey(dippers, tmp_path_factory):
    folder = dippers.make_survey(tmp_path_factory.mktemp("dippers"), n=600, n_dippers=30)
    return sky.open_catalog(folder)


# --- the filter ---------------------------------------------------------------------------------


def same(found, expected) -> None:
    assert (found is None) == (expected is None)
    if found is not None:
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_filter_is_the_slow_one(dippers, twin):
    fields, start = dippers.make_lightcurves(300, 100)
    rng = np.random.default_rng(1)
    n_found = n_planted = 0
    for i in range(300):
        t, m, e, b = (fields[name][i].copy() for name in ("mjd", "mag", "magerr", "fid"))
        if i % 3 == 1:  # out of order, with repeats and what is no number
            order = rng.permutation(len(t))
            t, m, e, b = t[order], m[order], e[order], b[order]
            t[5], m[7], e[9], e[11] = t[4] + 1e-6, np.nan, np.inf, -1
        if i % 7 == 2:  # a long gap
            keep = (t < 58700) | (t > 59200)
            t, m, e, b = t[keep], m[keep], e[keep], b[keep]
        good = fields["catflags"][i][: len(t)] == 0
        for part in (np.ones(len(t), bool), good):
            found = dippers.dip(t[part], m[part], e[part], b[part])
            same(found, twin.dip(t[part], m[part], e[part], b[part]))
        n_found += found is not None
        n_planted += bool(np.isfinite(start[i]))
    assert n_planted == 100
    assert 70 < n_found < 130


@pytest.mark.parametrize("n", [0, 1, 19, 20, 60])
def test_nothing_is_found_where_nothing_is(dippers, twin, n):
    t, e, b = np.arange(n) + 0.3, np.full(n, 0.01), np.ones(n, np.int8)
    for m in (np.full(n, 15.0), np.full(n, np.nan), 15 + 5.0 * (np.arange(n) == 3)):
        assert dippers.dip(t, m, e, b) is None
        assert twin.dip(t, m, e, b) is None


def test_a_known_dip(dippers):
    t = np.arange(60.0) + 0.3
    m = np.full(60, 15.0)
    m[30:34] = [15.1, 15.5, 15.3, 15.2]
    found = dict(zip(dippers.NAMES, dippers.dip(t, m, np.full(60, 0.01), np.full(60, 2)),
                     strict=True))  # fmt: skip
    assert (found["start"], found["end"], found["band"]) == (30.3, 33.3, 2)
    assert (found["points"], found["nights"]) == (4, 4)
    assert found["depth"] == pytest.approx(0.5)
    # the scale is 0: half of the pulls' squares are those of 0.1, 0.5, 0.3 and 0.2 mag
    assert found["significance"] == pytest.approx(np.sqrt(0.39) / 0.01)
    left, right = 0.1 / 2 + 0.6 / 2, 0.8 / 2 + 0.5 / 2 + 0.2 / 2
    assert found["asymmetry"] == pytest.approx((right - left) / (right + left))


def test_text_names_the_bands_too(dippers):
    fields, _ = dippers.make_lightcurves(20, 20)
    for t, m, e, b in zip(*(fields[k] for k in ("mjd", "mag", "magerr", "fid")), strict=True):
        found, expected = dippers.dip(t, m, e, np.array(list(" gri"))[b]), dippers.dip(t, m, e, b)
        assert (found is None) == (expected is None)
        if found is not None:
            assert found[6] == " gri"[expected[6]]
            assert found[:6] == expected[:6]


# --- Boyajian's star ----------------------------------------------------------------------------


def normal_flux(time, flux, width=20.0):
    """Return the running median of the flux within each quarter, of `width` days."""
    quarter = np.cumsum(np.append(0, np.diff(time) > 0.9))  # Kepler turns its antenna or itself
    normal = np.empty_like(flux)
    for q in np.unique(quarter):
        own = np.flatnonzero(quarter == q)
        t, f = time[own], flux[own]
        centres = np.linspace(t[0], t[-1], max(int(4 * np.ptp(t) / width), 1) + 1)
        medians = [np.median(f[abs(t - c) <= width / 2]) for c in centres]
        normal[own] = np.interp(t, centres, medians)
    return normal


def test_boyajians_star(dippers, shared_data):
    table = pq.read_table(shared_data / "kic8462852.parquet")
    time, flux = (table[name].to_numpy().astype(float) for name in ("bkjd", "flux"))
    good = np.isfinite(time) & np.isfinite(flux)
    time, flux = time[good], flux[good]
    mag = -2.5 * np.log10(flux / normal_flux(time, flux))
    error = 1.4826 * np.median(abs(np.diff(mag))) / np.sqrt(2)
    found = dippers.episodes(time, mag, np.full(len(time), error))
    known = [792, 1516, 1540, 1568]
    best = sorted(found, key=lambda dip: -dip[2])[:4]
    for day, (start, end, *_) in zip(known, sorted(best), strict=True):
        assert start - 2 < day < end + 2


# --- engines ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expected(dippers, survey):
    with sky.executor("serial"):
        return dippers.search(survey).query(dippers.CUTS).to_arrow()


def test_planted_dips_are_found(dippers, twin, survey, expected):
    ids = expected["id"].to_pylist()
    assert len(ids) > 15
    assert max(ids) < 30
    clean = survey.query("lightcurve.catflags = 0")
    slow = clean.map_lightcurves(twin.dip, schema=dippers.types_of_columns(clean)).query(
        dippers.CUTS
    )
    assert slow.to_arrow()["id"].to_pylist() == ids


@pytest.mark.parametrize("engine", ["threads", "processes", "dask", "spark"])
def test_the_same_list_on_every_engine(dippers, survey, expected, engine, engines):
    need = {"dask": "distributed", "spark": "pyspark"}.get(engine)
    if need and importlib.util.find_spec(need) is None:
        pytest.skip(f"{need} is not installed")
    if engine == "spark" and not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Java is not installed")
    with sky.executor(engines(engine)):
        assert dippers.search(survey).query(dippers.CUTS).to_arrow().equals(expected)
