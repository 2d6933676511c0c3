"""Features of the user's own, and those of the package light-curve."""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
import pytest

import skyseries.timeseries.features.registry as registry
from skyseries.errors import ExecutionError, InputError, MissingDependencyError
from skyseries.timeseries import (
    all_features,
    compute_features,
    feature,
    feature_schema,
    features_of,
    light_curve_features,
)
from tests.timeseries.build import FLUX, ONE_BAND, column, random_rows

BANDS = "ugrizy"


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def step(t: Any, flux: Any, flux_err: Any, band: Any) -> float:
    """Largest difference of two successive epochs.

    Of any two bands.
    """
    largest = 0.0
    for i in range(1, t.size):
        largest = max(largest, abs(flux[i] - flux[i - 1]))
    return largest


def both(t: Any, flux: Any, flux_err: Any, band: Any) -> tuple[float, int]:
    return (flux / flux_err**2).sum() + t[0], band[0] + 10 * band[-1]


def curves(n: int = 40) -> tuple[list[Any], Any]:
    rows: list[Any] = random_rows(np.random.default_rng(5), n, most=40)
    rows[3] = None
    return rows, column(rows, FLUX)


def ordered(row: Any, band: str | None = None) -> tuple[Any, ...]:
    """Return the arrays that a function is given."""
    if row is None:
        return (np.empty(0),) * 4
    code = np.array([BANDS.index(b) for b in row["band"]], int)
    arrays = np.array(row["time"]), np.array(row["value"]), np.array(row["error"]), code
    order = np.lexsort((arrays[1], arrays[0]))
    order = order if band is None else order[code[order] == BANDS.index(band)]
    return tuple(a[order] for a in arrays)


def same(found: Any, expected: Any) -> None:
    a, b = (np.array(list(x), float) for x in (found, expected))
    np.testing.assert_allclose(a, np.where(np.isfinite(b), b, np.nan), rtol=1e-12)


@pytest.mark.parametrize("decorate", [lambda f: f, numba.njit], ids=["python", "numba"])
def test_the_same_numbers_as_one_by_one(decorate: Any) -> None:
    rows, made = curves()
    feature(name="largestStep", unit="value", min_epochs=2)(decorate(step))
    feature(name=("a", "b"), unit=("none", "count"), scope="band", min_epochs=3)(decorate(both))
    table = compute_features(made, FLUX, ["largestStep", "a", "b"])
    assert table.column_names[:3] == ["largestStep", "u_psfFluxa", "u_psfFluxb"]
    for i, row in enumerate(rows):
        own = ordered(row)
        expected = step(*own) if len(own[0]) >= 2 else None
        assert table["largestStep"][i].as_py() == expected
        for band in BANDS:
            own = ordered(row, band)
            answer = both(*own) if len(own[0]) >= 3 else (None, None)
            found = tuple(table[f"{band}_psfFlux{name}"][i].as_py() for name in "ab")
            same(found, answer)


def test_the_declaration() -> None:
    assert feature(unit="value", min_epochs=2)(step) is step
    (made,) = [f for f in all_features() if f.name == "step"]
    assert made.description == "Largest difference of two successive epochs"
    field = feature_schema(FLUX, ["step"]).field("step")
    assert field.metadata[b"unit"] == b"nJy"
    assert "step" in registry.presets()["all"]
    no_errors = FLUX.override()
    assert feature_schema(no_errors, ["step"]).names == ["step"]
    (strict,) = features_of(both, name=["x"], needs_error=True)
    assert strict.needs_error


