"""The cross-match with pyacid on two workers, timed inside this process."""

from __future__ import annotations

import argparse
import json
import time

import acid
import astropy.units as u
import numpy as np


def main() -> None:
    """Cross-match within 1 arcsec to Arrow."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int)
    a = parser.parse_args()
    started = time.perf_counter()
    acid.init(a.folder, workers=2)
    left, right = acid.open(f"A_{a.rows}"), acid.open(f"B_{a.rows}")
    table = left.crossmatch(right, radius=1 * u.arcsec).to_arrow()
    seconds = round(time.perf_counter() - started, 2)
    first, second = [name for name in table.column_names if "id" in name.split("_")][:2]
    keys = np.asarray(table[first]) * 31 + np.asarray(table[second])
    found = {"rows": table.num_rows, "columns": table.num_columns, "check": int(keys.sum())}
    print(json.dumps(found | {"inside_s": seconds}))


if __name__ == "__main__":
    main()
