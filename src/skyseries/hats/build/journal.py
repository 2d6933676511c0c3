"""What has been done: one small file per finished task, so that a run can go on where it stopped.

A task writes its outputs under temporary names, renames them, and last of all writes its mark: what
it reported, and size and digest of each file of that. A mark whose files are not as it says is not
believed: nothing of this is flushed to the disk before a version is published, and after a power
cut any of it may be gone or cut short. What has no mark is done again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skyseries.executors import Task, run_tasks
from skyseries.hats.manifest import digest_of
from skyseries.store.files import storage_errors, write_text

__all__ = ["Journal", "Outcome", "gathered", "is_whole", "total"]

Outcome = dict[str, Any]
"""What a task reports; plain JSON. A file that it has written is named as a ``path``."""


class Journal:
    """The marks of one run.

    Parameters
    ----------
    folder : Path or None
        Where the marks are; None: none are made, for a run that is not gone on with.
    digests : bool
        Make digests of files: else a file is believed that has its size, which is enough as long
        as the machine goes on.
    """

    def __init__(self, folder: Path | None, digests: bool = True) -> None:
        self._folder = folder
        self._digests = digests

    @property
    def is_kept(self) -> bool:
        """Whether there are marks."""
        return self._folder is not None

    def has_begun(self, *but: str) -> bool:
        """Whether anything has been done or kept, but for notes of these names."""
        if self._folder is None:
            return False
        known = {self._folder / f"{name}.json" for name in but}
        return any(path not in known for path in self._folder.rglob("*.json"))

    def below(self, name: str) -> Journal:
        """Return the journal of a part of this run."""
        return Journal(None if self._folder is None else self._folder / name, self._digests)

    def run(self, stage: str, tasks: Sequence[Task], unit: str | None = "rows") -> list[Outcome]:
        """Run those tasks of a stage that have no mark yet; return all outcomes in order."""
        outcomes: dict[int, Outcome] = {}
        for number in range(len(tasks)):
            if (known := self._known(stage, number)) is not None:
                outcomes[number] = known
        todo = [number for number in range(len(tasks)) if number not in outcomes]
        marked = [self._marked(stage, number, tasks[number]) for number in todo]
        before = [tasks[number] for number in outcomes]
        for index, value in run_tasks(stage, marked, unit=unit, before=before):
            outcomes[todo[index]] = value
        return [outcomes[number] for number in range(len(tasks))]

    def note(self, name: str) -> dict[str, Any] | None:
        """Return what was kept about the run under this name."""
        return None if self._folder is None else _read(self._folder / f"{name}.json")

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep something about the run."""
        if self._folder is not None:
            write_text(self._folder / f"{name}.json", json.dumps(value))

    def forget(self, name: str) -> None:
        """Remove what was kept about the run under this name."""
        if self._folder is not None:
            (self._folder / f"{name}.json").unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all marks; none are made from here on."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def _mark(self, stage: str, number: int) -> Path | None:
        return None if self._folder is None else self._folder / stage / f"{number:06d}.json"

    def _marked(self, stage: str, number: int, task: Task) -> Task:
        mark = self._mark(stage, number)
        if mark is None:
            return task
        arguments = (mark, self._digests, task.function, task.args)
        return Task(_marked, arguments, task.weight, task.name)

    def _known(self, stage: str, number: int) -> Outcome | None:
        """Return what a finished task reported; None if it has to be done again."""
        mark = self._mark(stage, number)
        said = None if mark is None else _read(mark)
        if said is None or not all(
            is_whole(Path(path), *was) for path, was in said["files"].items()
        ):
            return None
        outcome: Outcome = said["outcome"]
        return outcome


def is_whole(path: Path, nbytes: int, digest: str | None) -> bool:
    """Whether a file is still as it was when it was written."""
    try:
        same = path.stat().st_size == nbytes
        return same and (digest is None or digest_of(path) == digest)
    except OSError:
        return False


def total(outcomes: Iterable[Outcome], key: str) -> int:
    """Return the sum of one number over outcomes."""
    return sum(int(outcome.get(key, 0)) for outcome in outcomes)


def gathered(outcomes: Iterable[Outcome], key: str) -> Iterator[Any]:
    """Yield the items of one list over outcomes."""
    for outcome in outcomes:
        yield from outcome.get(key, ())


def _marked(
    mark: Path, digests: bool, function: Callable[..., Outcome], args: tuple[Any, ...]
) -> Outcome:
    with storage_errors(str(mark)):
        outcome = function(*args)
        files = {path: _state(path, digest, digests) for path, digest in _files(outcome)}
        write_text(mark, json.dumps({"outcome": outcome, "files": files}))
    return outcome


def _files(outcome: Any) -> Iterator[tuple[str, str | None]]:
    """Yield the files that are named in an outcome, with their digests where it says them."""
    if isinstance(outcome, list):
        for item in outcome:
            yield from _files(item)
    elif isinstance(outcome, dict):
        if "path" in outcome:
            yield outcome["path"], outcome.get("digest")
        for item in outcome.values():
            yield from _files(item)


def _state(path: str, digest: str | None, wanted: bool) -> tuple[int, str | None]:
    file = Path(path)
    return file.stat().st_size, digest or (digest_of(file) if wanted else None)


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a mark says; None if there is none, or not all of it."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) else None
