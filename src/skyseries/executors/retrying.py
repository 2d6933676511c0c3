"""Which errors are worth another try: the storage or the network may do better the second time."""

from __future__ import annotations

import errno

from skyseries.errors import CatalogError, ExecutionError, StorageError

__all__ = ["RemoteTraceback", "is_transient"]

_LASTING = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
_LASTING_NUMBERS = {errno.EDQUOT, errno.EFBIG, errno.ENAMETOOLONG, errno.ENOSPC, errno.EROFS}


class RemoteTraceback(Exception):
    """The traceback of an error in a worker process, as the cause of that error here.

    Parameters
    ----------
    text : str
    transient : bool
        What `is_transient` said of the error there, where its own cause was known.
    """

    def __init__(self, text: str, transient: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.transient = transient

    def __str__(self) -> str:
        return f"\n{self.text}"


def is_transient(error: BaseException) -> bool:
    """Tell whether an I/O error ended a task that may go well the next time.

    A missing file, a permission or a full disk stays as it is, and so does what a user's function
    raised. Of our own errors about files and tasks it is
    their cause that counts.
    """
    cause = error.__cause__
    if isinstance(cause, RemoteTraceback):
        return cause.transient
    if isinstance(error, StorageError | CatalogError) or type(error) is ExecutionError:
        return cause is not None and is_transient(cause)
    if not isinstance(error, OSError) or isinstance(error, _LASTING):
        return False
    return error.errno not in _LASTING_NUMBERS
