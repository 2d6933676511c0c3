"""Sizes, workers, memory."""

import pytest

from skyseries.config import available_memory, cpu_count, parse_bytes, settings
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
