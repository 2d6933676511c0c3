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

import cloudpickle
import numpy as np
import pytest

import skyseries
from skyseries.jit import kernel
from skyseries.jit.kernels import Kernel
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


RELOADED = '''
import gc, importlib, sys
from pathlib import Path
file = Path(sys.argv[1]) / "edited.py"
text = """import numpy as np
from skyseries.jit import kernel
@kernel
def f(x):
    return np.zeros(3) + x + {0}
"""
file.write_text(text.format(1))
import edited
before, first = edited.f, edited.f(1.0)
file.write_text(text.format(1000))
importlib.invalidate_caches()
importlib.reload(edited)
assert edited.f(1.0).tolist() == [1001.0] * 3, edited.f(1.0)
again, edited = edited.f, None
del again
gc.collect()
junk = [bytes(n) for n in range(40, 120) for _ in range(300)]
assert before(1.0).tolist() == [2.0] * 3 and before.is_native
file.write_text(text.format(5))
late = importlib.reload(sys.modules["edited"]).f
file.write_text(text.format(7))  # after the import, before the first call
assert late(1.0).tolist() == [6.0] * 3 and not late.is_native
'''


def test_what_is_imported_counts_not_what_the_file_says_now(tmp_path):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run([sys.executable, "-c", RELOADED, tmp_path], env=environment, check=True)


def test_a_kernel_that_others_cannot_import_goes_to_them_as_a_whole():
    @kernel
    def ratio(a, b):
        return a / b

    program = "import sys, cloudpickle; print(cloudpickle.loads(sys.stdin.buffer.read())(1.0, 4.0))"
    done = subprocess.run(
        [sys.executable, "-c", program], input=cloudpickle.dumps(ratio), capture_output=True,
        check=True,
    )  # fmt: skip
    assert float(done.stdout) == 0.25


CHECKED = """
from tests.jit import kernels_to_try as tried
import numpy as np
made, part, n, even = tried.halves(np.arange(5.0))
try:
    tried.root(-1.0)
except ValueError:
    pass
import numba
assert numba.njit(lambda x: np.sort(x))(made).tolist() == made.tolist()
del made, part
"""


def test_memory_is_given_back_to_whom_it_came_from():
    """Where Python checks it, anything else ends the process."""
    command = [sys.executable, "-X", "dev", "-W", "ignore", "-c", CHECKED]
    subprocess.run(command, env=os.environ | {"PYTHONMALLOC": "debug"}, check=True)


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
