"""Functions of light curves: the numbers of `Catalog.features`, each computed once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import cloudpickle
import numpy as np
import pyarrow as pa
import pytest

import skyseries as sky
from skyseries import adql
from skyseries.adql import FUNCTIONS
from skyseries.query.curvefunctions import CurveFunctions, curve_functions
from skyseries.schema import column_meta
from skyseries.timeseries import Feature, all_features
from skyseries.timeseries.features import registry
from skyseries.timeseries.periods import periods as period_search
from tests.query.world import Make, World, build

FEATURES = ["nObs", "timeSpan", "StetsonJ", "Amplitude", "Median", "MultiAmp", "ColorMean"]


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A catalog of some twenty epochs an object, in several partitions."""
    return build(tmp_path_factory.mktemp("variables"), Make(n=48, epochs=70, max_rows=20))


@pytest.fixture(scope="module")
def catalog(variables: World) -> sky.Catalog:
    return variables.catalog


@pytest.fixture(scope="module")
def plain(catalog: sky.Catalog) -> sky.Catalog:
    """The catalog without columns that are called as those of the verbs."""
    return catalog.select(["objectId", "ra", "dec", "lc"])


@pytest.fixture(scope="module")
def every(plain: sky.Catalog) -> pa.Table:
    """What the verbs give."""
    return plain.features([*FEATURES, "TimeSpan"]).periods(single_bands=True).to_arrow()


@pytest.fixture(scope="module")
def known(every: pa.Table) -> dict[str, np.ndarray]:
    """The same numbers by name; missing is NaN."""
    numbers = {
        field.name: np.array(every[field.name].to_pylist(), float)
        for field in every.schema
        if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
    }
    return numbers | {"objectId": np.array(every["objectId"].to_pylist(), object)}


def asked(catalog: sky.Catalog, statement: str) -> pa.Table:
    return sky.sql(statement, {"survey": catalog}).to_arrow()


CALLS = {
    "LC_N_OBS(lc)": "nObs",
    "LC_TIME_SPAN(lc)": "timeSpan",
    "LC_TIME_SPAN(lc, 'r')": "r_fluxTimeSpan",
    "LC_STETSON_J(lc, 'g')": "g_fluxStetsonJ",
    "lc_StetsonJ(lc, 'i')": "i_fluxStetsonJ",
    "LC_AMPLITUDE(lc, 'r')": "r_fluxAmplitude",
    "LC_MEDIAN(lc, 'r')": "r_fluxMedian",
    "LC_MULTI_AMP(lc, 'g')": "g_fluxMultiAmp",
    "LC_COLOR_MEAN(lc, 'g', 'r')": "gr_fluxColorMean",
    "LC_PERIOD(lc)": "period",
    "LC_POWER(lc)": "period_power",
    "LC_PERIOD_FLAG(lc)": "period_flag",
    "LC_PERIOD_PEAKS(lc)": "period_peaks",
    "LC_PERIOD(lc, 'g')": "g_period",
    "LC_PERIOD_FLAG(lc, 'g')": "g_period_flag",
    "LC_PERIOD_AMPLITUDE(lc, 'r')": "r_period_amplitude",
}


@pytest.fixture(scope="module")
def selected(catalog: sky.Catalog) -> pa.Table:
    columns = ", ".join(f"{call} AS c{i}" for i, call in enumerate(CALLS))
    return asked(catalog, f"SELECT {columns} FROM survey")  # noqa: S608


@pytest.mark.parametrize("call", CALLS)
def test_the_numbers_are_those_of_the_verbs(every: pa.Table, selected: pa.Table, call: str) -> None:
    found = selected.column(list(CALLS).index(call)).combine_chunks()
    wanted = every[CALLS[call]].combine_chunks()
    assert found.equals(wanted)  # NaN is none of them
    assert found.null_count < len(found)


@pytest.mark.parametrize("call", CALLS)
def test_units_and_descriptions_are_those_of_the_verbs(
    every: pa.Table, selected: pa.Table, call: str
) -> None:
    found = column_meta(selected.schema.field(list(CALLS).index(call)))
    wanted = column_meta(every.schema.field(CALLS[call]))
    assert (found.unit, found.description) == (wanted.unit, wanted.description)


