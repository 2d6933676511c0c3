"""What a request for a TAP query means (TAP 1.1, section 2; DALI 1.1, section 3)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from skyseries.errors import InputError
from skyseries.formats.streams import ENCODERS, encoder_of
from skyseries.server.limits import Limits
from skyseries.server.work import Upload, Work

__all__ = ["Asked", "UploadFrom", "asked", "single"]

_LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")
_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MEDIA_TYPE = re.compile(r"(application|text)/[ !-~]+")
_VERSION = re.compile(r";\s*version\s*=\s*\"?([^\s\";]*)", re.IGNORECASE)
_LONGEST_RUNID = 64
_VERSIONS = ("1.4", "1.5")


@dataclass(frozen=True)
class UploadFrom:
    """A table that is to be uploaded, and where from."""

    name: str
    """That of ``TAP_UPLOAD.name``."""
    uri: str
    """``param:`` and the name of a part of the request, or an address."""


@dataclass(frozen=True)
class Asked:
    """A query, and how it is to be answered."""

    query: str
    format: str
    """Short name of an encoder."""
    media_type: str
    """What the answer says that it is: as the client has named it, if that was a media type."""
    maxrec: int
    votable_version: str = "1.4"
    """1.4 or 1.5."""
    run_id: str = ""
    uploads: tuple[UploadFrom, ...] = ()

    @property
    def info(self) -> tuple[tuple[str, str], ...]:
        """What the answer says of the request."""
        return (("runid", self.run_id),) if self.run_id else ()

    def work(
        self, id: str, uploads: tuple[Upload, ...], seconds: float, result: str | None = None
    ) -> Work:
        """Return the statement for a worker; see `Work` for what is given."""
        return Work(
            id,
            self.query,
            self.format,
            self.media_type,
            self.maxrec,
            uploads,
            result,
            seconds,
            self.votable_version,
            self.info,
        )

    @property
    def hash(self) -> str:
        """What tells statements apart in logs, where their text may be private."""
        return hashlib.sha256(self.query.encode("utf-8", "replace")).hexdigest()


def single(parameters: Iterable[tuple[str, str]], name: str) -> str:
    """Return the value of a parameter; empty if it is not given.

    Raises
    ------
    InputError
        If it has several values that differ.
    """
    values = list(dict.fromkeys(value for known, value in parameters if known == name))
    if len(values) > 1:
        raise InputError(f"{name} is given {len(values)} times, with different values")
    return values[0].strip() if values else ""


def asked(parameters: Iterable[tuple[str, str]], limits: Limits) -> Asked:
    """Return what is asked, by parameters whose names are in capital letters.

    Parameters that TAP does not know mean nothing.

    Raises
    ------
    InputError
        If one is missing, or cannot be understood: says which, with its value.
    """
    known = list(parameters)
    one = partial(single, known)
    language = one("LANG") or "ADQL"
    if language.upper() not in _LANGUAGES:
        raise InputError(f"LANG is one of {', '.join(_LANGUAGES)}, not {language[:80]!r}")
    query = one("QUERY")
    if not query:
        raise InputError("QUERY is missing: the statement that is to be answered")
    run_id = one("RUNID")
    if len(run_id) > _LONGEST_RUNID:
        raise InputError(f"RUNID has at most {_LONGEST_RUNID} characters, not {len(run_id)}")
    format, media_type, version = _format(one("RESPONSEFORMAT") or one("FORMAT"))
    return Asked(
        query=query,
        format=format,
        media_type=media_type,
        maxrec=_maxrec(one("MAXREC"), limits),
        votable_version=version,
        run_id=run_id,
        uploads=tuple(_uploads([value for name, value in known if name == "UPLOAD"])),
    )


def _format(wanted: str) -> tuple[str, str, str]:
    """Return the short name of a format, its media type, and the version of a VOTable.

    ``;version=1.5`` behind the name of a VOTable is the version.
    """
    text = wanted or next(iter(ENCODERS))
    encoder = encoder_of(text)
    found = _VERSION.search(text)
    version = found[1] if found else _VERSIONS[0]
    if version not in _VERSIONS:
        raise InputError(f"VOTables are of version {' or '.join(_VERSIONS)}, not {version[:20]!r}")
    media_type = text if _MEDIA_TYPE.fullmatch(text) else encoder.media_type
    return encoder.name, media_type, version


def _maxrec(text: str, limits: Limits) -> int:
    if not text:
        return limits.maxrec
    if not re.fullmatch(r"\+?[0-9]{1,30}", text):
        raise InputError(f"MAXREC is a whole number from 0 on, not {text[:80]!r}")
    return min(int(text), limits.maxrec_hard)


def _uploads(values: Iterable[str]) -> Iterable[UploadFrom]:
    names: set[str] = set()
    for pair in (pair.strip() for value in values for pair in value.split(";")):
        if not pair:
            continue
        name, comma, uri = (part.strip() for part in pair.partition(","))
        if not (comma and name and uri):
            raise InputError(
                f"UPLOAD is NAME,param:PART or NAME,ADDRESS (several with ; between), not "
                f"{pair[:80]!r}"
            )
        if not _TABLE_NAME.fullmatch(name):
            raise InputError(
                f"an uploaded table cannot be called {name[:80]!r}: write a plain name"
            )
        if name.lower() in names:
            raise InputError(f"two tables are uploaded as {name}")
        names.add(name.lower())
        yield UploadFrom(name, uri)
