"""Functions of users for each row and each light curve, against plain loops over known rows."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

import skyseries as sky
from skyseries.catalog.answers import as_type, fitted, may_become
from skyseries.catalog.plan.arguments import flat_values
from skyseries.catalog.plan.calls import FunctionError
from skyseries.catalog.run.run import units_of
from skyseries.catalog.tables import from_table
from skyseries.errors import ExecutionError, InputError, SchemaError

WORKERS = {"serial": 1, "threads": 2, "processes": 1}


@pytest.fixture(scope="module", params=WORKERS)
def engine(request):
    """Return one engine after the other; workers are started once."""
    with sky.executors.create_executor(request.param, WORKERS[request.param]) as engine:
        yield engine


@pytest.fixture
def many_units(tune):
    """Divide even a small catalog into several tasks."""
    tune(unit_rows=300)


def by_id(catalog, names):
    """Return the values of columns for each id."""
    table = catalog.to_arrow()
    return {row["id"]: tuple(row[name] for name in names) for row in table.to_pylist()}


def curve_of(row):
    """Return a light curve of a known row as the arrays that a function gets."""
    curve = row["lightcurve"]
    single = [np.array(curve[name], np.float32) for name in ("flux", "flux_err")]
    return np.array(curve["mjd"], np.float64), *single, np.array(curve["band"], str)


def memory(**columns):
    """Return a table as a catalog."""
    n = len(next(iter(columns.values())))
    table = {"id": range(n), "ra": np.full(n, 10.0), "dec": np.zeros(n), **columns}
    return from_table(pa.table(table), sky.Catalog)


def summary(time, flux, flux_err, band):
    in_g = band == "g"
    return {
        "n": len(time),
        "last": time[-1] if len(time) else None,
        "total": float(np.sum(flux / flux_err, dtype=np.float64)),
        "bands": "".join(sorted(set(band.tolist()))),
        "g_times": time[in_g],
    }


# -- light curves -------------------------------------------------------------------------------


def test_every_light_curve_on_every_engine(catalog, survey, engine, many_units):
    with sky.executor(engine):
        mapped = catalog.map_lightcurves(summary)
        assert len(units_of(mapped._node)) > 3
        found = by_id(mapped, ["n", "last", "total", "bands", "g_times"])
    assert len(found) == len(survey.rows)
    for row in survey.rows:
        expected = summary(*curve_of(row))
        expected["g_times"] = expected["g_times"].tolist()
        assert found[row["id"]] == tuple(expected.values())


def test_the_other_columns_stay_and_new_ones_follow(catalog, survey):
    mapped = catalog.map_lightcurves(summary)
    assert mapped.columns == [*catalog.columns, "n", "last", "total", "bands", "g_times"]
    assert [str(mapped.schema.field(name).type) for name in mapped.columns[-5:]] == [
        "int64", "double", "double", "string", "list<item: double>",
    ]  # fmt: skip
    table = mapped.to_arrow()
    assert table.select(catalog.columns).equals(catalog.to_arrow())
    assert catalog.map_lightcurves(summary, append=False).columns == mapped.columns[-5:]


def test_some_bands_only(catalog, survey):
    def counts(time, flux, flux_err, band):
        return {"n": len(time), "other": len(set(band) - {"g", "r"})}

    found = by_id(catalog.map_lightcurves(counts, bands=["g", "r"]), ["n", "other"])
    for row in survey.rows:
        assert found[row["id"]] == (sum(b in "gr" for b in row["lightcurve"]["band"]), 0)
    whole = by_id(catalog.map_lightcurves(lambda t: len(t), "mjd", names="n", bands="i"), ["n"])
    assert sum(n for (n,) in whole.values()) == sum(
        r["lightcurve"]["band"].count("i") for r in survey.rows
    )


def test_bands_that_cannot_be(catalog):
    with pytest.raises(InputError, match="holds string"):
        catalog.map_lightcurves(lambda *a: 1, bands=3)


def test_other_fields_than_the_roles(catalog, survey):
    names, columns = ["kind", "n"], ["flux_err", "lightcurve.mjd"]
    mapped = catalog.map_lightcurves(lambda e, t: (e.dtype.name, len(t)), columns, names=names)
    found = by_id(mapped, names)
    assert found == {row["id"]: ("float32", len(row["lightcurve"]["mjd"])) for row in survey.rows}
    with pytest.raises(SchemaError, match="did you mean 'flux'"):
        catalog.map_lightcurves(len, "fluxx")
    with pytest.raises(InputError, match="fields"):
        catalog.map_lightcurves(len, [])


def test_roles_that_are_missing_are_none():
    curves = pa.array([{"time": [1, 2], "mag": [20.0, None]}], pa.struct(
        {"time": pa.list_(pa.int64()), "mag": pa.list_(pa.float64())}))  # fmt: skip
    mapped = memory(lc=curves).map_lightcurves(
        lambda t, m, e, b: (t.dtype.name, e is None, b is None, bool(np.isnan(m[1]))),
        names=["time", "no_err", "no_band", "null"],
    )
    row = mapped.to_arrow().select(["time", "no_err", "no_band", "null"]).to_pylist()[0]
    assert tuple(row.values()) == ("float64", True, True, True)


def test_null_light_curves_are_empty():
    kind = pa.struct({"mjd": pa.list_(pa.float64()), "flux": pa.list_(pa.float64())})
    catalog = memory(
        lc=pa.array([None, {"mjd": [], "flux": []}, {"mjd": [1.0], "flux": [2.0]}], kind)
    )
    mapped = catalog.map_lightcurves(lambda t, *rest: t.size, names="n")
    assert mapped.to_arrow()["n"].to_pylist() == [0, 0, 1]


def test_arrays_cannot_be_written_to(catalog):
    def spoils(time, flux, flux_err, band):
        flux += 1
        return 0

    with pytest.raises(ExecutionError, match="spoils") as caught:
        catalog.map_lightcurves(spoils)
    assert isinstance(caught.value.__cause__, ValueError)


def test_functions_of_numba(catalog, survey):
    @numba.njit
    def slope(time, flux, flux_err, band):
        return (flux[-1] - flux[0]) / (time[-1] - time[0]) if time.size > 1 else 0.0

    found = by_id(catalog.map_lightcurves(slope), ["slope"])
    for row in survey.rows:
        assert found[row["id"]] == (pytest.approx(slope.py_func(*curve_of(row)), rel=1e-6),)


# -- rows ---------------------------------------------------------------------------------------


def test_rows_and_closures_on_every_engine(catalog, survey, engine, many_units):
    zero = 1000.0

    def differs(id, mag, flux):
        return id, None if mag is None else mag - zero, flux.max(initial=0)

    with sky.executor(engine):
        mapped = catalog.map_rows(
            differs, ["id", "mag", "lightcurve.flux"], names=["key", "m", "f"]
        )
        found = by_id(mapped, ["key", "m", "f"])
    for row in survey.rows:
        m = None if row["mag"] is None else row["mag"] - zero
        assert found[row["id"]] == (row["id"], m, max([0.0, *row["lightcurve"]["flux"]]))


def test_a_whole_light_curve_is_a_dictionary(catalog, survey):
    def told(curve, time):
        return ",".join(curve), len(curve["flux"]), bool((curve["mjd"] == time).all())

    names, columns = ["names", "n", "same"], ["lightcurve", "lightcurve.mjd"]
    found = by_id(catalog.map_rows(told, columns, names=names), names)
    for row in survey.rows:
        curve = row["lightcurve"]
        assert found[row["id"]] == (",".join(curve), len(curve["flux"]), True)


def test_lists_are_arrays_and_null_is_none():
    lists = pa.array([[1, 2], None, [], [3, None]], pa.list_(pa.int64()))
    catalog = memory(peaks=lists, name=["a", None, "c", "d"])

    def told(peaks, name):
        return "none" if peaks is None else f"{peaks.tolist()}", name

    rows = catalog.map_rows(told, ["peaks", "name"], names=["text", "again"]).to_arrow()
    assert rows["text"].to_pylist() == ["[1, 2]", "none", "[]", "[3, None]"]
    assert rows["again"].to_pylist() == ["a", None, "c", "d"]


class Pair(NamedTuple):
    low: int
    high: float


@pytest.mark.parametrize(
    ("function", "names", "columns"),
    [
        (lambda i: i + 1, None, {"result": "int64"}),
        (lambda i: i / 2, "half", {"half": "double"}),
        (lambda i: np.float32(i), "f", {"f": "double"}),
        (lambda i: np.int16(i), "f", {"f": "int64"}),
        (lambda i: np.uint64(i), "f", {"f": "uint64"}),
        (lambda i: i > 1, "b", {"b": "bool"}),
        (lambda i: np.bool_(i > 1), "b", {"b": "bool"}),
        (lambda i: "x" * i, "t", {"t": "string"}),
        (lambda i: np.str_(i), "t", {"t": "string"}),
        (lambda i: None if i == 0 else i, "n", {"n": "int64"}),
        (lambda i: i if i % 2 else i / 3, "n", {"n": "double"}),
        (lambda i: (i, str(i)), None, {"result_0": "int64", "result_1": "string"}),
        (lambda i: Pair(i, i / 2), None, {"low": "int64", "high": "double"}),
        (lambda i: {"a": i, "b": [0.5] * i}, None, {"a": "int64", "b": "list<item: double>"}),
        (lambda i: np.arange(i), "l", {"l": "list<item: int64>"}),
        (lambda i: np.ones(i, np.float32), "l", {"l": "list<item: float>"}),
        (lambda i: np.ma.MaskedArray([1.0, 2.0], [False, i > 0]), "l", {"l": "list<item: double>"}),
        (lambda i: (np.array(3.5), i), ["z", "i"], {"z": "double", "i": "int64"}),
        (lambda i: np.datetime64("2026-01-01T00:00:00", "s") + i, "d", {"d": "timestamp[s]"}),
    ],
)
def test_answers_of_all_kinds(function, names, columns):
    mapped = memory(k=[0, 1, 2, 3]).map_rows(function, "k", names=names, append=False)
    assert {field.name: str(field.type) for field in mapped.schema} == columns
    rows = mapped.to_arrow().to_pylist()
    for i, row in enumerate(rows):
        assert list(row.values()) == [plain(v) for v in as_tuple(function(i))]


def as_tuple(answer):
    if isinstance(answer, dict):
        return tuple(answer.values())
    return answer if isinstance(answer, tuple) else (answer,)


def plain(value):
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[s]").item()
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


# -- types --------------------------------------------------------------------------------------


def at(n, early, late):
    """Return a function that answers otherwise from the n-th row on."""
    return lambda i: early if i < n else late


@pytest.mark.parametrize(
    ("early", "late", "said"),
    [
        (1, 0.5, "int64, but it gave 0.5 .float."),
        (1, True, "int64, but it gave True"),
        (0.5, "x", "double, but it gave 'x'"),
        (0.5, 2**53 + 1, "double, but it gave 9007199254740993"),
        ("x", 1, "string, but it gave 1"),
        (True, 2, "bool, but it gave 2"),
        (1, 2**70, "int64, but it gave"),
        ([1], [0.5], "list<item: int64>, but it gave"),
        (np.ones(1, np.float32), np.ones(1), "list<item: float>, but it gave"),
        (1, (1, 2), "2 values for 1 columns"),
        ({"a": 1}, {"b": 1}, "the columns b instead of a"),
        ({"a": 1}, {"a": 1, "b": 1}, "the columns a, b instead of a"),
        ((1, 2), 3, "1 values for 2 columns"),
        (0.5, 3 * u.m, "has the unit m"),
    ],
)
def test_another_type_later_is_an_error(early, late, said):
    mapped = memory(k=range(30)).map_rows(at(20, early, late), "k")
    with pytest.raises(SchemaError, match=said) as caught:
        mapped.to_arrow()
    assert "row 20" in str(caught.value)
    assert "schema=" in str(caught.value)
    collected = (
        memory(k=range(30)).map_rows(at(20, early, late), "k", on_error="collect").to_arrow()
    )
    assert [text is None for text in collected["_error"].to_pylist()] == [True] * 20 + [False] * 10


@pytest.mark.parametrize(
    ("early", "late", "found"), [(0.5, 3, 3.0), ([0.5], [], []), (None, 1, 1), ([], [2], [2])]
)
def test_another_type_that_fits(early, late, found):
    answers = [early] * 3 + [late] * 3
    mapped = memory(k=range(6)).map_rows(answers.__getitem__, "k", names="x").to_arrow()
    assert mapped["x"].to_pylist() == [early] * 3 + [found] * 3


@pytest.mark.parametrize(
    ("schema", "answer", "kept"),
    [
        ("float32", 0.5, 0.5), ("int8", 3.0, 3), ({"x": "float64"}, 2, 2.0), (str, "a", "a"),
        (pa.schema([("x", pa.int32())]), np.int64(4), 4), ("list<float64>", [1, 2], [1.0, 2.0]),
        ("float32[]", np.array([0.5]), [0.5]), (np.float64, 1, 1.0), ("int64", None, None),
    ],
)  # fmt: skip
def test_a_schema_that_is_given(schema, answer, kept):
    mapped = memory(k=[1]).map_rows(lambda k: answer, "k", schema=schema, append=False)
    assert list(mapped.to_arrow().to_pylist()[0].values()) == [kept]


@pytest.mark.parametrize(
    ("schema", "answer"), [("int64", 0.5), ("int8", 300), ("float64", "1"), ("bool", 1)]
)
def test_a_given_schema_that_does_not_hold_the_answer(schema, answer):
    with pytest.raises(SchemaError, match="does not fit"):
        memory(k=[1]).map_rows(lambda k: answer, "k", schema=schema).to_arrow()


def test_schemas_that_are_none():
    catalog = memory(k=[1, 2])
    with pytest.raises(SchemaError, match="no type"):
        catalog.map_rows(abs, "k", schema={"x": "nonsense"})
    with pytest.raises(SchemaError, match="nonsense"):
        catalog.map_rows(abs, "k", schema="nonsense")
    with pytest.raises(InputError, match="already"):
        catalog.map_rows(abs, "k", schema={"x": "int64"}, names="y")
    with pytest.raises(SchemaError, match="columns"):
        catalog.map_rows(abs, "k", schema={})
    with pytest.raises(SchemaError, match="has a column 'k' already"):
        catalog.map_rows(abs, "k", names="k")
    with pytest.raises(InputError, match="2 names"):
        catalog.map_rows(abs, "k", names=["x", "y"])
    with pytest.raises(InputError, match="names its columns itself"):
        catalog.map_rows(lambda k: {"x": k}, "k", names="y")
    with pytest.raises(InputError, match="on_error"):
        catalog.map_rows(abs, "k", on_error="ignore")
    with pytest.raises(SchemaError, match="there is no column"):
        catalog.map_rows(abs, "kk")


@pytest.mark.parametrize("answer", [None, [], [None], {}, ()])
def test_first_rows_that_do_not_tell(answer):
    with pytest.raises(SchemaError, match=r"map_rows: .* cannot be learned"):
        memory(k=[1, 2]).map_rows(lambda k: answer, "k")


@pytest.mark.parametrize("answers", [[1, (1, 2)], [{"a": 1}, {"b": 1}], [1, "x"], [True, 1]])
def test_first_rows_that_differ(answers):
    with pytest.raises(SchemaError, match=r"map_rows: .* cannot be learned"):
        memory(k=[0, 1]).map_rows(answers.__getitem__, "k")


def test_no_rows(catalog):
    nothing = catalog.query("mag > 1000")
    with pytest.raises(SchemaError, match="no rows; give schema="):
        nothing.map_lightcurves(summary)
    mapped = nothing.map_lightcurves(lambda *curve: 1, schema={"x": "int64"})
    assert mapped.to_arrow().num_rows == 0
    assert mapped.columns[-1] == "x"


TYPES = [
    "int8",
    "int32",
    "int64",
    "uint8",
    "uint64",
    "float32",
    "float64",
    "string",
    "bool",
    "list<int64>",
]


@pytest.mark.parametrize("rule", ["same kind", "number", "given"])
def test_what_becomes_another_type_is_equal(rule):
    for have in map(as_type, TYPES):
        for want in map(as_type, TYPES):
            for raw in ([1, 0], ["1", "0"], [True, False], [[1], []]):
                try:
                    values = pa.array(raw, have)
                except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
                    continue
                if may_become(have, want, rule):
                    assert fitted(values, want, rule).to_pylist() == values.to_pylist()
                else:
                    with pytest.raises(TypeError):
                        fitted(values, want, rule)


# -- text ---------------------------------------------------------------------------------------


@given(
    st.lists(st.one_of(st.none(), st.text("abé\x00", max_size=3), st.just("x" * 40)), max_size=8),
    st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]),
    st.integers(0, 3),
)
def test_text_as_arrays(words, kind, start):
    array = pa.array(words, pa.string()).cast(kind).slice(start)
    expected = [(word or "").rstrip("\x00") for word in words[start:]]
    assert [word.rstrip("\x00") for word in flat_values(array).tolist()] == expected


def test_integers_with_nulls_stay_exact():
    values = flat_values(pa.array([2**60 + 1, None]))
    assert values.tolist() == [2**60 + 1, None]
    assert not flat_values(pa.array([True, None])).mask[0]
    assert flat_values(pa.array([1, None]), number=True)[0] == 1.0


# -- failures -----------------------------------------------------------------------------------


def fails_on(id):
    def fragile(key, time):
        if key == id:
            raise KeyError("no such star")
        return len(time)

    return fragile


def links(error):
    while error is not None:
        yield error
        error = error.__cause__


def test_an_exception_names_function_object_and_partition(catalog, survey, engine, many_units):
    row = survey.rows[120]
    with sky.executor(engine):
        mapped = catalog.map_rows(fails_on(row["id"]), ["id", "lightcurve.mjd"])
        with pytest.raises(ExecutionError) as caught:
            mapped.to_arrow()
    cell = catalog.partitions[int(catalog.partitions.find(np.array([row["_healpix_29"]]))[0])]
    for part in ("map_rows: fragile failed", f"id = {row['id']}", f"partition {cell}", "row ",
                 "KeyError: 'no such star'"):  # fmt: skip
        assert part in str(caught.value)
    failed = next(error for error in links(caught.value) if isinstance(error, FunctionError))
    assert isinstance(failed.error, KeyError)
    assert "no such star" in str(failed.__cause__)


def test_the_exception_is_the_cause(catalog):
    with pytest.raises(ExecutionError) as caught, sky.executor("serial"):
        catalog.map_lightcurves(lambda t, *rest: t[-1], schema={"last": "float64"}).to_arrow()
    assert any(isinstance(error, IndexError) for error in links(caught.value))


def test_an_exception_where_columns_are_learned(catalog):
    with pytest.raises(ExecutionError, match="learn the columns") as caught:
        catalog.map_lightcurves(lambda *curve: 1 / 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_failures_collected(catalog, survey, engine, many_units):
    with sky.executor(engine):
        mapped = catalog.map_lightcurves(lambda t, *rest: t[-1], names="last", on_error="collect")
        found = by_id(mapped, ["last", "_error"])
    assert len(found) == len(survey.rows)
    for row in survey.rows:
        times = row["lightcurve"]["mjd"]
        expected = (times[-1], None) if times else (None, "IndexError")
        assert found[row["id"]][0] == expected[0]
        assert str(found[row["id"]][1]).startswith(str(expected[1]))
    assert any(text for _, text in found.values())
    assert len(mapped.query("_error IS NULL")) == sum(
        bool(r["lightcurve"]["mjd"]) for r in survey.rows
    )


def test_when_all_first_calls_fail_there_is_nothing_to_learn(catalog):
    with pytest.raises(ExecutionError, match="ZeroDivisionError"):
        catalog.map_rows(lambda i: 1 / 0, "id", on_error="collect")
    given = catalog.map_rows(lambda i: 1 / 0, "id", schema="float64", on_error="collect").to_arrow()
    assert given["result"].null_count == given.num_rows == 150


# -- when it is called --------------------------------------------------------------------------


def counted(calls):
    def count(id):
        calls.append(id)
        return id % 7

    return count


def test_called_once_for_a_row_and_only_where_it_is_wanted(catalog, survey):
    calls: list[int] = []
    mapped = catalog.map_rows(counted(calls), "id", schema={"k": "int64"})
    assert len(mapped.query("k < 3").query("k > 0").to_arrow()) == sum(
        0 < r["id"] % 7 < 3 for r in survey.rows
    )
    assert sorted(calls) == sorted(row["id"] for row in survey.rows)
    calls.clear()
    mapped.query("mag < 19").to_arrow()
    assert sorted(calls) == sorted(
        r["id"] for r in survey.rows if r["mag"] is not None and r["mag"] < 19
    )
    calls.clear()
    assert len(mapped) == 150
    mapped.select(["ra", "dec"]).to_arrow()
    assert not calls


def test_on_the_right_side_of_a_match(catalog, survey):
    calls: list[int] = []
    twice = survey.rows[7]
    table = pa.table({"ra": [twice["ra"]] * 2, "dec": [twice["dec"]] * 2, "name": ["a", "b"]})
    right = catalog.map_rows(counted(calls), "id", schema={"k": "int64"})
    found = from_table(table, sky.Catalog).crossmatch(right, radius_arcsec=1e-3).to_arrow()
    assert found["k"].to_pylist() == [twice["id"] % 7] * 2
    assert len(calls) == 1


def test_explained(catalog):
    text = str(catalog.map_rows(abs, "mag", schema={"m": "float64"}).select(["m"]).explain())
    assert "map_rows: abs(mag) gives m double" in text
    assert "1 columns: mag" in text


def test_what_is_read_for_the_result_is_not_read_again(catalog, monkeypatch):
    from skyseries.hats.dataset import Dataset

    read = []
    real = Dataset.read_leaf

    def spy(self, leaf, columns=None, row_groups=None):
        read.extend(columns)
        return real(self, leaf, columns, row_groups)

    mapped = catalog.map_lightcurves(lambda t, *rest: len(t), schema={"n": "int64"})
    monkeypatch.setattr(Dataset, "read_leaf", spy)
    mapped.to_arrow()
    assert "lightcurve" in read
    assert "lightcurve.mjd" not in read
