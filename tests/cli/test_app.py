from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import skyseries
from skyseries.cli import cli
from skyseries.cli.app import _COMMANDS, _run
from skyseries.errors import CatalogNotFoundError, ExecutionError, SchemaError
from skyseries.executors import current_executor
from tests import programs

HEAVY = {
    "astropy", "cloudpickle", "duckdb", "fsspec", "loky", "matplotlib", "mocpy", "numba", "numpy",
    "pandas", "pyarrow", "rich", "scipy",
}  # fmt: skip


def modules_after(code: str) -> set[str]:
    code = f"import sys\n{code}\nprint(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def replace_call(monkeypatch: pytest.MonkeyPatch, name: str, call: Any) -> None:
    """Put a call of the library out of action."""
    monkeypatch.setitem(vars(skyseries), name, call)


# --- answering at once --------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    args = [*command.split(), "--help"]
    assert modules_after(f"from skyseries.cli.app import _run\nassert _run({args}) == 0") == set()


def test_import_loads_nothing_heavy() -> None:
    assert modules_after("import skyseries; dir(skyseries); skyseries.__version__") == set()


def test_names_of_the_package() -> None:
    assert set(skyseries.__all__) <= set(dir(skyseries))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = skyseries.nonsense
    from skyseries.executors import executor

    assert skyseries.executor is executor


@pytest.mark.parametrize("name", skyseries.__all__)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(skyseries, name) is not None


# --- exit codes ---------------------------------------------------------------------------------


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["--version"]) == 0
    assert capsys.readouterr().out == f"skyseries {skyseries.__version__}\n"