def test_a_name_is_taken_once() -> None:
    feature(step)
    with pytest.raises(InputError, match="already registered"):
        feature(step)
    feature(name="step", replace=True)(lambda t, x, e, b: 7.0)
    _, made = curves(4)
    assert compute_features(made, FLUX, ["step"])["step"][0].as_py() == 7.0
    with pytest.raises(InputError, match="already registered"):
        feature(name="default", replace=True)(step)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"name": "a b"}, "names of letters"),
        ({"name": ()}, "names of letters"),
        ({"name": ("a", "a")}, "must differ"),
        ({"scope": "pair"}, "scope"),
        ({"unit": "parsec"}, "parsec"),
        ({"name": ("a", "b"), "unit": ("none",)}, "2 names but 1"),
        ({"min_epochs": -1}, "min_epochs must be a whole number"),
    ],
)
def test_declarations_that_are_refused(declared: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        feature(**declared)(step)


def test_what_is_not_defined_is_null() -> None:
    _, made = curves(4)
    answers = iter([None, float("nan"), float("inf")])
    (one,) = features_of(lambda t, x, e, b: next(answers), name="one")
    assert compute_features(made, FLUX, [one])["one"].null_count == 4
    two = features_of(lambda t, x, e, b: None, name=["p", "q"])
    assert compute_features(made, FLUX, two)["q"].null_count == 4


def fails(t: Any, flux: Any, flux_err: Any, band: Any) -> float:
    if t.size == 2:
        raise KeyError("nothing here")
    return 1.0


@pytest.mark.parametrize("decorate", [lambda f: f, numba.njit], ids=["python", "numba"])
def test_an_error_names_the_light_curve(decorate: Any) -> None:
    rows = [
        {"time": range(n), "band": ["r"] * n, "value": range(n), "error": [1] * n}
        for n in (3, 4, 2, 5)
    ]
    made = column(rows, FLUX)
    (whole,) = features_of(decorate(fails))
    with pytest.raises(ExecutionError, match=r"'fails' failed for light curve 2 .*KeyError") as e:
        compute_features(made, FLUX, [whole])
    assert isinstance(e.value.__cause__, KeyError)
    (single,) = features_of(decorate(fails), scope="band")
    with pytest.raises(ExecutionError, match="light curve 2 of the batch, band 'r'"):
        compute_features(made, FLUX, [single])


def test_a_wrong_answer_is_an_error() -> None:
    _, made = curves(4)
    for decorate in (lambda f: f, numba.njit):
        with pytest.raises(ExecutionError, match=r"gave 2|another length"):
            compute_features(made, FLUX, features_of(decorate(both), name=["a", "b", "c"]))
    with pytest.raises(InputError, match="cannot be compiled"):
        compute_features(made, FLUX, features_of(numba.njit(lambda t, x, e, b: "text"), name="x"))


def test_the_arrays_are_read_only() -> None:
    def spoils(t: Any, flux: Any, flux_err: Any, band: Any) -> float:
        flux[0] = 0.0
        return 1.0

    _, made = curves(4)
    with pytest.raises(ExecutionError, match="read-only"):
        compute_features(made, FLUX, features_of(spoils))
    with pytest.raises(InputError, match="cannot be compiled"):
        compute_features(made, FLUX, features_of(numba.njit(spoils)))


# --- the package light-curve --------------------------------------------------------------------


def test_the_package_agrees_with_itself() -> None:
    lc = pytest.importorskip("light_curve")
    rows, made = curves()
    extractor = lc.Extractor(lc.Eta(), lc.LinearFit(), lc.StetsonK())
    features = light_curve_features(extractor)
    table = compute_features(made, FLUX, [*features, "Eta"])
    assert f"g_psfFlux_lc_{extractor.names[1]}" in table.column_names
    for i, row in enumerate(rows):
        for band in BANDS:
            t, x, e, _ = ordered(row, band)
            found = [table[f"{band}_psfFlux_lc_{name}"][i].as_py() for name in extractor.names]
            want = extractor(t, x, e, fill_value=np.nan) if len(t) > 1 else [np.nan] * len(found)
            same(found, want)
            ours = table[f"{band}_psfFluxEta"][i].as_py()
            assert found[0] is None or found[0] == pytest.approx(ours, rel=1e-9)


def test_the_package_sees_the_bands() -> None:
    lc = pytest.importorskip("light_curve")
    rows, made = curves(6)
    features = light_curve_features(lc.ColorOfMedian(bands=["g", "r"]), prefix="")
    assert [f.scope for f in features] == ["all"]
    table = compute_features(made, FLUX, features)
    for row, found in zip(rows, table.column(0).to_pylist(), strict=True):
        g, r = (ordered(row, band)[1] for band in "gr")
        expected = np.median(g) - np.median(r) if len(g) and len(r) else None
        assert found == pytest.approx(expected)


class Refuses:
    names = ("one",)

    def __init__(self, shorter_than: int) -> None:
        self.shorter_than = shorter_than

    def many(self, curves: Any, **options: Any) -> Any:
        if not isinstance(curves, list):
            raise TypeError("no Arrow here")
        if any(len(t) < self.shorter_than for t, *_ in curves):
            raise ValueError("too short")
        return np.array([[float(len(t))] for t, *_ in curves])


def test_a_light_curve_that_is_refused_is_null() -> None:
    pytest.importorskip("light_curve")
    rows, made = curves()
    count = [0 if row is None else len(row["time"]) for row in rows]
    some = light_curve_features(Refuses(10), scope="all")
    found = compute_features(made, FLUX, some)["lc_one"].to_pylist()
    assert found == [float(n) if n >= 10 else None for n in count]
    with pytest.raises(ExecutionError, match=r"Refuses refuses every light curve.*too short"):
        compute_features(made, FLUX, light_curve_features(Refuses(10**6), scope="all"))
    with pytest.raises(InputError, match="no extractor"):
        light_curve_features(len)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "light_curve", None)
    with pytest.raises(MissingDependencyError, match="pip install light-curve"):
        light_curve_features(Refuses(0))


def test_one_band(monkeypatch: pytest.MonkeyPatch) -> None:
    made = column([{"time": [2, 1], "value": [3, 4], "error": [1, 1]}], ONE_BAND)
    (f,) = features_of(lambda t, x, e, b: x[0] + 10 * b.max(), name="First", scope="band")
    assert compute_features(made, ONE_BAND, [f])["fluxFirst"].to_pylist() == [4.0]
