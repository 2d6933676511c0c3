"""The files of jobs: a result for each that is completed, uploads of those that are not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from skyseries.errors import StorageError
from skyseries.server.jobs.job import check_id
from skyseries.store.files import storage_errors
from skyseries.store.local import Disk

__all__ = ["JobFiles"]


class JobFiles:
    """Results and uploads in a folder.

    Parameters
    ----------
    folder : Path
    disk : Disk, optional
        The calls that sync; tests put a twin in its place.
    """

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.results = folder / "results"
        self.all_uploads = folder / "uploads"
        self._disk = disk or Disk()

    def make(self) -> None:
        """Make the folders, if they are not there."""
        for folder in (self.results, self.all_uploads):
            folder.mkdir(mode=0o700, exist_ok=True)

    def result(self, id: str) -> Path:
        """Return where the result of a job is, or is to be renamed to."""
        return self.results / check_id(id)

    def uploads(self, id: str) -> Path:
        """Make the folder of the tables that came with a job, before or after the job itself."""
        folder = self.all_uploads / check_id(id)
        with storage_errors("an uploaded table"):
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def has_result(self, id: str, size: int) -> bool:
        """Whether the whole result of a job is there."""
        path = self.result(id)
        return path.is_file() and path.stat().st_size == size

    def keep_result(self, id: str, size: int) -> None:
        """See that a result which a worker has synced and renamed outlasts a power cut.

        Raises
        ------
        StorageError
            If it is not there, or not whole.
        """
        if not self.has_result(id, size):
            raise StorageError(f"the result of job {id} does not have the {size} bytes it should")
        self._disk.sync(self.results)

    def remove_result(self, id: str) -> None:
        """Remove the result of a job, and what a worker has begun of it."""
        _remove(self.result(id))
        for part in self.results.glob(f".{check_id(id)}.*"):
            _remove(part)

    def remove_uploads(self, id: str) -> None:
        """Remove the tables that came with a job."""
        _remove(self.all_uploads / check_id(id))

    def remove_others(self, results: Collection[str], uploads: Collection[str]) -> list[str]:
        """Remove all but the results and uploads of these jobs; return what was removed."""
        removed = []
        for folder, kept in ((self.results, results), (self.all_uploads, uploads)):
            for path in sorted(folder.iterdir()):
                if path.name not in kept:
                    _remove(path)
                    removed.append(f"{folder.name}/{path.name}")
        return removed


def _remove(path: Path) -> None:
    remove: Callable[[Path], None] = shutil.rmtree if _is_folder(path) else Path.unlink
    try:
        remove(path)
    except FileNotFoundError:
        return


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
