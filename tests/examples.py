"""How many examples a property test tries: a part of what the Hypothesis profile says."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["examples"]


def examples(share: float = 1.0) -> settings:
    """Return settings with this share of the profile's examples, one at least.

    A test whose examples are slow takes less than 1, one whose examples are quick takes more; so
    ``HYPOTHESIS_PROFILE=full`` runs more of every test, and ``quick`` fewer.
    """
    return settings(max_examples=max(1, round(share * settings.default.max_examples)))
