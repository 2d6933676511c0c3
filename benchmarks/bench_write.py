"""What writing a version costs: against an earlier checkout, and what its durability adds.

``bench_write.py --base CHECKOUT`` writes a catalog of 1e7 rows anew with margin and id index, in
processes of their own with two threads, the two checkouts in turn; and imports objects with both
kinds of durability. Times are of the call inside of its process; memory is the highest of the
process. What must agree are the rows, and the digests of all leaves.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import os
import random
import shutil
import statistics
import sys
import time
from pathlib import Path

import generate
from measure import measure
from results import WORK, Row, Target, save

HERE = Path(__file__).resolve().parents[1]
ROWS = 10_000_000
MARGIN = 10.0


def prepared(rows: int) -> Path:
    """Return the folder of the inputs; made if they are not there."""
    import skyseries as sky

    folder = WORK / f"write_{rows}"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        generate.objects(folder / "objects", rows)
        sky.import_catalog(folder / "objects", folder / "catalog", id="id", progress=False)
        (folder / "done").touch()
    return folder


def run(task: str, folder: Path, durability: str) -> None:
    """Do one task in this process; print its times and a digest of the leaves."""
    import skyseries as sky

    output = folder / f"out-{os.getpid()}"
    verb = sky.import_catalog if task == "import" else sky.Catalog.write_catalog
    said = {"durability": durability} if "durability" in inspect.signature(verb).parameters else {}
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        with sky.executor("threads", 2):
            if task == "import":
                found = sky.import_catalog(
                    folder / "objects", output, id="id", progress=False, **said
                )
            else:
                found = sky.open_catalog(folder / "catalog").write_catalog(
                    output, margin_arcsec=MARGIN, **said
                )
        spent = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps([*spent, found.rows, found.margin_rows, found.index_rows, leaves(output)]))
    finally:
        shutil.rmtree(output, ignore_errors=True)


def leaves(root: Path) -> str:
    """Return a digest of all Parquet files of leaves."""
    digest = hashlib.sha256()
    for path in sorted(root.glob("v000001/*/dataset/Norder=*/**/*.parquet")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def once(task: str, folder: Path, checkout: Path, durability: str) -> dict[str, object]:
    """Run a task in a process that imports one checkout."""
    command = [
        sys.executable, __file__, "--run", task, "--folder", str(folder),
        "--durability", durability,
    ]  # fmt: skip
    done = measure(command, env=os.environ | {"PYTHONPATH": str(checkout / "src")})
    if done.returncode:
        raise RuntimeError(f"{task} with {checkout}: {done.stderr}")
    wall, cpu, *same = json.loads(done.stdout.splitlines()[-1])
    return {"wall": wall, "cpu": cpu, "mb": done.peak_pss_mb, "same": same}


def compared(rows: int, folder: Path, base: Path, pairs: int, draw: random.Random) -> list[Row]:
    """Return the rows of `write_catalog` by both checkouts."""
    done: dict[Path, list[dict[str, object]]] = {HERE: [], base: []}
    for _ in range(pairs):
        order = [HERE, base]
        draw.shuffle(order)
        for checkout in order:
            done[checkout].append(once("write", folder, checkout, "process"))
        if done[HERE][-1]["same"] != done[base][-1]["same"]:
            raise RuntimeError("the two have not written the same")
    middle = {
        (checkout, key): statistics.median(float(one[key]) for one in found)  # type: ignore[arg-type]
        for checkout, found in done.items() for key in ("wall", "cpu", "mb")
    }  # fmt: skip
    faster = middle[base, "wall"] / middle[HERE, "wall"]
    less = middle[base, "cpu"] / middle[HERE, "cpu"]
    memory = middle[HERE, "mb"] / middle[base, "mb"]
    targets = (
        Target("wall of the base / wall >= 1.3", round(faster, 2), faster >= 1.3),
        Target("memory / memory of the base <= 1", round(memory, 2), memory <= 1),
    )
    return [
        Row(
            task="write_catalog with margin and index", size=f"{rows:,} rows, {pairs} pairs",
            system=name, process="warm", wall_s=middle[checkout, "wall"],
            cpu_s=middle[checkout, "cpu"], peak_pss_mb=middle[checkout, "mb"],
            figures={"CPU of the base / CPU": round(less, 2)} if checkout == HERE else {},
            targets=targets if checkout == HERE else (),
        )
        for checkout, name in ((HERE, "skyseries"), (base, "the base"))
    ]  # fmt: skip


def durable(rows: int, folder: Path, times: int) -> list[Row]:
    """Return what an import costs with each kind of durability."""
    found = []
    for durability in ("process", "power"):
        done = [once("import", folder, HERE, durability) for _ in range(times)]
        wall, cpu = (
            statistics.median(float(one[key]) for one in done)  # type: ignore[arg-type]
            for key in ("wall", "cpu")
        )
        found.append(
            Row(
                task=f'import, durability="{durability}"', size=f"{rows:,} rows",
                system="skyseries", process="warm", wall_s=wall, cpu_s=cpu,
            )
        )  # fmt: skip
    return found


def main() -> None:
    """Compare, or run one task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="the checkout to compare with")
    parser.add_argument("--rows", type=float, default=ROWS)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--durability", default="process", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run(options.run, options.folder, options.durability)
        return
    if options.base is None:
        parser.error("give --base, the root of another checkout, such as a git worktree")
    rows = int(options.rows)
    folder = prepared(rows)
    found = compared(rows, folder, options.base.resolve(), options.pairs, random.Random(1))
    found += durable(rows, folder, min(options.pairs, 3))
    save("write", "Writing a version", found, __doc__ or "", full=rows == ROWS)


if __name__ == "__main__":
    main()
