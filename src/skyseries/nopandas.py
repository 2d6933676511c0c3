"""Commands and workers do without pandas.

pyarrow imports it where it is installed, a quarter of a second, only to see whether what it is
given is of it. In a process of our own nothing is, but where code of users runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["allow_pandas", "deny_pandas"]


class _NoPandas:
    """Says where pandas is to those who only ask, as astropy does, and does not import it."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "pandas" else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        raise ModuleNotFoundError("this process of Skyseries does without pandas", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Never reached; a loader has it."""


_FINDER = _NoPandas()


def deny_pandas() -> None:
    """Have every import of pandas in this process fail."""
    sys.meta_path.insert(0, _FINDER)


def allow_pandas() -> None:
    """Take `deny_pandas` back, before pyarrow has asked."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
