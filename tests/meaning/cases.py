"""All cases."""

from tests.meaning.case import Case
from tests.meaning.cases_arrays import ARRAY_CASES
from tests.meaning.cases_commands import COMMAND_CASES
from tests.meaning.cases_scalars import SCALAR_CASES
from tests.meaning.cases_tables import TABLE_CASES

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (*ARRAY_CASES, *SCALAR_CASES, *TABLE_CASES, *COMMAND_CASES)
