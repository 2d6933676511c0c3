"""The page of functions is that of the table, and names each."""

from pathlib import Path

from skyseries.adql import FUNCTIONS
from skyseries.adql.aggregates import AGGREGATE_TABLE
from skyseries.query.curvefunctions import curve_functions
from skyseries.query.document import functions_page, main

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_functions_is_up_to_date():
    page = (DOCS / "adql-functions.md").read_text(encoding="utf-8")
    command = "python -m skyseries.query.document docs/adql-functions.md"
    assert page == functions_page(), f"run: {command}"


def test_the_page_of_functions_names_each(tmp_path, capsys):
    main([str(tmp_path / "page.md")])
    main([])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    curves = curve_functions(lambda _: None)
    for function in (*FUNCTIONS.values(), *curves, *AGGREGATE_TABLE.values()):
        assert f"`{function.name}(" in text


def test_arguments_that_can_be_left_out_stand_in_brackets():
    page = functions_page()
    for form in ("STETSON_J(lc, band)", "TIME_SPAN(lc[, band])", "COLOR_MEAN(lc, band1, band2)"):
        assert f"`LC_{form}`" in page
    assert "`LC_PERIOD(lc[, band][, min_period, max_period])`" in page
    assert "`LC_PERIOD_AMPLITUDE(lc, band[, min_period, max_period])`" in page
