"""The parameters of a request: names in any case, from the query, a form, or a multipart body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING

from skyseries.errors import InputError
from skyseries.server.tap import single
from skyseries.store.files import storage_errors

if TYPE_CHECKING:
    from starlette.datastructures import UploadFile
    from starlette.requests import Request

__all__ = ["Parameters", "read_parameters"]

_MOST_FIELDS, _MOST_FILES = 10_000, 50
_LARGEST_FIELD = 4 << 20
"""Bytes of one parameter that is no file: statements are texts of up to a megabyte."""
_WHOLE = re.compile("[+-]?[0-9]+")
_LARGEST = 2**63 - 1
"""Larger numbers mean no more than this one, which databases know too."""


class Parameters:
    """Names and values in the order they came; names differ without regard to case.

    Parameters
    ----------
    pairs : iterable of (str, str)
    files : mapping of str to UploadFile, optional
    """

    def __init__(
        self, pairs: Iterable[tuple[str, str]], files: dict[str, UploadFile] | None = None
    ) -> None:
        self._pairs = [(name.upper(), value) for name, value in pairs]
        self.files = files or {}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return [value for known, value in self._pairs if known == name]

    def one(self, name: str) -> str:
        """Return the value of a parameter that is there once at most; see `tap.single`."""
        return single(self._pairs, name)

    @property
    def parts(self) -> dict[str, IO[bytes]]:
        """The files of the request, by the names of its parts."""
        return {name: file.file for name, file in self.files.items()}

    def whole(self, name: str, least: int = 0) -> int | None:
        """Return a whole number of 64 bits; None if it is not given."""
        text = self.one(name)
        if not text:
            return None
        if not _WHOLE.fullmatch(text):
            raise InputError(f"{name} is a whole number, not {text[:80]!r}")
        if (number := int(text[:30])) < least:
            raise InputError(f"{name} is at least {least}, not {number}")
        return min(number, _LARGEST)


async def read_parameters(request: Request) -> Parameters:
    """Return the parameters of a request, those in its address first.

    Raises
    ------
    InputError
        If its body cannot be read as what it says that it is.
    """
    pairs = list(request.query_params.multi_items())
    files: dict[str, UploadFile] = {}
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            for name, value in await _form(request):
                if isinstance(value, str):
                    pairs.append((name, value))
                else:
                    files[name] = value
        elif kind or await request.body():
            raise InputError(
                f"a body is application/x-www-form-urlencoded or multipart/form-data, not "
                f"{kind[:80]!r}"
            )
    return Parameters(pairs, files)


async def _form(request: Request) -> list[tuple[str, str | UploadFile]]:
    from starlette.exceptions import HTTPException
    from starlette.formparsers import MultiPartException

    try:
        with storage_errors("the body of a request"):
            form = await request.form(
                max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_LARGEST_FIELD
            )
    except (HTTPException, MultiPartException) as error:
        status = getattr(error, "status_code", 400)
        if status != 400:
            raise
        detail = getattr(error, "detail", None) or getattr(error, "message", "")
        raise InputError(f"the body of the request cannot be read: {detail}") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(f"the body of the request cannot be read: {error}") from None
    return form.multi_items()
