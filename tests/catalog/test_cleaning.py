"""Cleaned light curves of a catalog, and one search in the light curves of two surveys."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries.errors import InputError, SchemaError
from skyseries.timeseries import joined

STEPS = {
    "clipped": {"clip": 2.0},
    "trend": {"trend": 1},
    "wave": {"trend": 1, "period": 2.5},
    "nights": {"nightly": True},
    "all": {"knots": 90.0, "clip": 2.5, "nightly": True, "location": (-70.0, -30.0, 2000.0)},
}


def curves(catalog, column="lightcurve"):
    table = catalog.select(["id", column]).to_arrow()
    return dict(zip(table["id"].to_pylist(), table[column].to_pylist(), strict=True))


@pytest.mark.parametrize("name", STEPS)
def test_each_is_cleaned_as_by_itself(survey, catalog, name):
    steps = catalog.clean_lightcurves(**STEPS[name], counts=True)
    found = curves(steps)
    assert len(found) == len(survey.rows)
    counts = steps.drop("lightcurve").to_arrow().to_pylist()
    counts = {row["id"]: row for row in counts}
    gone = 0
    for row in survey.rows[::9]:
        alone = catalog.lightcurve(row["id"]).clean(**STEPS[name])
        here = steps.lightcurve(row["id"])
        np.testing.assert_array_equal(here.time, alone.time)
        np.testing.assert_array_equal(here.value, alone.value)
        np.testing.assert_array_equal(here.error, alone.error)
        assert here.bands.tolist() == alone.bands.tolist()
        assert found[row["id"]]["mjd"] == alone.time.tolist()
        for why, n in alone.cleaned.items():
            assert counts[row["id"]][f"epochs_{why.replace(' ', '_')}"] == n
            gone += n
    assert gone
    assert name in ("trend", "wave") or gone < sum(len(r["lightcurve"]["mjd"]) for r in survey.rows)


@pytest.mark.parametrize("name", STEPS)
def test_a_field_by_itself_is_that_of_the_whole(catalog, name):
    more = catalog.assign({"lightcurve.snr": "lightcurve.flux / lightcurve.flux_err"})
    steps = more.clean_lightcurves(**STEPS[name])
    whole = steps.to_arrow()
    assert whole.schema.equals(steps.schema)
    for field in whole.schema.field("lightcurve").type:
        alone = steps.select([f"lightcurve.{field.name}"]).to_arrow()["lightcurve"]
        assert [c[field.name] for c in alone.to_pylist()] == [
            c[field.name] for c in whole["lightcurve"].to_pylist()
        ]
    assert (len(whole.schema.field("lightcurve").type) == 4) == STEPS[name].get("nightly", False)
    assert str(steps.explain()).count("clean lightcurve: ") == 1


def test_the_same_rows_on_every_engine(survey, catalog, engines):
    steps = catalog.clean_lightcurves(trend=1, clip=2.0, nightly=True, counts=True)
    steps = steps.query("COUNT(lightcurve.mjd) > 1").features(["Mean"])
    with sky.executor("serial"):
        expected = steps.to_arrow()
    assert 0 < len(expected) < len(survey.rows)
    for engine in ("threads", "processes"):
        with sky.executor(engines(engine)):
            assert steps.to_arrow().equals(expected)


def test_written_and_read_again(catalog, tmp_path):
    steps = catalog.clean_lightcurves(nightly=True)
    written = steps.write_catalog(tmp_path / "nights")
    assert curves(sky.open_catalog(tmp_path / "nights")) == curves(steps)
    assert written.rows == len(steps)
    assert sky.open_catalog(tmp_path / "nights").lightcurve_fields().time_scale == "tai"


def test_flags_of_any_field(survey, catalog):
    found = catalog.clean_lightcurves(flags={"band": ["r"]}, counts=True, prefix="a_", suffix="_b")
    for row in found.to_arrow().to_pylist():
        before = next(r for r in survey.rows if r["id"] == row["id"])["lightcurve"]
        assert set(row["lightcurve"]["band"]) <= {"r"}
        assert row["a_epochs_flagged_b"] == sum(band != "r" for band in before["band"])
    with pytest.raises(SchemaError, match="no flag"):
        catalog.clean_lightcurves(flags=True)
    with pytest.raises(SchemaError, match="nothing"):
        catalog.clean_lightcurves(flags={"nothing": True})


def test_periods_of_a_column(survey, catalog):
    found = catalog.assign(p="0.001 * MOD(id, 7000) - 1").clean_lightcurves(trend=1, period="p")
    fitted = 0
    for row in survey.rows[::5]:
        period = 0.001 * (row["id"] % 7000) - 1
        options = {"period": period} if period > 0 else {}
        alone = catalog.lightcurve(row["id"]).clean(trend=1, **options)
        np.testing.assert_array_equal(found.lightcurve(row["id"]).value, alone.value)
        fitted += len(alone) - alone.cleaned["not detrended"]
    assert fitted
    hours = sky.from_table(_table(catalog, pa.field("p", pa.float64(), metadata={"unit": "h"})))
    as_days = sky.from_table(_table(catalog, pa.field("p", pa.float64()), 24.0))
    assert curves(hours.clean_lightcurves(trend=1, period="p")) == curves(
        as_days.clean_lightcurves(trend=1, period="p")
    )
    with pytest.raises(SchemaError, match="nothing"):
        catalog.clean_lightcurves(trend=1, period="nothing")
    with pytest.raises(InputError, match="not of periods"):
        catalog.clean_lightcurves(trend=1, period="lightcurve")


def _table(catalog, field, divided_by=1.0):
    table = catalog.select(["id", "ra", "dec", "lightcurve"]).to_arrow()
    hours = np.linspace(12.0, 90.0, len(table)) / divided_by
    return table.append_column(field, pa.array(hours))


@pytest.mark.parametrize("options", [{}, {"clip": -1}, {"counts": 1, "clip": 3}, {"knots": "5"}])
def test_what_cannot_be_meant(catalog, options):
    with pytest.raises(InputError):
        catalog.clean_lightcurves(**options)


# -- two surveys --------------------------------------------------------------------------------


@pytest.fixture
def both(catalog):
    """Return pairs of objects and the same ones in another survey, every third missing there."""
    other = (
        catalog.query("MOD(id, 9) <> 0")
        .slice_lightcurves(1)
        .rename({"lightcurve": "rubin", "id": "id2"})
    )
    ours = catalog.rename({"lightcurve": "ztf"}).drop("mag")
    return ours.crossmatch(other.select(["id2", "ra", "dec", "rubin"]), 1, how="left")


SEARCH = {"min_period": 5.0, "max_period": 50.0}


def test_one_search_in_both(survey, both, engines):
    found = both.periods(lightcurve=["ztf", "rubin"], **SEARCH)
    table = found.select(["id", "period", "period_power"]).to_arrow().to_pylist()
    periods = {row["id"]: row["period"] for row in table}
    searched = missing = 0
    for row in survey.rows[::7]:
        parts = {n: both.lightcurve(row["id"], n) for n in ("ztf", "rubin")}
        alone = joined(parts).periods(**SEARCH)["period"]
        assert periods[row["id"]] == alone
        searched, missing = searched + (alone is not None), missing + (not len(parts["rubin"]))
    assert searched
    assert missing
    assert [n for n in found.columns if n.endswith("_amplitude")] == [
        f"{survey}_{band}_period_amplitude" for survey in ("ztf", "rubin") for band in "gri"
    ]
    again = both.periods(column=["ztf", "rubin"], **SEARCH, prefix="two_")
    assert again.select(["id", "two_period"]).to_arrow()["two_period"].to_pylist() == [
        row["period"] for row in table
    ]
    one = both.periods(column="ztf", **SEARCH).select(["period"]).to_arrow()
    assert one.equals(both.periods(lightcurve=["ztf"], **SEARCH).select(["period"]).to_arrow())
    assert not one.equals(found.select(["period"]).to_arrow())
    with sky.executor(engines("processes")):
        assert found.select(["id", "period", "period_power"]).to_arrow().to_pylist() == table


def test_one_search_at_the_barycentre(both):
    plain = both.periods(column=["ztf", "rubin"], **SEARCH)["period"].to_arrow()
    moved = both.periods(column=["ztf", "rubin"], barycentric=True, **SEARCH)["period"].to_arrow()
    pairs = list(zip(plain["period"].to_pylist(), moved["period"].to_pylist(), strict=True))
    assert any(a != b for a, b in pairs)
    assert [a is None for a, _ in pairs] == [b is None for _, b in pairs]


def test_of_surveys_that_say_different_things(both):
    with pytest.raises(InputError, match=r"times differ \(ztf topocenter, rubin heliocenter\)"):
        both.set_lightcurve("rubin", refposition="heliocenter").periods(column=["ztf", "rubin"])
    utc = both.set_lightcurve("rubin", time_scale="utc").periods(column=["ztf", "rubin"], **SEARCH)
    assert utc.select(["period"]).to_arrow()["period"].null_count < len(utc)


@pytest.mark.parametrize("column", [[], ["ztf", "ztf"], ["ztf", 5], 5])
def test_what_names_no_columns(both, column):
    with pytest.raises(InputError):
        both.periods(column=column)


def test_two_words_for_one_thing(both):
    with pytest.raises(InputError, match="give one of them"):
        both.periods(column="ztf", lightcurve="rubin")
    with pytest.raises(SchemaError, match="no light-curve column"):
        both.periods(lightcurve=["ztf", "id"])
