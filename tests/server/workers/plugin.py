"""Plug-ins of an operator that do what none should; each is a feature, LC_... in statements."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skyseries.config import settings
from skyseries.hats.dataset import Dataset
from skyseries.nopandas import deny_pandas
from skyseries.timeseries import feature

SLOW = "slow"
"""The name of a catalog, one column of which is read slowly."""
SCRATCH = Path(tempfile.gettempdir())


def mark(text: str = "") -> None:
    """Let the test see that it has begun."""
    part = SCRATCH / "mark.part"
    part.write_text(text)
    part.rename(SCRATCH / "mark")


def register() -> None:
    """Register the features, make one catalog slow, and do without pandas: it loads slowly."""
    deny_pandas()
    for function in (naps, spins, stays, eats, spills, writes, breaks, dies, leaks):
        feature(name=function.__name__)(function)
    read = Dataset.read_leaf

    def read_leaf(self, leaf, paths, row_groups=None):
        if SLOW in str(self.root) and list(paths) == ["visit"]:
            mark()
            time.sleep(600)
        return read(self, leaf, paths, row_groups)

    Dataset.read_leaf = read_leaf


def naps(t, flux, flux_err, band):
    mark()
    time.sleep(600)


def spins(t, flux, flux_err, band):
    """Stay in native code, and let no other Python run."""
    mark()
    re.match("(a+)+b", "a" * 64)


def stays(t, flux, flux_err, band):
    """Ignore all signals that can be ignored, and start a process that does so too."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    mark(str(child.pid))
    time.sleep(600)


_eaten: list[np.ndarray] = []


def eats(t, flux, flux_err, band):
    while True:
        _eaten.append(np.ones(1 << 20))


def spills(t, flux, flux_err, band):
    with (settings().tmp_dir / "spilled").open("wb") as file:
        while True:
            file.write(bytes(1 << 20))
            file.flush()


def writes(t, flux, flux_err, band):
    """Return 1 where it can write outside of its folder."""
    for path in (Path.home() / "skyseries-test", SCRATCH.parent.parent / "skyseries-test"):
        try:
            path.write_text("x")
        except OSError:
            continue
        path.unlink()
        return 1.0
    (SCRATCH / "own").write_text("x")
    return 0.0


def breaks(t, flux, flux_err, band):
    raise RuntimeError(f"secret at {SCRATCH}")


def dies(t, flux, flux_err, band):
    os.kill(os.getpid(), signal.SIGSEGV)


def leaks(t, flux, flux_err, band):
    """Return how many files others have left in the folder; kernels may stay."""
    return float(sum(not path.name.startswith("skyseries-kernels") for path in SCRATCH.iterdir()))


def fails() -> None:
    """Be a plug-in that cannot be loaded."""
    raise RuntimeError("no licence")
