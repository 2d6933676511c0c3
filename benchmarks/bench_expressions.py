"""Expressions: time to read one, and to evaluate it on a million rows.

Run with ``python benchmarks/bench_expressions.py``. Beside each mask: the same condition by DuckDB
alone, and by pandas where pandas can say it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from unittest import mock

import numpy as np
import pyarrow as pa

from skyseries.adql import GroupBy, Mask, Scope, compute, resolve_condition, resolve_value

ROWS = 1_000_000
CONDITIONS = [
    ("x < 20", "x < 20"),
    ("x > 20", "x > 20"),
    ("x < 20 AND n > 30 AND f BETWEEN 19 AND 21", "x < 20 and n > 30 and 19 <= f <= 21"),
    ("x - f > 0.5", "x - f > 0.5"),
    ("band IN ('g', 'r')", "band in ['g', 'r']"),
    ("band LIKE 'g%'", None),
    ("LOG10(x) > 1.3", "log10(x) > 1.3"),
    ("DISTANCE(ra, dec, 150, 2) < 1", None),
]
LONG = " AND ".join(
    ["CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 62, -37, 1.0)) = 1"]
    + [f"x - {i} * f > -1e3" for i in range(8)]
)


def best(work: Callable[[], object], repeats: int = 7) -> float:
    """Return the least time of several runs, ms."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def table() -> pa.Table:
    """Return columns as a catalog has them, one in twenty missing."""
    rng = np.random.default_rng(0)
    x = rng.normal(20, 1, ROWS)
    x[::20] = np.nan
    return pa.table(
        {
            "x": x,
            "f": x.astype("f4"),
            "n": rng.integers(0, 100, ROWS).astype("i4"),
            "band": rng.choice(["g", "r", "i", "z"], ROWS),
            "ra": rng.uniform(0, 360, ROWS),
            "dec": rng.uniform(-90, 90, ROWS),
        }
    )


def main() -> None:
    """Print the figures."""
    rows = table()
    frame = rows.to_pandas()
    scope = Scope.from_schema(rows.schema)
    print(f"{'condition':44} {'read':>8} {'mask':>8} {'DuckDB':>8} {'pandas':>8}   ms, 1e6 rows")
    for text, in_pandas in [*CONDITIONS, (LONG, None)]:
        mask = Mask(resolve_condition(text, scope))
        read = best(lambda text=text: resolve_condition(text, scope))
        ours = best(lambda mask=mask: mask(rows))
        with mock.patch.object(compute, "supported", return_value=False):
            duckdb = best(lambda mask=mask: mask(rows))
        pandas = best(lambda p=in_pandas: frame.eval(p)) if in_pandas else float("nan")
        print(f"{text[:44]:44} {read:8.2f} {ours:8.2f} {duckdb:8.2f} {pandas:8.2f}")
    few = rows.slice(0, 100)
    mask = Mask(resolve_condition(CONDITIONS[2][0], scope))
    print(f"100 rows: {best(lambda: mask(few), 50):.3f} ms")
    for keys in ([], ["n"], ["band"]):
        values = [resolve_value(v, scope, grouped=True) for v in ("COUNT(*)", "AVG(x)", "MAX(f)")]
        groups = GroupBy([resolve_value(k, scope) for k in keys], keys, values, ["a", "b", "c"])
        print(f"group by {keys or 'nothing'}: {best(lambda g=groups: g.partial(rows)):.1f} ms")


if __name__ == "__main__":
    main()