@pytest.mark.parametrize(
    "args", [["nonsense"], ["info"], ["info", "a", "b"], ["--nonsense"], ["import", "only-a-path"]]
)
def test_a_wrong_command_line(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(args) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Error: " in captured.err
    assert "Traceback" not in captured.err


def test_an_error_is_one_clear_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SchemaError("column 'ra' is missing")
    error.add_note("in leaf Norder=5/Npix=7")

    def fails(path: str, **_: Any) -> None:
        raise error

    replace_call(monkeypatch, "open_catalog", fails)
    monkeypatch.delenv("SKYSERIES_DEBUG", raising=False)
    assert _run(["info", "x"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "skyseries: column 'ra' is missing\n  in leaf Norder=5/Npix=7\n"
    monkeypatch.setenv("SKYSERIES_DEBUG", "1")
    with pytest.raises(SchemaError):
        _run(["info", "x"])


def test_a_failed_task_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(path: str, **_: Any) -> None:
        raise ExecutionError("leaf 3 failed: KeyError: 'x'") from KeyError("x")

    replace_call(monkeypatch, "open_catalog", fails)
    assert _run(["info", "x"]) == 1
    assert capsys.readouterr().err == (
        "skyseries: leaf 3 failed: KeyError: 'x'\n  set SKYSERIES_DEBUG=1 to see where\n"
    )


def test_ctrl_c_prints_one_line() -> None:
    code = """
    import skyseries, sys, time
    def waits(path, **_):
        print("ready", flush=True)
        time.sleep(1000)
    vars(skyseries)["open_catalog"] = waits
    from skyseries.cli import main
    main(["info", "x"])
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with programs.started([sys.executable, "-c", textwrap.dedent(code)], **pipes) as program:
        assert program.stdout.readline() == "ready\n"
        os.kill(program.pid, signal.SIGINT)
        _, err = program.communicate(timeout=programs.PATIENCE)
    assert err.strip() == "skyseries: interrupted"
    assert program.returncode == 130


def test_a_reader_that_goes_away() -> None:
    code = """
    import skyseries
    from types import SimpleNamespace as N
    text = "line\\n" * 1_000_000
    vars(skyseries)["open_catalog"] = lambda path, **_: N(info=lambda: N(text=lambda: text))
    from skyseries.cli import main
    main(["info", "x"])
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with programs.started([sys.executable, "-c", textwrap.dedent(code)], **pipes) as program:
        program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == ""
        # click has changed its mind on this
        assert program.wait(timeout=programs.PATIENCE) in (0, 1)


def test_the_installed_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "skyseries", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    for command in ("demo", "import", "info", "validate", "features", "periods"):
        assert f"\n  {command} " in done.stdout


# --- commands -----------------------------------------------------------------------------------


def test_info(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    catalog = SimpleNamespace(info=lambda: SimpleNamespace(text=lambda: "rows: 5"))
    there = {("survey", None): catalog, ("survey", 3): catalog}
    replace_call(monkeypatch, "open_catalog", lambda path, *, version: there[path, version])
    assert _run(["info", "survey"]) == _run(["info", "survey", "--version", "3"]) == 0
    assert capsys.readouterr().out == "rows: 5\n" * 2


def test_a_catalog_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("info", "validate", "features", "periods"):
        missing = tmp_path / "missing"
        assert _run([command, str(missing)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("skyseries: ")
        assert "missing" in captured.err
    assert issubclass(CatalogNotFoundError, FileNotFoundError)


@pytest.mark.parametrize("ok", [True, False])
def test_validate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ok: bool
) -> None:
    report = SimpleNamespace(ok=ok, text=lambda: "the report")
    seen: list[tuple[str, bool]] = []

    def call(path: str, *, deep: bool) -> Any:
        seen.append((path, deep))
        return report

    replace_call(monkeypatch, "validate_catalog", call)
    assert _run(["validate", "survey"]) == (0 if ok else 1)
    assert _run(["validate", "--no-deep", "survey"]) == (0 if ok else 1)
    assert capsys.readouterr().out == "the report\n" * 2
    assert seen == [("survey", True), ("survey", False)]


def test_demo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: dict[str, Any] = {}

    def call(path: Path, **options: Any) -> Any:
        seen.update(path=path, **options)
        return SimpleNamespace(text="the table")

    replace_call(monkeypatch, "demo", call)
    assert _run(["demo"]) == 0
    assert seen == {"path": Path("skyseries-demo"), "workers": None, "progress": None}
    assert _run(["demo", "elsewhere", "--no-progress", "--workers", "2"]) == 0
    assert seen == {"path": Path("elsewhere"), "workers": 2, "progress": False}
    assert capsys.readouterr().out == "the table\nthe table\n"


class FakeImport:
    def __init__(self, resumed: bool = False) -> None:
        self.args: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}
        self.resumed = resumed

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.args, self.options = args, options
        return SimpleNamespace(resumed=self.resumed, summary=lambda: "the summary")


def test_import_defaults_are_those_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parameter has its option, with the same default."""
    from skyseries.pipelines.import_.importer import import_catalog

    fake = FakeImport()
    replace_call(monkeypatch, "import_catalog", fake)
    assert _run(["import", "a.parquet", "survey"]) == 0
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(import_catalog).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert fake.args == (["a.parquet"], "survey")
    assert fake.options == defaults


def test_import_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeImport(resumed=True)
    replace_call(monkeypatch, "import_catalog", fake)
    args = (
        "import a.parquet b.parquet survey --id objectId --lightcurves s1.csv --lightcurves s2.csv "
        "--margin-arcsec none --no-id-index --null-value -99 --null-value -9999.5 "
        "--null-value NULL --columns a,b --memory 1GB --no-progress --no-resume --overwrite "
        "--workers 3 --executor processes --orphans drop --durability process"
    )
    assert _run(args.split()) == 0
    assert fake.args == (["a.parquet", "b.parquet"], "survey")
    given = {
        "id": "objectId", "lightcurves": ["s1.csv", "s2.csv"], "margin_arcsec": None,
        "id_index": False, "null_values": (-99, -9999.5, "NULL"), "columns": ["a", "b"],
        "memory": "1GB", "progress": False, "resume": False, "overwrite": True, "workers": 3,
        "executor": "processes", "orphans": "drop", "durability": "process",
    }  # fmt: skip
    assert {name: fake.options[name] for name in given} == given
    captured = capsys.readouterr()
    assert captured.out == "the summary\n"
    assert "unfinished import" in captured.err


def test_import_of_light_curves_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeImport()
    replace_call(monkeypatch, "import_catalog", fake)
    assert _run(["import", "survey", "--lightcurves", "s.csv", "--id", "objectId"]) == 0
    assert fake.args == (None, "survey")
    assert fake.options["lightcurves"] == ["s.csv"]


class FakeCatalog:
    """Answers `features` and `periods` with a table that has a light-curve column."""

    table: pa.Table = pa.table(
        {
            "objectId": pa.array([2**63 + 1, 3], pa.uint64()),
            "lightcurve": pa.array([{"t": [1.0]}, {"t": [2.0]}]),
            "period": [0.5, None],
            "period_peaks": [[0.5, 1.0], []],
        }
    )

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def features(self, **options: Any) -> FakeCatalog:
        self.calls.append(options | {"workers": current_executor().workers})
        return self

    periods = features

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    def select(self, columns: list[str]) -> FakeCatalog:
        chosen = FakeCatalog()
        chosen.table = self.table.select(columns)
        return chosen

    def to_arrow(self) -> pa.Table:
        return self.table


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> FakeCatalog:
    catalog = FakeCatalog()
    replace_call(monkeypatch, "open_catalog", {"survey": catalog}.__getitem__)
    return catalog


def test_features_to_standard_output(
    catalog: FakeCatalog, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    args = ["features", "survey", "--features", "Mean, Skew", "--space", "flux", "--workers", "7"]
    assert _run(args) == 0
    assert catalog.calls == [{"features": ["Mean", "Skew"], "space": "flux", "workers": 7}]
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines[0].replace('"', "") == "objectId,period,period_peaks"
    assert lines[1].startswith("9223372036854775809,0.5,")
    assert len(lines) == 3


@pytest.mark.parametrize("suffix", ["parquet", "csv", "fits", "vot"])
def test_periods_to_a_file(
    catalog: FakeCatalog, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    path = tmp_path / f"out.{suffix}"
    assert _run(["periods", "survey", "--n-peaks", "2", "-o", str(path)]) == 0
    (call,) = catalog.calls
    assert call == {"n_peaks": 2, "workers": current_executor().workers}
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2 rows, 3 columns" in captured.err
    assert path.stat().st_size > 0
    if suffix == "parquet":
        assert pq.read_table(path).equals(catalog.table.drop_columns("lightcurve"))


def test_a_format_is_refused_before_the_work(catalog: FakeCatalog, tmp_path: Path) -> None:
    for output in ("out.docx", "out"):
        assert _run(["features", "survey", "-o", str(tmp_path / output)]) == 2
    assert catalog.calls == []


def test_click_agrees(catalog: FakeCatalog) -> None:
    """The group works with click's own tools too."""
    result = CliRunner().invoke(cli, ["features", "--help"])
    assert result.exit_code == 0
    assert isinstance(cli, click.Group)


# --- the whole way ------------------------------------------------------------------------------


def test_import_info_validate_periods(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    n, epochs = 20, 60
    ids = np.arange(n) + 2**60
    objects = pa.table(
        {"objectId": ids, "ra": rng.uniform(10, 11, n), "dec": rng.uniform(-1, 1, n)}
    )
    t = rng.uniform(60000, 60100, n * epochs)
    sources = pa.table(
        {
            "objectId": np.repeat(ids, epochs),
            "midpointMjdTai": t,
            "band": ["r"] * len(t),
            "psfFlux": 1e4 * (1 + 0.3 * np.sin(2 * np.pi * t / 0.7)) + rng.normal(0, 50, len(t)),
            "psfFluxErr": np.full(len(t), 50.0),
        }
    )
    pq.write_table(objects, tmp_path / "objects.parquet")
    pq.write_table(sources, tmp_path / "sources.parquet")
    survey = str(tmp_path / "survey")
    words = "--id objectId --time-format mjd --time-scale tai --flux-unit nJy --no-progress"
    options = ["--lightcurves", str(tmp_path / "sources.parquet"), *words.split()]
    assert _run(["import", str(tmp_path / "objects.parquet"), survey, *options]) == 0
    assert "20 rows" in capsys.readouterr().out
    assert _run(["info", survey]) == 0
    assert "objectId" in capsys.readouterr().out
    assert _run(["validate", survey]) == 0
    out = tmp_path / "periods.parquet"
    assert _run(["periods", survey, "--min-period", "0.1", "-o", str(out)]) == 0
    found = pq.read_table(out).to_pandas().set_index("objectId")
    assert sorted(found.index) == sorted(ids)
    assert np.abs(1 / found["period"] - 1 / 0.7).max() < 1 / 100
