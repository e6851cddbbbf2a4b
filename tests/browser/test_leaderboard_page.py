"""The leaderboard of a hub in Chromium: light and dark, on a phone and on a desk, in both languages."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser
from test_bulletin_pages import chromium, faults, visit  # noqa: F401 (a fixture)

from salus.hub.ranking import Leaderboard
from salus.reports.leaderboard import html

MODELS = ["delta-a_model_with_a_long_name", "echo-lake", "fox-far", "golf-baseline"]


def board() -> Leaderboard:
    relative = [0.55, 0.98, 3.2, 1.0]
    table = pl.DataFrame(
        {"rank": [1, 2, 4, 3], "model": MODELS, "tasks": 6354, "share": [1.0, 0.999, 0.02, 1.0], "wis": 59.4,
         "log_wis": 0.29, "abs_error": 94.0, "coverage50": 0.5, "coverage95": 0.92, "relative_wis": relative,
         "relative_log_wis": relative, "skill": relative, "skill_low": [0.4, 0.9, None, 1.0],
         "skill_high": [0.8, 1.1, None, 1.0],
         "log_skill": relative, "log_skill_low": 0.4, "log_skill_high": 0.9}
    )  # fmt: skip
    left = ("hotel-gaps: 4 tasks, the first of 2024-01-06: not all 23 quantiles are there",)
    day = dt.date(2024, 1, 6)
    return Leaderboard(table.sort("rank"), pl.DataFrame(), "golf-baseline", 6354, 53, day, day, left)


@pytest.mark.parametrize("width", [360, 1300])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_leaderboard_is_sound(
    chromium: Browser,  # noqa: F811 (the fixture imported above)
    tmp_path: Path,
    lang: str,
    scheme: str,
    width: int,
) -> None:
    file = tmp_path / "leaderboard.html"
    file.write_text(html(board(), "wk inc flu hosp", "time-series.csv", lang, run_id="0123"), encoding="utf-8")
    seen = visit(chromium, file, scheme, width)
    try:
        assert "45" in seen.page.inner_text("h1")
        assert seen.page.locator("tbody tr").count() == len(MODELS)
        table = seen.page.locator("table").bounding_box()
        assert table is not None
        assert table["width"] <= width + (60 if width < 500 else 0)
        assert faults(seen) == []
    finally:
        seen.page.context.close()
