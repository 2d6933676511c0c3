"""The kernel decorator: compiled, cached, and safe with several processes at once."""

import ast
import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import skyseries
from skyseries import jit
from skyseries.jit import kernel
from skyseries.nested.kernels import segment_sum

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from kernels_under_test import add
import numpy as np
for dtype in sys.argv[2].split(","):
    x = np.arange(5).astype(dtype)
    assert add(x, x).tolist() == (x + x).tolist(), dtype
    assert add(x, x).dtype == x.dtype, dtype
"""


def test_options_and_results():
    @kernel
    def ratio(a: float, b: float) -> float:
        return a / b

    assert np.isinf(ratio(1.0, 0.0))
    assert ratio.targetoptions["nogil"] is True


def test_processes_that_compile_different_signatures_at_once(tmp_path):
    (tmp_path / "kernels_under_test.py").write_text(
        "import numpy as np\nfrom skyseries.jit import kernel\n\n"
        "@kernel\ndef add(a, b):\n    out = np.empty_like(a)\n"
        "    for i in range(a.size):\n        out[i] = a[i] + b[i]\n    return out\n"
    )
    orders = ["float64,int64,float32,int32", "int32,float32,int64,float64", "float32,float64"]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def start(order: str) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path, order], env=environment)

    for _ in range(2):  # the second round reads what the first has cached
        assert [process.wait() for process in [start(order) for order in orders]] == [0, 0, 0]
    assert list((tmp_path / "cache").rglob("*.nbi"))


HELPER = "from skyseries.jit import kernel\n\n@kernel\ndef scale(x):\n    return {factor} * x\n"
CALLER = """
from skyseries.jit import kernel
from skyseries._helper import scale

@kernel
def twice(x):
    return scale(x)

print(twice(1.0))
"""


def test_a_change_in_a_helper_of_another_file_is_noticed(tmp_path):
    """Numba alone would go on with the machine code of before."""
    package = tmp_path / "src" / "skyseries"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "jit.py").write_text(Path(jit.__file__).read_text())
    caller = tmp_path / "caller.py"
    caller.write_text(CALLER)
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(tmp_path / "src"),
    }
    for factor in (2.0, 3.0):
        (package / "_helper.py").write_text(HELPER.format(factor=factor))
        done = subprocess.run(
            [sys.executable, caller], env=environment, capture_output=True, text=True, check=True
        )
        assert float(done.stdout) == factor


TAKES_A_TUPLE = """
from typing import NamedTuple
from skyseries.jit import kernel

class {name}(NamedTuple):
    value: float

@kernel
def value_of(one):
    return one.value
"""


def value_of(path: Path, name: str) -> tuple[float, int]:
    """Return what a freshly loaded kernel gives, and how often it was found in the cache."""
    text = TAKES_A_TUPLE.format(name=name)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    value = module.value_of(getattr(module, name)(2.0))
    return value, sum(module.value_of.stats.cache_hits.values())


@pytest.fixture
def kernel_file(tmp_path, monkeypatch):
    """Return a file for a kernel that has a cache of its own."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "takes_a_tuple", None)
    return tmp_path / "takes_a_tuple.py"


def test_a_cache_that_names_a_class_of_before_is_overwritten(kernel_file):
    assert value_of(kernel_file, "Before") == (2.0, 0)
    assert value_of(kernel_file, "Afterwards") == (2.0, 0)
    assert value_of(kernel_file, "Afterwards") == (2.0, 1)


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_cache_that_is_cut_short_is_overwritten(kernel_file, suffix):
    assert value_of(kernel_file, "Same") == (2.0, 0)
    (kept,) = (kernel_file.parent / "cache").rglob(f"*.{suffix}")
    kept.write_bytes(kept.read_bytes()[:100])
    assert value_of(kernel_file, "Same") == (2.0, 0)
    assert value_of(kernel_file, "Same") == (2.0, 1)


def test_kernels_take_constants_from_files_of_kernels_only() -> None:
    """The cache of compiled kernels is renewed when such a file changes, and no other."""
    package = Path(skyseries.__file__).parent
    sources = {path: path.read_text() for path in package.rglob("*.py")}
    kernels = {path for path, text in sources.items() if "skyseries.jit" in text}
    assert len(kernels) > 10
    for path in kernels:
        for node in ast.walk(ast.parse(sources[path])):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("sky"):
                continue
            parts = str(node.module).split(".")[1:]
            file = package.joinpath(*parts).with_suffix(".py")
            constants = [name.name for name in node.names if name.name.lstrip("_").isupper()]
            assert file in kernels or not constants, f"{path} takes {constants} from {node.module}"


def test_a_kernel_goes_to_other_processes_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(segment_sum)) is segment_sum  # noqa: S301


NUMBA_ON_USE = """
import sys
from skyseries.spatial.healpix import radec_to_hpx
assert "numba" not in sys.modules
import threading
found = []
threads = [
    threading.Thread(target=lambda: found.append(int(radec_to_hpx([10.0], [20.0])[0])))
    for _ in range(4)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(found) == 4 and len(set(found)) == 1, found
assert "numba" in sys.modules
"""


def test_numba_is_imported_by_the_first_call() -> None:
    subprocess.run([sys.executable, "-c", NUMBA_ON_USE], check=True)
