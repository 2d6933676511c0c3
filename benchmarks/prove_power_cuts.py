"""What a power cut leaves of a catalog that is being written, on a real file system.

``prove_power_cuts.py --rounds 3 --seed 1``, as root. Catalogs are written on an ext4 file system
whose image lies on an XFS with reflink, both mounted by the loop driver. ``cp --reflink=always``
copies the image in an instant, and in it is what ext4 had given to its disk by then: what a power
cut would leave. The copy is mounted in the place of the original, where ext4 replays its journal;
and the catalog is looked at, and written again.

Cuts come at random moments while something is written, and right after the call has returned. All
must be the state before or the new one, whole; after the call the new one. The same with
``durability="process"``, cut right after the call, must lose something: so the cuts do cut.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from results import Row, Target, save
from writers import Child, Said, in_child, load, look, write, write_begin

__all__ = ["CASES", "Case", "Cut", "Disk"]

CUTS = 4
"""At random moments while one thing is written; one more comes right after."""


@dataclass(frozen=True)
class Case:
    """Something that is written."""

    name: str
    writer: str
    top: str
    """Where: ``top`` holds all, ``bare`` a survey alone, ``new`` nothing."""
    part: str
    """What of a look at the folder tells the state before from the new one."""
    overwrite: bool = True


CASES = (
    Case("import", "import 2", "new", "factor", overwrite=False),
    Case("import over a version", "import 2", "top", "factor"),
    Case("write_catalog", "write 10", "new", "factor", overwrite=False),
    Case("write_catalog over a version", "write 10", "top", "factor"),
    Case("write_extension", "extension a 7", "top", "extensions", overwrite=False),
    Case("write_extension over a version", "extension there 7", "top", "extensions"),
    Case("write_association", "pairs 2", "bare", "pairs", overwrite=False),
    Case("write_association over one", "pairs 2", "top", "pairs"),
)


@dataclass
class Cut:
    """What a power cut has left."""

    case: Case
    is_after: bool
    """Whether the call had returned."""
    is_new: bool = False
    resumed: bool = False
    faults: list[str] = field(default_factory=list)


# -- disks that are copied in an instant -----------------------------------------------------


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[None]:
    """Have what is in an image at a path; it is taken away again, whatever happens."""
    subprocess.run(["mount", "-o", "loop", image, at], check=True, capture_output=True)
    try:
        yield
    finally:
        for lazily in ([], [], [], ["-l"]):
            if not subprocess.run(["umount", *lazily, at], check=False).returncode:
                break
            time.sleep(1)


def formatted(image: Path, size: str, *command: str) -> Path:
    """Make an image with an empty file system."""
    with image.open("wb"):
        os.truncate(image, int(size))
    subprocess.run([*command, image], check=True, capture_output=True)
    return image


@dataclass(frozen=True)
class Disk:
    """A file system to write to, of which there are images that can be copied."""

    at: Path
    images: Path

    def copy(self, image: str, name: str) -> str:
        """Copy an image, in an instant."""
        command = ["cp", "--reflink=always", self.images / image, self.images / name]
        subprocess.run(command, check=True)
        return name

    @contextmanager
    def holding(self, image: str) -> Iterator[None]:
        """Have what is in an image on the disk."""
        with mounted(self.images / image, self.at):
            yield

    def remove(self, image: str) -> None:
        """Remove an image."""
        (self.images / image).unlink()


@contextmanager
def new_disk(folder: Path) -> Iterator[Disk]:
    """Make a disk; what there is before is in the image ``begin``."""
    disk = Disk(folder / "at", folder / "images")
    disk.at.mkdir()
    disk.images.mkdir()
    below = formatted(folder / "xfs", "3_000_000_000", "mkfs.xfs", "-q", "-m", "reflink=1")
    with mounted(below, disk.images):
        formatted(disk.images / "begin", "200_000_000", "mkfs.ext4", "-q", "-F")
        with disk.holding("begin"):
            assert in_child(write_begin, disk.at / "top") == {}
            (disk.at / "new").mkdir()
            (disk.at / "bare").mkdir()
            assert "version" in in_child(write, disk.at / "bare", "import 1", False, "power")
        yield disk


# -- cuts ------------------------------------------------------------------------------------


def run(
    case: Case, disk: Disk, how: str, moments: Sequence[float], old: Said
) -> tuple[list[Cut], float]:
    """Write something, cut the power, and look at what is left.

    Returns
    -------
    cuts : list of Cut
        Those at the moments (seconds from the beginning), and the one right after.
    seconds : float
        How long the writing took.
    """
    top, images = disk.at / case.top, []
    disk.copy("begin", "live")
    with disk.holding("live"):
        begin = time.monotonic()
        child = Child(_written_at, top, case, how)
        for moment in sorted(moments):
            time.sleep(max(begin + moment - time.monotonic(), 0))
            images.append((time.monotonic(), disk.copy("live", f"cut{len(images)}")))
        end = child.end()
        if "end" not in end:
            raise RuntimeError(f"{case.name}: {end}")
        images.append((time.monotonic(), disk.copy("live", "after")))
        new = in_child(look, top)
        assert new["faults"] == []
        assert new[case.part] != old[case.part]
    disk.remove("live")
    cuts = []
    for moment, image in images:
        cuts.append(Cut(case, moment > end["end"]))
        with disk.holding(image):
            _judge(cuts[-1], top, old, new, how)
        disk.remove(image)
    return cuts, end["end"] - begin


def _written_at(top: Path, case: Case, how: str) -> Said:
    write(top, case.writer, case.overwrite, how)
    return {"end": time.monotonic()}


def _judge(cut: Cut, top: Path, old: Said, new: Said, how: str) -> None:
    """See in which state the folder is, and whether it can be written again."""
    part = cut.case.part
    seen = in_child(look, top)
    if "fault" in seen or "error" in seen:
        cut.faults.append(seen.get("error") or seen["fault"])
        return
    cut.faults += seen["faults"]
    cut.is_new = seen[part] == new[part]
    if seen[part] not in ([new[part]] if cut.is_after else [old[part], new[part]]):
        cut.faults.append(f"{part}: {seen[part]}; before {old[part]}, after {new[part]}")
    if cut.is_new and not cut.case.overwrite:
        return
    again = in_child(write, top, cut.case.writer, cut.case.overwrite, how)
    cut.resumed = again.get("resumed", False)
    if "fault" in again or "error" in again:
        cut.faults.append(f"written again: {again}")
        return
    seen = in_child(look, top)
    if seen.get("faults") != [] or seen[part] != new[part]:
        cut.faults.append(f"written again: {seen}")


def missing() -> str | None:
    """Say why there can be no power cuts here; None: there can."""
    if os.geteuid() != 0:
        return "only root can mount file systems"
    for program in ("mkfs.xfs", "mkfs.ext4", "mount"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    return None if Path("/dev/loop-control").exists() else "there are no loop devices"


def main() -> int:
    """Cut the power, and save what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", help="only those with this in their name")
    options = parser.parse_args()
    if (why := missing()) is not None:
        print(f"skipped: {why}")
        return 0
    cases = [case for case in CASES if options.case is None or options.case in case.name]
    load()
    with tempfile.TemporaryDirectory() as folder, new_disk(Path(folder)) as disk:
        with disk.holding("begin"):
            before = {case.top: in_child(look, disk.at / case.top) for case in cases}
        rows = [_row(case, disk, before[case.top], options) for case in cases]
    save("power", "Power cuts", rows, NOTES, full=options.case is None and options.rounds >= 3)
    return 0 if all(target.reached for row in rows for target in row.targets) else 1


