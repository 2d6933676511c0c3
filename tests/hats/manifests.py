"""Manifests of versions, as a writer leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from skyseries.hats.listing import list_files
from skyseries.hats.manifest import MANIFEST_FILE, FileFacts, Manifest, digest_of
from skyseries.store.files import Location


def record(version: Path, run: str = "run", made: datetime | None = None) -> Manifest:
    """Write the manifest of what lies in the folder of a version."""
    (version / MANIFEST_FILE).unlink(missing_ok=True)
    files = {
        path: FileFacts(there.nbytes, digest_of(version / path))
        for path, there in list_files(Location(str(version))).items()
    }
    manifest = Manifest(run, (made or datetime.now(UTC)).replace(microsecond=0), files)
    (version / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    return manifest
