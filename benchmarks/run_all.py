"""Run all benchmarks, one after the other, and write the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = (
    "bench_start.py",
    "bench_import.py", "bench_lightcurves.py", "bench_lookup.py", "bench_s82.py", "bench_ogle.py",
    "bench_periods.py", "bench_period_errors.py", "bench_period_cost.py", "bench_dpdd.py",
    "bench_dippers.py",
    "bench_match_kernel.py", "bench_crossmatch.py", "bench_engine.py", "bench_scan.py",
    "bench_nested.py", "bench_spill.py", "bench_first_use.py", "bench_expressions.py",
    "bench_encoders.py", "bench_features.py", "bench_features_hats.py",
    "bench_periodogram.py", "bench_rubin.py", "bench_cadence.py",
    "bench_tap.py", "prove_syncs.py", "prove_power_cuts.py", "prove_writers.py", "report.py",
)  # fmt: skip


def main() -> int:
    """Run each script in a process of its own; go on after a failure, and say so at the end."""
    failed = []
    for script in SCRIPTS:
        print(f"== {script}", flush=True)
        if subprocess.run([sys.executable, str(HERE / script)], check=False).returncode:
            failed.append(script)
    print("failed: " + ", ".join(failed) if failed else "all ran")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
