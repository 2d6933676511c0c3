"""Spark sessions: the one of this process, or one that is started on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

from skyseries.config import cpu_count, settings
from skyseries.errors import InputError, MissingDependencyError
from skyseries.executors.limits import worker_environment

__all__ = [
    "forget_session", "kill_session", "require_spark", "return_session", "slots", "start_session",
    "tasks_of_an_executor",
]  # fmt: skip

_LOOPBACK = "127.0.0.1"
_JAVA_HERE = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""This JVM only passes bytes on: compiled at once is better than compiled well. Its processor time
for the start and the first task is halved."""
_QUIET = Path(__file__).with_name("log4j2.properties")

_lock = threading.Lock()
_users: dict[Any, int] = {}
"""The session that was started here, and how many engines use it: a process has only one."""
_java: list[Popen[bytes]] = []
"""Its JVM."""
_starting: list[bool] = []
"""Not empty while it is being started."""


class _MissingJavaError(MissingDependencyError):
    def __init__(self) -> None:
        super(MissingDependencyError, self).__init__(
            "Spark needs Java 17 or later, and there is no program 'java' in JAVA_HOME or PATH; "
            "install for instance the package openjdk-17-jre-headless (Debian, Ubuntu), "
            "openjdk (conda, Homebrew)"
        )
        self.package, self.extra = "java", "spark"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


def require_spark() -> None:
    """Raise MissingDependencyError if pyspark is not installed."""
    try:
        with warnings.catch_warnings():
            # that it is not made for pandas 3: nothing of pandas is used here
            warnings.filterwarnings("ignore", "PySpark does not yet", FutureWarning)
            import pyspark.sql
            import pyspark.testing.utils  # noqa: F401 - PySpark needs it to start, and so early
    except ImportError as error:
        raise MissingDependencyError("pyspark", "spark") from error


def start_session(master: str | None, workers: int, options: Mapping[str, str]) -> Any:
    """Return the session of this process, or start one.

    Parameters
    ----------
    master : str, optional
        By default ``local[workers]``, or where there is a session already, that one.
    workers : int
    options : mapping
        Spark's configuration, for a session that is started.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    with _lock:
        running = SparkContext._active_spark_context
        if running is not None:
            if master not in (None, running.master):
                raise InputError(
                    f"this process has a Spark session on {running.master} already, so there can "
                    f"be none on {master}: stop that one first, or give it as session="
                )
            session = SparkSession.builder.getOrCreate()
            if session in _users:
                _users[session] += 1
            return session
        _require_java()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        conf = SparkConf().setAll(_configuration(master or f"local[{workers}]", workers))
        with _no_fork():
            session = SparkSession.builder.config(conf=conf.setAll(options.items())).getOrCreate()
        _users[session] = 1
        return session


@contextmanager
def _no_fork() -> Iterator[None]:
    """Let PySpark start its JVM without running Python between fork and exec.

    It asks for that to have the JVM ignore Ctrl-C; but a fork of a process with the threads of
    Arrow and Numba alive now and then crashes. A session of its own keeps Ctrl-C away too.
    """
    from pyspark import java_gateway

    start = java_gateway.Popen
    _starting.append(True)

    def popen(*args: Any, **options: Any) -> Any:
        options.pop("preexec_fn", None)
        process = start(*args, **options, start_new_session=True)
        _java[:] = [process]
        return process

    java_gateway.Popen = popen
    try:
        yield
    finally:
        java_gateway.Popen = start
        _starting.clear()


def return_session(session: Any) -> None:
    """Stop a session that was started here, once no engine uses it any more."""
    with _lock:
        if session in _users:
            _users[session] -= 1
            if not _users[session]:
                del _users[session]
                session.stop()


def kill_session(session: Any) -> bool:
    """Kill the JVM of a session that was started here, and so all that it runs.

    Parameters
    ----------
    session : SparkSession, optional
        None: the one that is being started, or will be.

    Returns
    -------
    bool
        Whether it may be: others may use it, or have started it.
    """
    from pyspark import SparkContext

    if session is None:
        ours = bool(_starting) or SparkContext._active_spark_context is None
    else:
        ours = bool(_java) and _users.get(session) == 1
    if ours:
        _kill_java()
    return ours


def forget_session() -> None:
    """Let PySpark start a new session in the place of one that was killed."""
    from pyspark import SparkContext

    with _lock:
        _kill_java()  # one that was just started
        for process in _java:
            process.wait()
        context = SparkContext._active_spark_context
        if context is not None:
            context._jsc = None  # there is nobody to be told
            context.stop()
        SparkContext._gateway = SparkContext._jvm = None
        _users.clear()
        _java.clear()


def _kill_java() -> None:
    for process in _java:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _configuration(master: str, workers: int) -> list[tuple[str, str]]:
    java = f"-Dlog4j2.configurationFile={_QUIET.as_uri()}"
    found = [
        ("spark.master", master),
        ("spark.app.name", "skyseries"),
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        ("spark.python.task.killTimeout", "100ms"),  # a task that was cancelled has no second wish
    ]
    if master.startswith("local"):
        found += [("spark.driver.host", _LOOPBACK), ("spark.driver.bindAddress", _LOOPBACK)]
        java = f"{_JAVA_HERE} {java}"
        share = worker_environment(settings().memory // workers)
        found += [(f"spark.executorEnv.{name}", value) for name, value in share.items()]
    return [*found, ("spark.driver.extraJavaOptions", java)]


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home, "bin")) if home else None) is None:
        raise _MissingJavaError


def slots(session: Any) -> int:
    """Return how many tasks a session can run side by side, as far as it may grow."""
    context = session.sparkContext
    if context.master.startswith("local") and not context.master.startswith("local-cluster"):
        return _local_cores(context.master)
    conf = context.getConf()
    for_a_task = int(conf.get("spark.task.cpus", "1"))
    cores = int(conf.get("spark.executor.cores", "1"))
    found: int = context.defaultParallelism
    if conf.get("spark.dynamicAllocation.enabled", "false") == "true":
        most = int(conf.get("spark.dynamicAllocation.maxExecutors", "0"))
        # without a limit: there is always more work than workers, so it grows
        found = most * cores if most else 2 * found
    return max(found // for_a_task, 1)


def tasks_of_an_executor(session: Any) -> int | None:
    """Return how many tasks share an executor's machine; None: as many as it has processors."""
    context = session.sparkContext
    if context.master.startswith("local") and not context.master.startswith("local-cluster"):
        return _local_cores(context.master)
    cores = context.getConf().get("spark.executor.cores", None)
    return None if cores is None else int(cores)


def _local_cores(master: str) -> int:
    cores = master.removeprefix("local").strip("[]").split(",")[0]
    return cpu_count() if cores == "*" else int(cores or 1)
