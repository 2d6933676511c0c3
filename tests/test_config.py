"""Sizes, workers, memory."""

import threading

import numpy as np
import pytest

from skyseries.config import (
    Tuning,
    available_memory,
    cpu_count,
    parse_bytes,
    settings,
    tuned,
    tuning,
)
from skyseries.errors import InputError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GB", 10**9),
        ("512 MiB", 512 << 20),
        ("2e3", 2000),
        (12345, 12345),
        (".5k", 500),
        ("3T", 3 * 10**12),
        ("7b", 7),
    ],
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "1 XB", "-1GB", "0", "1,5GB", -3, 0])
def test_what_is_no_size(text):
    with pytest.raises(InputError, match="write for instance 1GB"):
        parse_bytes(text)


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SKYSERIES_MEMORY", "3GB")
    monkeypatch.setenv("SKYSERIES_WORKERS", "5")
    monkeypatch.setenv("SKYSERIES_TMPDIR", "/scratch")
    settings.cache_clear()
    try:
        assert settings().memory == 3 * 10**9
        assert settings().workers == 5
        assert str(settings().tmp_dir) == "/scratch"
        monkeypatch.setenv("SKYSERIES_WORKERS", "many")
        settings.cache_clear()
        with pytest.raises(InputError, match="many"):
            settings()
    finally:
        settings.cache_clear()


def test_the_machine():
    assert cpu_count() >= 1
    assert available_memory() > 1 << 28


def test_tuning_holds_within_its_block():
    with tuned(unit_rows=10, sent_bytes=0), tuned(group_rows=np.int32(3)):
        assert (tuning().unit_rows, tuning().sent_bytes, tuning().group_rows) == (10, 0, 3)
        assert tuning().group_epochs == Tuning().group_epochs
    assert tuning() == Tuning()


def test_tuning_holds_in_its_thread_only():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(tuning()))
    with tuned(unit_rows=10):
        thread.start()
        thread.join()
    assert seen == [Tuning()]


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"unit_row": 3}, "there is no tuning 'unit_row'; there are .*unit_rows"),
        ({"unit_rows": 0}, "unit_rows must be a whole number from 1 on, not 0"),
        ({"unit_rows": 2.5}, "whole number from 1 on, not 2.5"),
        ({"unit_rows": True}, "not True"),
        ({"sent_bytes": -1}, "sent_bytes must be a whole number from 0 on, not -1"),
        ({"sent_bytes": "1MB"}, "not '1MB'"),
    ],
)
def test_what_is_no_tuning(sizes, said):
    with pytest.raises(InputError, match=said), tuned(**sizes):
        pass
