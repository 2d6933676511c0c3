"""What is known to be called together: it is there, and it is what is called."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from skyseries.errors import StorageError
from skyseries.jit import expect, expected, expecting, store
from skyseries.jit.kernels import Kernel
from skyseries.jit.signatures import portable, types_of
from skyseries.timeseries.features.builtin import all_features
from skyseries.timeseries.periods.methods import all_methods

KNOWN = json.loads(expected.PATH.read_bytes())
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize("call", KNOWN["kernels"], ids=lambda call: f"{call[0]}.{call[1]}"[10:])
def test_each_is_a_kernel_with_arguments_of_known_types(call):
    module, name, key = portable(call)
    kernel = getattr(import_module(module), name)
    assert isinstance(kernel, Kernel)
    assert len(types_of(key)) == kernel.py_func.__code__.co_argcount
    assert kernel.wanted(key) is not None


def test_each_feature_and_method_is_an_occasion():
    occasions = set(KNOWN["occasions"])
    assert {f"periods.{method.name}" for method in all_methods()} <= occasions
    known = {call[1] for call in KNOWN["kernels"]}
    assert {"import", "import.lightcurves", "crossmatch", "features", "demo"} <= occasions
    for feature in all_features():
        code = getattr(feature.compute, "__code__", None)
        called = set(code.co_names) & known if code else set()
        numbers = KNOWN["occasions"].get(f"features.{feature.name}", [])
        met = {KNOWN["kernels"][n][1] for n in numbers + KNOWN["occasions"]["features"]}
        assert called <= met, feature.name


CHECK = """
import sys, tempfile
from pathlib import Path
import learn_kernels as learn
import skyseries as sky
with tempfile.TemporaryDirectory() as name, sky.executor("serial"):
    folder = Path(name)
    survey = learn.survey(folder)
    met = {}
    learn.meet(met, *survey)
    for occasion, act in learn.features(sky.open_catalog(folder / "survey")):
        if occasion in ("features.Mean", "features.StetsonK"):
            learn.meet(met, occasion, act)
known = learn.read()
for name, found in met.items():
    expected = known[name] | known["features"] if name.startswith("features.") else known[name]
    assert found <= expected, (name, found - expected)
"""


def test_what_is_called_is_what_is_known():
    """Else ``benchmarks/learn_kernels.py`` is to be run."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(BENCHMARKS), os.environ.get("PYTHONPATH", "")])
    }
    subprocess.run([sys.executable, "-c", CHECK], env=environment, check=True)


def test_what_nobody_knows_is_no_fault(monkeypatch):
    monkeypatch.setattr(expecting, "_met", set())
    expect("features.NoSuchFeature")


def test_an_occasion_is_compiled_once_and_together(monkeypatch):
    asked = []
    monkeypatch.setattr(expecting, "_met", set())
    monkeypatch.setattr(expected.builders, "build", lambda wanted: asked.append(list(wanted)))
    expect("import", "crossmatch")
    expect("crossmatch")
    (together,) = asked
    assert len(together) > 3


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Return a folder for kernels, of which few are known."""
    few = {"kernels": KNOWN["kernels"][-2:], "occasions": {"some": [0, 1]}}
    monkeypatch.setattr(expected, "_known", lambda: few)
    known = expected.known_kernels(["some"])
    monkeypatch.setenv("SKYSERIES_KERNELS", str(tmp_path / "kernels"))
    return tmp_path / "kernels", known


def test_warming_fills_the_folder_that_is_named(kernels):
    folder, known = kernels
    umask = os.umask(0)
    os.umask(umask)
    report = expected.warm_all()
    assert (report.compiled, report.found, report.troubles) == (2, 0, ())
    assert all((folder / each.name).exists() for each in known)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask  # others may read it
    again = expected.warm_all()
    assert (again.compiled, again.found) == (0, 2)
    (folder / known[0].name).write_bytes(b"damaged")
    assert (expected.warm_all().compiled, store.is_kept(known[0].name)) == (1, True)
    assert str(folder) in again.text()


def test_warming_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "kernels").write_bytes(b"")
    monkeypatch.setenv("SKYSERIES_KERNELS", str(tmp_path / "kernels"))
    with pytest.raises(StorageError, match="kernels"):
        expected.warm_all()
