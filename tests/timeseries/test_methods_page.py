from __future__ import annotations

from pathlib import Path

import pytest

from skyseries.timeseries import all_methods, period_schema
from skyseries.timeseries.kernels import calendar, choice
from skyseries.timeseries.periods.methods_page import main, methods_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "periods.md"


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == methods_page(), (
        "run: python -m skyseries.timeseries.periods.methods_page docs/periods.md"
    )


def test_page_names_every_method_and_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path / "page.md")])
    main([])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    for method in all_methods():
        assert f"| `{method.name}` | {method.title} |" in text
        for option in method.options:
            assert f"| `{method.name}` | `{option.name}` |" in text


def test_page_names_every_column_and_flag() -> None:
    text = methods_page()
    for field in period_schema():
        assert f"| `{field.name}` | {field.metadata.get(b'unit', b'').decode()} | " in text
    flags = text.partition("## Flags")[2].partition("##")[0]
    for word in choice.FLAGS:
        assert f"\n| `{word}` | " in flags
    # numbers that are written out
    assert f"logarithm less than {choice.REACH:g} below" in flags
    assert f"within {calendar._NEAR:g} / time span" in flags
    assert f"weak ({choice._WEAK:g} mag, or {100 * choice._WEAK:.0f} % of the flux" in flags
