"""What the measurements ran on: hardware and versions, without names or paths of the machine."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path

import psutil

__all__ = ["describe"]

_PACKAGES = (
    "skyseries", "numpy", "numba", "pyarrow", "duckdb", "pandas", "hats", "hats-import", "lsdb",
    "nested-pandas", "dask", "light-curve", "astropy",
)  # fmt: skip


def describe() -> dict[str, object]:
    """Return the processor, cores, memory, system and versions as a flat dictionary."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "ram_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: v for name in _PACKAGES if (v := _version(name)) is not None},
    }


def _cpu_model() -> str:
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE)
    words = set(flags[1].split()) if flags else set()
    widest = next((f for f in ("avx512f", "avx2", "avx") if f in words), "")
    return f"{model[1] if model else platform.machine()}{', ' + widest if widest else ''}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
