from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skyseries.errors import MissingDependencyError
from skyseries.schema import LightCurveFields
from skyseries.timeseries import FoldedLightCurve, LightCurve
from tests.timeseries.build import MAG, ONE_BAND, Epochs, column, sinusoid

FLAGGED = MAG.override(flag="flag", time_format="mjd", time_scale="tai")


@pytest.fixture
def row() -> Epochs:
    made = sinusoid(np.random.default_rng(1), 60, 2.5, span=100)
    made["flag"] = np.arange(60) % 10 == 0
    return made


@pytest.fixture
def curve(row: Epochs) -> LightCurve:
    return LightCurve.from_struct(column([row], FLAGGED)[0], FLAGGED, id=2**63 - 1, ra=1.0, dec=2.0)


def test_from_struct(curve: LightCurve, row: Epochs) -> None:
    np.testing.assert_array_equal(curve.time, row["time"])
    np.testing.assert_array_equal(curve.value, row["value"])
    assert curve.error is not None
    np.testing.assert_array_equal(curve.error, row["error"])
    assert curve.bands is not None
    assert curve.bands.tolist() == row["band"]
    assert curve.usable.sum() == 54
    assert (curve.id, curve.ra, curve.dec) == (2**63 - 1, 1.0, 2.0)
    assert "60 epochs in gri" in repr(curve)


def test_from_a_mapping_and_from_nothing(row: Epochs) -> None:
    names = {"mjd": "time", "band": "band", "mag": "value", "magerr": "error"}
    curve = LightCurve.from_struct({n: list(row[k]) for n, k in names.items()}, MAG)
    assert len(curve) == 60
    for nothing in (None, column([None], MAG)[0]):
        assert len(LightCurve.from_struct(nothing, MAG)) == 0
    with pytest.raises(ValueError, match="no field 'band'"):
        LightCurve.from_struct({"mjd": []}, MAG)


def test_numbered_bands_dictionaries_and_integer_flags() -> None:
    rows = [{"time": [1, 2], "band": [1, 2], "value": [3, 4], "error": [1, 1], "flag": [0, 8]}]
    made = column(rows, FLAGGED, band_type=pa.int8(), flag_type=pa.int32())
    curve = LightCurve.from_struct(made[0], FLAGGED)
    assert curve.band(2).value.tolist() == [4.0]
    assert curve.usable.tolist() == [True, False]
    rows[0]["band"] = ["g", "r"]
    encoded = column(
        rows, FLAGGED, band_type=pa.dictionary(pa.int8(), pa.string()), flag_type=pa.int32()
    )
    assert LightCurve.from_struct(encoded[0], FLAGGED).band("r").value.tolist() == [4.0]


def test_band(curve: LightCurve) -> None:
    g = curve.band("g")
    assert g.bands is not None
    assert set(g.bands) == {"g"}
    assert g.fields == curve.fields
    assert g.id == curve.id
    assert len(curve.band("y")) == 0
    single = LightCurve(np.zeros(1), np.zeros(1), ONE_BAND)
    with pytest.raises(ValueError, match="no bands"):
        single.band("g")


def test_fold(curve: LightCurve) -> None:
    folded = curve.fold(2.5)
    assert isinstance(folded, FoldedLightCurve)
    assert (np.diff(folded.phase) >= 0).all()
    assert folded.phase.min() == 0
    assert folded.phase.max() < 1
    back = folded.epoch + folded.phase * 2.5
    turns = (folded.time - back) / 2.5
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-6)
    assert curve.fold(2.5, epoch=60000.0).epoch == 60000.0
    assert folded.id == curve.id
    assert len(folded.band("g").phase) == len(curve.band("g"))  # type: ignore[attr-defined]
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="period"):
            curve.fold(wrong)


def test_a_tiny_negative_phase_is_not_one() -> None:
    curve = LightCurve(np.array([-1e-20, 0.0]), np.zeros(2), ONE_BAND)
    assert curve.fold(1.0, epoch=0.0).phase.tolist() == [0.0, 0.0]


def test_periodogram(curve: LightCurve) -> None:
    assert curve.periodogram().period_at_max_power == pytest.approx(2.5, abs=0.01)
    assert curve.periodogram().n_epochs == 54
    options: dict[str, Any] = {"min_period": 1.0, "error_floor": 0.1, "nterms": 2}
    assert curve.periodogram(**options).nterms == 2


def test_to_arrow_and_pandas(curve: LightCurve) -> None:
    table = curve.to_arrow()
    assert table.column_names == ["mjd", "band", "mag", "magerr", "flag"]
    assert table.schema.field("mag").metadata[b"unit"] == b"mag"
    assert table.schema.field("mjd").metadata[b"unit"] == b"d"
    frame = curve.to_pandas()
    assert list(frame.columns) == table.column_names
    assert frame["band"].tolist() == table["band"].to_pylist()


def test_unequal_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="value has shape"):
        LightCurve(np.zeros(2), np.zeros(3), ONE_BAND)


def test_plot(curve: LightCurve) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2)
    assert curve.plot(ax=above) is above
    assert above.yaxis_inverted()
    assert above.get_xlabel() == "MJD TAI [d]"
    assert above.get_ylabel() == "magnitude [mag]"
    assert [t.get_text() for t in above.get_legend().get_texts()] == ["g", "r", "i"]
    assert sum(len(c[0].get_xdata()) for c in above.containers) == 54
    curve.plot(period=2.5, ax=below)
    assert sum(len(c[0].get_xdata()) for c in below.containers) == 108
    assert "2.5 d" in below.get_xlabel()
    flux = LightCurve(np.arange(3.0), np.arange(3.0), LightCurveFields("time", flux="flux"))
    plt.close(figure)
    ax = flux.plot()
    assert not ax.yaxis_inverted()
    plt.close(ax.figure)


def test_plot_without_matplotlib(curve: LightCurve, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match=r"skyseries\[plot\]"):
        curve.plot()
