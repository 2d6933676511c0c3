"""Run a command as a fresh process; measure wall time, CPU and memory of its whole tree.

Memory is PSS (proportional set size: a page shared by n processes counts 1/n in each), summed
over all processes of the tree and sampled while they run; the peak of the sum is reported. The
operating system's page cache counts where a process has it mapped.

On the command line: ``python measure.py [--rate HZ] [--json FILE] -- COMMAND ...``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

__all__ = ["Measurement", "measure", "pss_bytes"]


@dataclass(frozen=True)
class Measurement:
    """What one run of a command cost."""

    wall_s: float
    cpu_s: float
    """User and system time of all processes of the tree."""
    peak_pss_mb: float
    """Highest sum of PSS over the tree, in 1e6 bytes."""
    peak_processes: int
    samples: int
    returncode: int
    stdout: str
    stderr: str


class _Sampler(threading.Thread):
    """Samples the tree below one process until it is stopped."""

    def __init__(self, pid: int, rate_hz: float) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._interval = 1 / rate_hz
        self._done = threading.Event()
        self._cpu: dict[tuple[int, float], float] = {}
        self._known: dict[int, psutil.Process] = {pid: self._root}
        self.peak_bytes = 0
        self.peak_processes = 0
        self.samples = 0

    def run(self) -> None:
        """Sample at the rate; a process that was seen once is followed to its end."""
        while not self._done.is_set():
            started = time.perf_counter()
            self._sample()
            self._done.wait(max(0.0, self._interval - (time.perf_counter() - started)))

    def stop(self) -> None:
        self._done.set()
        self.join()

    @property
    def cpu_s(self) -> float:
        return sum(self._cpu.values())

    def _sample(self) -> None:
        for process in list(self._known.values()):
            try:
                for child in process.children():
                    self._known.setdefault(child.pid, child)
            except psutil.Error:
                continue
        total = alive = 0
        for pid, process in list(self._known.items()):
            pss = pss_bytes(pid)
            try:
                times = process.cpu_times()
                self._cpu[pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                del self._known[pid]
                continue
            if pss is not None:
                total += pss
                alive += 1
        self.samples += 1
        self.peak_processes = max(self.peak_processes, alive)
        self.peak_bytes = max(self.peak_bytes, total)


def measure(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    rate_hz: float = 2.0,
    check: bool = True,
) -> Measurement:
    """Run `command` in a new session and measure its process tree.

    Parameters
    ----------
    command : sequence of str
    env : mapping, optional
        Variables added to this process's environment.
    cwd : Path, optional
    rate_hz : float
        Samples per second. A sample stops the process for a moment (10 ms for 1 GB): few of them
        where time is measured, 25 where the peak is what counts.
    check : bool
        Raise if the command fails.

    Returns
    -------
    Measurement

    Raises
    ------
    RuntimeError
        If the command fails and `check` is true; the end of its stderr is in the message.
    """
    # without byte code on disk every start compiles thousands of modules: 5 s, in all systems
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command), env={**inherited, **(env or {})}, cwd=cwd, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    sampler = _Sampler(process.pid, rate_hz)
    sampler.start()
    texts: dict[str, bytes] = {}
    readers = [
        threading.Thread(target=lambda n=name, s=stream: texts.__setitem__(n, s.read()))
        for name, stream in (("out", process.stdout), ("err", process.stderr))
    ]
    for reader in readers:
        reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    for reader in readers:
        reader.join(timeout=10)
    result = Measurement(
        wall_s=round(wall, 3),
        # rusage misses orphans, samples miss the last moments: each is a lower bound
        cpu_s=round(max(usage.ru_utime + usage.ru_stime, sampler.cpu_s), 3),
        peak_pss_mb=round(sampler.peak_bytes / 1e6, 1),
        peak_processes=sampler.peak_processes,
        samples=sampler.samples,
        returncode=process.returncode,
        stdout=texts.get("out", b"").decode(errors="replace"),
        stderr=texts.get("err", b"").decode(errors="replace"),
    )
    if check and result.returncode != 0:
        raise RuntimeError(f"exit code {result.returncode} of {command}:\n{result.stderr[-4000:]}")
    return result


def pss_bytes(pid: int) -> int | None:
    """Return the PSS of one process, or None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None


def main() -> int:
    """Measure the command after ``--`` and print JSON."""
    parser = argparse.ArgumentParser(description="wall, CPU and peak PSS of a process tree")
    parser.add_argument("--rate", type=float, default=2.0, help="samples per second")
    parser.add_argument("--json", type=Path, help="write the result here too")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command = [word for i, word in enumerate(arguments.command) if i or word != "--"]
    result = measure(command, rate_hz=arguments.rate, check=False)
    text = json.dumps(asdict(result), indent=1)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    print(text)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
