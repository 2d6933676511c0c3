"""`demo`: a small survey, from files to recovered periods, in under a minute."""

from __future__ import annotations

import shutil
import time as clock
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from skyseries.errors import InputError
from skyseries.executors import Job
from skyseries.executors import executor as use_executor
from skyseries.jit import expect
from skyseries.lazy import pc
from skyseries.pipelines.demo.bright_stars import (
    GAIA_EPOCH,
    HIPPARCOS_EPOCH,
    read_gaia,
    read_hipparcos,
)
from skyseries.pipelines.demo.panels import choose_panels
from skyseries.pipelines.demo.recovery import (
    VARIABLE_REDUCED_CHI2,
    ClassRecovery,
    FoundObject,
    format_recovery,
    found_objects,
    reduced_chi2,
    summarise,
)
from skyseries.plot.demo import draw_panels
from skyseries.spatial.match import nearest
from skyseries.spatial.sphere import apply_proper_motion
from skyseries.store.files import storage_errors
from skyseries.timeseries.simulate.survey import SimulatedSurvey, simulate_survey

__all__ = ["DemoReport", "demo"]

_MATCH_RADIUS_ARCSEC = 2.0
_MARKER = "README.txt"
_N_PANELS = 9
_Positions = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class DemoReport:
    """What the demo found."""

    path: str
    objects: int
    epochs: int
    classes: tuple[ClassRecovery, ...]
    """Found and true, class by class."""
    matched: int
    """Hipparcos stars that meet a Gaia star within 2 arcsec, at the positions as catalogued."""
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
                f"variable: chi2/dof above {VARIABLE_REDUCED_CHI2:g} in two bands; their periods "
                "by the default search:",
                "",
                format_recovery(self.classes),
                "",
                f"Hipparcos stars with a Gaia star within {_MATCH_RADIUS_ARCSEC:g} arcsec:",
                f"{self.matched:,}, and {self.matched_moved:,} with the proper motion of "
                f"{GAIA_EPOCH - HIPPARCOS_EPOCH:g} years applied",
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
    StorageError
        If the folder cannot be written.
    MissingDependencyError
        If the packages of the extra ``demo`` are not installed.
    """
    began = clock.perf_counter()
    with storage_errors(str(path)):
        root = _fresh_folder(Path(path).expanduser())
    shown = progress is not False
    with use_executor("threads", workers), Job("demo", progress=shown) as job:
        expect("demo")
        with job.stage("simulating light curves", unit="epochs") as advance:
            survey = simulate_survey(seed=seed)
            epochs = survey.sources.num_rows
            _write_input(survey, root / "input", seed)
            advance(epochs)
        _import(root, workers, job)
        with job.stage("features and periods", epochs, "epochs") as advance:
            classes, found = _recover(root, survey.truth, workers)
            advance(epochs)
        with job.stage("matching Hipparcos with Gaia", unit="pairs") as advance:
            matched, moved = match_bright_stars(root / "gaia", root / "hipparcos")
            advance(moved)
        with job.stage("drawing", _N_PANELS, "panels") as advance:
            panels = choose_panels(found, _N_PANELS)
            draw_panels(
                panels, root / "demo.png", title="A simulated LSST survey: what Skyseries found"
            )
            advance(len(panels))
    return DemoReport(
        path=str(root),
        objects=survey.objects.num_rows,
        epochs=epochs,
        classes=tuple(classes),
        matched=matched,
        matched_moved=moved,
        figure=str(root / "demo.png"),
        seconds=clock.perf_counter() - began,
    )


def _fresh_folder(root: Path) -> Path:
    """Make the folder, or empty the one that an earlier demo made."""
    if root.exists():
        if not root.is_dir() or (any(root.iterdir()) and not (root / _MARKER).exists()):
            raise InputError(f"{root} holds something other than a demo; give another folder")
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


def _import(root: Path, workers: int | None, job: Job) -> None:
    """Import the survey and the two catalogs of bright stars."""
    from skyseries.pipelines.import_.importer import import_catalog

    files = root / "input"
    for name, table in (("gaia", read_gaia()), ("hipparcos", read_hipparcos())):
        with job.stage(f"importing {name}", table.num_rows, "rows") as advance:
            pq.write_table(table, files / f"{name}.parquet")
            import_catalog(
                files / f"{name}.parquet", root / name, id=table.column_names[0],
                margin_arcsec=None, workers=workers, progress=False,
            )  # fmt: skip
            advance(table.num_rows)
    sources = sorted(files.glob("sources-*.parquet"))
    epochs = sum(pq.read_metadata(file).num_rows for file in sources)
    with job.stage("importing the survey", epochs, "epochs") as advance:
        import_catalog(
            sorted(files.glob("objects-*.parquet")), root / "survey", id="objectId",
            lightcurves=sources, workers=workers, progress=False,
        )  # fmt: skip
        advance(epochs)


def _recover(
    root: Path, truth: pa.Table, workers: int | None
) -> tuple[list[ClassRecovery], list[FoundObject]]:
    """Find the variables of the survey by their features, then the periods of these."""
    from skyseries.catalog import open_catalog

    features = open_catalog(root / "survey").features()
    plain = [name for name in features.columns if name not in features.lightcurve_columns]
    table = features.select(plain).to_arrow()
    chi2 = reduced_chi2(table)
    _import_variables(root, table.filter(pa.array(chi2 > VARIABLE_REDUCED_CHI2)), workers)
    variables = open_catalog(root / "variables")
    periods = variables.periods().to_arrow()
    found = found_objects(periods, truth, variables.lightcurve_columns[0])
    row = pc.index_in(truth["objectId"], value_set=table["objectId"].combine_chunks())
    span = float(pc.max(table["timeSpan"]).as_py())
    return summarise(truth, chi2[row.to_numpy()], found, span), found


def _import_variables(root: Path, objects: pa.Table, workers: int | None) -> None:
    """Make a catalog of the variables alone: their features beside their light curves."""
    from skyseries.pipelines.import_.importer import import_catalog

    pq.write_table(objects, root / "input" / "variables.parquet")
    import_catalog(
        root / "input" / "variables.parquet", root / "variables", id="objectId",
        lightcurves=sorted((root / "input").glob("sources-*.parquet")),
        orphans="drop",  # the sources of all constant stars
        workers=workers, progress=False,
    )  # fmt: skip


def match_bright_stars(gaia_path: str | Path, hipparcos_path: str | Path) -> tuple[int, int]:
    """Count Hipparcos stars with a Gaia star within 2 arcsec.

    Parameters
    ----------
    gaia_path, hipparcos_path : path
        Catalogs made from `bright_stars.read_gaia` and `bright_stars.read_hipparcos`.

    Returns
    -------
    matched, matched_moved : int
        At the positions as catalogued, and with proper motion applied from J1991.25 to J2016.0.
    """
    from skyseries.catalog import open_catalog

    gaia_ra, gaia_dec = _arrays(open_catalog(gaia_path).select(["ra", "dec"]).to_arrow())
    gaia = (gaia_ra, gaia_dec)
    star = _arrays(open_catalog(hipparcos_path).select(["ra", "dec", "pmra", "pmdec"]).to_arrow())
    ra, dec, pmra, pmdec = star
    moved = apply_proper_motion(ra, dec, pmra, pmdec, HIPPARCOS_EPOCH, GAIA_EPOCH)
    return _count_matches((ra, dec), gaia), _count_matches(moved, gaia)


def _count_matches(left: _Positions, right: _Positions) -> int:
    index, _ = nearest(*left, *right, _MATCH_RADIUS_ARCSEC)
    return int(np.count_nonzero(index >= 0))


def _arrays(table: pa.Table) -> list[NDArray[np.float64]]:
    return [np.asarray(column.to_numpy(), np.float64) for column in table.columns]