def _row(case: Case, disk: Disk, before: Said, options: argparse.Namespace) -> Row:
    """Cut the power in all rounds of a case; tell what came of it."""
    draw = random.Random(f"{options.seed} {case.name}")
    lost, seconds = run(case, disk, "process", [], before)
    cuts: list[Cut] = []
    for _ in range(options.rounds):
        moments = [draw.uniform(0, seconds) for _ in range(CUTS)]
        more, seconds = run(case, disk, "power", moments, before)
        cuts += more
    for cut in cuts:
        for fault in cut.faults:
            print(f"{case.name}, {'after' if cut.is_after else 'during'}: {fault}", flush=True)
    wrong, gone = (sum(bool(cut.faults) for cut in some) for some in (cuts, lost))
    during = [cut for cut in cuts if not cut.is_after]
    figures = {
        "cuts meanwhile": len(during),
        "then it was the new state": sum(cut.is_new for cut in during),
        "cuts right after": len(cuts) - len(during),
        "runs that went on": sum(cut.resumed for cut in cuts),
    }
    return Row(
        task=case.name, size="60 objects", system="skyseries", jit_cache="-", process="warm",
        figures=figures,
        targets=(
            Target("cuts with something wrong = 0", wrong, not wrong),
            Target("lost with durability='process' = 1", gone, gone == 1),
        ),
    )  # fmt: skip


NOTES = (
    "Catalogs are written on an ext4 file system whose image lies on an XFS with reflink; a copy "
    "of the image, made in an instant, is what a power cut would leave. It is mounted, looked at "
    "(versions against their manifests, rows, extensions, pairs), and what was cut is run again. "
    "*then it was the new state*: of the cuts meanwhile; in all others it was the one before. "
    "With `durability='process'` the power is cut once, right after the call has returned."
)


if __name__ == "__main__":
    sys.exit(main())
