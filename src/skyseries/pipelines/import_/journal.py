"""What has been done: one small file per finished task, so that an import can be resumed.

A task writes its outputs under temporary names, renames them, and last of all writes its mark.
A mark therefore says that all outputs are whole; whatever has none is done again and
overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from skyseries.executors import Job, Task
from skyseries.hats.build.runs import is_whole
from skyseries.store.files import storage_errors, write_text

__all__ = ["Journal", "Outcome", "gathered", "total"]

Outcome = dict[str, Any]
"""What a task reports; plain JSON."""


class Journal:
    """The marks of one import.

    Parameters
    ----------
    folder : Path
        Where the marks are.
    job : Job
        Its stages are those of the import.
    """

    def __init__(self, folder: Path, job: Job) -> None:
        self._folder = folder
        self._job = job

    def below(self, name: str) -> Journal:
        """Return the journal of a part of this import."""
        return Journal(self._folder / name, self._job)

    def run(self, stage: str, tasks: Sequence[Task]) -> list[Outcome]:
        """Run those tasks of a stage that have no mark yet; return all outcomes in order."""
        marks = [self._folder / stage / f"{number:06d}.json" for number in range(len(tasks))]
        known = {number: _read(path) for number, path in enumerate(marks)}
        outcomes = {number: outcome for number, outcome in known.items() if outcome is not None}
        todo = [number for number in known if number not in outcomes]
        marked = [
            Task(
                _marked,
                (marks[n], tasks[n].function, tasks[n].args),
                tasks[n].weight,
                tasks[n].name,
            )
            for n in todo
        ]
        before = [tasks[number] for number in outcomes]
        for index, value in self._job.run(stage, marked, unit="rows", before=before):
            outcomes[todo[index]] = value
        return [outcomes[number] for number in range(len(tasks))]


def total(outcomes: Iterable[Outcome], key: str) -> int:
    """Return the sum of one number over outcomes."""
    return sum(int(outcome.get(key, 0)) for outcome in outcomes)


def gathered(outcomes: Iterable[Outcome], key: str) -> Iterator[Any]:
    """Yield the items of one list over outcomes."""
    for outcome in outcomes:
        yield from outcome.get(key, ())


def _marked(mark: Path, function: Callable[..., Outcome], args: tuple[Any, ...]) -> Outcome:
    with storage_errors(str(mark)):
        outcome = function(*args)
        write_text(mark, json.dumps(outcome))
    return outcome


def _read(path: Path) -> Outcome | None:
    """Return what a finished task reported; None if it has to be done again."""
    try:
        outcome = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return outcome if _are_whole(outcome) else None


def _are_whole(outcome: Any) -> bool:
    """Whether the runs that are named in an outcome have their last bytes.

    Marks are flushed to the disk but runs are not: after a power cut, a run may be cut short.
    """
    if isinstance(outcome, list):
        return all(map(_are_whole, outcome))
    if not isinstance(outcome, dict):
        return True
    if "path" in outcome and not is_whole(Path(outcome["path"])):
        return False
    return all(map(_are_whole, outcome.values()))
