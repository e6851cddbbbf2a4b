"""What is counted, in words."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from salus.surveillance.signals import Unit, unit


def _table() -> list[dict[str, str]]:
    text = (files("salus.surveillance") / "data" / "signals.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_signal_of_the_table_has_words_in_both_languages_and_in_the_singular() -> None:
    rows = _table()
    assert {r["signal"] for r in rows} >= {"cases", "admissions", "per_sentinel", "ili_percent", "per_100000"}
    assert len({r["signal"] for r in rows}) == len(rows)
    for row in rows:
        found = unit(row["signal"])
        assert (found.many, found.one, found.zh) == (row["unit"], row["unit_one"], row["unit_zh"])
        assert all(text.strip() for text in (found.many, found.one, found.zh))
        assert not found.zh.isascii(), f"{row['signal']} has no Chinese unit"


def test_a_known_signal_keeps_its_words_whatever_the_table_states() -> None:
    assert unit("cases", "CASES (n)") == unit("cases")
    assert unit("cases").one == "case"


@pytest.mark.parametrize(
    ("signal", "stated", "word"), [("bed_days", None, "bed days"), ("x", "beds", "beds"), ("y", "", "y")]
)
def test_an_unknown_signal_is_called_by_its_stated_unit_or_its_name(signal: str, stated: str | None, word: str) -> None:
    assert unit(signal, stated) == Unit(word, word, word)
