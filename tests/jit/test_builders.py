"""Compilation in processes of its own: many at once, interrupted, damaged, out of date."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skyseries.jit import builders
from skyseries.jit.store import folders

KERNELS = """
from some_helper import times
from skyseries.jit import kernel

@kernel
def scaled(x):
    total = 0.0
    for i in range(x.size):
        total += times(x[i])
    return total
"""
HELPER = """
from skyseries.jit import kernel

@kernel
def times(x):
    return {factor} * x
"""
PROGRAM = """
import sys
import numpy as np
from some_kernels import scaled
from skyseries.jit import builders
print(scaled(np.ones(4)), len(builders._builders), scaled.is_native, "numba" in sys.modules)
"""
MANY = "\n".join(
    f"    for i in range(x.size):\n        total += np.sin(x[i] + {k}) * np.floor(total / {k + 1})"
    for k in range(300)
)
SLOW = f"""
import numpy as np
from skyseries.jit import kernel

@kernel
def slow(x):
    total = 0.0
{MANY}
    return total
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a folder with sources of kernels, and an empty folder for machine code."""
    (tmp_path / "some_kernels.py").write_text(KERNELS)
    (tmp_path / "some_helper.py").write_text(HELPER.format(factor=2.0))
    (tmp_path / "slow_kernels.py").write_text(SLOW)
    monkeypatch.setenv("SKYSERIES_KERNELS", str(tmp_path / "kernels"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # of the same second as the one before
    return tmp_path


def start(program: str = PROGRAM, **more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", program], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | more,
    )  # fmt: skip


def answers(process: subprocess.Popen) -> list[str]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.split()


def machine_code(folder: Path) -> list[Path]:
    return [path for path in (folder / "kernels").glob("*/*") if path.is_file()]


def test_sixteen_processes_that_start_at_once(place):
    """One of them compiles, the others wait for it."""
    found = [answers(process) for process in [start() for _ in range(16)]]
    assert {(total, *rest) for total, _, *rest in found} == {("8.0", "True", "False")}
    assert sum(int(n) for _, n, *_ in found) == 1
    assert len(machine_code(place)) == 1


def test_a_change_in_a_helper_of_another_file_is_noticed(place):
    """Numba alone would go on with the machine code of before."""
    assert answers(start())[0] == "8.0"
    (place / "some_helper.py").write_text(HELPER.format(factor=3.0))
    assert answers(start())[0] == "12.0"
    (place / "some_helper.py").write_text(HELPER.format(factor=2.0))
    os.utime(place / "some_kernels.py")  # times count nothing
    assert answers(start()) == ["8.0", "0", "True", "False"]


def test_damaged_machine_code_is_made_anew(place):
    assert answers(start())[1] == "1"
    (path,) = machine_code(place)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert answers(start()) == ["8.0", "1", "True", "False"]
    assert path.read_bytes() == whole


def test_machine_code_of_another_processor_is_not_run(place):
    assert answers(start())[1] == "1"
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert answers(start(**other)) == ["8.0", "1", "True", "False"]
    assert len({path.parent for path in machine_code(place)}) == 2


def test_a_folder_that_is_shared_is_read_where_the_own_is_empty(place):
    """It may have been made on another machine, and be read-only here."""
    assert answers(start())[1] == "1"
    before = machine_code(place)
    home = place / "home"
    assert answers(start(HOME=str(home), XDG_CACHE_HOME=""))[1] == "0"
    assert machine_code(place) == before
    assert not home.exists()


def test_without_a_home_machine_code_is_kept_among_temporary_files(place):
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "SKYSERIES_KERNELS"), "/proc/nowhere")
    aside = place / "aside"
    aside.mkdir()
    assert answers(start(**nowhere, TMPDIR=str(aside)))[1] == "1"
    assert answers(start(**nowhere, TMPDIR=str(aside)))[1] == "0"
    (folder,) = aside.iterdir()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_temporary_folder_of_somebody_else_is_left_alone(place, monkeypatch):
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "SKYSERIES_KERNELS"), "/proc/nowhere")
    aside = place / "aside" / f"skyseries-kernels-{os.getuid()}"
    aside.mkdir(parents=True)
    aside.chmod(0o777)
    program = f"import warnings; warnings.simplefilter('ignore')\n{PROGRAM}"
    found = answers(start(program, **nowhere, TMPDIR=str(aside.parent)))
    assert (found[0], found[2:]) == ("8.0", ["False", "True"])  # by Numba, in this process
    assert not list(aside.iterdir())


INTERRUPTED = """
import sys, threading, time
import numpy as np
from skyseries.jit import builders
import slow_kernels
def tell():
    while not builders._builders:
        time.sleep(0.01)
    print(builders._builders[0]._process.pid, flush=True)
threading.Thread(target=tell, daemon=True).start()
slow_kernels.slow(np.ones(3))
"""


def is_running(process: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_compilation_is_interrupted(place, by):
    """It ends at once with whoever asked for it, and nothing is left of it."""
    process = start(INTERRUPTED)
    compiles = int(process.stdout.readline())
    time.sleep(2)
    assert process.poll() is None
    process.send_signal(by)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert process.returncode == -by, err
    if by == signal.SIGINT:
        assert "KeyboardInterrupt" in err
    while is_running(compiles) and time.monotonic() < began + 30:
        time.sleep(0.01)
    assert not is_running(compiles)
    assert machine_code(place) == []


def test_a_process_that_dies_while_it_compiles(place):
    """What it was to compile is compiled here."""
    program = f"""
import os, signal, threading, time
import numpy as np
from skyseries.jit import builders
def kill():
    while not builders._builders:
        time.sleep(0.001)
    os.kill(builders._builders[0]._process.pid, signal.SIGKILL)
threading.Thread(target=kill).start()
{PROGRAM}"""
    total, _, is_native, has_numba = answers(start(program))
    assert (total, is_native, has_numba) == ("8.0", "False", "True")


def test_a_forked_process_has_its_own(place):
    program = f"""
import os
{PROGRAM}
if not os.fork():
    assert not builders._builders
    assert scaled(np.ones(3, np.float32)) == 6.0 and scaled.is_native
    builders._end_all()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.wait()[1]))"""
    assert answers(start(program))[-1] == "7"


def test_somebody_who_watches_may_end_it(place, monkeypatch):
    program = """
from skyseries.jit import watched_by
import numpy as np
from slow_kernels import slow
told = []
def watch(done, total):
    told.append((done, total))
    if len(told) > 3:
        raise LookupError("enough")
with watched_by(watch):
    try:
        slow(np.ones(3))
    except LookupError:
        print(*told[0])
from skyseries.jit import builders
assert not builders._builders
"""
    assert answers(start(program)) == ["0", "1"]


def test_this_run_keeps_what_it_compiles():
    assert folders()[-1].name.startswith("skyseries-kernels-")
    assert builders.build([]) == {}
