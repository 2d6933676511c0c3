"""What a worker is told before its first statement, and statements as they travel to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from skyseries.server.limits import Limits
from skyseries.server.work import Upload, Work

__all__ = ["Setup", "setup_of", "work_of"]


@dataclass(frozen=True)
class Setup:
    """What is served, and what a worker may use."""

    catalogs: tuple[tuple[str, str], ...]
    """Names in statements, and the paths or URLs of what `skyseries.sql` takes."""
    metadata: tuple[tuple[str, str], ...] = ()
    """Names, and the TOML files that describe their catalogs in place of their own."""
    plugins: tuple[str, ...] = ()
    """Functions, as ``module:function``, that a worker calls at its start."""
    limits: Limits = field(default_factory=Limits)
    results: str | None = None
    """The folder that results are written into."""
    threads: int = 1
    """Of each worker."""
    scratch: str = ""
    """The folder of one worker for its files; the pool says which."""


def setup_of(said: dict[str, Any]) -> Setup:
    """Return a setup that was sent as JSON of its fields."""
    said = {name: _tuples(value) for name, value in said.items()}
    return Setup(**said | {"limits": Limits(**said["limits"])})


def work_of(said: dict[str, Any]) -> Work:
    """Return a statement that was sent as JSON of its fields."""
    uploads = tuple(Upload(**upload) for upload in said["uploads"])
    info = tuple((name, value) for name, value in said["info"])
    return Work(**said | {"uploads": uploads, "info": info})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
