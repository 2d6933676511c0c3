"""The engine on a Dask cluster: an existing one, or one that is started on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skyseries.errors import InputError, MissingDependencyError
from skyseries.executors.context import Cost
from skyseries.executors.run import Call, Outcome, Run, WorkerDiedError
from skyseries.executors.stream import StreamingExecutor, worker_count
from skyseries.executors.worker import pack_call, unpack_reply

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Dask"]

_COUNT_INTERVAL = 1.0
"""Seconds for which the number of a cluster's workers is believed."""
_START_SECONDS = 120.0
_WARNED_SIZE = 1_000_000
"""Dask warns of messages from ten times this size on."""


class Dask(StreamingExecutor):
    """Tasks on the workers of a Dask cluster.

    Without `address`, `client` or `cluster`, workers are started on this machine when the first
    task is run, one thread each, and end with `close` or with this process. What is given stays
    open. Functions and arguments travel by cloudpickle, results come back one by one and are
    released from the cluster. A task uses one thread (Arrow, BLAS, Numba) and its share of the
    memory of its worker. Workers must have the same Skyseries installed.

    Twice as many tasks as there are workers are handed to Dask, heavy ones first, so that a
    worker need not wait for the next and an adaptive cluster sees that there is more to do. What
    has not begun is taken back when the run ends early. A running task on a cluster that was
    given is not ended by force: as with threads, the run waits for it. Workers started here are
    killed when the caller stops iterating (after a second) or on Ctrl-C.

    Parameters
    ----------
    workers : int, optional
        How many workers to start here; on an existing cluster, how many tasks of ours run side
        by side at most (by default: one for each of its threads).
    address : str, optional
        Of a scheduler, for instance ``tcp://10.0.0.1:8786``.
    client : distributed.Client, optional
        An existing client (not an asynchronous one).
    cluster : optional
        An existing cluster object, for instance of dask-jobqueue or dask-kubernetes.
    adaptive : tuple of int, optional
        The least and the most workers of a cluster that grows and shrinks with the work: one that
        is started here, or `cluster`.

    Raises
    ------
    MissingDependencyError
        If dask and distributed are not installed.
    InputError
        If nothing answers at the address, or arguments contradict one another.
    """

    name = "dask"

    def __init__(
        self,
        workers: int | None = None,
        *,
        address: str | None = None,
        client: Client | None = None,
        cluster: Any = None,
        adaptive: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        _require()
        given = [what for what in (address, client, cluster) if what is not None]
        if len(given) > 1:
            raise InputError("give one of address, client and cluster, not several")
        _check_adaptive(adaptive, workers, address, client)
        self._most = None if workers is None else worker_count(workers)
        self._own = not given
        self._size = adaptive[1] if adaptive else worker_count(workers)
        self._address, self._cluster, self._adaptive = address, cluster, adaptive
        self._client, self._keep_client = client, client is not None
        self._topic = f"skyseries-{uuid.uuid4().hex}"
        self._lock = threading.RLock()
        self._flights: dict[str, _Flight] = {}
        self._counted: tuple[float, int] = (-_COUNT_INTERVAL, 0)
        if client is not None:
            self._greet(client)
        elif given:
            self._connect()

    def __repr__(self) -> str:
        where = "" if self._own else f", scheduler={self._connect().scheduler.address!r}"
        return f"Dask(workers={self.workers}{where})"

    @property
    def workers(self) -> int:  # type: ignore[override]  # it may change
        """How many tasks run side by side; where the cluster adapts, how many may at most."""
        if self._own:
            return self._size
        threads = self._count_threads()
        return max(threads if self._most is None else min(threads, self._most), 1)

    def with_workers(self, workers: int | None) -> Dask:
        """Return an engine on the same cluster, or an own one of another size."""
        if self._own:
            return type(self)(workers)
        return type(self)(workers, client=self._connect())

    def close(self) -> None:
        """Leave the cluster; one that was started here ends. A later run starts a new one."""
        self.cancel()
        with self._lock:
            if self._keep_client:
                return
            client, self._client = self._client, None
            if client is not None:
                client.close()
            if self._own and self._cluster is not None:
                self._cluster.close()
                self._cluster = None

    # --- the cluster ------------------------------------------------------------------------

    def _connect(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._open()
                self._greet(self._client)
            return self._client

    def _open(self) -> Client:
        from distributed import Client

        from skyseries.executors.dask_cluster import adapt, start_cluster

        if self._own:
            self._cluster = start_cluster(self._size, self._adaptive)
            client = Client(self._cluster, set_as_default=False)
            if self._adaptive is None:  # the first to arrive would get the work of all
                client.wait_for_workers(self._size, timeout=_START_SECONDS)
            return client
        if self._adaptive:
            adapt(self._cluster, self._adaptive)
        where = self._cluster if self._address is None else self._address
        try:
            return Client(where, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler answers at {where}: {error}") from error

    def _greet(self, client: Client) -> None:
        from skyseries.executors import dask_worker

        if client.asynchronous:
            raise InputError("an asynchronous Dask client cannot be used; make one without it")
        dask_worker.at_home = True
        client.register_plugin(dask_worker.OneTry())
        client.subscribe_topic(self._topic, self._on_start)

    def _count_threads(self) -> int:
        counted_at, threads = self._counted
        if time.monotonic() - counted_at >= _COUNT_INTERVAL:
            found = self._connect().nthreads()
            threads = sum(found.values())
            if self._adaptive:
                threads = max(threads, self._adaptive[1] * max(found.values(), default=1))
            self._counted = time.monotonic(), threads
        return threads

    # --- a task -----------------------------------------------------------------------------

    def _threads(self) -> int:
        return 10_000  # each starts only when a task needs it, and the cluster may grow

    def _most_in_flight(self) -> int:
        # where fewer tasks are wanted than the cluster could run, it would not let the rest wait
        return self.workers if self._most and not self._own else 2 * self.workers

    def _submit(self, run: Run, pool: ThreadPoolExecutor, call: Call) -> None:
        flight = _Flight(run, call)
        try:
            self._hand_out(flight)
        except Exception as error:
            flight.begin()
            run.inbox.put(Outcome(call, time.time(), error=error))
        else:
            pool.submit(self._await, flight)

    def _hand_out(self, flight: _Flight) -> None:
        from skyseries.executors.dask_worker import KEY_PREFIX, perform

        task = flight.call.task
        message = pack_call(task.function, task.args, flight.run.tuning)
        client = self._connect()
        kind = getattr(task.function, "__name__", "task")
        flight.key = f"{KEY_PREFIX}-{kind}-{uuid.uuid4().hex}"
        self._flights[flight.key] = flight
        arguments = (message, flight.run.token, flight.key, self._topic)
        with _no_warning(len(message)):
            flight.future = client.submit(
                perform, *arguments, key=flight.key, pure=False, retries=0
            )

    def _on_start(self, event: tuple[float, dict[str, Any]]) -> None:
        """Hear from a worker that a task begins; in the thread of the client."""
        flight = self._flights.get(event[1]["key"])
        if flight is not None:
            flight.begin(event[1]["pid"])

    def _await(self, flight: _Flight) -> None:
        """Wait for a task, in a thread of the pool, and tell how it ended."""
        try:
            value, cost = self._outcome(flight)
        except _WithdrawnError:
            return
        except BaseException as error:
            outcome = Outcome(flight.call, time.time(), error=error)
        else:
            outcome = Outcome(flight.call, time.time(), cost, value)
        finally:
            self._land(flight)
        flight.begin()  # where the worker's word has not come yet
        flight.run.inbox.put(outcome)

    def _outcome(self, flight: _Flight) -> tuple[Any, Cost]:
        from distributed import KilledWorker

        while True:
            try:
                reply = flight.future.result()
            except KilledWorker as error:
                if flight.begun:
                    raise WorkerDiedError(_obituary(flight, error.last_worker.address)) from error
            except CancelledError as error:
                if flight.run.stopping.is_set() and not flight.begun:
                    raise _WithdrawnError from error
                raise WorkerDiedError(f"Dask gave it up: {error}") from error
            else:
                if reply is None:
                    raise _WithdrawnError
                return unpack_reply(reply)
            # It waited on a worker that died of another task: that is no try of this one.
            if flight.run.stopping.is_set():
                raise _WithdrawnError
            self._land(flight)
            self._hand_out(flight)

    def _land(self, flight: _Flight) -> None:
        self._flights.pop(flight.key, None)
        flight.future.release()

    # --- an early end -----------------------------------------------------------------------

    def _interrupt(self, run: Run) -> None:
        """Kill a cluster that was started here, if nothing else runs there."""
        if not self._own or any(its.run is not run for its in list(self._flights.values())):
            super()._interrupt(run)
            return
        from skyseries.executors.dask_cluster import kill

        kill(self._cluster)
        self.close()

    def _flights_of(self, run: Run, begun: bool) -> dict[str, _Flight]:
        flights = list(self._flights.items())
        return {key: its for key, its in flights if its.run is run and its.begun is begun}

    def _withdraw(self, run: Run) -> None:
        waiting, client = self._flights_of(run, begun=False), self._client
        if not waiting or client is None:
            return
        with contextlib.suppress(Exception):  # no cluster any more: nothing begins there either
            begun, _ = _forbid(client, run)
            late = {key: flight for key, flight in waiting.items() if key not in begun}
            client.cancel([flight.future for flight in late.values()], force=True)
            # a worker that has just joined may have begun one of them before it was cancelled
            while late.keys() & _forbid(client, run)[1]:
                time.sleep(0.05)

    def _abandon(self, run: Run, grace: float) -> None:
        if not self._own:
            return
        end = time.monotonic() + grace
        while time.monotonic() < end and self._flights_of(run, begun=True):
            time.sleep(0.01)
        for flight in self._flights_of(run, begun=True).values():
            if flight.pid == 0:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(flight.pid, signal.SIGKILL)


def _forbid(client: Client, run: Run) -> tuple[set[str], set[str]]:
    """Let nothing of a run begin on any worker; return what has begun, and what runs."""
    from skyseries.executors.dask_worker import withdraw

    answers = client.run(withdraw, run.token, on_error="ignore").values()
    begun = {key for its_begun, _ in answers for key in its_begun}
    return begun, {key for _, its_running in answers for key in its_running}


class _WithdrawnError(Exception):
    """The run ended before the task began."""


@dataclass(eq=False)
class _Flight:
    """One try of a task that was handed to Dask."""

    run: Run
    call: Call
    key: str = ""
    future: Any = None
    begun: bool = False
    pid: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def begin(self, pid: int = 0) -> None:
        """Tell once that a worker begins the task."""
        with self._lock:
            self.pid = pid or self.pid
            if not self.begun:
                self.begun = True
                self.run.inbox.put(self.run.start(self.call))


def _obituary(flight: _Flight, address: str) -> str:
    process = f" (process {flight.pid})" if flight.pid else ""
    return (
        f"the Dask worker at {address}{process} that ran it is gone; its log may say why. "
        "Often memory has run out: use fewer threads in a worker, or smaller parts"
    )


@contextlib.contextmanager
def _no_warning(size: int) -> Any:
    """Keep Dask from warning of a large message: its advice is for users of Dask."""
    if size < _WARNED_SIZE:
        yield
        return
    import dask

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        yield


def _require() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("dask[distributed]", "dask") from error


def _check_adaptive(
    adaptive: tuple[int, int] | None, workers: int | None, address: Any, client: Any
) -> None:
    if adaptive is None:
        return
    least, most = adaptive
    if not 0 <= least <= most or most < 1:
        raise InputError(f"adaptive must be (least, most) workers, not {adaptive!r}")
    if workers is not None:
        raise InputError(f"give workers ({workers}) or adaptive {adaptive!r}, not both")
    if address is not None or client is not None:
        raise InputError(
            "an address or a client cannot change its number of workers: give cluster=..., or "
            "call adapt() where the cluster was made"
        )
