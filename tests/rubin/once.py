"""Simulated releases on disk, which all processes of one run share."""

from __future__ import annotations

import fcntl
import os
import pickle
from pathlib import Path

import skyseries as sky
from skyseries.pipelines.rubin import RubinFiles

N_OBJECTS, SEED = 300, 1


def made_once(base: Path, release: str = "dp1") -> RubinFiles:
    """Write a release below the folder of the run; who comes later waits, and takes what is there.

    Parameters
    ----------
    base : path
        The temporary folder of this process.
    release : str
    """
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / f"rubin-{release}"
    known = folder.with_suffix(".pickle")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not known.exists():
            files = sky.simulate_rubin(
                folder, release, n_objects=N_OBJECTS, seed=SEED, durability="process"
            )
            known.write_bytes(pickle.dumps(files))
    found: RubinFiles = pickle.loads(known.read_bytes())  # noqa: S301 - our own
    return found
