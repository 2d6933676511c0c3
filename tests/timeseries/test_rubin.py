"""Rubin's published columns, and its shared period."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.timeseries import LombScargleMultiband

from skyseries.errors import InputError
from skyseries.timeseries import compute_features, compute_periods, feature_schema, presets
from skyseries.timeseries.features.published import TABLES
from tests.timeseries.build import FLUX, MAG, ONE_BAND, Epochs, column, random_rows
from tests.timeseries.twins_rubin import PUBLISHED

BANDS = "ugrizy"
LONG = set(PUBLISHED)
SHORT = {"ErrMean", "Max", "MaxSlope", "Mean", "MeanErr", "Min", "Ndata", "Sigma"}

# by release: whole columns, then (name of the flux in the columns, field, statistics)
PSF, TOTAL, SCIENCE, FORCED = "psfFlux", "totFlux", "scienceFlux", "fpFlux"
RELEASES: dict[str, tuple[set[str], list[tuple[str, str, set[str]]]]] = {
    "dp02": (
        {"nDiaSources"},
        [("PSFlux", PSF, LONG), ("TOTFlux", TOTAL, {"Mean", "MeanErr", "Sigma"})],
    ),
    "dp1": (
        {"nDiaSources"},
        [("_psfFlux", PSF, LONG), ("_scienceFlux", SCIENCE, {"Mean", "MeanErr", "Sigma"})],
    ),
    "dp2": (
        {"nDiaSources"},
        [("_psfFlux", PSF, SHORT), ("_scienceFlux", SCIENCE, {"Mean", "MeanErr"})],
    ),
    "apdb": (
        {"nDiaSources", "firstDiaSourceMjdTai", "lastDiaSourceMjdTai"},
        [
            ("_psfFlux", PSF, SHORT),
            ("_scienceFlux", SCIENCE, {"Mean", "MeanErr"}),
            ("_fpFlux", FORCED, {"Mean", "MeanErr"}),
        ],
    ),
}


def many_fluxes(rows: list[Epochs], fluxes: list[str], type_: pa.DataType) -> pa.StructArray:
    """Return light curves with further fluxes, each by 100 higher than that before."""
    main = column(rows, FLUX, value_type=type_)
    parts = dict(zip([f.name for f in main.type], main.flatten(), strict=True))
    for k, name in enumerate(fluxes):
        values = pa.array(parts["psfFlux"].flatten().to_numpy() + 100 * (k + 1), type_)
        errors = pa.array(parts["psfFluxErr"].flatten().to_numpy() * (k + 2), type_)
        offsets = parts["psfFlux"].offsets
        parts[name] = pa.ListArray.from_arrays(offsets, values)
        parts[f"{name}Err"] = pa.ListArray.from_arrays(offsets, errors)
    return pa.StructArray.from_arrays(list(parts.values()), list(parts))


@pytest.mark.parametrize("release", RELEASES)
def test_columns_are_those_that_the_slow_twin_makes(release: str) -> None:
    rows = [row for row in random_rows(np.random.default_rng(8), 25, most=90) if row is not None]
    whole, groups = RELEASES[release]
    fluxes = [field for _, field, _ in groups if field != PSF]
    table = compute_features(many_fluxes(rows, fluxes, pa.float64()), FLUX, release)
    names = {f"{b}{flux}{s}" for b in BANDS for flux, _, each in groups for s in each}
    assert set(table.column_names) == whole | names
    assert table["nDiaSources"].to_pylist() == [len(row["time"]) for row in rows]
    for flux, field, statistics in groups:
        step = fluxes.index(field) + 1 if field in fluxes else 0
        for band, k in ((b, k) for b in BANDS for k in range(len(rows))):
            mine = np.array([b == band for b in rows[k]["band"]], bool)
            t, x, e = (np.asarray(rows[k][role])[mine] for role in ("time", "value", "error"))
            for statistic in statistics:
                name = f"{band}{flux}{statistic}"
                least, twin = PUBLISHED[statistic]
                got = table[name][k].as_py()
                expected = twin(t, x + 100 * step, e * (1 + step)) if len(t) >= least else None
                rel = 1e-9 if table.schema.field(name).type == pa.float64() else 1e-6
                rel = 1e-5 if statistic == "StetsonJ" else rel  # Rubin stops to iterate sooner
                assert got == (expected and pytest.approx(expected, rel=rel)), name


def test_types_are_those_published() -> None:
    wanted = {
        "dp02": {"nDiaSources": "int64", "gPSFluxNdata": "double", "gPSFluxSkew": "double"},
        "dp1": {
            "nDiaSources": "int64", "g_psfFluxNdata": "double", "g_psfFluxSkew": "float",
            "g_psfFluxMAD": "float", "g_psfFluxErrMean": "float", "g_psfFluxChi2": "float",
            "g_psfFluxMean": "double", "g_scienceFluxSigma": "double",
        },
        "dp2": {
            "nDiaSources": "int64", "g_psfFluxNdata": "int32", "g_psfFluxMean": "double",
            "g_psfFluxErrMean": "float",
        },
        "apdb": {
            "nDiaSources": "int32", "g_psfFluxNdata": "int32", "g_psfFluxMean": "float",
            "firstDiaSourceMjdTai": "double",
        },
    }  # fmt: skip
    counts = {"dp02": 133, "dp1": 133, "dp2": 61, "apdb": 75}
    rows = random_rows(np.random.default_rng(1), 3)
    for release, types in wanted.items():
        schema = feature_schema(FLUX, release, value_type=pa.float32())
        assert {name: str(schema.field(name).type) for name in types} == types
        assert len(schema) == counts[release]
        made = many_fluxes(rows, [], pa.float32())
        assert compute_features(made, FLUX, release).schema.equals(schema, check_metadata=True)
    assert set(TABLES) == set(counts)
    assert set(presets()["dp2"]) == {*SHORT, "nEpochs"}


def test_a_flux_that_is_not_there_is_null() -> None:
    rows = random_rows(np.random.default_rng(1), 3)
    table = compute_features(many_fluxes(rows, [], pa.float64()), FLUX, "dp1")
    assert table["g_scienceFluxMean"].null_count == 3
    assert table["g_psfFluxMean"].null_count < 3
    other = compute_features(many_fluxes(rows, ["totFlux"], pa.float64()), FLUX, "dp1")
    assert other["g_scienceFluxMean"].null_count < 3


def test_without_errors_what_needs_them_is_null() -> None:
    rows = random_rows(np.random.default_rng(1), 3)
    fields = FLUX.__class__(time="midpointMjdTai", band="band", flux="psfFlux")
    table = compute_features(many_fluxes(rows, [], pa.float64()), fields, "dp2")
    assert table["g_psfFluxMeanErr"].null_count == 3
    assert table["g_psfFluxMean"].null_count < 3


def test_magnitudes_become_fluxes_and_single_bands_have_no_prefix() -> None:
    rows = [{"time": [1.0, 2.0], "band": ["g", "g"], "value": [20.0, 21.0], "error": [0.1, 0.1]}]
    table = compute_features(column(rows, MAG), MAG, "dp2")
    assert table["g_psfFluxMax"][0].as_py() == pytest.approx(36307.8, rel=1e-5)
    assert table.schema.field("g_psfFluxMax").metadata[b"unit"] == b"nJy"
    single = compute_features(column(rows, ONE_BAND), ONE_BAND, "dp2")
    assert single["psfFluxMax"].to_pylist() == [21.0]
    assert "PSFluxMax" in compute_features(column(rows, ONE_BAND), ONE_BAND, "dp02").column_names


def test_a_published_table_stands_alone() -> None:
    with pytest.raises(InputError, match="cannot be mixed"):
        feature_schema(FLUX, ["dp1", "StetsonK"])


def variable(rng: np.random.Generator, n: int, period: float) -> dict[str, Any]:
    code = rng.integers(0, 3, n)
    t = 60000 + np.sort(rng.uniform(0, 200, n))
    wave = np.sin(2 * np.pi * (t - t[0]) / period + 1.1)
    x = 100.0 * (1 + code) + (3.0 + code) * wave + rng.normal(0, 0.3, n)
    return {"time": t, "band": ["gri"[k] for k in code], "value": x, "error": np.full(n, 0.3)}


def test_shared_period_with_amplitude_and_phase_of_each_band() -> None:
    rng = np.random.default_rng(4)
    rows = [variable(rng, n, p) for n, p in ((90, 0.71), (60, 3.3), (40, 11.0))]
    made = column(rows, FLUX)
    limits = {"min_period": 0.3, "max_period": 30.0}
    names = ["multiPeriod", "multiPower", "multiFap", "MultiAmp", "MultiPhase"]
    table = compute_features(made, FLUX, names, bands="gri", **limits)
    periods = compute_periods(made, FLUX, **limits)
    for feature, name in (("Power", "_power"), ("Fap", "_fap")):
        wanted = periods[f"period{name}"].to_pylist()
        assert table[f"multi{feature}"].to_pylist() == pytest.approx(wanted, rel=1e-9)
    difference = np.subtract(table["multiPeriod"].to_pylist(), periods["period"].to_pylist())
    assert np.all(np.abs(difference) < periods["period_err"].to_numpy())  # which a last fit moves
    assert table["multiPeriod"].to_pylist() == pytest.approx([0.71, 3.3, 11.0], rel=2e-3)
    for k, row in enumerate(rows):
        for b, band in enumerate("gri"):
            mine = np.array(row["band"]) == band
            t, x = row["time"][mine] - row["time"].min(), row["value"][mine]
            angle = 2 * np.pi * t / table["multiPeriod"][k].as_py()
            design = np.stack([np.ones(len(t)), np.sin(angle), np.cos(angle)], axis=1)
            _, s, c = np.linalg.lstsq(design, x, rcond=None)[0]
            got = [table[f"{band}_psfFlux{name}"][k].as_py() for name in names[3:]]
            assert got == pytest.approx([np.hypot(s, c), np.arctan2(c, s)], rel=1e-9)
            assert got == pytest.approx([3 + b, 1.1], abs=0.4)


def test_shared_power_is_astropys() -> None:
    row = variable(np.random.default_rng(4), 50, 0.71)
    table = compute_features(column([row], FLUX), FLUX, ["multiPeriod", "multiPower"])
    band = np.array(row["band"])
    spread = {b: row["value"][band == b].std(ddof=1) for b in "gri"}
    error = np.sqrt(row["error"] ** 2 + [(spread[b] / 4) ** 2 for b in band])
    # the model of the published code, with the bands' own sinusoids switched off
    other = LombScargleMultiband(
        row["time"] - row["time"][0], row["value"], band, error, nterms_base=1, nterms_band=0
    )
    expected = other.power(np.array([1 / table["multiPeriod"][0].as_py()]), sb_method="auto")
    assert table["multiPower"][0].as_py() == pytest.approx(float(expected[0]), rel=1e-3)


def test_a_shared_period_needs_nine_epochs_and_a_band_four() -> None:
    row = variable(np.random.default_rng(4), 60, 0.71)
    place = {b: np.flatnonzero(np.array(row["band"]) == b) for b in "gr"}

    def first(g: int, r: int) -> Epochs:
        kept = np.sort(np.concatenate([place["g"][:g], place["r"][:r]]))
        return {role: np.array(values)[kept] for role, values in row.items()}

    rows = [first(4, 5), first(3, 6), first(4, 4)]
    names = ["multiPeriod", "MultiAmp", "MultiPhase"]
    table = compute_features(column(rows, FLUX), FLUX, names)
    assert [v is None for v in table["multiPeriod"].to_pylist()] == [False, False, True]
    for name in names[1:]:
        found = table[f"g_psfFlux{name}"].to_pylist()
        assert [v is None for v in found] == [False, True, True]
