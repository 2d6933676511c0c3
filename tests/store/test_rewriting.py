"""Changes of several writers to one file: each is made to what is there."""

from __future__ import annotations

import itertools

import pytest

from skyseries.errors import StorageError
from skyseries.store import rewrite
from tests.store.contract import WRITERS, at_once
from tests.store.memory import MemoryStore


def add_one(content: bytes | None) -> bytes:
    return b"%d" % (int(content or b"0") + 1)


def test_no_change_is_lost() -> None:
    store = MemoryStore()

    def change() -> None:
        for _ in range(20):
            rewrite(store, "count", add_one)

    assert at_once(*[change] * WRITERS) == [None] * WRITERS
    assert store.read("count").content == b"%d" % (20 * WRITERS)


def test_what_is_to_stay_is_not_written() -> None:
    store = MemoryStore()
    rewrite(store, "a", lambda content: None)
    assert store.read("a") is None
    assert store.objects.calls == []


@pytest.mark.parametrize("there", [False, True])
def test_another_that_never_ends(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skyseries.store.rewriting.time.sleep", lambda seconds: None)
    store = MemoryStore()
    if there:
        store.create("a", b"")
    numbers = itertools.count()

    def change(content: bytes | None) -> bytes:
        store.delete("a")
        if there:
            store.create("a", b"%d" % next(numbers))
        return b"mine"

    if there:
        with pytest.raises(StorageError, match="memory bucket/a was changed by others 100 times"):
            rewrite(store, "a", change)
    else:
        rewrite(store, "a", change)
        assert store.read("a").content == b"mine"
