"""Whether a service works: VOSI 1.1, section 5."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from skyseries.server.documents.xml import added, root, serialized

__all__ = ["availability"]

_NAMESPACE = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"


def availability(
    available: bool,
    up_since: datetime | None = None,
    *,
    down_at: datetime | None = None,
    back_at: datetime | None = None,
    notes: Sequence[str] = (),
) -> bytes:
    """Return the document.

    Parameters
    ----------
    available : bool
        Whether statements are taken.
    up_since, down_at, back_at : datetime, optional
        When it began to work, will stop, and will work again.
    notes : sequence of str
        For people.
    """
    document = root("vosi:availability", {"vosi": _NAMESPACE})
    _add(document, "available", str(available).lower())
    for name, time in (("upSince", up_since), ("downAt", down_at), ("backAt", back_at)):
        if time is not None:
            _add(document, name, _utc(time))
    for note in notes:
        _add(document, "note", note)
    return serialized(document)


def _add(document: object, name: str, text: str) -> None:
    added(document, f"{{{_NAMESPACE}}}{name}", text)  # type: ignore[arg-type]


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
