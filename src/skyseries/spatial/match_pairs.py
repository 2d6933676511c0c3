"""What the searches for matches share: the key of a pair, the planar window, and the k best.

A pair is compared by its *key*, which rises with the separation: sin² of half the angle up to 60
degrees, which needs no arcsine, and from there on linear in the angle, because sin² loses digits
towards 180 degrees.

The k best of one left row are kept as a heap inside the output arrays, the worst on top, ordered
by key and then by right row.
"""

from __future__ import annotations

import math

from skyseries.arraytypes import Floats, Ints
from skyseries.jit import kernel
from skyseries.spatial.sphere import haversine, separation

__all__ = [
    "ANY_ROW", "LATER_ROWS", "OTHER_ROWS", "SLACK", "Limits", "angle_above", "arcsec_of_key",
    "counts", "keep_best", "key_of_angle", "key_of_pair", "limits_of", "ra_stretch", "sort_best",
]  # fmt: skip

Limits = tuple[float, float, float, float, float, float]
"""What `limits_of` returns."""

SLACK = 1e-11
"""Degrees added to planar limits, far above the rounding of a difference of two angles."""
_BORDER = 1e-11
"""Keys are better than this, relatively; nearer to a limit the accurate angle decides."""

ANY_ROW, OTHER_ROWS, LATER_ROWS = 0, 1, 2
"""Which right rows may match a left row when both sides are the same array."""

_HALF = math.pi / 360.0
_TURN = 0.25
"""The key at 60 degrees, where it changes from sin² to a multiple of the angle."""
_SLOPE = 0.01
"""Of the key per degree beyond."""


@kernel
def key_of_pair(delta_ra: float, dec1: float, dec2: float) -> float:
    """Return the key of two positions; `delta_ra` from 0 to 180 degrees."""
    delta_dec = abs(dec1 - dec2)
    if delta_ra < 1.0 and delta_dec < 1.0:
        # the haversine formula, with the sines of small angles by their series
        x, y = _HALF * delta_ra, _HALF * delta_dec
        x2, y2 = x * x, y * y
        x *= 1.0 - x2 * (1.0 / 6.0 - x2 * (1.0 / 120.0 - x2 * (1.0 / 5040.0)))
        y *= 1.0 - y2 * (1.0 / 6.0 - y2 * (1.0 / 120.0 - y2 * (1.0 / 5040.0)))
        cross = x * math.sin(_HALF * (180.0 - abs(dec1 + dec2)))
        key = cross * cross + (1.0 - x * x) * y * y
    else:
        key = haversine(delta_ra, dec1, dec2)
        if key >= _TURN:
            key = _TURN + _SLOPE * (separation(delta_ra, dec1, dec2) - 60.0)
    return key


@kernel
def key_of_angle(angle: float) -> float:
    """Return the key of pairs that are so many degrees apart."""
    if angle < 60.0:
        return math.sin(_HALF * angle) ** 2
    return _TURN + _SLOPE * (min(angle, 180.0) - 60.0)


@kernel
def arcsec_of_key(key: float, limits: Limits) -> float:
    """Return the separation; rounding does not lead out of the range that is searched."""
    if key < _TURN:
        arcsec = math.asin(math.sqrt(key)) / _HALF * 3600.0
    else:
        arcsec = (60.0 + (key - _TURN) / _SLOPE) * 3600.0
    return min(max(arcsec, limits[1]), limits[0])


@kernel
def angle_above(key: float) -> float:
    """Return degrees that pairs with this key are certainly closer than, without an arcsine."""
    if key < _TURN:
        # asin x <= x (1 + 0.2 x²) up to x = 1/2
        return math.sqrt(key) * (1.0 + 0.2 * key) / _HALF + SLACK
    return 60.0 + (key - _TURN) / _SLOPE + SLACK


