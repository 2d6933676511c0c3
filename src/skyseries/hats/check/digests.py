"""Checks of a version's files against its manifest: no byte of them has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skyseries.executors import Task, count_bytes, run_tasks
from skyseries.hats.check.files import BROKEN, said
from skyseries.hats.check.findings import Findings
from skyseries.hats.listing import list_files
from skyseries.hats.manifest import MANIFEST_FILE, FileFacts, Manifest, digest_of, read_manifest
from skyseries.store import Entry
from skyseries.store.base import CLAIM
from skyseries.store.files import Location

__all__ = ["check_manifest"]

_TASK_BYTES = 1 << 28
_TASK_FILES = 200
"""A task reads files until it has one of both."""
_PARQUET = (".parquet", ".parq", "_metadata")
"""How the names of Parquet files end."""


def check_manifest(root: Location, deep: bool, findings: Findings) -> bool:
    """Compare the files in the folder of a version with what it was written with.

    Parameters
    ----------
    root : Location
        The folder. One without a manifest has nothing to be compared with.
    deep : bool
        Read all files, and compare their digests; False: only which there are, and their bytes.
    findings : Findings
        Where it is told what is wrong.

    Returns
    -------
    safe : bool
        False if a Parquet file has changed: it is not to be opened, for a wrong byte in a footer
        can end the whole process.
    """
    try:
        manifest = read_manifest(root)
    except BROKEN as error:
        findings.fault("broken-manifest", MANIFEST_FILE, said(error))
        return True
    if manifest is None:
        return True
    findings.count("files", len(manifest.files))
    there = _listed(root, findings)
    same = dict(manifest.files)
    if there is not None:
        changed = _other_sizes(manifest, there, findings)
        same = {p: facts for p, facts in same.items() if p in there and p not in changed}
    else:
        changed = []
    if deep:
        tasks = _tasks(root, same, findings.prefix)
        stage = run_tasks("reading all bytes", tasks, ordered=True, unit="bytes")
        for _, (found, paths) in stage:
            findings.add(found)
            changed += paths
    if any(path.endswith(_PARQUET) for path in changed):
        what = "rows and footers are not looked at as long as Parquet files are not as written"
        findings.warn("not-checked", "", what)
        return False
    return True


def _listed(root: Location, findings: Findings) -> dict[str, Entry] | None:
    """Return the files that are there; None where a place cannot list them."""
    try:
        there = list_files(root)
        if there.pop(MANIFEST_FILE, None) is not None:
            return there
        why = "the place does not list its files"
    except BROKEN as error:
        why = said(error)
    findings.warn("not-listed", "", f"which files are there is not known: {why}")
    return None


def _other_sizes(manifest: Manifest, there: dict[str, Entry], findings: Findings) -> list[str]:
    """Tell which files are missing, too many, or of another size; return the last."""
    changed = []
    for path, facts in manifest.files.items():
        if path not in there:
            findings.fault("lost-file", path, "the manifest names it, and it is not there")
        elif there[path].nbytes != facts.nbytes:
            what = f"has {there[path].nbytes:,} bytes; it was written with {facts.nbytes:,}"
            findings.fault("changed-file", path, what)
            changed.append(path)
    for path in sorted(there.keys() - manifest.files.keys() - {CLAIM}):
        hidden = path.rpartition("/")[2].startswith(".")
        findings.note(not hidden, "unknown-file", path, "the manifest does not name it")
    return changed


def _tasks(root: Location, files: Mapping[str, FileFacts], prefix: str) -> list[Task]:
    groups: list[list[tuple[str, FileFacts]]] = []
    room = 0
    for path, facts in sorted(files.items()):
        if room <= 0 or len(groups[-1]) == _TASK_FILES:
            groups.append([])
            room = _TASK_BYTES
        groups[-1].append((path, facts))
        room -= facts.nbytes
    return [
        Task(
            _other_bytes,
            (root, tuple(group), prefix),
            float(sum(facts.nbytes for _, facts in group)),
            f"digest of {group[0][0]}",
        )
        for group in groups
    ]


def _other_bytes(
    root: Location, files: Sequence[tuple[str, FileFacts]], prefix: str
) -> tuple[Findings, list[str]]:
    """Tell which files hold other bytes than was recorded; return them too."""
    findings, changed = Findings(prefix), []
    for path, facts in files:
        try:
            digest = digest_of(root.join(path))
        except BROKEN as error:
            findings.fault("lost-file", path, f"cannot be read: {said(error)}")
            continue
        count_bytes(facts.nbytes)
        if digest != facts.digest:
            what = "holds other bytes than it was written with: its digest is another"
            findings.fault("changed-file", path, what)
            changed.append(path)
    return findings, changed