@pytest.fixture(scope="module")
def two() -> sky.Catalog:
    """A table of two light curves with many epochs."""
    rng = np.random.default_rng(3)
    curves = [
        {
            "mjd": np.sort(rng.uniform(60000, 60100, 180)), "band": rng.choice(list("gri"), 180),
            "flux": rng.normal(1000, 50, 180), "fluxErr": np.full(180, 20.0),
        }
        for _ in range(2)
    ]  # fmt: skip
    return sky.from_table(pa.table({"ra": [1.0, 2.0], "dec": [0.0, 0.0], "lc": curves}))


def test_limits_of_periods_are_those_of_the_verbs(two: sky.Catalog) -> None:
    found = asked(
        two,
        "SELECT LC_PERIOD(lc, 2, 30.5), LC_PERIOD(lc, 'r', 2, 30.5), LC_FREQ1(lc, 'r', 2, 30.5), "
        "LC_MULTI_PERIOD(lc, 2, 30.5), LC_PERIOD_MAX(lc, 2, 30.5), LC_PERIOD_MAX(lc), "
        "LC_FREQ1(lc, 'r'), LC_FREQ_AMP11(lc, 'r') FROM survey",
    )
    limits = {"min_period": 2, "max_period": 30.5}
    limited = two.features(["Freq1", "multiPeriod"], **limits)
    limited = limited.periods(single_bands=True, bands=["r"], **limits).to_arrow()
    free = two.features(["Freq1", "FreqAmp11"]).periods().to_arrow()
    wanted = [limited[n] for n in ("period", "r_period", "r_fluxFreq1", "multiPeriod")]
    wanted += [limited["period_max"], free["period_max"]]
    wanted += [free["r_fluxFreq1"], free["r_fluxFreqAmp11"]]
    for column, other in zip(found.columns, wanted, strict=True):
        assert column.combine_chunks().equals(other.combine_chunks())
        assert not column.null_count
    assert not found.column(5).equals(found.column(4))
    assert not found.column(6).equals(found.column(2))


@pytest.mark.parametrize("feature", list(all_features()), ids=lambda feature: feature.name)
def test_every_feature_has_a_function(feature: Feature) -> None:
    functions = {f.name.replace("_", ""): f for f in curve_functions(lambda _: None)}
    function = functions[f"LC{feature.name.upper()}"]
    least = {"all": 1, "band": 2, "pair": 3}[feature.scope]
    assert least in {len(signature.arguments) for signature in function.signatures}
    assert feature.description in function.doc


def test_what_is_of_one_band_needs_no_other(two: sky.Catalog) -> None:
    """So that only the bands that are named have to be looked at."""
    names = [f.name for f in all_features() if f.scope == "band" and f.name in _builtin()]
    alone = two.features(names, bands=["r"]).to_arrow()
    with_others = two.features(names, bands=["g", "r", "i"]).to_arrow()
    across = {f.name for f in all_features() if f.across}
    differ = {
        name.removeprefix("r_flux")
        for name in alone.column_names
        if name.startswith("r_flux") and not alone[name].equals(with_others[name])
    }
    assert differ == across


def _builtin() -> set[str]:
    return {f.name for f in all_features() if f.reference}


# in every clause: with NumPy on the columns of the verbs


