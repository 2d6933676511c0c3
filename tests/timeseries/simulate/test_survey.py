"""A simulated survey: what its tables promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from skyseries.errors import InputError
from skyseries.photometry import UGRIZY, mag_to_njy
from skyseries.schema import column_meta
from skyseries.spatial.sphere import separation_arcsec
from skyseries.timeseries.simulate import simulate_survey
from skyseries.timeseries.simulate.classes import CLASSES

NUMBERS = {f"n_{name}": 6 for name in CLASSES}


@pytest.fixture(scope="module")
def survey():
    return simulate_survey(seed=11, **(NUMBERS | {"n_constant": 60}))


def test_counts_and_classes(survey):
    assert survey.objects.num_rows == survey.truth.num_rows == 60 + 6 * 7
    counted = {
        row["values"]: row["counts"] for row in survey.truth["class"].value_counts().to_pylist()
    }
    assert counted == dict.fromkeys(CLASSES, 6) | {"constant": 60}
    assert survey.objects["objectId"].equals(survey.truth["objectId"])


def test_ids_are_different_and_beyond_what_a_double_holds(survey):
    ids = survey.objects["objectId"]
    assert ids.type == pa.int64()
    assert pc.min(ids).as_py() > 2**53
    assert pc.count_distinct(ids).as_py() == len(ids)
    assert set(survey.sources["objectId"].to_pylist()) == set(ids.to_pylist())


def test_columns_have_types_units_and_descriptions(survey):
    types = {field.name: field.type for field in survey.sources.schema}
    assert types == {
        "objectId": pa.int64(),
        "midpointMjdTai": pa.float64(),
        "band": pa.string(),
        "psfFlux": pa.float32(),
        "psfFluxErr": pa.float32(),
        "ra": pa.float64(),
        "dec": pa.float64(),
    }
    assert column_meta(survey.sources.schema.field("psfFlux")).unit == "nJy"
    assert column_meta(survey.sources.schema.field("midpointMjdTai")).unit == "d"
    for table in survey:
        assert all(column_meta(field).description for field in table.schema)
        assert not any(column.null_count for column in table.columns)


def test_the_same_seed_is_the_same_survey(survey):
    again = simulate_survey(seed=11, **(NUMBERS | {"n_constant": 60}))
    for table, other in zip(survey, again, strict=True):
        # a table with NaN is equal to none in Arrow
        pd.testing.assert_frame_equal(table.to_pandas(), other.to_pandas())
    assert not simulate_survey(seed=12, **NUMBERS).objects.equals(survey.objects)


def test_sources_lie_by_their_objects_and_are_sorted(survey):
    sources, objects = survey.sources.to_pandas(), survey.objects.to_pandas()
    joined = sources.merge(objects, on="objectId", suffixes=("", "_object"))
    assert len(joined) == len(sources)
    apart = separation_arcsec(joined.ra, joined.dec, joined.ra_object, joined.dec_object)
    assert 0.01 < np.median(apart) < 0.1
    assert apart.max() < 0.3
    for _, epochs in sources.groupby("objectId"):
        assert epochs.midpointMjdTai.is_monotonic_increasing
        assert 150 < len(epochs) < 260


def test_constant_stars_scatter_by_their_errors_and_others_more(survey):
    sources = survey.sources.to_pandas()
    kind = dict(zip(*survey.truth.select(["objectId", "class"]).to_pydict().values(), strict=True))
    reduced = {}
    for (object_id, _), epochs in sources.groupby(["objectId", "band"]):
        weight = epochs.psfFluxErr.to_numpy(float) ** -2
        flux = epochs.psfFlux.to_numpy(float)
        if flux.size > 20:
            chi2 = np.sum(weight * (flux - np.average(flux, weights=weight)) ** 2)
            reduced.setdefault(kind[object_id], []).append(chi2 / (flux.size - 1))
    assert np.mean(reduced.pop("constant")) == pytest.approx(1.0, abs=0.06)
    assert set(reduced) == set(CLASSES) - {"constant"}
    for name, values in reduced.items():
        assert np.median(values) > 1.5, name


def test_mean_magnitudes_are_near_the_truth_for_constant_stars(survey):
    truth, objects = survey.truth.to_pandas(), survey.objects.to_pandas()
    constant = (truth["class"] == "constant").to_numpy()
    np.testing.assert_allclose(objects.r_psfMag[constant], truth.r_mag[constant], atol=0.1)


def test_supernovae_have_negative_fluxes_before_they_explode(survey):
    truth = survey.truth.to_pandas().query("`class` == 'supernova_ia'")
    sources = survey.sources.to_pandas().merge(truth, on="objectId")
    before = sources[sources.midpointMjdTai < sources.event_time - 60]
    assert 0.4 < np.mean(before.psfFlux < 0) < 0.6


def test_events_brighten_the_star_as_told():
    survey = simulate_survey(
        seed=5, **(dict.fromkeys(NUMBERS, 0) | {"n_microlensing": 40}), visits_per_year=300
    )
    truth = survey.truth.to_pandas().set_index("objectId")
    for object_id, epochs in survey.sources.to_pandas().groupby("objectId"):
        row, g = truth.loc[object_id], epochs[epochs.band == "r"]
        near = np.abs(g.midpointMjdTai - row.event_time) < 0.1 * row.event_duration
        if near.any():
            assert g.psfFlux[near].max() > 1.5 * mag_to_njy(row.r_mag)[0]


def test_given_positions_are_kept_in_their_order():
    ra, dec = np.array([0.0, 359.999, 80.0]), np.array([-10.0, -10.0, -89.0])
    survey = simulate_survey(
        seed=1, **(dict.fromkeys(NUMBERS, 0) | {"n_constant": 3}), positions=(ra, dec)
    )
    assert survey.objects["ra"].to_pylist() == ra.tolist()
    assert survey.objects["dec"].to_pylist() == dec.tolist()
    times = survey.sources.to_pandas().groupby("objectId").midpointMjdTai.apply(set).to_list()
    assert len(times[0] & times[1]) > 150  # one tile across ra 0
    assert not times[0] & times[2]
    assert pc.max(survey.sources["ra"]).as_py() < 360.0


def test_an_empty_survey_has_its_columns():
    survey = simulate_survey(seed=1, **dict.fromkeys(NUMBERS, 0))
    assert [table.num_rows for table in survey] == [0, 0, 0]
    assert survey.objects.column_names == [
        "objectId",
        "ra",
        "dec",
        *(f"{b}_psfMag" for b in UGRIZY),
    ]


def test_wrong_numbers_are_errors():
    with pytest.raises(InputError, match="n_constant must not be negative"):
        simulate_survey(seed=1, n_constant=-1)
    with pytest.raises(InputError, match="for 6 objects"):
        simulate_survey(
            seed=1, **(dict.fromkeys(NUMBERS, 0) | {"n_constant": 6}), positions=([1.0], [2.0])
        )
