"""Magnitudes of variable stars and transients as functions of time and band.

Each function takes times (days), band indices (into ``UGRIZY``) and the object's parameters, and
returns what its class adds to the mean magnitude; supernovae return fluxes, since theirs start
at zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyseries.arraytypes import Floats

__all__ = [
    "contact_binary",
    "detached_binary",
    "long_period",
    "microlensing",
    "rr_lyrae",
    "supernova_ia",
]

Bands = NDArray[np.integer]

_RR_LYRAE_AMPLITUDE = np.array([0.95, 1.00, 0.71, 0.57, 0.52, 0.50])
"""Relative to g: Sesar et al. 2010, ApJ 708, 717, section 4 (y extrapolated)."""
_MIRA_AMPLITUDE = np.array([1.05, 1.00, 0.85, 0.65, 0.50, 0.43])
_WAVELENGTH_NM = np.array([368.0, 480.0, 623.0, 754.0, 869.0, 971.0])
"""Of the LSST bands."""
_HC_PER_K = 1.4387769e7
"""h c / k, nm K."""
_SN_RISE = np.array([3.2, 3.6, 4.0, 4.2, 4.4, 4.5])
_SN_FALL = np.array([9.0, 13.0, 20.0, 24.0, 26.0, 27.0])
_SN_DELAY = np.array([-2.0, 0.0, 1.5, -0.5, -1.0, -1.5])
_SN_BUMP = np.array([0.0, 0.0, 0.16, 0.34, 0.38, 0.45])
_SN_COLOUR = np.array([0.75, 0.0, 0.02, 0.45, 0.55, 0.55])
"""Magnitude at maximum less that in g."""


def rr_lyrae(
    time: Floats, band: Bands, *, period: float, epoch: float, amplitude: float, overtone: bool
) -> Floats:
    """Pulsation of an RR Lyrae star: type ab, or type c where `overtone` is true.

    Parameters
    ----------
    period : float
        Days.
    epoch : float
        Time of maximum light, to a few hundredths of the period.
    amplitude : float
        From maximum to minimum in g, mag; in other bands after Sesar et al. 2010.
    """
    coefficient = _COEFFICIENTS_C if overtone else _COEFFICIENTS_AB
    phase = 2.0 * np.pi * ((time - epoch) / period)
    shape = np.zeros_like(phase)
    for k, (sine, cosine) in enumerate(coefficient, start=1):
        shape += sine * np.sin(k * phase) + cosine * np.cos(k * phase)
    return np.asarray(shape * (amplitude * _RR_LYRAE_AMPLITUDE[band]))


def _fourier_template(rise: float, sharpness: float, n_terms: int) -> Floats:
    """Return sine and cosine terms of a curve that rises in a part of the phase and falls slowly.

    The magnitude is a cosine of a phase that runs fast during the rise; its first terms are
    scaled to a range of 1.
    """
    phase = (np.arange(2048) + 0.5) / 2048.0
    falling = 1.0 - rise
    stretched = np.where(
        phase < falling,
        0.5 * (phase / falling) ** sharpness,
        0.5 + 0.5 * (phase - falling) / rise,
    )
    curve = -np.cos(2.0 * np.pi * stretched)
    k = np.arange(1, n_terms + 1)[:, None]
    sine = 2.0 * np.mean(curve * np.sin(2.0 * np.pi * k * phase), axis=1)
    cosine = 2.0 * np.mean(curve * np.cos(2.0 * np.pi * k * phase), axis=1)
    angle = 2.0 * np.pi * k * phase
    series = sine @ np.sin(angle) + cosine @ np.cos(angle)
    return np.asarray(np.column_stack([sine, cosine]) / (series.max() - series.min()))


_COEFFICIENTS_AB = _fourier_template(rise=0.17, sharpness=0.65, n_terms=8)
_COEFFICIENTS_C = _fourier_template(rise=0.42, sharpness=1.0, n_terms=4)


def detached_binary(
    time: Floats,
    band: Bands,
    *,
    period: float,
    epoch: float,
    radii: tuple[float, float],
    temperatures: tuple[float, float],
    inclination: float,
) -> Floats:
    """Eclipses of two round stars of even brightness on a circular orbit.

    Parameters
    ----------
    period : float
        Days.
    epoch : float
        Time of the eclipse of the first star.
    radii : (float, float)
        In units of the distance between the stars.
    temperatures : (float, float)
        Kelvin: the stars shine as black bodies, so that eclipses differ between bands.
    inclination : float
        Degrees; 90 is edge on.
    """
    angle = 2.0 * np.pi * ((time - epoch) / period)
    tilt = np.radians(inclination)
    distance = np.sqrt(np.sin(angle) ** 2 + (np.cos(angle) * np.cos(tilt)) ** 2)
    hidden = _overlap(distance, *radii)
    first_behind = np.cos(angle) > 0.0
    brightness = _black_body(np.asarray(temperatures)[:, None], _WAVELENGTH_NM)
    total = np.pi * (radii[0] ** 2 * brightness[0] + radii[1] ** 2 * brightness[1])
    lost = hidden * np.where(first_behind, brightness[0][band], brightness[1][band])
    return np.asarray(-2.5 * np.log10(1.0 - lost / total[band]))


def _overlap(distance: Floats, r1: float, r2: float) -> Floats:
    """Return the area that two discs share."""
    apart = np.clip(distance, abs(r1 - r2) + 1e-12, r1 + r2)
    half1 = np.arccos(np.clip((apart**2 + r1**2 - r2**2) / (2.0 * apart * r1), -1.0, 1.0))
    half2 = np.arccos(np.clip((apart**2 + r2**2 - r1**2) / (2.0 * apart * r2), -1.0, 1.0))
    segments = r1**2 * (half1 - 0.5 * np.sin(2.0 * half1))
    return np.asarray(segments + r2**2 * (half2 - 0.5 * np.sin(2.0 * half2)))


def _black_body(temperature: Floats, wavelength_nm: Floats) -> Floats:
    """Return Planck's brightness per frequency, in any unit."""
    return 1.0 / (wavelength_nm**3 * np.expm1(_HC_PER_K / (wavelength_nm * temperature)))


