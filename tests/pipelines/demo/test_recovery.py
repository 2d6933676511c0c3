"""Found against true: the counting of the demo."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from skyseries.pipelines.demo.recovery import (
    FoundObject,
    find_excess,
    format_recovery,
    found_objects,
    reduced_chi2,
    summarise,
)

SPAN = 1000.0


def truth_row(object_id, name, period=np.nan, event_time=np.nan, event_duration=np.nan):
    return {
        "objectId": object_id,
        "class": name,
        "period": period,
        "event_time": event_time,
        "event_duration": event_duration,
    }


def found(row, peaks, flux=None, flag=None):
    time = np.arange(100.0)
    flux = np.full(100, 10.0) if flux is None else flux
    return FoundObject(row, time, flux, np.ones(100), np.full(100, "r"), np.array(peaks), flag)


def test_periods_are_right_within_one_over_the_span():
    f0 = 2.0
    near, far = 1 / (f0 + 0.9 / SPAN), 1 / (f0 + 1.1 / SPAN)
    rows = [truth_row(i, "rr_lyrae_ab", 0.5) for i in range(4)]
    rows += [truth_row(i, "contact_binary", 0.5) for i in (4, 5)]
    objects = [
        found(rows[0], [near, 0.3], flag="ok"),  # first
        found(rows[1], [0.3, near]),  # listed
        found(rows[2], [far, 0.7], flag="ok"),  # neither
        found(rows[4], [0.25, 0.5], flag="half"),  # half of it, and listed
        found(rows[5], []),  # nothing was found
    ]
    chi2 = np.array([9.0, 8.0, 7.0, 1.0, 5.0, 6.0])  # rows[3] was not called variable
    rr, contact = summarise(pa.Table.from_pylist(rows), chi2, objects, SPAN)
    assert (rr.n, rr.variable, rr.first, rr.listed, rr.believed) == (4, 3, 1, 2, 2)
    assert (contact.n, contact.first, contact.listed, contact.believed) == (2, 0, 1, 0)
    assert rr.reduced_chi2 == 7.5
    assert rr.caught is None


def test_events_are_caught_by_their_brightest_epoch():
    flux = np.full(100, 10.0)
    flux[40:45] = [500.0, 900.0, 1000.0, 700.0, 400.0]
    rows = [
        truth_row(1, "microlensing", event_time=45.0, event_duration=10.0),
        truth_row(2, "microlensing", event_time=80.0, event_duration=10.0),
        truth_row(3, "microlensing", event_time=45.0, event_duration=10.0),
    ]
    objects = [found(rows[0], [3.0], flux), found(rows[1], [3.0], flux), found(rows[2], [3.0])]
    (outcome,) = summarise(pa.Table.from_pylist(rows), np.full(3, 5.0), objects, SPAN)
    assert (outcome.n, outcome.caught) == (3, 1)
    assert outcome.rise == 990.0
    assert outcome.days == 4.0
    assert outcome.first is None


def test_excess_is_above_the_median_of_its_own_band():
    time = np.arange(20.0)
    band = np.tile(["g", "r"], 10)
    flux = np.where(band == "g", 100.0, 1000.0)
    flux[4], flux[7] = 200.0, 1010.0
    excess = find_excess(time, flux, np.full(20, 1.5), band)
    assert excess.time.tolist() == [4.0, 7.0]
    assert excess.flux.tolist() == [100.0, 10.0]
    assert find_excess(time, flux, np.full(20, 50.0), band).time.size == 0
    empty = np.empty(0)
    assert find_excess(empty, empty, empty, empty.astype(str)).time.size == 0


def test_reduced_chi2_is_of_the_second_most_variable_band_with_enough_epochs():
    chi2 = {"u": [90.0, None], "g": [5.0, 3.0], "r": [4.0, None], "i": [1.0, None]}
    count = {"u": [3, 0], "g": [20, 20], "r": [20, 0], "i": [20, 0]}
    columns = {}
    for band in "ugrizy":
        columns[f"{band}_psfFluxReducedChi2"] = pa.array(chi2.get(band, [None, None]), pa.float32())
        columns[f"{band}_psfFluxNdata"] = pa.array(count.get(band, [0, 0]), pa.int32())
    result = reduced_chi2(pa.table(columns))
    assert result[0] == 4.0
    assert np.isnan(result[1])


def test_found_objects_join_ids_beyond_doubles():
    base = 2**60
    truth = pa.Table.from_pylist([truth_row(base + k, "constant") for k in range(3)])
    curve = {"midpointMjdTai": [1.0], "psfFlux": [2.0], "psfFluxErr": [0.1], "band": ["g"]}
    table = pa.Table.from_pylist(
        [
            {
                "objectId": base + k, "period_peaks": None if k else [0.5], "lc": curve,
                "period_flag": None if k else "few", "period_epoch_max": None if k else 5.0,
                "period_epoch_min": None,
            }
            for k in (1, 0)
        ]
    )  # fmt: skip
    objects = found_objects(table, truth, "lc")
    assert [one.truth["objectId"] - base for one in objects] == [1, 0]
    assert [one.peaks.tolist() for one in objects] == [[], [0.5]]
    assert [one.flag for one in objects] == [None, "few"]
    assert objects[1].epoch_max == 5.0
    assert np.isnan(objects[1].epoch_min)


def test_the_tables_are_aligned_and_fit_a_terminal():
    rows = [truth_row(1, "rr_lyrae_ab", 0.5), truth_row(2, "supernova_ia", np.nan, 5.0, 60.0)]
    outcome = summarise(pa.Table.from_pylist(rows), np.array([9.0, 1e4]), [], SPAN)
    lines = format_recovery(outcome).splitlines()
    assert max(map(len, lines)) <= 79
    assert re.split(" {2,}", lines[0]) == [
        "class", "objects", "variable", "chi2/dof", "period right", "in first 5", "flag ok",
    ]  # fmt: skip
    assert lines[2].split() == ["rr", "lyrae", "ab", "1", "1", "9.0", "0%", "0%"]
    assert any(line.startswith("supernova ia") and "0 of 1" in line for line in lines)


@pytest.mark.parametrize("peaks", [[], [np.inf]])
def test_no_period_or_an_endless_one_has_no_rank(peaks):
    assert found(truth_row(1, "rr_lyrae_ab", 0.5), peaks).rank_of(0.5, SPAN) is None
