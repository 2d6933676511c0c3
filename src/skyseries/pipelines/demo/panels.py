"""Which light curves the demo shows, and how each is folded and labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skyseries.photometry import njy_to_mag
from skyseries.pipelines.demo.recovery import FoundObject
from skyseries.plot.demo import Panel

__all__ = ["choose_panels"]

_SHOWN: tuple[tuple[str, str, float], ...] = (
    ("rr_lyrae_ab", "RR Lyrae, type ab", 0.9),
    ("rr_lyrae_ab", "RR Lyrae, type ab, fainter", 0.35),
    ("rr_lyrae_c", "RR Lyrae, type c", 0.8),
    ("detached_binary", "Detached eclipsing binary", 0.8),
    ("detached_binary", "Detached eclipsing binary", 0.6),
    ("contact_binary", "Contact binary", 0.7),
    ("long_period", "Long-period variable", 0.5),
    ("microlensing", "Microlensing event", 0.8),
    ("supernova_ia", "Type Ia supernova", 0.8),
)
"""Class, title, and how bright the object is among those of its class (1: the brightest)."""
_ECLIPSING = ("detached_binary", "contact_binary")
"""Their phase 0 is the deeper minimum; that of others the maximum."""
_DAYS_BEFORE, _DAYS_AFTER = 80.0, 140.0
_NJY_PER_MICROJANSKY = 1000.0
_LARGEST_GAP = 0.15
_LEAST_SIGNAL = 3.0


def choose_panels(found: Sequence[FoundObject], limit: int) -> list[Panel]:
    """Return panels for objects that were found right, of every class that has one.

    Parameters
    ----------
    found : sequence of FoundObject
    limit : int
        How many panels at most.
    """
    panels = []
    for name, title, rank in _SHOWN[:limit]:
        members = [one for one in found if one.truth["class"] == name and _is_right(one)]
        if not members:
            continue
        members.sort(key=lambda one: float(np.quantile(one.flux, 0.9)))
        chosen = members[min(int(rank * len(members)), len(members) - 1)]
        panels.append(_event(chosen, title) if _is_event(chosen) else _folded(chosen, title))
    return panels


def _is_event(one: FoundObject) -> bool:
    return bool(np.isfinite(one.truth["event_time"]))


def _is_right(one: FoundObject) -> bool:
    """Return whether the object makes a good figure: found right, and an event well covered."""
    if not _is_event(one):
        span = float(np.ptp(one.time))
        is_first = one.rank_of(one.truth["period"], span) == 0
        return is_first and _largest_gap(one) < _LARGEST_GAP
    near = np.abs(one.time - one.truth["event_time"]) < one.truth["event_duration"]
    return one.is_caught and int(near.sum()) >= 20


def _largest_gap(one: FoundObject) -> float:
    """Return the longest part of the cycle without an epoch."""
    phase = np.sort(np.mod(one.time / one.truth["period"], 1.0))
    return float(np.max(np.diff(phase, append=phase[0] + 1.0)))


def _folded(one: FoundObject, title: str) -> Panel:
    best, true = float(one.peaks[0]), one.truth["period"]
    digits = 5 if true < 50.0 else 1
    # fainter epochs have magnitudes, but their bars would be all that is seen
    clear = one.flux > _LEAST_SIGNAL * one.flux_err
    mag, mag_err = njy_to_mag(one.flux[clear], one.flux_err[clear])
    return Panel(
        title=title,
        subtitle=f"true period {true:.{digits}f} d, found {best:.{digits}f} d",
        time=one.time[clear],
        value=mag,
        error=np.asarray(mag_err),
        band=one.band[clear],
        is_magnitude=True,
        period=best,
        origin=one.epoch_min if one.truth["class"] in _ECLIPSING else one.epoch_max,
    )


def _event(one: FoundObject, title: str) -> Panel:
    days = one.time - one.truth["event_time"]
    half = max(_DAYS_BEFORE, 1.5 * one.truth["event_duration"])
    near = (days > -half) & (days < max(_DAYS_AFTER, half))
    # a supernova comes out of nothing: it has no magnitude before
    is_mag = one.truth["class"] != "supernova_ia"
    mag, mag_err = njy_to_mag(one.flux[near], one.flux_err[near])
    off = one.event_time - one.truth["event_time"]
    return Panel(
        title=title,
        subtitle=f"true maximum MJD {one.truth['event_time']:.1f}, brightest epoch {off:+.1f} d",
        time=one.time[near],
        value=mag if is_mag else one.flux[near] / _NJY_PER_MICROJANSKY,
        error=np.asarray(mag_err) if is_mag else one.flux_err[near] / _NJY_PER_MICROJANSKY,
        band=one.band[near],
        is_magnitude=is_mag,
        origin=one.truth["event_time"],
    )
