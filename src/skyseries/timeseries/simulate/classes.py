"""What kinds of objects a simulated survey holds: their colours, parameters and light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats
from skyseries.photometry import mag_to_njy
from skyseries.timeseries.simulate import variables

__all__ = ["CLASSES", "Draw", "ObjectClass"]

Bands = NDArray[np.integer]
Light = Callable[[Floats, Bands], Floats]


@dataclass(frozen=True)
class Draw:
    """One object of a class, with the truth about it."""

    flux: Light
    """Times (days) and band indices to fluxes, nJy."""
    r_mag: float
    period: float = float("nan")
    amplitude: float = float("nan")
    """In g, mag."""
    event_time: float = float("nan")
    event_duration: float = float("nan")


@dataclass(frozen=True)
class ObjectClass:
    """How the objects of a class are drawn."""

    name: str
    draw: Callable[[np.random.Generator, float, float], Draw] = field(repr=False)
    """From a source of random numbers, the first day and the last day of the survey."""
    is_periodic: bool = False
    is_event: bool = False
    """Whether it happens once."""


def _colours(g_r: float) -> Floats:
    """Return magnitudes in ugrizy less that in r, for a star of this g - r.

    A rough stellar locus after Covey et al. 2007, AJ 134, 2398, figure 3.
    """
    r_i = 0.42 * g_r if g_r < 1.2 else 0.5 + 0.9 * (g_r - 1.2) / 0.25
    u_g = 0.9 + 1.25 * max(g_r - 0.15, 0.0)
    i_z = 0.02 + 0.55 * r_i
    z_y = 0.01 + 0.25 * r_i
    return np.array([u_g + g_r, g_r, 0.0, -r_i, -r_i - i_z, -r_i - i_z - z_y])


def _star(r_mag: float, g_r: float, change: Light | None = None) -> Light:
    """Return the flux of a star whose magnitudes change by `change`."""
    mean = r_mag + _colours(g_r)

    def flux(time: Floats, band: Bands) -> Floats:
        mag = mean[band] if change is None else mean[band] + change(time, band)
        return np.asarray(mag_to_njy(mag)[0], np.float64)

    return flux


def _mag(rng: np.random.Generator, bright: float, faint: float) -> float:
    """Draw a magnitude: faint stars are more frequent."""
    return float(bright + (faint - bright) * np.sqrt(rng.uniform()))


def _constant(rng: np.random.Generator, start: float, end: float) -> Draw:
    r_mag = _mag(rng, 17.0, 23.5)
    return Draw(_star(r_mag, rng.uniform(0.2, 1.4)), r_mag, amplitude=0.0)


def _rr_lyrae_ab(rng: np.random.Generator, start: float, end: float) -> Draw:
    period = float(np.clip(rng.normal(0.58, 0.07), 0.42, 0.85))
    # the longer the period, the smaller the amplitude (Bailey's diagram)
    amplitude = float(np.clip(2.6 - 2.7 * period + rng.normal(0.0, 0.12), 0.35, 1.4))
    return _rr_lyrae(rng, start, period, amplitude, overtone=False)


def _rr_lyrae_c(rng: np.random.Generator, start: float, end: float) -> Draw:
    period = float(np.clip(rng.normal(0.33, 0.035), 0.24, 0.42))
    amplitude = float(np.clip(rng.normal(0.5, 0.07), 0.3, 0.7))
    return _rr_lyrae(rng, start, period, amplitude, overtone=True)


def _rr_lyrae(
    rng: np.random.Generator, start: float, period: float, amplitude: float, *, overtone: bool
) -> Draw:
    r_mag, epoch = _mag(rng, 17.0, 22.0), start + rng.uniform(0.0, period)

    def change(time: Floats, band: Bands) -> Floats:
        return variables.rr_lyrae(
            time, band, period=period, epoch=epoch, amplitude=amplitude, overtone=overtone
        )

    return Draw(_star(r_mag, rng.normal(0.22, 0.05), change), r_mag, period, amplitude)


def _detached_binary(rng: np.random.Generator, start: float, end: float) -> Draw:
    period = float(10.0 ** rng.uniform(-0.1, 0.6))
    radii = (float(rng.uniform(0.20, 0.30)), float(rng.uniform(0.12, 0.20)))
    hot = float(rng.uniform(5000.0, 8000.0))
    temperatures = (hot, hot * float(rng.uniform(0.65, 0.95)))
    inclination = float(rng.uniform(84.0, 90.0))
    r_mag, epoch = _mag(rng, 17.0, 21.0), start + rng.uniform(0.0, period)

    def change(time: Floats, band: Bands) -> Floats:
        return variables.detached_binary(
            time, band, period=period, epoch=epoch, radii=radii, temperatures=temperatures,
            inclination=inclination,
        )  # fmt: skip

    amplitude = float(change(np.array([epoch]), np.array([1]))[0])
    return Draw(_star(r_mag, rng.uniform(0.2, 0.8), change), r_mag, period, amplitude)


def _contact_binary(rng: np.random.Generator, start: float, end: float) -> Draw:
    period = float(np.clip(rng.normal(0.36, 0.06), 0.24, 0.6))
    amplitude = float(rng.uniform(0.25, 0.75))
    unevenness = float(rng.uniform(0.0, 0.15))
    r_mag, epoch = _mag(rng, 17.0, 21.5), start + rng.uniform(0.0, period)

    def change(time: Floats, band: Bands) -> Floats:
        return variables.contact_binary(
            time, band, period=period, epoch=epoch, amplitude=amplitude, unevenness=unevenness
        )

    return Draw(_star(r_mag, rng.uniform(0.3, 0.9), change), r_mag, period, amplitude)


def _long_period(rng: np.random.Generator, start: float, end: float) -> Draw:
    period = float(rng.uniform(120.0, min(400.0, max(0.4 * (end - start), 130.0))))
    amplitude = float(rng.uniform(2.0, 5.0))
    r_mag, epoch = _mag(rng, 18.0, 20.5), start + rng.uniform(0.0, period)

    def change(time: Floats, band: Bands) -> Floats:
        return variables.long_period(time, band, period=period, epoch=epoch, amplitude=amplitude)

    return Draw(_star(r_mag, rng.normal(1.3, 0.05), change), r_mag, period, amplitude)


def _microlensing(rng: np.random.Generator, start: float, end: float) -> Draw:
    u0, einstein_time = float(rng.uniform(0.05, 0.4)), float(10.0 ** rng.uniform(1.2, 1.8))
    t0 = float(rng.uniform(start, end))
    r_mag = _mag(rng, 18.0, 22.0)

    def change(time: Floats, band: Bands) -> Floats:
        return variables.microlensing(time, band, t0=t0, einstein_time=einstein_time, u0=u0)

    return Draw(
        _star(r_mag, rng.uniform(0.4, 1.3), change),
        r_mag,
        amplitude=float(-change(np.array([t0]), np.array([1]))[0]),
        event_time=t0,
        event_duration=2.0 * einstein_time,
    )


def _supernova_ia(rng: np.random.Generator, start: float, end: float) -> Draw:
    t0, peak_mag = float(rng.uniform(start, end)), _mag(rng, 18.5, 22.0)
    stretch = float(np.clip(rng.normal(1.0, 0.1), 0.75, 1.25))

    def flux(time: Floats, band: Bands) -> Floats:
        return variables.supernova_ia(time, band, t0=t0, peak_mag=peak_mag, stretch=stretch)

    return Draw(flux, float("nan"), event_time=t0, event_duration=60.0 * stretch)


CLASSES: dict[str, ObjectClass] = {
    kind.name: kind
    for kind in (
        ObjectClass("constant", _constant),
        ObjectClass("rr_lyrae_ab", _rr_lyrae_ab, is_periodic=True),
        ObjectClass("rr_lyrae_c", _rr_lyrae_c, is_periodic=True),
        ObjectClass("detached_binary", _detached_binary, is_periodic=True),
        ObjectClass("contact_binary", _contact_binary, is_periodic=True),
        ObjectClass("long_period", _long_period, is_periodic=True),
        ObjectClass("microlensing", _microlensing, is_event=True),
        ObjectClass("supernova_ia", _supernova_ia, is_event=True),
    )
}
"""The classes by name, in the order in which tables show them."""
