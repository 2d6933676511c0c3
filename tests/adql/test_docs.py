"""Every expression on the page is understood, and its program runs."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from skyseries.adql import Scope, resolve_value
from skyseries.schema import ColumnMeta, with_column_meta

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "expressions.md").read_text()
_doubles = ["g_mag", "r_mag", "flux", "ra", "dec", "pmdec", "strange name"]
SCOPE = Scope.from_schema(
    pa.schema(
        [
            *((name, pa.float64()) for name in _doubles),
            with_column_meta(pa.field("pmra", pa.float64()), ColumnMeta(unit="mas.yr**-1")),
            *((name, pa.int32()) for name in ("visit", "n_obs", "flags", "size")),
            ("object_id", pa.uint64()),
            ("name", pa.string()),
            ("band", pa.string()),
            ("good", pa.bool_()),
            ("observed", pa.timestamp("us")),
            (
                "lc",
                pa.struct(
                    [(name, pa.list_(pa.float64())) for name in ("mjd", "flux", "flux_err")]
                    + [("band", pa.list_(pa.string()))]
                ),
            ),
        ]
    )
)
EXPRESSIONS = [
    line
    for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_of_the_page_is_understood(text):
    expression = resolve_value(text, SCOPE)
    assert not expression.type.is_geometry


def test_the_page_has_expressions():
    assert len(EXPRESSIONS) > 20


def test_the_program_of_the_page_runs():
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(program, {})  # noqa: S102
