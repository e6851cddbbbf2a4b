"""The reasons of a forecast: few, the largest first, with their direction, in both languages."""

import polars as pl
import pytest

from salus.forecasting.reasons import KINDS
from salus.reports import words_en, words_zh
from salus.reports.reasons import leading
from salus.reports.words import language
from salus.tables.contracts import REASONS

TABLE = pl.DataFrame(
    {
        "location": ["A"] * 5 + ["B"] * 2,
        "horizon": [2] * 7,
        "kind": ["course", "season", "nation", "holidays", "neighbours", "season", "course"],
        "share": [0.3, -0.5, 0.2, 0.01, -0.15, 0.0, 0.0],
    }
)


def test_three_at_most_largest_first_and_none_that_hardly_matters():
    found = leading(TABLE, 2)
    assert found["A"] == (("season", False), ("course", True), ("nation", True))
    assert "B" not in found  # nothing moves it
    assert leading(TABLE, 1) == {}


def test_each_kind_of_evidence_has_its_words_and_its_place_in_the_contract():
    allowed = next(c.allowed for c in REASONS.columns if c.name == "kind")
    assert set(allowed) == set(KINDS)
    for kind in KINDS:
        assert f"reason.{kind}" in words_en.TEXT
        assert f"reason.{kind}" in words_zh.TEXT


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "What moves this forecast most: its own recent course (upward) and public holidays (downward)."),
        ("zh", "对该预测影响最大的因素：本地近期走势（推高）和公共假日（拉低）。"),
    ],
)
def test_the_sentence(lang, said):
    words = language(lang)
    items = [
        words(f"reason.{way}", what=words(f"reason.{kind}")) for kind, way in (("course", "up"), ("holidays", "down"))
    ]
    assert words("support.reasons", items=words.join(items)) == said
