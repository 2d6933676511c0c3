from __future__ import annotations

from pathlib import Path

import pytest

from skyseries.timeseries import all_features
from skyseries.timeseries.features.document import features_page, main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == features_page(), (
        "run: python -m skyseries.timeseries.features.document docs/features.md"
    )


def test_page_names_every_feature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path / "page.md")])
    main([])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    assert all(f"| `{f.name}` |" in text for f in all_features())
