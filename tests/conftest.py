"""Fixtures for all tests, Hypothesis profiles, and what holds for a whole run."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from skyseries.config import tuned
from skyseries.executors import Executor, create_executor
from tests.programs import end_all

Tune = Callable[..., object]
Engines = Callable[[str], Executor]

# Without kept bytecode each of the hundreds of processes here would compile all sources anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_RUN = {"SKYSERIES_TEST_RUN": f"{os.getpid()}"}
"""In the environment of each process that this run starts."""

for _profile, _examples in {"quick": 10, "default": 50, "full": 1000}.items():
    settings.register_profile(
        _profile,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        max_examples=_examples,
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options for more and for less."""
    parser.addoption("--whole", action="store_true", help="try all units in all containers")
    parser.addoption("--fast", action="store_true", help="leave out tests marked slow or interop")


def pytest_configure(config: pytest.Config) -> None:
    """Select what ``--fast`` leaves; mark what is started from here on."""
    if not hasattr(config, "workerinput"):
        os.environ |= _RUN
    if config.getoption("--fast"):
        config.option.markexpr = "not slow and not interop"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--fast`` do not even import LSDB, which takes seconds."""
    return (config.getoption("--fast") and collection_path.name == "interop") or None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker of ``-n`` neighbouring tests, which share what modules build once."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data beside the project, or skip."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data (../shared/data) is not beside the project")
    return folder


@pytest.hookimpl(trylast=True)  # the workers of ``-n`` have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a process that a worker of ``-n`` has started is left."""
    if session.config.pluginmanager.has_plugin("dsession") and (left := end_all(_RUN)):
        sys.stderr.write("\n".join(["", "left running, and ended now:", *left, ""]))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With SKYSERIES_NO_SKIPS, as in CI, a skipped test is a failure: what it needs is missing."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("SKYSERIES_NO_SKIPS"):
        terminalreporter.write_line(f"{len(skipped)} tests were skipped, and none may be", red=True)
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def tune() -> Iterator[Tune]:
    """Return what cuts work in other sizes for the rest of a test: ``tune(unit_rows=100)``."""
    with contextlib.ExitStack() as stack:
        yield lambda **sizes: stack.enter_context(tuned(**sizes))


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Return engines of two workers by name, each started once; for what is run on them."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda name: stack.enter_context(create_executor(name, 2)))


@pytest.fixture(scope="session")
def rubin(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Return small data releases on disk by name: ``rubin("dp1")``, each made once in a run."""
    from tests.rubin.once import made_once

    return functools.cache(functools.partial(made_once, tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def lsdb(pytestconfig: pytest.Config) -> ModuleType:
    """Return LSDB; what it compiles, for ten seconds, it does once, not in each worker and run."""
    lsdb = pytest.importorskip("lsdb", reason="lsdb is not installed")
    from hats.pixel_tree import moc_filter, pixel_alignment
    from numba import config
    from numba.core.dispatcher import Dispatcher

    cache = getattr(pytestconfig, "cache", None)
    with pytest.MonkeyPatch.context() as patch:
        if cache is not None:
            patch.setattr(config, "CACHE_DIR", str(cache.mkdir("lsdb")))
            for function in (*vars(moc_filter).values(), *vars(pixel_alignment).values()):
                if isinstance(function, Dispatcher):
                    function.enable_caching()
    return lsdb


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_not_ignored() -> None:
    """Let programs that tests start hear SIGINT, though a shell in the background ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
