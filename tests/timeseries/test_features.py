"""Features against slow twins, whatever the layout of the column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.photometry import mag_to_njy
from skyseries.schema import LightCurveFields
from skyseries.timeseries import Feature, all_features, compute_features, feature_schema, select
from tests.examples import examples
from tests.timeseries.build import FLUX, MAG, ONE_BAND, Epochs, column, random_rows
from tests.timeseries.experiments import TESTED_APART
from tests.timeseries.twins import TWINS

FLAGGED = FLUX.override(flag="psfFlux_flag")


def usable(row: Epochs | None, band: Any = None, *, flags: bool = False) -> tuple[Any, Any, Any]:
    if row is None:
        return (np.empty(0),) * 3
    t, x, e = (np.asarray(row[k], float) for k in ("time", "value", "error"))
    good = np.isfinite(t) & np.isfinite(x) & np.isfinite(e) & (e > 0)
    if band is not None:
        good &= np.array([b == band for b in row["band"]], bool)
    if flags:
        good &= ~np.asarray(row["flag"], bool)
    return t[good], x[good], e[good]


def test_no_features_are_rows_without_columns() -> None:
    rows = column(random_rows(np.random.default_rng(1), 4), FLUX)
    for names, bands in (([], None), (["Mean"], [])):
        assert compute_features(rows, FLUX, names, bands=bands).shape == (4, 0)


def has_twin(feature: Feature) -> bool:
    """Return whether it is compared here: the period searches are in test_dpdd and test_rubin."""
    is_search = feature.cost == "n x frequencies"
    return not (feature.parts or is_search or feature.name in {"nExcluded", "nEpochs"})


def check(table: pa.Table, rows: list[Epochs | None], *, flags: bool, rtol: float) -> None:
    for feature in all_features():
        if feature.name not in TWINS:
            continue
        for band in [None] if feature.scope == "all" else list("ugrizy"):
            name = feature.name if band is None else f"{band}_psfFlux{feature.name}"
            for row, got in zip(rows, table[name].to_pylist(), strict=True):
                t, x, e = usable(row, band, flags=flags)
                if len(t) < feature.min_epochs:
                    assert got is None, name
                    continue
                with np.errstate(all="ignore"):
                    expected = TWINS[feature.name](t, x, e)
                if np.isfinite(expected):
                    scale = 1e-9 * (np.ptp(x) / max(np.ptp(t), 1e-3) if len(t) else 0)
                    assert got == pytest.approx(expected, rel=rtol, abs=scale + 1e-12), name
                else:
                    assert got is None, name


def test_every_feature_has_a_twin() -> None:
    apart = TESTED_APART | {f.name for f in all_features() if f.scope == "pair"}
    assert {f.name for f in all_features() if has_twin(f)} - apart == set(TWINS)


def test_all_features_of_random_light_curves() -> None:
    rows = random_rows(np.random.default_rng(1), 60, most=120)
    check(compute_features(column(rows, FLUX), FLUX, "all"), rows, flags=False, rtol=1e-8)


def test_long_light_curves_use_the_general_sort() -> None:
    rows = random_rows(np.random.default_rng(2), 4, most=3000)
    check(compute_features(column(rows, FLUX), FLUX, "all"), rows, flags=False, rtol=1e-8)


def test_flagged_epochs_are_left_out_and_counted() -> None:
    rows = random_rows(np.random.default_rng(3), 30)
    flagged = compute_features(column(rows, FLAGGED), FLAGGED, "all")
    check(flagged, rows, flags=True, rtol=1e-8)
    assert flagged["nExcluded"].to_pylist() == [int(np.sum(row["flag"])) for row in rows]
    for row in rows:
        row["flag"] = [4 * int(flag) for flag in row["flag"]]
    bits = column(rows, FLAGGED, flag_type=pa.int64())
    assert compute_features(bits, FLAGGED, "all").equals(flagged)


ROLES = ("time", "band", "value", "error")

numbers = st.sampled_from([0.0, 1.0, 2.5, -3.0, 1e3, np.nan, np.inf, -np.inf])
epochs = st.lists(
    st.tuples(
        st.sampled_from([60000.0, 60001.0, 60000.5, 60010.0, np.nan, np.inf]),
        st.sampled_from([*"ugrizy", None]),
        numbers,
        st.sampled_from([0.5, 1.0, 2.0, 0.0, -1.0, np.nan, np.inf]),
    ),
    max_size=12,
)


@examples(1.2)
@given(st.lists(st.one_of(st.none(), epochs), max_size=6))
def test_awkward_light_curves(curves: list[list[tuple[Any, ...]] | None]) -> None:
    rows: list[Epochs | None] = [
        None if c is None else {role: [epoch[k] for epoch in c] for k, role in enumerate(ROLES)}
        for c in curves
    ]
    table = compute_features(column(rows, FLUX), FLUX, ["nObs", "nExcluded", "Min", "Mean", "Eta"])
    for row, seen, lost in zip(
        rows, table["nObs"].to_pylist(), table["nExcluded"].to_pylist(), strict=True
    ):
        of_bands = sum(len(usable(row, band)[0]) for band in "ugrizy")
        assert seen == of_bands
        assert seen + lost == (0 if row is None else len(row["time"]))
    for band in "ugrizy":
        for name, twin in (("Min", "Min"), ("Mean", "Mean")):
            got = table[f"{band}_psfFlux{name}"].to_pylist()
            for row, value in zip(rows, got, strict=True):
                t, x, e = usable(row, band)
                expected = pytest.approx(TWINS[twin](t, x, e)) if len(t) else None
                assert value == expected


@pytest.fixture(scope="module")
def rows() -> list[Epochs | None]:
    made: list[Epochs | None] = list(random_rows(np.random.default_rng(4), 20))
    made[3] = None
    return made


@pytest.fixture(scope="module")
def plain(rows: list[Epochs | None]) -> pa.Table:
    return compute_features(column(rows, FLUX), FLUX)


def test_sliced_columns(rows: list[Epochs | None], plain: pa.Table) -> None:
    whole = column(rows, FLUX)
    for start, length in ((0, 5), (2, 6), (7, 13), (20, 0)):
        part = compute_features(whole.slice(start, length), FLUX)
        assert part.equals(plain.slice(start, length))


def test_chunked_columns(rows: list[Epochs | None], plain: pa.Table) -> None:
    whole = column(rows, FLUX)
    chunked = pa.chunked_array([whole.slice(0, 7), whole.slice(7, 0), whole.slice(7)])
    assert compute_features(chunked, FLUX).combine_chunks().equals(plain)
    empty = compute_features(pa.chunked_array([], whole.type), FLUX)
    assert empty.schema.equals(plain.schema, check_metadata=True)
    assert empty.num_rows == 0


@pytest.mark.parametrize(
    "options",
    [
        {"large": True},
        {"band_type": pa.large_string()},
        {"band_type": pa.dictionary(pa.int8(), pa.string())},
        {"band_type": pa.dictionary(pa.int32(), pa.large_string()), "large": True},
    ],
    ids=str,
)
def test_other_layouts_give_the_same(
    rows: list[Epochs | None], plain: pa.Table, options: dict[str, Any]
) -> None:
    made = column(rows, FLUX, **options)
    assert compute_features(made, FLUX).equals(plain)
    assert compute_features(made.slice(4, 9), FLUX).equals(plain.slice(4, 9))


def test_null_lists_and_hidden_values_are_no_epochs() -> None:
    values = pa.array([1.0, 2.0, 3.0, 4.0])
    lists = pa.ListArray.from_arrays(
        pa.array([0, 2, 4], pa.int32()), values, mask=pa.array([False, True])
    )
    made = pa.StructArray.from_arrays([lists, lists, lists], ["time", "flux", "flux_err"])
    assert compute_features(made, ONE_BAND)["nObs"].to_pylist() == [2, 0]
    full = pa.ListArray.from_arrays(pa.array([0, 2, 4], pa.int32()), values)
    masked = pa.StructArray.from_arrays(
        [full, full, full], ["time", "flux", "flux_err"], mask=pa.array([True, False])
    )
    assert compute_features(masked, ONE_BAND)["fluxMin"].to_pylist() == [None, 3.0]


def test_null_elements_are_excluded() -> None:
    made = column(
        [{"time": [1, 2, 3, None], "value": [1, None, 3, 4], "error": [1, 1, None, 1]}], ONE_BAND
    )
    table = compute_features(made, ONE_BAND)
    assert table["nObs"].to_pylist() == [1]
    assert table["nExcluded"].to_pylist() == [3]


def test_integer_bands_and_their_names(rows: list[Epochs | None], plain: pa.Table) -> None:
    numbered: list[Epochs | None] = [
        None if row is None else {**row, "band": ["ugrizy".index(b) + 1 for b in row["band"]]}
        for row in rows
    ]
    made = column(numbered, FLUX, band_type=pa.int16())
    table = compute_features(made, FLUX, bands=[1, 2, 3, 4, 5, 6])
    assert "band2_psfFluxStetsonJ" in table.column_names
    assert [c.to_pylist() for c in table.columns] == [c.to_pylist() for c in plain.columns]
    with pytest.raises(ValueError, match="say which there are"):
        compute_features(made, FLUX)


def test_float32_in_float32_out(rows: list[Epochs | None]) -> None:
    single = column(rows, FLUX, value_type=pa.float32())
    table = compute_features(single, FLUX)
    assert table.schema.field("g_psfFluxMean").type == pa.float32()
    assert table.schema.field("firstTime").type == pa.float64()
    assert table.schema.equals(feature_schema(FLUX, value_type=pa.float32()), check_metadata=True)
    double = compute_features(
        column(
            [r and {**r, **{k: np.float32(r[k]) for k in ("value", "error")}} for r in rows], FLUX
        ),
        FLUX,
    )
    for name in ("g_psfFluxMean", "r_psfFluxStetsonJ", "timeSpan"):
        np.testing.assert_array_equal(
            table[name].to_numpy(), double[name].to_numpy().astype(table[name].to_numpy().dtype)
        )


def test_columns_do_not_depend_on_the_data() -> None:
    schema = feature_schema(FLUX)
    for rows in ([], [None], random_rows(np.random.default_rng(5), 3, bands="r")):
        table = compute_features(column(rows, FLUX), FLUX)
        assert table.schema.equals(schema, check_metadata=True)
    assert len(schema) <= 100
    assert schema.field("g_psfFluxMean").metadata[b"unit"] == b"nJy"
    assert schema.field("g_psfFluxLinearSlope").metadata[b"unit"] == b"nJy/d"
    assert b"in band g" in schema.field("g_psfFluxMean").metadata[b"description"]
    assert schema.field("timeSpan").metadata[b"unit"] == b"d"


def test_bands_outside_the_default_are_refused_or_counted() -> None:
    made = column(random_rows(np.random.default_rng(6), 5, bands=["zg", "r"]), FLUX)
    with pytest.raises(ValueError, match="'zg'"):
        compute_features(made, FLUX)
    table = compute_features(made, FLUX, bands=["r"])
    both = compute_features(made, FLUX, bands=["r", "zg"])
    total = np.add(table["nObs"].to_numpy(), table["nExcluded"].to_numpy())
    np.testing.assert_array_equal(both["nObs"].to_numpy(), total)
    assert not any(name.startswith("zg") for name in table.column_names)


def test_magnitudes_stay_or_become_fluxes() -> None:
    rows = random_rows(np.random.default_rng(7), 10, mean=20.0)
    for row in rows:
        row["value"] = 20 + (np.asarray(row["value"]) - 20) / 100
        row["error"] = np.asarray(row["error"]) / 1000
    made = column(rows, MAG)
    table = compute_features(made, MAG)
    assert table.schema.field("r_magMean").metadata[b"unit"] == b"mag"
    converted = compute_features(made, MAG, space="flux")
    assert converted.schema.field("r_fluxMean").metadata[b"unit"] == b"nJy"
    assert converted.schema.equals(feature_schema(MAG, space="flux"), check_metadata=True)
    for row in rows:
        row["value"], row["error"] = mag_to_njy(row["value"], row["error"])
    fields = LightCurveFields("mjd", "band", flux="flux", flux_err="magerr", flux_unit="nJy")
    assert converted.equals(compute_features(column(rows, fields), fields))
    psf = LightCurveFields("mjd", mag="psfMag")
    assert "psfFluxMean" in feature_schema(psf, space="flux").names
    with pytest.raises(ValueError, match="space"):
        feature_schema(MAG, space="magnitude")


def test_negative_fluxes_are_kept() -> None:
    made = column([{"time": [1, 2], "value": [-5, -7], "error": [1, 1]}], ONE_BAND)
    assert compute_features(made, ONE_BAND)["fluxMean"].to_pylist() == [-6.0]


def test_without_errors() -> None:
    fields = LightCurveFields("time", flux="flux")
    made = column([{"time": [1, 2, 4], "value": [5, 7, 3]}], fields)
    table = compute_features(made, fields, "all")
    assert table["fluxMean"].to_pylist() == [5.0]
    assert not {"fluxMeanErr", "fluxStetsonJ", "fluxChi2"} & set(table.column_names)
    with pytest.raises(ValueError, match="needs errors"):
        compute_features(made, fields, ["StetsonJ"])


def test_choice_of_features() -> None:
    names = feature_schema(ONE_BAND, ["StetsonJ", "nObs", "StetsonJ"]).names
    assert names == ["nObs", "fluxStetsonJ"]
    assert feature_schema(ONE_BAND, "Eta").names == ["fluxEta"]
    for asked, said in (("mean", "did you mean 'Mean'[?]"), ("Medain", "'Median'"), ("x9", "184")):
        with pytest.raises(ValueError, match=said):
            select([asked], has_error=True)
    with pytest.raises(ValueError, match="no feature or preset 'Nope'"):
        feature_schema(ONE_BAND, ["Nope"])


def test_unequal_lists_and_wrong_columns_are_errors() -> None:
    good = {"time": [1.0], "value": [1.0], "error": [1.0]}
    made = column([good, {"time": [1, 2], "value": [5], "error": [1, 1]}], ONE_BAND)
    with pytest.raises(ValueError, match="light curve 1 has 2 times but 1"):
        compute_features(made, ONE_BAND)
    with pytest.raises(ValueError, match="no field 'midpointMjdTai'"):
        compute_features(made, FLUX)
    with pytest.raises(ValueError, match="struct of lists"):
        compute_features(pa.array([1.0]), ONE_BAND)
    scalars = pa.array([{"time": 1.0, "flux": 1.0, "flux_err": 1.0}])
    with pytest.raises(ValueError, match="must be a list"):
        compute_features(scalars, ONE_BAND)
