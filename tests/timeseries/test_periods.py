"""Periods of nested columns: planted signals, agreement with the plain function, real stars."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skyseries.errors import Cancelled, InputError
from skyseries.executors import create_executor
from skyseries.executors.context import task_context
from skyseries.timeseries import compute_periods, period_schema, periodogram
from tests.timeseries.build import FLUX, MAG, column, sinusoid


def test_planted_periods_are_found() -> None:
    rng = np.random.default_rng(1)
    periods = rng.uniform(0.3, 20, 30)
    rows = [sinusoid(rng, 80, p) for p in periods]
    table = compute_periods(column(rows, MAG), MAG)
    found = table["period"].to_numpy()
    assert (np.abs(1 / found - 1 / periods) < 0.1 / 800).all()
    assert (table["period_power"].to_numpy() > 0.8).all()
    assert (table["period_fap"].to_numpy() < 1e-10).all()
    lists = table["period_peaks"].to_pylist()
    assert [p[0] for p in lists] == found.tolist()
    assert all(len(p) == 5 for p in lists)


def test_noise_is_not_significant() -> None:
    rng = np.random.default_rng(2)
    rows = [{**sinusoid(rng, 80, 1.0), "value": rng.normal(18, 0.1, 80)} for _ in range(20)]
    fap = compute_periods(column(rows, MAG), MAG, min_period=0.5)["period_fap"].to_numpy()
    assert np.mean(fap < 0.05) <= 0.2


@pytest.mark.parametrize("nterms", [1, 2])
def test_agrees_with_the_plain_function(nterms: int) -> None:
    rng = np.random.default_rng(3)
    rows = [sinusoid(rng, 50, 0.9, span=100) for _ in range(3)]
    table = compute_periods(
        column(rows, MAG),
        MAG,
        min_period=0.5,
        max_period=30,
        n_peaks=3,
        nterms=nterms,
        ranked=False,
    )
    for row, period, error, peaks, power, fap in zip(
        rows,
        table["period"].to_pylist(),
        table["period_err"].to_pylist(),
        table["period_peaks"].to_pylist(),
        table["period_power"].to_pylist(),
        table["period_fap"].to_pylist(),
        strict=True,
    ):
        plain = periodogram(
            row["time"], row["value"], row["error"], row["band"],
            min_period=0.5, max_period=30, nterms=nterms, error_floor=None,
        )  # fmt: skip
        # the first is then fitted by harmonics
        assert period == peaks[0] == pytest.approx(0.9 * round(period / 0.9), abs=4 * error)
        assert period < 1 or nterms == 2  # two harmonics fold at twice the period as well
        assert abs(1 / period - plain.peaks(3)[0]) < 0.3 / 100
        np.testing.assert_allclose(1 / np.array(peaks[1:]), plain.peaks(3)[1:], rtol=1e-7)
        assert power == pytest.approx(plain.power_at(plain.peaks(3)[0])[0], rel=1e-9)
        if nterms == 1:
            assert fap == pytest.approx(plain.false_alarm_probability(power), rel=1e-9)
        else:
            assert fap is None


def test_order_of_rows_bands_and_chunks_is_no_matter() -> None:
    rng = np.random.default_rng(4)
    rows = [sinusoid(rng, 40, 1.7, span=60) for _ in range(4)]
    made = column(rows, MAG)
    table = compute_periods(made, MAG, min_period=0.5)
    shuffle = rng.permutation(40)
    mixed = [{k: [row[k][i] for i in shuffle] for k in row} for row in rows]
    assert compute_periods(column(mixed, MAG), MAG, min_period=0.5).equals(table)
    chunked = pa.chunked_array([made.slice(0, 1), made.slice(1)])
    assert compute_periods(chunked, MAG, min_period=0.5).combine_chunks().equals(table)
    names = {"g": 2, "r": 3, "i": 1}
    numbered = [{**row, "band": [names[b] for b in row["band"]]} for row in rows]
    table_int = compute_periods(column(numbered, MAG, band_type=pa.int8()), MAG, min_period=0.5)
    np.testing.assert_allclose(table_int["period"].to_numpy(), table["period"].to_numpy())


def test_a_band_with_one_epoch_changes_nothing() -> None:
    row = sinusoid(np.random.default_rng(5), 40, 1.7, span=60)
    table = compute_periods(column([row], MAG), MAG, min_period=0.5)
    for time in (60010.0, 59000.0):  # among the others, and long before
        extra = {"time": time, "band": "u", "value": 99.0, "error": 0.1, "flag": False}
        more = {role: [*row[role], value] for role, value in extra.items()}
        assert compute_periods(column([more], MAG), MAG, min_period=0.5).equals(table)


def test_fluxes_scale() -> None:
    rng = np.random.default_rng(6)
    row = sinusoid(rng, 60, 2.2, span=300)
    rows = [{**row, **{k: s * np.asarray(row[k]) for k in ("value", "error")}} for s in (1, 1e4)]
    table = compute_periods(column(rows, FLUX), FLUX, min_period=0.5)
    assert table["period"][0].as_py() == pytest.approx(table["period"][1].as_py(), rel=1e-9)


def test_minimum_number_of_epochs() -> None:
    rng = np.random.default_rng(7)
    one_band = [sinusoid(rng, n, 2.0, bands="g") for n in range(8)]
    found = compute_periods(column(one_band, MAG), MAG, min_period=1.0)["period"].is_valid()
    assert found.to_pylist() == [n >= 5 for n in range(8)]
    two = [{**sinusoid(rng, n, 2.0), "band": ["g"] * 2 + ["r"] * (n - 2)} for n in range(4, 9)]
    found = compute_periods(column(two, MAG), MAG, min_period=1.0)["period"].is_valid()
    assert found.to_pylist() == [n >= 6 for n in range(4, 9)]


def test_a_wild_time_gives_null_not_an_endless_search() -> None:
    row = sinusoid(np.random.default_rng(8), 20, 2.0)
    row["time"] = [*list(row["time"])[:-1], 1e15]
    table = compute_periods(column([row], MAG), MAG)
    assert table.to_pylist() == [dict.fromkeys(table.column_names)]


def test_limits_that_leave_nothing_are_told() -> None:
    row = sinusoid(np.random.default_rng(8), 20, 2.0)
    span = np.ptp(row["time"])
    with pytest.warns(UserWarning, match="less than min_period = 5000 d"):
        table = compute_periods(column([row], MAG), MAG, min_period=5000)
    assert table.to_pylist() == [dict.fromkeys(table.column_names)]
    with pytest.raises(InputError, match=f"no periods between min_period = 5000 d.*{span:g} d"):
        periodogram(row["time"], row["value"], min_period=5000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compute_periods(column([row], MAG), MAG, max_period=0.01)
    assert found["period_min"].to_pylist() == [0.005]


def test_a_search_can_be_stopped() -> None:
    rng = np.random.default_rng(9)
    curves = column([sinusoid(rng, 300, 2.0) for _ in range(20)], MAG)
    given = {"min_period": 1.0, "max_period": 4.0}
    told: list[float] = []

    def stop(fraction: float) -> None:
        told.append(fraction)
        if fraction >= 0.5:
            raise Cancelled("enough")

    whole = compute_periods(curves, MAG, method="pdm", **given)
    with task_context(create_executor("serial"), stop), pytest.raises(Cancelled):
        compute_periods(curves, MAG, method="pdm", **given)
    assert told == sorted(told)
    assert len(told) > 2
    parts = [compute_periods(curves[k : k + 1], MAG, method="pdm", **given) for k in range(20)]
    assert whole.equals(pa.concat_tables(parts))


def test_schema_and_recorded_parameters() -> None:
    empty = compute_periods(pa.chunked_array([], column([], MAG).type), MAG)
    assert empty.schema.equals(period_schema(), check_metadata=True)
    lists, texts = {"period_peaks", "period_evidence"}, {"period_flag"}
    for field in empty.schema:
        plain = "string" if field.name in texts else "double"
        assert str(field.type) == ("list<item: double>" if field.name in lists else plain)
        assert field.metadata[b"description"]
    assert empty.schema.field("period").metadata[b"unit"] == b"d"
    schema = period_schema(min_period=0.2, error_floor=0.03)
    recorded = json.loads(schema.field("period").metadata[b"skyseries_periods"])
    assert (recorded["error_floor"], recorded["error_floor_scatter_fraction"]) == (0.03, 0.0)
    default = json.loads(period_schema().field("period").metadata[b"skyseries_periods"])
    assert (default["error_floor"], default["error_floor_scatter_fraction"]) == (0.0, 0.25)
    for wrong in ({"n_peaks": 0}, {"min_period": -1.0}, {"max_period": np.inf}, {"nterms": 0}):
        with pytest.raises(ValueError, match="must"):
            period_schema(**wrong)  # type: ignore[arg-type]


def test_ranking_prefers_the_shape_to_the_sinusoid() -> None:
    rng = np.random.default_rng(9)
    period, rows = 0.57, []
    for _ in range(20):
        row = sinusoid(rng, 120, period, span=400, noise=0.02)
        t = np.floor(np.asarray(row["time"])) + rng.normal(0, 0.03, 120)  # once a night: aliases
        phase = (t / period) % 1.0
        saw = np.where(phase < 0.15, phase / 0.15, (1 - phase) / 0.85)
        scale = np.array([{"g": 1.0, "r": 0.7, "i": 0.5}[b] for b in row["band"]])
        rows.append({**row, "time": t, "value": 18 + scale * saw + rng.normal(0, 0.02, 120)})
    made = column(rows, MAG)
    right = {
        ranked: np.abs(
            1 / compute_periods(made, MAG, min_period=0.2, ranked=ranked)["period"].to_numpy()
            - 1 / period
        )
        < 1 / 400
        for ranked in (False, True)
    }
    assert right[True].all()
    assert right[False].mean() < 0.9


def test_a_sinusoid_keeps_the_frequency_of_the_sinusoid() -> None:
    rng = np.random.default_rng(10)
    rows = [sinusoid(rng, 60, 1.3, span=200) for _ in range(10)]
    ranked, plain = (
        compute_periods(column(rows, MAG), MAG, min_period=0.5, ranked=ranked).to_pydict()
        for ranked in (True, False)
    )
    difference = np.subtract(ranked["period"], plain["period"])
    assert np.all(np.abs(difference) < np.asarray(ranked["period_err"]))
    assert ranked["period_power"] == pytest.approx(plain["period_power"], rel=1e-12)


def s82(shared_data: Path, *, one_band_a_night: bool) -> tuple[pa.StructArray, np.ndarray]:
    """Return the light curves and true periods of the Stripe 82 RR Lyrae."""
    epochs = pq.read_table(shared_data / "s82_rrlyrae_lightcurves.parquet").to_pandas()
    stars = pq.read_table(shared_data / "s82_rrlyrae_objects.parquet").to_pandas()
    rows = []
    for _, g in (groups := epochs.groupby("object_id")):
        if one_band_a_night:
            night = np.unique(np.floor(g.mjd), return_inverse=True)[1]
            g = g[g.band.to_numpy() == np.array(list("ugriz"))[night % 5]]
        rows.append(
            {
                "time": g.mjd.to_numpy(), "band": g.band.tolist(),
                "value": g.mag.to_numpy(), "error": g.magerr.to_numpy(),
            }
        )  # fmt: skip
    truth = stars.set_index("object_id").period[list(groups.groups)]
    return column(rows, MAG), truth.to_numpy()


@pytest.mark.data
@pytest.mark.parametrize(
    ("one_band_a_night", "first", "five"), [(False, 0.90, 0.99), (True, 0.80, 0.97)]
)
def test_stripe_82_rr_lyrae(
    shared_data: Path, one_band_a_night: bool, first: float, five: float
) -> None:
    made, truth = s82(shared_data, one_band_a_night=one_band_a_night)
    table = compute_periods(made, MAG, min_period=0.2, max_period=1.2)
    span = np.array([np.ptp(row["mjd"]) for row in made.to_pylist()])
    peaks = 1 / np.array(table["period_peaks"].to_pylist())
    right = np.abs(peaks - 1 / truth[:, None]) < 1 / span[:, None]
    assert right[:, 0].mean() >= first
    assert right.any(axis=1).mean() >= five
