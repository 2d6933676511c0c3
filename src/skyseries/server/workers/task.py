"""One statement in a worker: understood, planned, run, encoded, sent or written."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

import skyseries
from skyseries.executors import Executor, Job
from skyseries.formats.streams import (
    COMPLETE,
    OVERFLOW,
    Document,
    Encoder,
    Ending,
    Info,
    encoder_of,
)
from skyseries.query.bindings import Bindings
from skyseries.query.result import Result
from skyseries.query.statements import ask
from skyseries.server.sampling import catalog_facts, sample_tables
from skyseries.server.work import Began, Outcome, Work
from skyseries.server.workers.catalogs import Served, uploaded
from skyseries.server.workers.frames import BEGAN, ENDED, FAILED, PLANNED, Channel
from skyseries.server.workers.meter import Meter
from skyseries.server.workers.paging import page_of
from skyseries.server.workers.setup import Setup
from skyseries.server.workers.sinks import Sink, sent, written
from skyseries.server.workers.telling import told

__all__ = ["Tasks"]

_log = logging.getLogger(__name__)

_JSON = Began("application/json", ".json")


class Tasks:
    """Runs statements, one after the other.

    Parameters
    ----------
    channel : Channel
    served : Served
    setup : Setup
    engine : Executor
    """

    def __init__(self, channel: Channel, served: Served, setup: Setup, engine: Executor) -> None:
        self._channel, self._served, self._setup, self._engine = channel, served, setup, engine

    def run(self, work: Work, may_run: Callable[[], bool]) -> None:
        """Run a statement, and tell the server how it ended.

        Parameters
        ----------
        work : Work
        may_run : callable
            Waits for what the server says of the plan.
        """
        try:
            task = (_Page if work.kind == "page" else _Task)(work, self._served, self._setup)
            self._channel.tell(PLANNED, {"bytes": task.bytes})
            if may_run():
                self._channel.tell(ENDED, asdict(task.run(self._channel, self._engine)))
        except OSError as error:
            if isinstance(error, BrokenPipeError | ConnectionError):
                raise
            self._fail(work, error)
        except Exception as error:
            self._fail(work, error)

    def _fail(self, work: Work, error: Exception) -> None:
        places = self._served.places() | {one.path: one.name for one in work.uploads}
        failed = told(error, places, self._setup.limits)
        if failed.kind == "internal":
            _log.error("statement %s has failed", work.id, exc_info=error)
        self._channel.tell(FAILED, {"message": failed.message, "kind": failed.kind})


class _Task:
    """One statement, planned."""

    def __init__(self, work: Work, served: Served, setup: Setup) -> None:
        begun = time.perf_counter()
        self._work, self._setup = work, setup
        self._places = served.places()
        bindings = served.tables()
        if work.uploads:
            bindings = bindings.extended(uploaded(work.uploads, setup.limits))
        self._bindings, self._served = bindings, served
        self._result = ask(work.query, bindings, most=work.maxrec + 1)
        self._versions = served.versions(self._result.catalogs)
        self._encoder: Encoder | None = None
        self.bytes: int | None = 0
        if work.kind == "rows":
            encoder = encoder_of(work.format)
            self._encoder = encoder(self._result.schema, self._document(encoder))
            self.bytes = self._result.planned_bytes()
        self._times = {"plan": time.perf_counter() - begun}

    def run(self, channel: Channel, engine: Executor) -> Outcome:
        """Run it, and return how it ended."""
        begun = time.perf_counter()
        meter = Meter(channel, self._setup.limits)
        if self._encoder is None:
            began, overflow, sha256 = self._explain(channel, meter)
        else:
            began, overflow, sha256 = self._compute(channel, engine, meter, self._encoder)
        self._times["run"] = time.perf_counter() - begun
        return Outcome(
            meter.rows, meter.bytes, overflow, sha256, began.media_type, self._versions,
            self._times, meter.read,
        )  # fmt: skip

    def _compute(
        self, channel: Channel, engine: Executor, meter: Meter, encoder: Encoder
    ) -> tuple[Began, bool, str]:
        began = Began(self._work.media_type or encoder.media_type, encoder.suffix)
        rows = _Rows(self._result, self._work.maxrec)
        name = f"statement {self._work.id}"
        with (
            closing(encoder),
            Job(name, engine, progress=False, on_event=meter.heard),
            closing(rows.tables()) as tables,
        ):
            begun = time.perf_counter()
            first = next(tables, None)  # what fails before it is told before anything is sent
            self._times["first"] = time.perf_counter() - begun
            channel.tell(BEGAN, asdict(began))
            with self._sink(channel) as sink:
                give = partial(_give, sink, meter)
                try:
                    give(encoder.head())
                    while first is not None:
                        for piece in encoder.rows(first):
                            give(piece)
                        meter.rows += first.num_rows
                        first = next(tables, None)
                except Exception as error:
                    self._break_off(channel, encoder, error)
                    raise
                for piece in encoder.tail(OVERFLOW if rows.overflow else COMPLETE):
                    give(piece)
        return began, rows.overflow, sink.sha256

    def _break_off(self, channel: Channel, encoder: Encoder, error: Exception) -> None:
        """Let a document that is sent say that it is not whole."""
        if self._work.result is None and not isinstance(error, ConnectionError):
            failed = told(error, self._places, self._setup.limits)
            for piece in encoder.tail(Ending.error(failed.message)):
                channel.send(piece)

    def _explain(self, channel: Channel, meter: Meter) -> tuple[Began, bool, str]:
        channel.tell(BEGAN, asdict(_JSON))
        with self._sink(channel) as sink:
            if self._work.kind == "samples":
                said = _sampled(self._bindings, dict(self._served.versions()))
            else:
                said = _explained(self._result)
            _give(sink, meter, json.dumps(said).encode())
        return _JSON, False, sink.sha256

    def _sink(self, channel: Channel) -> Any:
        path = self._work.result
        return sent(channel) if path is None else written(Path(path))

    def _document(self, encoder: type[Encoder]) -> Document:
        status = [("QUERY_STATUS", "OK")] if encoder.name.startswith("votable") else []
        own = [
            ("query", self._work.query),
            ("software", f"skyseries {skyseries.__version__}"),
            *((f"version.{name}", version) for name, version in self._versions),
        ]
        infos = (*status, *self._work.info, *own)
        named = tuple(Info(name, text) for name, text in infos)
        return Document(named, votable_version=self._work.votable_version)


class _Page:
    """Some rows of a result that was kept."""

    bytes = 0

    def __init__(self, work: Work, served: Served, setup: Setup) -> None:
        self._work, self._setup = work, setup

    def run(self, channel: Channel, engine: Executor) -> Outcome:
        """Send it."""
        meter = Meter(channel, self._setup.limits)
        pieces, meter.rows = page_of(self._work.query, self._work.first, self._work.maxrec)
        channel.tell(BEGAN, asdict(_JSON))
        with sent(channel) as sink:
            for piece in pieces:
                _give(sink, meter, piece)
        return Outcome(meter.rows, meter.bytes, False, sink.sha256, _JSON.media_type)


class _Rows:
    """The rows of a result, as many as are allowed."""

    def __init__(self, result: Result, most: int) -> None:
        self._result, self._left = result, most
        self.overflow = False

    def tables(self) -> Generator[pa.Table]:
        """Yield the rows; then `overflow` says whether there are more."""
        if not self._left:  # asked for the columns only, and nothing is run for it
            self.overflow = True
            return
        for table in self._result.iter_tables():
            self.overflow = table.num_rows > self._left
            given = table.slice(0, self._left)
            self._left -= given.num_rows
            if given.num_rows:
                yield given
            if self.overflow:
                return


def _give(sink: Sink, meter: Meter, piece: bytes) -> None:
    meter.given(len(piece))
    if piece:
        sink.write(piece)


def _sampled(bindings: Bindings, versions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "samples": [asdict(one) for one in sample_tables(bindings)],
        "catalogs": [asdict(one) for one in catalog_facts(bindings, versions)],
    }


def _explained(result: Result) -> dict[str, Any]:
    plan = result.explain()
    return {
        "bytes": result.planned_bytes(),
        "text": str(plan),
        "columns": result.columns,
        "scans": [
            {
                "catalog": scan.name,
                "partitions": scan.partitions,
                "all_partitions": scan.all_partitions,
                "bytes": scan.bytes,
                "columns": list(scan.columns),
            }
            for scan in plan.scans
        ],
    }