def contact_binary(
    time: Floats,
    band: Bands,
    *,
    period: float,
    epoch: float,
    amplitude: float,
    unevenness: float = 0.1,
) -> Floats:
    """Return the light of two stars that touch: two minima of nearly equal depth in a period.

    Parameters
    ----------
    period : float
        Days.
    epoch : float
        Time of the deeper minimum.
    amplitude : float
        Depth of the deeper minimum, mag, nearly the same in all bands.
    unevenness : float
        How much shallower the other minimum is, as a part of the depth.
    """
    phase = 2.0 * np.pi * ((time - epoch) / period)
    # |sin| is the projected separation; the power makes the minima narrower than the maxima
    minima = 1.0 - np.abs(np.sin(phase)) ** 1.4
    weaker = 1.0 - 0.5 * unevenness * (1.0 - np.cos(phase))
    return np.asarray(amplitude * minima * weaker * (1.0 - 0.01 * band))


def long_period(
    time: Floats, band: Bands, *, period: float, epoch: float, amplitude: float
) -> Floats:
    """Return the pulsation of a Mira: months long, largest in the blue, rising faster than falling.

    Parameters
    ----------
    period : float
        Days.
    epoch : float
        Time of maximum light.
    amplitude : float
        From maximum to minimum in g, mag.
    """
    phase = 2.0 * np.pi * ((time - epoch) / period)
    shape = -0.5 * np.cos(phase + 0.35 * (np.cos(phase) - 1.0))
    return np.asarray(amplitude * _MIRA_AMPLITUDE[band] * shape)


def microlensing(
    time: Floats, band: Bands, *, t0: float, einstein_time: float, u0: float
) -> Floats:
    """Return the brightening of a star by a point lens, the same in all bands.

    Parameters
    ----------
    band : ndarray of int
        Not used: lenses know no colour.
    t0 : float
        Time of the maximum.
    einstein_time : float
        Days in which the lens moves by its Einstein radius.
    u0 : float
        Least separation, in Einstein radii.

    Notes
    -----
    A = (u² + 2) / (u sqrt(u² + 4)), u² = u0² + ((t - t0)/tE)²: Paczyński 1986, ApJ 304, 1, eq. 5.
    """
    u2 = u0**2 + ((time - t0) / einstein_time) ** 2
    return np.asarray(-2.5 * np.log10((u2 + 2.0) / np.sqrt(u2 * (u2 + 4.0))))


def supernova_ia(
    time: Floats, band: Bands, *, t0: float, peak_mag: float, stretch: float
) -> Floats:
    """Return the flux (nJy) of an explosion like a type Ia supernova; long before it, zero.

    Parameters
    ----------
    t0 : float
        About the time of maximum in g.
    peak_mag : float
        AB magnitude at maximum in g.
    stretch : float
        1 for a normal light curve; times run slower by this factor.

    Notes
    -----
    exp(-x/fall) / (1 + exp(-x/rise)) (Bazin et al. 2009, A&A 499, 653, eq. 1), with a second
    maximum 25 days later from r to y; times per band are our own round numbers.
    """
    rise, fall = _SN_RISE[band] * stretch, _SN_FALL[band] * stretch
    # the curve's own maximum is at rise * log(fall/rise - 1)
    at_peak = rise * np.log(fall / rise - 1.0)
    x = np.clip(time - t0 - _SN_DELAY[band] * stretch + at_peak, -30.0 * rise, None)
    shape = np.exp(-x / fall) / (1.0 + np.exp(-x / rise))
    height = np.exp(-at_peak / fall) / (1.0 + np.exp(-at_peak / rise))
    later = (time - t0 - 25.0 * stretch) / (9.0 * stretch)
    bump = _SN_BUMP[band] * np.exp(-0.5 * later * later)
    peak_flux = 10.0 ** (0.4 * (31.4 - peak_mag - _SN_COLOUR[band]))
    return np.asarray(peak_flux * (shape / height + bump))
