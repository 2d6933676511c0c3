from __future__ import annotations

from pathlib import Path

import pytest

from skyseries.schema.meaning_page import main, meaning_page
from skyseries.schema.recognition import NAMES
from skyseries.schema.times import TIME_FORMATS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "meaning.md"


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == meaning_page(), (
        "run: python -m skyseries.schema.meaning_page docs/meaning.md"
    )


def test_page_names_every_format_and_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path / "page.md")])
    main([])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    for name in (*TIME_FORMATS, *(name for names in NAMES.values() for name in names)):
        assert f"`{name}`" in text