def kept(known: dict[str, np.ndarray], name: str, low: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return known[name] > low


def ids(table: pa.Table) -> list[int]:
    return table["objectId"].to_pylist()


def test_where(catalog, known) -> None:
    table = asked(
        catalog,
        "SELECT objectId, LC_AMPLITUDE(lc, 'r') AS a FROM survey "
        "WHERE LC_AMPLITUDE(lc, 'r') > 500 AND LC_PERIOD(lc) < 100 AND dec > -40",
    )
    mask = kept(known, "r_fluxAmplitude", 500) & (known["dec"] > -40)
    mask &= kept({"p": -known["period"]}, "p", -100)
    assert 0 < mask.sum() < len(mask)
    assert ids(table) == list(known["objectId"][mask])
    assert table["a"].to_pylist() == list(known["r_fluxAmplitude"][mask])


def test_or_not_and_case(catalog, known) -> None:
    table = asked(
        catalog,
        "SELECT objectId, CASE WHEN LC_N_OBS(lc) > 20 THEN 'many' ELSE 'few' END AS n FROM survey "
        "WHERE NOT (LC_N_OBS(lc) > 25 OR dec < 0)",
    )
    mask = ~((known["nObs"] > 25) | (known["dec"] < 0))
    assert ids(table) == list(known["objectId"][mask])
    assert table["n"].to_pylist() == ["many" if n > 20 else "few" for n in known["nObs"][mask]]


@pytest.mark.parametrize("top", ["", "TOP 7 "])
def test_order_by(catalog, known, top: str) -> None:
    table = asked(
        catalog,
        f"SELECT {top}objectId, LC_STETSON_J(lc, 'g') + 1 AS j FROM survey "  # noqa: S608
        "WHERE LC_N_OBS(lc) >= 10 ORDER BY LC_PERIOD(lc) DESC, objectId",
    )
    rows = np.flatnonzero(known["nObs"] >= 10)
    missing = np.isnan(known["period"][rows])
    order = np.lexsort([known["objectId"][rows].astype(np.uint64), -known["period"][rows], missing])
    wanted = rows[order][: 7 if top else None]
    assert ids(table) == list(known["objectId"][wanted])
    expected = known["g_fluxStetsonJ"][wanted] + 1.0
    assert np.array_equal(np.array(table["j"].to_pylist(), float), expected, equal_nan=True)


def test_group_by_and_having(catalog, known) -> None:
    table = asked(
        catalog,
        "SELECT FLOOR(LC_N_OBS(lc) / 10) AS tens, COUNT(*) AS n, MAX(LC_AMPLITUDE(lc, 'r')) AS a "
        "FROM survey GROUP BY FLOOR(LC_N_OBS(lc) / 10) HAVING MAX(LC_AMPLITUDE(lc, 'r')) > 0 "
        "ORDER BY MIN(LC_N_OBS(lc))",
    )
    tens = known["nObs"] // 10
    wanted = []
    for ten in np.unique(tens):
        amplitude = known["r_fluxAmplitude"][tens == ten]
        if not np.isnan(amplitude).all() and np.nanmax(amplitude) > 0:
            wanted.append({"tens": ten, "n": int((tens == ten).sum()), "a": np.nanmax(amplitude)})
    assert len(wanted) > 1
    assert table.to_pylist() == wanted


def test_distinct(catalog, known) -> None:
    table = asked(catalog, "SELECT DISTINCT LC_N_OBS(lc) AS n FROM survey ORDER BY n DESC")
    assert table["n"].to_pylist() == sorted(set(known["nObs"]), reverse=True)


def test_names_of_columns_do_not_clash(catalog: sky.Catalog) -> None:
    made = catalog.assign({"LC_N_OBS(lc)": "nObs"}).features("nObs", prefix="x")
    table = asked(made, 'SELECT "LC_N_OBS(lc)", LC_N_OBS(lc) AS n, xnObs FROM survey')
    assert table["n"].to_pylist() == table["xnObs"].to_pylist()
    assert table.column(0).to_pylist() != table["n"].to_pylist()


# computed once


class Counted:
    """A feature that counts the light curves that it was computed of."""

    def __init__(self) -> None:
        self.curves = 0

    def __call__(self, segments) -> np.ndarray:
        self.curves += segments.size
        return segments.count[None, :].astype(float)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    compute = Counted()
    made = Feature("CountedOnce", "epochs", "n", compute, scope="all", unit="count")
    monkeypatch.setitem(registry._REGISTRY, made.name, made)
    return compute


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of light curves of which periods were searched for."""
    found: list[int] = []
    search = period_search.search_segments

    def counting(segments, *rest):
        found.append(segments.size // len(segments.bands))
        return search(segments, *rest)

    monkeypatch.setattr(period_search, "search_segments", counting)
    return found


@pytest.fixture
def _serial() -> Iterator[None]:
    with sky.executor("serial"):
        yield


ONCE = "LC_COUNTED_ONCE(lc)"


@pytest.mark.usefixtures("_serial")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT {0}, {0} AS n FROM survey WHERE {0} >= 0 ORDER BY {0}",
        "SELECT {0}, 2 * {0}, ra FROM survey WHERE {0} >= 0 AND {0} < 1000 OR {0} = 0",
        "SELECT TOP 3 {0}, objectId FROM survey WHERE {0} > 0 ORDER BY {0} DESC, objectId",
        "SELECT {0}, COUNT(*), MAX({0}) FROM survey WHERE {0} > 1 GROUP BY {0} HAVING MIN({0}) > 2",
        "SELECT DISTINCT {0} FROM survey WHERE {0} > 0",
    ],
)
def test_a_call_is_computed_once(catalog, counted: Counted, statement: str) -> None:
    assert asked(catalog, statement.format(ONCE)).num_rows
    assert counted.curves == len(catalog)


@pytest.mark.usefixtures("_serial")
def test_cheap_conditions_come_first(catalog, known, counted: Counted, searched) -> None:
    asked(
        catalog,
        "SELECT LC_POWER(lc, 5, 9), LC_PERIOD(lc, 5, 9) FROM survey WHERE LC_PERIOD(lc, 5, 9) > 6 "
        "AND LC_COUNTED_ONCE(lc) > 20 AND dec > 0 ORDER BY LC_PERIOD_ERR(lc, 5, 9)",
    )
    there = known["dec"] > 0
    assert counted.curves == there.sum()
    assert sum(searched) == (there & (known["nObs"] > 20)).sum()


@pytest.mark.usefixtures("_serial")
def test_what_is_only_selected_is_computed_of_the_rows_that_are_left(
    catalog, known, searched
) -> None:
    asked(
        catalog,
        "SELECT LC_PERIOD(lc, 5, 9), LC_POWER(lc, 6, 9) FROM survey WHERE LC_N_OBS(lc) > 20",
    )
    assert sum(searched) == 2 * (known["nObs"] > 20).sum() > 0


def test_a_plan_travels(catalog, known, engines) -> None:
    statement = "SELECT objectId, LC_STETSON_J(lc, 'g') FROM survey WHERE LC_N_OBS(lc) > 20"
    expected = asked(catalog, statement)
    (node,) = sky.sql(statement, {"survey": catalog})._step.nodes
    assert len(cloudpickle.dumps(node)) < 60_000
    with sky.executor(engines("processes")):
        assert asked(catalog, statement).equals(expected)


def test_rows_are_written_as_a_catalog(catalog, every, tmp_path) -> None:
    statement = "SELECT objectId, ra, dec, LC_MEDIAN(lc, 'r') AS med FROM survey"
    sky.sql(statement, {"survey": catalog}).write_catalog(tmp_path / "made")
    written = sky.open_catalog(tmp_path / "made").to_arrow()
    assert written["med"].combine_chunks().equals(every["r_fluxMedian"].combine_chunks())


# tables, errors


def test_a_band_that_is_not_there_is_null_and_told(catalog) -> None:
    with pytest.warns(UserWarning, match="no epochs in band 'y'"):
        table = asked(
            catalog, "SELECT LC_AMPLITUDE(lc, 'y') AS a, LC_MULTI_AMP(lc, 'y') FROM survey"
        )
    assert table["a"].null_count == len(table)


def test_of_one_band_it_need_not_be_said() -> None:
    rows = [{"mjd": [1.0, 2.0], "mag": [3.0, 5.0], "band": ["r", "r"]}, None]
    table = pa.table({"id": [1, 2], "ra": [1.0, 2.0], "dec": [0.0, 1.0], "lc": rows})
    one = asked(table, "SELECT LC_AMPLITUDE(lc) AS a, LC_PERIOD_AMPLITUDE(lc) FROM survey")
    assert one["a"].to_pylist() == [1.0, None]
    assert column_meta(one.schema.field("a")).unit == "mag"
    none = table.set_column(3, "lc", pa.array([{"mjd": [1.0, 2.0], "mag": [3.0, 5.0]}] * 2))
    assert asked(none, "SELECT LC_AMPLITUDE(lc) AS a FROM survey")["a"].to_pylist() == [1.0, 1.0]
    with pytest.raises(sky.QueryError, match=r"lc has no bands: write LC_AMPLITUDE\(lc\)"):
        asked(none, "SELECT LC_AMPLITUDE(lc, 'r') FROM survey")


def test_bands_that_are_numbers() -> None:
    rows = [{"mjd": [1.0, 2.0, 3.0], "mag": [3.0, 5.0, 9.0], "band": [1, 1, 2]}]
    table = pa.table({"ra": [1.0], "dec": [0.0], "lc": rows})
    found = asked(
        table, "SELECT LC_AMPLITUDE(lc, 1) AS a, LC_COLOR_MEAN(lc, 1, 2) AS c FROM survey"
    )
    assert found.to_pylist() == [{"a": 1.0, "c": -5.0}]


def test_feature_of_a_user(catalog, monkeypatch) -> None:
    def compute(segments):
        return segments.count[None, :] * 2.0

    made = Feature("myOwn count", "twice", "2 n", compute, unit="none")
    monkeypatch.setitem(registry._REGISTRY, made.name, made)
    table = asked(
        catalog, "SELECT LC_MY_OWN_COUNT(lc, 'g') AS n, LC_NDATA(lc, 'g') AS m FROM survey"
    )
    pairs = [(row["n"], row["m"]) for row in table.to_pylist()]
    assert all(n is None or n == 2 * m for n, m in pairs)
    assert any(n for n, _ in pairs)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT LC_STETSN_J(lc, 'g') FROM survey", "did you mean LC_STETSON_"),
        ("SELECT LC_AMPLITUDE(lc) FROM survey", r"of one band: write LC_AMPLITUDE\(lc, 'g'\); "),
        ("SELECT LC_AMPLITUDE(lc.flux, 'g') FROM survey", r"write LC_AMPLITUDE\(light curve, band"),
        ("SELECT LC_AMPLITUDE(lc, kind) FROM survey", r"does not take \(light curve, text\)"),
        ("SELECT LC_AMPLITUDE(flux, 'g') FROM survey.lc", "no table here has one: ask that of the"),
        ("SELECT objectId FROM survey.lc WHERE LC_PERIOD(lc) > 3", "no table here has one"),
        ("SELECT LC_PERIOD(lc, 10, 1) FROM survey", "0 < min_period < max_period"),
        ("SELECT LC_PERIOD_R21(lc, 'g') FROM survey", r"write LC_PERIOD_R21\(light curve\) or"),
        ("SELECT LC_PERIOD_FLAG(lc) + 1 FROM survey", "text"),
        ("SELECT LC_N_OBS(lc) + lc FROM survey", "light curve"),
        ("SELECT MAX(lc.mjd) FROM survey GROUP BY LC_N_OBS(lc)", "made of the epochs"),
        ("SELECT LC_N_OBS(lc), COUNT(*) FROM survey", "differs between the rows of a group"),
        ("SELECT IN_UNIT(LC_PERIOD(lc), 'mag') FROM survey", "mag"),
    ],
)
def test_mistakes_say_what_to_write(catalog, statement: str, message: str) -> None:
    with pytest.raises(sky.QueryError, match=message):
        sky.sql(statement, {"survey": catalog})


def test_units_are_converted(catalog, every) -> None:
    table = asked(catalog, "SELECT IN_UNIT(LC_TIME_SPAN(lc), 'h') AS p FROM survey")
    hours = [None if p is None else p * 24.0 for p in every["timeSpan"].to_pylist()]
    assert table["p"].to_pylist() == hours


def test_conditions_of_catalogs_name_the_verb(catalog) -> None:
    with pytest.raises(sky.QueryError, match=r"here Catalog\.features\(\) makes columns"):
        catalog.query("LC_AMPLITUDE(lc, 'g') > 3")


def test_the_language_reads_them() -> None:
    assert str(adql.parse("SELECT LC_PERIOD(lc, 'r') FROM s")) == "SELECT LC_PERIOD(lc, 'r') FROM s"


def test_functions_of_other_statements_do_not_load_features() -> None:
    functions = CurveFunctions(lambda _: None)
    assert functions["ABS"] is FUNCTIONS["ABS"]
    assert functions.get("NONE") is None
    assert len(functions) == len(FUNCTIONS)
    assert functions["LC_PERIOD"] is functions["LC__PERIOD"]
    assert set(functions) > set(FUNCTIONS)
    assert functions.get("LC_NONE") is None


PROGRAM = """
import sys
import skyseries as sky
sky.sql("SELECT COUNT(*), MAX(ra) FROM survey WHERE dec > 0", {"survey": sys.argv[1]}).to_arrow()
print(*({"numba", "skyseries.timeseries.features"} & set(sys.modules)))
"""


def test_statements_without_them_load_no_features(variables: World) -> None:
    command = [sys.executable, "-c", PROGRAM, str(variables.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stdout.split()
