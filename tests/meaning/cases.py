"""All cases."""

from tests.meaning.case import Case
from tests.meaning.cases_arrays import ARRAY_CASES
from tests.meaning.cases_commands import COMMAND_CASES
from tests.meaning.cases_curves import CURVE_CASES
from tests.meaning.cases_lightcurves import LIGHTCURVE_CASES
from tests.meaning.cases_matches import MATCH_CASES
from tests.meaning.cases_others import OTHER_CASES
from tests.meaning.cases_searches import SEARCH_CASES
from tests.meaning.cases_tables import TABLE_CASES

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *ARRAY_CASES,
    *SEARCH_CASES,
    *MATCH_CASES,
    *CURVE_CASES,
    *LIGHTCURVE_CASES,
    *OTHER_CASES,
    *TABLE_CASES,
    *COMMAND_CASES,
)
