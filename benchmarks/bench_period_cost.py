"""What the default search for periods costs: against an earlier commit, and stage by stage.

The search alone, at equal limits and steps, of this checkout and of ``--base CHECKOUT`` in turn,
each in a process of its own with one thread; the CPU time of `search_segments` counts, kernels
compiled. Then, of the default call, the time of ranking, errors and flags over that of its search.

    python benchmarks/bench_period_cost.py --base CHECKOUT --pairs 5
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from results import Row, Target, save

HERE = Path(__file__).resolve().parents[1]
SETS = ("pulsators_lsst", "pulsators_asas", "eb_lsst", "eb_asas", "s82_all")
STARS = 60
SEED = 20
MOST, MOST_SHARE = 1.0, 0.3
STAGES = ("search_segments", "in_magnitudes", "choose_periods", "solve_segments")


def timed(name: str, mode: str) -> dict[str, float]:
    """Return the CPU seconds of the stages of one call; they are found by name in the module."""
    from period_sets import as_column, draw
    from skyseries.timeseries import compute_periods

    module = sys.modules[compute_periods.__module__]  # called otherwise in other checkouts

    spent: dict[str, float] = {}

    def watched(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            started = time.process_time()
            result = function(*args, **options)
            spent[stage] = spent.get(stage, 0.0) + time.process_time() - started
            return result

        return run

    column, fields = as_column(draw(name, STARS, SEED))
    options: dict[str, Any] = {}
    if mode == "search":
        known = inspect.signature(module.compute_periods).parameters
        options = {"min_period": 0.1, "max_period": 100.0, "oversampling": 5}
        options |= {"ranked": False} if "ranked" in known else {"rank_terms": 0}
    module.compute_periods(column, fields, **options)
    for stage in STAGES:
        if hasattr(module, stage):
            setattr(module, stage, watched(stage, getattr(module, stage)))
    module.compute_periods(column, fields, **options)
    return spent


def in_a_process(checkout: Path, name: str, mode: str) -> dict[str, float]:
    """Return what `timed` returns in a process of a checkout."""
    command = [sys.executable, __file__, "--run", name, mode]
    environment = os.environ | {
        "PYTHONPATH": str(checkout / "src"), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"
    }  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} with {checkout}: {done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def against(base: Path, name: str, pairs: int) -> Row:
    """Return the search against that of the base."""
    now, then = [], []
    for k in range(pairs):
        for checkout in (HERE, base) if k % 2 else (base, HERE):
            seconds = in_a_process(checkout, name, "search")["search_segments"]
            (now if checkout is HERE else then).append(seconds)
    ratios = [a / b for a, b in zip(now, then, strict=True)]
    ratio = statistics.median(ratios)
    print(f"{name}: search over base {ratio:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    return Row(
        f"search, {name}", f"{STARS} stars", "skyseries", process="warm",
        cpu_s=round(statistics.median(now), 3),
        figures={
            "base, CPU s": round(statistics.median(then), 3), "over the base": round(ratio, 3),
            "lowest and highest of the pairs": f"{min(ratios):.2f} to {max(ratios):.2f}",
        },
        targets=(Target(f"over the base <= {MOST:g}", round(ratio, 3), ratio <= MOST),),
    )  # fmt: skip


def stages(name: str, rounds: int) -> Row:
    """Return the stages of the default call, over its search."""
    runs = [in_a_process(HERE, name, "all") for _ in range(rounds)]
    spent = {stage: statistics.median(r.get(stage, 0.0) for r in runs) for stage in STAGES}
    search = spent.pop("search_segments")
    share = sum(spent.values()) / search
    print(f"{name}: ranking, errors, flags over search {share:.3f}")
    return Row(
        f"ranking, errors, flags, {name}", f"{STARS} stars", "skyseries", process="warm",
        cpu_s=round(sum(spent.values()), 3),
        figures={
            "search, CPU s": round(search, 3), "over the search": round(share, 3),
            "ranking and flags": round(spent["choose_periods"] / search, 3),
            "errors and columns": round(spent["solve_segments"] / search, 3),
        },
        targets=(
            Target(f"over the search <= {MOST_SHARE:g}", round(share, 3), share <= MOST_SHARE),
        ),
    )  # fmt: skip


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="an earlier checkout")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(timed(*given.run)))
        return
    rows = [stages(name, 3) for name in SETS]
    if given.base is not None:
        rows += [against(given.base.resolve(), name, given.pairs) for name in SETS]
    notes = (
        "CPU time on one thread, kernels compiled. Against the base: the search alone from 0.1 to "
        "100 d in steps of 0.2 / time span. Shares are of the default call, whose search ends at "
        "0.04 d or where the cadence does."
    )
    save(
        "period_cost", "What the search for periods costs", rows, notes, full=given.base is not None
    )


if __name__ == "__main__":
    main()
