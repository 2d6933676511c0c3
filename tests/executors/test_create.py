from __future__ import annotations

import os
import subprocess
import sys

import pytest

import skyseries as sky
from skyseries.errors import InputError, MissingDependencyError
from skyseries.executors import Task, create_executor, current_executor, executor


def test_the_default_is_threads() -> None:
    assert current_executor().name == "threads"
    assert create_executor() is current_executor()
    assert create_executor(workers=3).workers == 3


def test_names() -> None:
    for name in ("serial", "threads", "processes"):
        with create_executor(name, workers=1) as engine:
            assert engine.name == name
            assert engine.workers == 1


def test_an_engine_is_returned_as_it_is() -> None:
    engine = create_executor("serial")
    assert create_executor(engine) is engine
    assert create_executor(engine, workers=1) is engine
    with pytest.raises(InputError, match="cannot be changed"):
        create_executor(engine, workers=2)


def test_another_number_of_workers() -> None:
    with executor("threads", workers=3) as engine:
        assert create_executor(None, workers=3) is engine
        other = create_executor(None, workers=5)
        assert (other.name, other.workers) == ("threads", 5)
    with executor("serial"):
        assert create_executor(None, workers=5).name == "serial"


def test_unknown_engines_and_options() -> None:
    with pytest.raises(InputError, match=r"no engine 'slurm'.*'serial', 'threads', 'processes'"):
        create_executor("slurm")
    with pytest.raises(InputError, match="no option 'address'; it takes workers"):
        create_executor("threads", address="tcp://nowhere:1")
    with pytest.raises(InputError, match="workers must be 1 or more, not 0"):
        create_executor("threads", workers=0)


def test_an_engine_for_a_block() -> None:
    with sky.executor("threads", workers=3) as outer:
        assert current_executor() is outer
        with executor("serial") as inner:
            assert current_executor() is inner
        assert current_executor() is outer
        with pytest.raises(LookupError), executor("serial"):
            raise LookupError
        assert current_executor() is outer
    assert current_executor().workers == create_executor("threads").workers


def test_only_an_engine_made_for_the_block_is_closed() -> None:
    pid = Task(os.getpid)
    with create_executor("processes", workers=1) as mine:
        with executor(mine) as engine:
            assert engine is mine
            (first,) = mine.run([pid])
            with executor(None) as engine:
                assert engine is mine
        (second,) = mine.run([pid])
        assert first.value == second.value


def test_an_engine_chosen_inside_of_a_task_holds() -> None:
    def inner() -> tuple[str, str]:
        with executor("threads", workers=1):
            chosen = current_executor().name
        return chosen, current_executor().name

    (result,) = create_executor("threads", workers=1).run([Task(inner)])
    assert result.value == ("threads", "serial")


@pytest.mark.parametrize(
    ("name", "package"), [("dask", r"dask\[distributed\]"), ("spark", "pyspark")]
)
def test_an_engine_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    for module in ("distributed", "pyspark"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"{package} .* 'skyseries\[{name}\]'"):
        create_executor(name)


def test_engines_load_only_what_they_need() -> None:
    code = (
        "import sys, skyseries.executors as e; e.create_executor('threads');"
        "heavy = {'loky', 'cloudpickle', 'numpy', 'pyarrow', 'numba', 'dask', 'distributed',"
        " 'pyspark'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
