"""One server for a folder: a file that is locked as long as its process lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from skyseries.errors import StorageError

__all__ = ["FolderLock"]


class FolderLock:
    """Hold a folder until `release`, or the end of the process, however it ends.

    Parameters
    ----------
    path : Path
        The file to lock; it is made, and stays.

    Raises
    ------
    StorageError
        If another server holds it.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 20, 0).decode(errors="replace").strip()
            os.close(self._file)
            if not isinstance(error, BlockingIOError):
                raise StorageError(f"{path} cannot be locked: {error.strerror}") from error
            raise StorageError(
                f"{path.parent} is used by another server (process {holder or 'unknown'}); end it, "
                "or give this one another folder"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let others have the folder."""
        os.close(self._file)
