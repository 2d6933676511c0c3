"""The kernel decorator: compiled, cached, and safe with several processes at once."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import skyseries
from skyseries import jit
from skyseries.jit import kernel

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
