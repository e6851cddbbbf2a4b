"""`salus run --since`: the bulletin says what changed since an earlier run."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import pytest
from helpers_bad_input import salus

MONDAY = date(2021, 1, 4)
COMMON = ("run", "series.csv", "--model", "last_year_drift", "--no-pdf")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a series of two places and the run of a week before."""
    rows = "".join(
        f"{p},Influenza,cases,{MONDAY + timedelta(weeks=k)},{round(60 + 50 * math.sin(k / 4))}\n"
        for p in ("Tokyo", "Osaka")
        for k in range(120)
    )
    (tmp_path / "series.csv").write_text("location,disease,signal,date,value\n" + rows, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    assert salus(*COMMON, "--as-of", "2023-04-16", "--out", "before").status == 0
    return tmp_path


def test_the_bulletin_says_what_changed(place: Path) -> None:
    said = salus(*COMMON, "--as-of", "2023-04-23", "--since", "before", "--out", "now", "--lang", "en,zh")
    assert said.status == 0
    english = (place / "now" / "bulletin.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert "What changed since 16 Apr 2023" in english
    assert "The run of that day had said what to expect by now in 2: " in english
    assert "2023年4月16日以来的变化" in (place / "now" / "bulletin.zh.html").read_text(encoding="utf-8")


def test_an_earlier_run_may_be_replaced_by_the_new_one(place: Path) -> None:
    said = salus(*COMMON, "--as-of", "2023-04-23", "--since", "before", "--out", "before")
    assert said.status == 0
    assert "What changed since" in (place / "before" / "bulletin.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("nowhere", "nowhere is not a folder that `salus run` wrote: it has no run.json of a run."),
        ("broken", "broken is not a folder that `salus run` wrote: it has no run.json of a run."),
        ("before", "the run given as the earlier one is of 2023-04-16, this one of 2023-04-09. Give one from before."),
    ],
)
def test_what_is_no_earlier_run_is_refused(place: Path, folder: str, told: str) -> None:
    (place / "broken").mkdir()
    (place / "broken" / "run.json").write_text('{"command": "run", "options": []}', encoding="utf-8")
    said = salus(*COMMON, "--as-of", "2023-04-09", "--since", folder, "--out", "now")
    assert said.status == 2
    assert told in " ".join(said.err.split())
    assert not (place / "now").exists()
