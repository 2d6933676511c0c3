"""Periods by the default search, class by class: how many are right, and how many say so.

Draws the sets of `period_sets.py` (real stars and simulated ones on real and simulated cadences),
searches each with one call of `compute_periods`, and compares. A period is right if its frequency
is within 1/T of the true one, T being the time span of the light curve; doubled or halved if that
holds for twice or half the true period. `ok` is what `period_flag` says.

    python benchmarks/bench_periods.py --stars 40 --sets mira ew_lsst --options '{"n_peaks": 8}'
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from period_cadences import DATA
from period_rejected import rejected
from period_sets import SETS, Star, as_column, draw, halves, right
from results import Row, Target, save
from skyseries.timeseries import compute_periods

FULL = 100
SURE = 1e-3
"""False-alarm probability below which a user would believe a period."""
VERY_SURE = 1e-6
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Found(NamedTuple):
    """What was found of the stars of a set, one entry for each star."""

    kind: NDArray[np.str_]
    counts: Mask
    """Whether the star counts: its truth can be decided by its epochs."""
    best: Mask
    five: Mask
    doubled: Mask
    halved: Mask
    sure: Mask
    flag: NDArray[np.str_] | None
    pull: Floats | None
    red: Mask | None
    """Whether the false-alarm probability in red noise is very small."""

    def part(self, which: Mask) -> Found:
        """Return some of the stars."""
        return Found(*(column if column is None else column[which] for column in self))


AIMS: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "s82_all": {
        "top-1 right %": (">=", 98), "top-5 right %": (">=", 99.7),
        "ok of right %": (">=", 90), "sure in red noise of right %": (">=", 99),
    },
    "s82_sparse": {"top-1 right %": (">=", 95), "top-5 right %": (">=", 99)},
    "mira": {"top-1 right %": (">=", 90), "ok of right %": (">=", 80)},
    "eb_lsst": {"top-1 right %": (">=", 90)},
    "eb_asas": {"top-1 right %": (">=", 80)},
    "ew": {"top-1 right %": (">=", 85)},
    "dsct": {"top-1 right %": (">=", 95)},
    "pulsators": {"doubled %": ("<=", 1), "ok of right %": (">=", 90)},
    "rotators": {"doubled %": ("<=", 1)},
    "supernovae": {"ok %": ("<=", 2)},
    "transients": {"ok %": ("<=", 2)},
    "microlensing": {"ok %": ("<=", 2)},
    "quasars": {"ok %": ("<=", 2)},
    "white": {"ok %": ("<=", 1)},
    "red": {"ok %": ("<=", 3)},
    "pull": {"top-1 right %": (">=", 90), "pull mean": ("+-", 0.1), "pull std": ("+-", 0.1)},
}  # fmt: skip
"""What the figures of a set must reach, by the start of its name."""


def compare(name: str, stars: list[Star], table: pa.Table) -> Found:
    """Compare a result with the truth."""
    truth = np.array([s.period for s in stars])
    span = np.array([np.ptp(s.time) for s in stars])
    period = numbers(table, "period")
    lists = [peaks or [] for peaks in table["period_peaks"].to_pylist()]
    peaks = np.array([(row + [np.nan] * 5)[:5] for row in lists], float)
    best = right(period, truth, span)
    kind = np.array([s.kind for s in stars])
    counts = ~np.char.endswith(kind, "_equal")
    if name.startswith("s82"):
        counts &= ~np.isin([s.tag for s in stars], sorted(rejected()))
    has = table.column_names
    pull = None
    if "period_err" in has:
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(best, (period - truth) / numbers(table, "period_err"), np.nan)
    return Found(
        kind, counts, best,
        best | right(peaks, truth[:, None], span[:, None]).any(axis=1),
        right(period, 2 * truth, span), right(period, truth / 2, span),
        numbers(table, "period_fap") < SURE,
        np.array([f or "" for f in table["period_flag"].to_pylist()])
        if "period_flag" in has else None,
        pull,
        numbers(table, "period_fap_red") < VERY_SURE if "period_fap_red" in has else None,
    )  # fmt: skip


def numbers(table: pa.Table, name: str) -> Floats:
    """Return a column with NaN for NULL."""
    return table[name].to_numpy().astype(float)


def share(mask: Mask) -> float:
    """Return percent."""
    return round(100 * float(mask.mean()), 1) if mask.size else float("nan")


def figures(name: str, found: Found) -> dict[str, float]:
    """Return the figures of a set or of a class."""
    known: dict[str, float] = {}
    if has_truth(name):
        known |= {
            "top-1 right %": share(found.best), "top-5 right %": share(found.five),
            "doubled %": share(found.doubled), "halved %": share(found.halved),
        }  # fmt: skip
    known["FAP < 0.001 %"] = share(found.sure)
    if found.flag is not None:
        ok = found.flag == "ok"
        known["ok %"] = share(ok)
        if has_truth(name):
            known |= {
                "ok of right %": share(ok[found.best]), "ok of wrong %": share(ok[~found.best])
            }  # fmt: skip
    if found.red is not None and has_truth(name):
        known["sure in red noise of right %"] = share(found.red[found.best])
    if found.pull is not None and has_truth(name):
        pull = found.pull[np.isfinite(found.pull)]
        if pull.size > 1:
            known |= {
                "pull mean": round(float(pull.mean()), 2), "pull std": round(float(pull.std()), 2),
                "right without an error": int(found.best.sum() - pull.size),
            }  # fmt: skip
    return {what: value for what, value in known.items() if np.isfinite(value)}


def has_truth(name: str) -> bool:
    """Return whether the stars of a set have a period."""
    without = ("supernovae", "transients", "microlensing", "quasars", "white", "red")
    return not name.startswith(without)


def targets(name: str, known: Mapping[str, float]) -> tuple[Target, ...]:
    """Return the targets of a set for the figures that there are."""
    aims = next((aims for start, aims in AIMS.items() if name.startswith(start)), {})
    found = []
    for what, (sign, limit) in aims.items():
        if what in known:
            value = known[what]
            middle = 1.0 if what == "pull std" else 0.0
            reached = {
                ">=": value >= limit, "<=": value <= limit, "+-": abs(value - middle) <= limit
            }[sign]  # fmt: skip
            text = f"{what} {middle:g} +- {limit:g}" if sign == "+-" else f"{what} {sign} {limit:g}"
            found.append(Target(text, value, bool(reached)))
    return tuple(found)


def run(name: str, n: int, seed: int, options: Mapping[str, Any]) -> list[Row]:
    """Draw, search and compare one set: a row for all, and one for each class."""
    stars = draw(name, n, seed)
    column, fields = as_column(stars)
    compute_periods(column[:2], fields, **options)
    started = time.perf_counter()
    table = compute_periods(column, fields, **options)
    seconds = time.perf_counter() - started
    found = compare(name, stars, table)
    counted = found.part(found.counts)
    known = figures(name, counted)
    extra: dict[str, float | str] = {"ms/star": round(1e3 * seconds / len(stars), 1)}
    if has_truth(name):
        for half, mask in zip(("even", "odd"), halves(len(stars)), strict=True):
            extra[f"{half} half, top-1 right %"] = share(found.best[mask & found.counts])
    if found.flag is not None:
        names, number = np.unique(counted.flag, return_counts=True)
        order = np.argsort(-number)
        extra["flags"] = ", ".join(f"{names[k] or 'NULL'} {number[k]}" for k in order)
    left_out = f", {int((~found.counts).sum())} left out" if not found.counts.all() else ""
    rows = [
        Row(
            name, f"{int(found.counts.sum())} stars{left_out}", "skyseries", process="warm",
            wall_s=round(seconds, 2), figures={**known, **extra}, targets=targets(name, known),
        )
    ]  # fmt: skip
    kinds = np.unique(found.kind)
    for kind in kinds if kinds.size > 1 else ():
        of_kind = found.part(found.kind == kind)
        rows.append(
            Row(
                f"{name}: {kind}", f"{of_kind.kind.size} stars", "skyseries", process="warm",
                figures=dict(figures(name, of_kind)),
            )
        )  # fmt: skip
    return rows


SHORT = {
    "top-1 right %": "top1", "top-5 right %": "top5", "doubled %": "dbl", "halved %": "half",
    "FAP < 0.001 %": "fap", "ok %": "ok", "ok of right %": "ok|r", "ok of wrong %": "ok|w",
    "sure in red noise of right %": "red", "pull mean": "pull", "pull std": "std",
    "even half, top-1 right %": "even", "odd half, top-1 right %": "odd", "ms/star": "ms",
}  # fmt: skip


def show(rows: Iterable[Row]) -> None:
    """Print rows as a table; ! marks those that miss a target."""
    for row in rows:
        missed = "!" if any(not target.reached for target in row.targets) else " "
        cells = " ".join(
            f"{row.figures[what]:>6g}" if what in row.figures else " " * 6 for what in SHORT
        )
        count = row.size.split()[0]
        print(f"{row.task:32s}{count:>5s}{missed}{cells}  {row.figures.get('flags', '')}")


def main() -> None:
    """Run and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=FULL, help="of each set (S82: three times)")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--sets", nargs="+", default=[""], help="starts of names")
    parser.add_argument("--options", type=json.loads, default={}, help="of compute_periods, JSON")
    a = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit("the real data (../shared/data) is not beside the project")
    names = [name for name in SETS if name.startswith(tuple(a.sets))]
    print(" " * 38 + " ".join(f"{short:>6s}" for short in SHORT.values()))
    rows: list[Row] = []
    for name in names:
        found = run(name, a.stars * (3 if name.startswith("s82") else 1), a.seed, a.options)
        show(found)
        rows += found
    notes = (
        "A period is right if its frequency is within 1/T of the true one. Binaries whose halves "
        "cannot be told apart (chi2 by less than 10), and stars of Stripe 82 whose epochs reject "
        "the published period, are left out. Rules were chosen on the even half of each set."
    )
    if a.options:
        notes += f" Options: {json.dumps(a.options)}."
    full = a.stars >= FULL and a.sets == [""] and not a.options
    save("periods", "Periods, class by class", rows, notes, full=full)


if __name__ == "__main__":
    main()
