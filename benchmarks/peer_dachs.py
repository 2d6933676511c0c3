r"""The same questions to DaCHS (Debian's gavodachs2-server), which serves tables of PostgreSQL.

It has to run already, with a table ``bench.main`` of 1,000,000 rows whose ids begin with 0, and
with an index of them: `DESCRIPTION` is its resource descriptor, ``inputs/bench/q.rd``. Then

    dachs imp bench/q
    psql gavo -c "\copy bench.main from 'rows.csv' csv header" -c "analyze bench.main"
    dachs serve debug

and ``bench_tap.py --dachs PORT``.
"""

from __future__ import annotations

import psutil

from results import Row
from tap_service import load

__all__ = ["DESCRIPTION", "rows"]

DESCRIPTION = """<resource schema="bench">
  <meta name="title">Rows</meta>
  <meta name="description">Rows to be measured</meta>
  <meta name="creationDate">2026-01-01T00:00:00Z</meta>
  <meta name="subject">stars</meta>
  <table id="main" onDisk="True" adql="True" primary="id">
    <column name="id" type="bigint" required="True" ucd="meta.id;meta.main"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main"/>
    <column name="flux" type="real" unit="nJy"/>
    <column name="n" type="integer" required="True"/>
  </table>
  <data id="import"><make table="main"/></data>
</resource>
"""
_ROWS = 1_000_000
_SYSTEM = "DaCHS"


def rows(port: int, each: int) -> list[Row]:
    """Return what it takes."""
    return [*(_by_id(port, clients, each) for clients in (1, 8)), _streamed(port)]


def _by_id(port: int, clients: int, each: int) -> Row:
    some = ("look_up", "bench.main", "--number", str(_ROWS), "--clients", str(clients), "--each")
    load(port, *some, "10")
    before = _cpu()
    found = load(port, *some, str(each))
    requests = clients * each
    cpu = (_cpu() - before) / requests
    figures = {**found, "CPU with PostgreSQL, ms each": round(cpu * 1e3, 2)}
    load_cpu = figures.pop("load_cpu_s")
    figures["load CPU, ms each"] = round(load_cpu / requests * 1e3, 2)
    task = "one row by id" + (f", {clients} clients" if clients > 1 else "")
    size = f"a table of {_ROWS:,} rows, {requests:,} requests"
    return Row(task, size, _SYSTEM, "-", "warm", figures=figures)


def _streamed(port: int) -> Row:
    query = "SELECT id, ra, dec, flux, n FROM bench.main"
    before = _cpu()
    found = load(port, "stream", query, "--most", str(_ROWS))
    cpu = _cpu() - before
    figures = {
        "1e6 rows/s of a core": round(_ROWS / cpu / 1e6, 3), "first_s": found["first_s"],
        "MB": round(found["bytes"] / 1e6),
    }  # fmt: skip
    return Row(
        "votable, 5 plain columns", f"{_ROWS:,} rows", _SYSTEM, "-", "warm",
        wall_s=found["wall_s"], cpu_s=cpu, figures=figures,
    )  # fmt: skip


def _cpu() -> float:
    """Return the CPU seconds of DaCHS and of PostgreSQL."""
    total = 0.0
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or [process.info["name"]]
        if "postgres" in command[0] or any(word.endswith("/dachs") for word in command[:3]):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
