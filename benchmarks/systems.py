"""How each system is started: a fresh process with a warm or a cold cache of compiled kernels."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import Measurement, measure

__all__ = ["ONE_THREAD", "PEER_PYTHON", "peer", "restart_in_one_thread", "skyseries"]

PEER_PYTHON = sys.executable
"""The interpreter that has peers.txt installed; `--peer-python` of a benchmark changes it."""

HERE = Path(__file__).resolve().parent

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment that keeps linear algebra and transforms of all systems in one thread."""


def restart_in_one_thread() -> None:
    """Start this program anew in that environment, which libraries read when they are loaded."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        command = [sys.executable, *sys.argv]
        sys.exit(subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=False).returncode)


def skyseries(program: str, *, cold: bool = False, rate_hz: float = 2.0) -> Measurement:
    """Run a Python program that uses Skyseries.

    Parameters
    ----------
    program : str
        Source text.
    cold : bool
        Give the process an empty cache of compiled kernels.
    rate_hz : float
        Samples of memory per second (see `measure`).
    """
    command = [sys.executable, "-c", program]
    if not cold:
        return measure(command, rate_hz=rate_hz)
    with tempfile.TemporaryDirectory(prefix="cold-jit-") as cache:
        return measure(command, env={"SKYSERIES_KERNELS": cache}, rate_hz=rate_hz)


def peer(
    script: str, arguments: Sequence[str], *, python: str = PEER_PYTHON, cwd: Path | None = None
) -> Measurement:
    """Run a script of this folder that uses one of the peers."""
    return measure([python, str(HERE / script), *arguments], cwd=cwd)
