"""Everything that Skyseries raises on purpose.

::

    SkyseriesError
     ├─ InputError (ValueError)            an argument or an input file is not usable
     │   ├─ SchemaError                    columns are missing, differ, or have a wrong type
     │   └─ QueryError                     an expression cannot be understood
     ├─ CatalogError                       a catalog on disk is broken or not what was asked for
     │   └─ CatalogNotFoundError (FileNotFoundError)
     ├─ StorageError (OSError)             a disk is full, a file cannot be written
     ├─ ExecutionError (RuntimeError)      a task failed; the cause is chained
     │   └─ Cancelled                      the run was cancelled
     │       └─ DeadlineExceeded           by a job that took longer than it might
     └─ MissingDependencyError (ImportError)   an optional package is not installed

Each message says what was wrong, with the value, and what can be done about it.
"""

from __future__ import annotations

__all__ = [
    "Cancelled",
    "CatalogError",
    "CatalogNotFoundError",
    "DeadlineExceeded",
    "ExecutionError",
    "InputError",
    "MissingDependencyError",
    "QueryError",
    "SchemaError",
    "SkyseriesError",
    "StorageError",
]


class SkyseriesError(Exception):
    """The parent of all errors that Skyseries raises on purpose."""


class InputError(SkyseriesError, ValueError):
    """An argument or an input file is not usable."""


class SchemaError(InputError):
    """Columns are missing, differ between files, or have a wrong type."""


class QueryError(InputError):
    """An expression cannot be understood.

    Parameters
    ----------
    message : str
    line, column : int, optional
        Where in the text, counted from 1.
    is_told : bool
        Whether the message says the place itself.
    """

    def __init__(
        self,
        message: str,
        line: int | None = None,
        column: int | None = None,
        is_told: bool = False,
    ) -> None:
        where = "" if line is None or is_told else f" (line {line}, column {column})"
        super().__init__(message + where)
        self._arguments = (message, line, column, is_told)
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[type[QueryError], tuple[str, int | None, int | None, bool]]:
        return type(self), self._arguments


class CatalogError(SkyseriesError):
    """A catalog on disk is broken, or not what was asked for."""


class CatalogNotFoundError(CatalogError, FileNotFoundError):
    """There is no catalog at this path."""


class StorageError(SkyseriesError, OSError):
    """A file cannot be written or read: the disk is full, a permission is missing."""


class ExecutionError(SkyseriesError, RuntimeError):
    """A task failed on an engine; the cause is chained."""


class Cancelled(ExecutionError):
    """The run was cancelled before it ended."""


class DeadlineExceeded(Cancelled):
    """A job was cancelled since it took longer than its deadline allows."""


class MissingDependencyError(SkyseriesError, ImportError):
    """An optional package is not installed.

    Parameters
    ----------
    package : str
        What could not be imported.
    extra : str, optional
        The extra of Skyseries that brings it; None: the package is to be installed by itself.
    """

    def __init__(self, package: str, extra: str | None) -> None:
        what = package if extra is None else f"'skyseries[{extra}]'"
        super().__init__(f"{package} is not installed; install it with: pip install {what}")
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingDependencyError], tuple[str, str | None]]:
        return type(self), (self.package, self.extra)