@kernel
def ra_stretch(dec: float, reach: float) -> float:
    """Return how many degrees of right ascension a degree of reach can be, at most.

    A path of length r that stays at |dec| < D spans at most r / cos(D) of right ascension; the
    great circle from a left position at `dec` to a match stays at |dec| + r at most. Where that
    comes to a pole there is no bound: every right ascension is near.
    """
    x = 2.0 * _HALF * (90.0 - abs(dec) - reach)
    if x <= 1e-9:
        return 1e30
    # a lower bound of sin x: the series is cut after a negative term
    x2 = x * x
    return 1.0 / (x * (1.0 - x2 * (1.0 / 6.0 - x2 * (1.0 / 120.0 - x2 * (1.0 / 5040.0)))))


@kernel
def limits_of(radius_arcsec: float, min_radius_arcsec: float) -> Limits:
    """Return both radii (arcsec), and keys just above and below the border at each."""
    top, bottom = key_of_angle(radius_arcsec / 3600.0), key_of_angle(min_radius_arcsec / 3600.0)
    above, below = 1.0 + _BORDER, 1.0 - _BORDER
    return (
        radius_arcsec, min_radius_arcsec, top * above + 1e-40, top * below,
        bottom * below, bottom * above,
    )  # fmt: skip


@kernel
def counts(
    key: float, limits: Limits, delta_ra: float, dec1: float, dec2: float,
    left: int, right: int, which: int,
) -> bool:  # fmt: skip
    """Return whether a pair is a match; both radii are borders that belong to the range."""
    _, _, above_top, below_top, below_bottom, above_bottom = limits
    result = below_bottom <= key <= above_top
    if result and (key > below_top or key < above_bottom):
        result = _is_between(delta_ra, dec1, dec2, limits)
    if which != ANY_ROW:
        result &= right > left or (right < left and which == OTHER_ROWS)
    return result


@kernel
def _is_between(delta_ra: float, dec1: float, dec2: float, limits: Limits) -> bool:
    """Return whether the accurate angle, that of `sphere.separation_arcsec`, is in the range."""
    return limits[1] <= 3600.0 * separation(delta_ra, dec1, dec2) <= limits[0]


@kernel
def keep_best(keys: Floats, rows: Ints, base: int, count: int, k: int, key: float, row: int) -> int:
    """Put a pair into the heap at `base` if it is among the k best; return their number."""
    if count < k:
        child = count
        count += 1
        while child > 0:
            parent = (child - 1) >> 1
            other, other_row = keys[base + parent], rows[base + parent]
            if key < other or (key == other and row < other_row):
                break
            keys[base + child], rows[base + child] = other, other_row
            child = parent
        keys[base + child], rows[base + child] = key, row
    elif key < keys[base] or (key == keys[base] and row < rows[base]):
        keys[base], rows[base] = key, row
        sift_down(keys, rows, base, count, count - k)
    return count


@kernel
def sift_down(keys: Floats, rows: Ints, base: int, count: int, parent: int) -> None:
    """Bring one entry of the heap to its place, below which the heap is in order."""
    key, row = keys[base + parent], rows[base + parent]
    while True:
        child = 2 * parent + 1
        if child >= count:
            break
        if child + 1 < count:
            here, there = keys[base + child], keys[base + child + 1]
            if there > here or (there == here and rows[base + child + 1] > rows[base + child]):
                child += 1
        other, other_row = keys[base + child], rows[base + child]
        if other < key or (other == key and other_row < row):
            break
        keys[base + parent], rows[base + parent] = other, other_row
        parent = child
    keys[base + parent], rows[base + parent] = key, row


@kernel
def sort_best(keys: Floats, rows: Ints, base: int, count: int, limits: Limits) -> None:
    """Turn the keys of a heap into separations (arcsec), and sort it: best first.

    Different keys can round to the same separation, so that the heap is put in order again.
    """
    zero = min(count, 0)  # a literal argument would be compiled for once more
    for p in range(base, base + count):
        keys[p] = arcsec_of_key(keys[p], limits)
    for parent in range(count // 2 - 1, -1, -1):
        sift_down(keys, rows, base, count, parent)
    for last in range(count - 1, 0, -1):
        key, row = keys[base], rows[base]
        keys[base], rows[base] = keys[base + last], rows[base + last]
        keys[base + last], rows[base + last] = key, row
        sift_down(keys, rows, base, last, zero)
