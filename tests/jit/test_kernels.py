"""The decorator of kernels: what it runs, and that it runs without Numba where it can."""

import ast
import importlib.util
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import skyseries
from skyseries.jit import kernel
from skyseries.jit.kernels import Kernel
from skyseries.jit.sources import is_source
from skyseries.nested.kernels import segment_sum
from tests.jit import kernels_to_try as tried


def ordinary(function):
    """Return the kernel as Numba's own dispatcher."""
    made = Kernel(function.py_func, function.options, is_kept=False)
    made(*tried.ARGUMENTS[function.__name__][0])
    return made


@pytest.mark.parametrize("name", tried.ARGUMENTS)
def test_machine_code_without_numba_is_that_of_numba(name):
    """Numbers, arrays, tuples, what is changed in place: the same bits, the same types."""
    function = getattr(tried, name)
    own = ordinary(function)
    for arguments in tried.ARGUMENTS[name]:
        first, second = tried.copied(arguments), tried.copied(arguments)
        found, expected = function(*first), own(*second)
        assert tried.bits(found) == tried.bits(expected)
        assert tried.bits(first) == tried.bits(second)
    assert function.is_native
    assert not own.is_native


def test_arguments_by_name_and_defaults():
    assert tried.powered(2.0) == tried.powered(x=2.0) == tried.powered(2.0, n=2) == 4.0
    assert tried.powered(n=3, x=2.0) == 8.0
    with pytest.raises(TypeError, match="missing"):
        tried.powered()


def test_what_a_kernel_raises():
    with pytest.raises(ValueError, match="must not be negative"):
        tried.root(-1.0)
    assert tried.root(4.0) == 2.0


def test_division_by_zero_gives_infinity():
    assert np.isinf(tried.ratio(1.0, 0.0))


def test_what_has_no_key_goes_to_numba():
    import numba

    @numba.njit
    def double(x):
        return 2 * x

    assert tried.applied(double, 4.0) == 8.0
    assert not tried.applied.is_native


def test_a_kernel_inside_of_a_function_is_made_here():
    @kernel
    def ratio(a, b):
        return a / b

    assert np.isinf(ratio(1.0, 0.0))
    assert ratio.targetoptions["nogil"] is True
    assert not ratio.is_native


def test_what_is_read_only_stays_so():
    constant = np.arange(3.0)
    constant.flags.writeable = False
    with pytest.raises(Exception, match="readonly"):
        tried.doubled(constant)
    assert tried.total(constant) == 3.0


def test_threads_that_call_a_kernel_first_at_once():
    fresh = Kernel(tried.total.py_func, tried.total.options, is_kept=True)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fresh, [np.ones(5)] * 64)) == [5.0] * 64


def test_a_kernel_goes_to_other_processes_by_its_name():
    assert pickle.loads(pickle.dumps(segment_sum)) is segment_sum  # noqa: S301


def test_python_itself_can_run_kernels():
    """The switch of Numba's with which one looks for faults."""
    program = (
        "import sys\nfrom tests.jit.kernels_to_try import total\nimport numpy as np\n"
        "assert total(np.ones(4)) == 4.0\nassert not total.is_native\n"
        "assert 'numba' not in sys.modules"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


WITHOUT_NUMBA = """
import sys, threading
from skyseries.spatial.healpix import radec_to_hpx
radec_to_hpx([10.0], [20.0])
found = []
def find():
    found.append(int(radec_to_hpx([10.0], [20.0])[0]))
threads = [threading.Thread(target=find) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(found) == 4 and len(set(found)) == 1, found
assert "numba" not in sys.modules
import numba, numpy
assert numba.njit(lambda x: numpy.sort(x)[0])(numpy.array([2.0, 1.0])) == 1.0
assert int(radec_to_hpx([10.0], [20.0])[0]) == found[0]
"""


def test_numba_is_not_imported_to_run_kernels_and_may_be_later():
    subprocess.run([sys.executable, "-c", WITHOUT_NUMBA], check=True)


class Taken(NamedTuple):
    """A tuple of a class that kernels take."""

    value: float


def test_tuples_of_another_class_are_not_mixed_up():
    assert tried.value_of(tried.One(2.0)) == 2.0
    assert tried.value_of(Taken(3.0)) == 3.0


def test_kernels_take_constants_from_files_of_kernels_only():
    """What is kept of kernels is renewed when such a file changes, and no other."""
    package = Path(skyseries.__file__).parent
    sources = {path: path.read_text() for path in package.rglob("*.py")}
    kernels = {path for path, text in sources.items() if is_source(text.encode())}
    assert len(kernels) > 10
    for path in kernels:
        for node in ast.walk(ast.parse(sources[path])):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("sky"):
                continue
            parts = str(node.module).split(".")[1:]
            file = package.joinpath(*parts).with_suffix(".py")
            constants = [name.name for name in node.names if name.name.lstrip("_").isupper()]
            assert file in kernels or not constants, f"{path} takes {constants} from {node.module}"


def test_only_what_emits_instructions_imports_numba():
    """The import of Numba costs more than most commands."""
    package = Path(skyseries.__file__).parent
    for path in package.rglob("*.py"):
        if path.name in ("compiling.py", "vectorcode.py"):
            continue
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "numba" for name in names), path


def test_emitted_instructions_are_for_kernels_only():
    from skyseries.timeseries.kernels.vectors import exchange

    with pytest.raises(TypeError, match="compiled kernels only"):
        exchange(np.zeros(16), 0, 8)
    assert importlib.util.find_spec(exchange.module) is not None
