"""`demo`: a small survey, from files to recovered periods, in under a minute."""

from __future__ import annotations

import shutil
import time as clock
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.executors import executor as use_executor
from skyseries.photometry import njy_to_mag
from skyseries.pipelines.bright_stars import GAIA_EPOCH, HIPPARCOS_EPOCH, read_gaia, read_hipparcos
from skyseries.pipelines.progress import Progress
from skyseries.pipelines.recovery import (
    VARIABLE_REDUCED_CHI2,
    ClassRecovery,
    excess_epochs,
    format_recovery,
    reduced_chi2,
    summarise,
)
from skyseries.timeseries.simulate.survey import SimulatedSurvey, simulate_survey

__all__ = ["DemoReport", "demo"]

_MATCH_RADIUS_ARCSEC = 2.0
_MIN_PERIOD, _MAX_PERIOD = 0.1, 500.0
_MARKER = "README.txt"
_SHOWN = (
    "rr_lyrae_ab", "rr_lyrae_c", "contact_binary", "detached_binary", "long_period",
    "microlensing", "supernova_ia",
)  # fmt: skip


@dataclass(frozen=True)
class DemoReport:
    """What the demo found."""

    path: str
    objects: int
    epochs: int
    classes: tuple[ClassRecovery, ...]
    """Found and true, class by class."""
    hipparcos: int
    """Stars of the Hipparcos catalog."""
    matched: int
    """How many meet a Gaia star within 2 arcsec where both were seen."""
    matched_moved: int
    """The same with proper motion applied."""
    figure: str
    seconds: float

    @property
    def text(self) -> str:
        """The report for a terminal."""
        return "\n".join(
            [
                f"{self.objects:,} simulated objects, {self.epochs:,} epochs",
                "",
                format_recovery(self.classes),
                "",
                f"variable: chi2/dof above {VARIABLE_REDUCED_CHI2:g} in two bands; "
                "period right: |f - f0| < 1/T",
                "half of it: eclipses that look alike (expected of binaries)",
                "",
                f"Hipparcos x Gaia within {_MATCH_RADIUS_ARCSEC:g} arcsec: "
                f"{self.matched:,} of {self.hipparcos:,} stars as catalogued,",
                f"{self.matched_moved:,} with 24.75 years of proper motion applied",
                "",
                f"figure: {self.figure}",
                f"{self.seconds:.1f} s",
            ]
        )


def demo(
    path: str | Path = "skyseries-demo",
    *,
    seed: int = 1,
    workers: int | None = None,
    progress: bool | None = None,
) -> DemoReport:
    """Simulate a small survey, import it, find its variables and their periods.

    Parameters
    ----------
    path : path
        Folder for the input files, the catalogs and the figure. One that an earlier demo made is
        replaced.
    seed : int
        Of the simulation.
    workers : int, optional
        Threads; all processors by default.
    progress : bool, optional
        Show progress on stderr; by default where there is a terminal.

    Returns
    -------
    DemoReport
        Its `text` is what the command prints.

    Raises
    ------
    InputError
        If the folder holds something that is not a demo.
    MissingDependencyError
        If the packages of the extra ``demo`` are not installed.
    """
    began = clock.perf_counter()
    root = _fresh_folder(Path(path).expanduser())
    with Progress(progress) as shown, use_executor("threads", workers):
        gaia, hipparcos = read_gaia(), read_hipparcos()
        shown.stage("simulating light curves")
        survey = simulate_survey(seed=seed)
        _write_input(survey, root / "input", seed)
        shown.advance(survey.sources.num_rows)
        _import(root, gaia, hipparcos, workers, shown)
        shown.stage("features and periods", survey.sources.num_rows)
        classes, found = _recover(root / "survey", survey.truth)
        shown.advance(survey.sources.num_rows)
        shown.stage("matching Hipparcos with Gaia", hipparcos.num_rows)
        matched, moved = match_bright_stars(root / "gaia", root / "hipparcos")
        shown.advance(hipparcos.num_rows)
        shown.stage("drawing")
        _draw(root / "demo.png", survey.truth, found)
    return DemoReport(
        path=str(root),
        objects=survey.objects.num_rows,
        epochs=survey.sources.num_rows,
        classes=tuple(classes),
        hipparcos=hipparcos.num_rows,
        matched=matched,
        matched_moved=moved,
        figure=str(root / "demo.png"),
        seconds=clock.perf_counter() - began,
    )


def _fresh_folder(root: Path) -> Path:
    """Make the folder, or empty the one that an earlier demo made."""
    if root.exists():
        if not root.is_dir() or (any(root.iterdir()) and not (root / _MARKER).exists()):
            raise InputError(f"{root} holds something else than a demo; give another folder")
        shutil.rmtree(root)
    root.mkdir(parents=True)
    (root / _MARKER).write_text("Made by `skyseries demo`, which replaces this whole folder.\n")
    return root


def _write_input(survey: SimulatedSurvey, folder: Path, seed: int) -> None:
    """Write the tables as a survey would hand them over: many files, rows in any order."""
    rng = np.random.default_rng([seed, 2])
    folder.mkdir()
    for name, table, n_files in (("objects", survey.objects, 3), ("sources", survey.sources, 8)):
        shuffled = table.take(pa.array(rng.permutation(table.num_rows)))
        for number, rows in enumerate(np.array_split(np.arange(table.num_rows), n_files)):
            part = shuffled.slice(rows[0] if rows.size else 0, rows.size)
            pq.write_table(part, folder / f"{name}-{number}.parquet")
    pq.write_table(survey.truth, folder.parent / "truth.parquet")
