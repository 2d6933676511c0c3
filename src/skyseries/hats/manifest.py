"""The record of a version: each of its files with its bytes and digest, in ``manifest.json``.

It is written as the last file of a version, and says which files belong to it and what is in
them: whoever validates, mirrors or removes a version need not guess. Its own last entry is the
digest of all that stands before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

from skyseries.errors import CatalogError
from skyseries.executors import check_cancelled
from skyseries.store.base import MANIFEST as MANIFEST_FILE
from skyseries.store.files import Location

__all__ = [
    "MANIFEST_FILE",
    "FileFacts",
    "Manifest",
    "NewerManifest",
    "digest_of",
    "read_manifest",
]

_NUMBER = 1
_HASH = "xxh3_128"
_CHUNK = 1 << 22
"""Bytes of a file that are read at once."""


class NewerManifest(CatalogError):
    """A manifest of a newer version of Skyseries, of a kind that is not known here."""


class FileFacts(NamedTuple):
    """What is known of a file."""

    nbytes: int
    digest: str
    """XXH3 of 128 bits, as 32 hexadecimal digits."""
    rows: int | None = None
    """Rows of a leaf, or of a part of an index; None: it is something else."""


@dataclass(frozen=True)
class Manifest:
    """What a version consists of.

    Parameters
    ----------
    run : str
        Fingerprint of the run that made it.
    made : datetime
        When; with a time zone.
    files : mapping from str to FileFacts
        By path below the folder of the version; all but the manifest itself.
    """

    run: str
    made: datetime
    files: Mapping[str, FileFacts] = field(repr=False)

    @property
    def nbytes(self) -> int:
        """Bytes of all files."""
        return sum(facts.nbytes for facts in self.files.values())

    def to_json(self) -> str:
        """Return the text of ``manifest.json``, with a line for each file."""
        head = {
            "skyseries_manifest": _NUMBER,
            "run": self.run,
            "made": self.made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "hash": _HASH,
        }
        files = ",\n".join(
            json.dumps([path, *facts], separators=(",", ":"))
            for path, facts in sorted(self.files.items())
        )
        return _sealed(f'{json.dumps(head)[:-1]}, "files": [\n{files}\n]')

    @classmethod
    def from_json(cls, text: str, source: str = MANIFEST_FILE) -> Manifest:
        """Read the text of ``manifest.json``.

        Parameters
        ----------
        text : str
        source : str
            Its path, for messages.

        Raises
        ------
        CatalogError
            If it is not whole, was changed, or is of a newer kind than is known here.
        """
        try:
            found = json.loads(text)
            number = int(found["skyseries_manifest"])
            if number > _NUMBER or found["hash"] != _HASH:
                raise NewerManifest(
                    f"{source} was written by a newer version of Skyseries (manifest {number}, "
                    f"digests by {found['hash']}; known here: {_NUMBER}, {_HASH}): install that"
                )
            made = datetime.strptime(found["made"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            manifest = cls(str(found["run"]), made, dict(map(_entry, found["files"])))
        except (ValueError, TypeError, LookupError) as error:
            raise CatalogError(f"{source} is no manifest of a version: {error}") from error
        if _sealed(text.rpartition(_SEAL)[0]) != text:
            raise CatalogError(f"{source} was changed after it was written: its own digest differs")
        return manifest


_SEAL = ', "digest": "'


def _sealed(text: str) -> str:
    """Return the text with its digest at the end."""
    return f'{text}{_SEAL}{xxhash.xxh3_128_hexdigest(text.encode())}"}}\n'


def _entry(entry: list[Any]) -> tuple[str, FileFacts]:
    path, nbytes, digest, rows = entry
    if not path or path[0] == "/" or ".." in path.split("/"):
        raise ValueError(f"{path!r} is no path below its folder")
    if type(nbytes) is not int or type(digest) is not str or type(rows) not in (int, type(None)):
        raise ValueError(f"{entry!r} is not path, bytes, digest, rows")
    return path, FileFacts(nbytes, digest, rows)


def read_manifest(version: Location) -> Manifest | None:
    """Read the manifest in the folder of a version; None if it has none, as older ones.

    Raises
    ------
    CatalogError
        If it is not whole, was changed, or is of a newer kind than is known here.
    """
    file = version.join(MANIFEST_FILE)
    text = file.read_text_if_there()
    return None if text is None else Manifest.from_json(text, str(file))


def digest_of(file: Path | Location) -> str:
    """Return the digest of what a file holds, as 32 hexadecimal digits."""
    digest = xxhash.xxh3_128()
    with file.open("rb") if isinstance(file, Path) else file.open() as opened:
        while chunk := opened.read(_CHUNK):
            check_cancelled()
            digest.update(chunk)
    return digest.hexdigest()
