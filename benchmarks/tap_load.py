"""Asks a TAP service over plain sockets, and prints what it took as JSON: `bench_tap.py`'s load.

It runs in a process of its own, and does little with what it reads, so that what is measured is
the service; its CPU time is in what it prints.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import numpy as np

_LAST_CHUNK = b"0\r\n\r\n"
_CHUNK = 1 << 20
_STREAM = re.compile(b"<STREAM encoding=['\"]base64['\"]>(.*?)</STREAM>", re.DOTALL)
_FORM = "votable/b2"


class Connection:
    """A connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self, parameters: dict[str, str]) -> None:
        """Send a query."""
        body = urlencode(parameters).encode()
        head = (
            "POST /tap/sync HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + body)

    def answer(self) -> Iterator[memoryview]:
        """Yield an answer in chunks, as it comes; raise if it is not whole, or no success."""
        buffer = memoryview(bytearray(_CHUNK))
        status, end = b"", b""
        while not end.endswith(_LAST_CHUNK):
            size = self._socket.recv_into(buffer)
            part = buffer[:size]
            status = status or bytes(part[:12])
            if not size or status != b"HTTP/1.1 200":
                raise ConnectionError(f"no whole answer: {bytes(part[:600])!r}")
            end = end[-len(_LAST_CHUNK) :] + bytes(part[-len(_LAST_CHUNK) :])
            yield part


def row_by_id(connection: Connection, table: str, key: int) -> float:
    """Return the seconds until one row is there; raise if it is another one."""
    begun = time.perf_counter()
    query = f"SELECT * FROM {table} WHERE id = {key}"  # noqa: S608
    connection.ask({"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": _FORM})
    document = without_chunks(b"".join(map(bytes, connection.answer())))
    seconds = time.perf_counter() - begun
    found = _STREAM.search(document)
    if found is None or struct.pack(">q", key) not in base64.b64decode(found[1]):
        raise ValueError(f"id {key}: not the row that was asked for")
    return seconds


def without_chunks(answer: bytes) -> bytes:
    """Return the body of an answer that came in chunks."""
    rest, parts = answer.partition(b"\r\n\r\n")[2], []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        number = int(size, 16)
        parts.append(rest[:number])
        rest = rest[number + 2 :]
    return b"".join(parts)


def look_up(port: int, table: str, first: int, number: int, *, clients: int, each: int) -> dict:
    """Look up random ids by some clients side by side."""
    seconds: list[list[float]] = [[] for _ in range(clients)]

    def client(which: int) -> None:
        random_ids = random.Random(which)
        connection = Connection(port)
        for _ in range(each):
            key = first + random_ids.randrange(number)
            seconds[which].append(row_by_id(connection, table, key))

    threads = [threading.Thread(target=client, args=(which,)) for which in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begun
    every = [value for one in seconds for value in one]
    if len(every) != clients * each:
        raise RuntimeError("a client has failed")
    p50, p95, p99 = np.percentile(np.array(every) * 1e3, [50, 95, 99]).round(2).tolist()
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "requests/s": round(len(every) / taken, 1)}


def stream(port: int, query: str, form: str, most: int) -> dict:
    """Read the whole result of a query."""
    connection = Connection(port)
    begun = time.perf_counter()
    connection.ask({"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": form, "MAXREC": str(most)})
    first, size, chunks = 0.0, 0, 0
    for part in connection.answer():
        first = first or time.perf_counter() - begun
        size, chunks = size + len(part), chunks + 1
    return {
        "first_s": round(first, 4), "wall_s": time.perf_counter() - begun, "bytes": size,
        "reads": chunks,
    }  # fmt: skip


def main() -> None:
    """Do one of both, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    ways = parser.add_subparsers(dest="way", required=True)
    one = ways.add_parser("look_up")
    one.add_argument("table")
    one.add_argument("--first", type=int, default=0, help="the smallest id")
    one.add_argument("--number", type=int, required=True, help="how many ids there are")
    one.add_argument("--clients", type=int, default=1)
    one.add_argument("--each", type=int, default=500)
    other = ways.add_parser("stream")
    other.add_argument("query")
    other.add_argument("--form", default=_FORM)
    other.add_argument("--most", type=int, default=100_000_000)
    a = vars(parser.parse_args())
    way = {"look_up": look_up, "stream": stream}[a.pop("way")]
    cpu = time.process_time()
    result = way(**a)
    print(json.dumps({**result, "load_cpu_s": round(time.process_time() - cpu, 3)}))


if __name__ == "__main__":
    main()
