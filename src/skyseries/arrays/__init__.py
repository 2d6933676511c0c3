"""What users give as arrays and numbers, of whichever library, as plain NumPy arrays.

One rule each: units are converted (`skyseries.units`); what is masked, null, NA or None is NaN
in numbers and None in labels; text, booleans and complex numbers are no numbers; times of astropy,
NumPy and pandas become days.
"""

from skyseries.arrays.labels import labels
from skyseries.arrays.numbers import (
    check_choice,
    measured,
    number,
    numbers,
    pair,
    true_or_false,
    whole,
    whole_numbers,
)
from skyseries.arrays.sky import is_coordinate, position, positions
from skyseries.arrays.times import MJD_OF_UNIX, clock_of, day_number, days, days_long, warn_coarse

__all__ = [
    "MJD_OF_UNIX",
    "check_choice",
    "clock_of",
    "day_number",
    "days",
    "days_long",
    "is_coordinate",
    "labels",
    "measured",
    "number",
    "numbers",
    "pair",
    "position",
    "positions",
    "true_or_false",
    "warn_coarse",
    "whole",
    "whole_numbers",
]
