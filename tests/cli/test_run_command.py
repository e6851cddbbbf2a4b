"""`salus run`, `forecast`, `backtest` and `score` as a person types them."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from helpers_bad_input import salus

from salus.cli import app
from salus.cli.later import Later

MONDAY = date(2021, 1, 4)

OLD = (
    r"the newest figures end on 2023-04-23, [\d,]+ days before today; the bulletin is of that time. "
    "Give newer figures for one of today"
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a series of two places, one of which is silent."""
    rows = "".join(
        f"{p},Influenza,cases,{MONDAY + timedelta(weeks=k)},{round(60 + 50 * math.sin(k / 4), 1)}\n"
        for p, count in (("Tokyo", 120), ("Osaka", 120), ("Kyoto", 90))
        for k in range(count)
    )
    (tmp_path / "series.csv").write_text("location,disease,signal,date,value\n" + rows, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    return tmp_path


def test_run_says_the_sentence_first_then_where_and_notes_apart(place: Path) -> None:
    said = salus("run", "series.csv", "--model", "persistence", "--no-pdf", "--out", "out")
    assert said.status == 0
    sentence, where = said.out.splitlines()
    assert sentence.startswith("Influenza is at ")
    assert where == "Bulletin: out/bulletin.html"
    silent, old = said.err.splitlines()
    assert silent == "Note: Kyoto: silent for 30 weeks; not forecast"
    assert re.fullmatch(f"Note: {OLD}", old)
    assert sentence in (place / "out" / "bulletin.html").read_text(encoding="utf-8")


def test_a_language_may_be_given_twice_and_every_other_option_once(place: Path) -> None:
    common = ("run", "series.csv", "--model", "persistence", "--no-pdf", "--out", "out")
    assert salus(*common, "--lang", "zh", "--lang", "en").status == 0
    assert {p.name for p in (place / "out").glob("*.html")} == {"bulletin.html", "bulletin.en.html"}
    for option, value in (("--disease", "Influenza"), ("--as-of", "2023-04-02"), ("--model", "persistence")):
        said = salus(*common, option, value, option, value)
        times = 3 if option == "--model" else 2
        assert (said.status, said.out) == (2, "")
        assert said.err == f"salus: {option} was given {times} times, one was wanted. Give it once.\n"
    said = salus(*common, "-d", "Influenza", "--disease", "Measles")
    assert said.err.startswith("salus: --disease was given 2 times"), "by its short name too"


def test_the_help_of_all_commands_needs_none_of_their_libraries() -> None:
    code = (
        "import sys; from salus.cli import app; sys.argv = ['salus', '--help']\n"
        "try: app.main()\n"
        "finally: print(sorted({'polars', 'numpy', 'duckdb', 'lightgbm', 'opendp', 'ibis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *page, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    assert all(any(str(command.name) in line for line in page) for command in app.COMMANDS)


@pytest.mark.parametrize("command", app.COMMANDS, ids=lambda command: command.name)
def test_the_list_of_commands_says_what_each_says_of_itself(command: Later) -> None:
    first = (command.real.help or "").split("\n\n")[0].replace("\n", " ")
    assert command.help == first


def test_run_in_both_languages_and_json(place: Path) -> None:
    said = salus("run", "series.csv", "--model", "persistence", "--no-pdf", "--out", "out", "--lang", "zh,en", "--json")
    assert said.status == 0
    answer = json.loads(said.out)
    assert answer["bulletin"] == "out/bulletin.html"
    assert "流行性感冒" in answer["sentence"]
    silent, old = answer["notes"]
    assert silent == "Kyoto: silent for 30 weeks; not forecast"
    assert re.fullmatch(OLD, old)
    assert {p.name for p in (place / "out").glob("*.html")} == {"bulletin.html", "bulletin.en.html"}


def test_run_on_a_day_with_own_horizons_levels_and_names(place: Path) -> None:
    (place / "places.csv").write_text("location,name,name_zh\nTokyo,Edo,江户\nOsaka,Naniwa,浪速\n", encoding="utf-8")
    said = salus(
        "run", "series.csv", "-d", "influenza", "--signal", "cases", "--as-of", "2022-10-02", "--horizons", "1:2",
        "--levels", "percentile", "--places", "places.csv", "--model", "persistence", "--no-pdf", "--out", "out",
    )  # fmt: skip
    assert said.status == 0, said.err
    table = pl.read_parquet(place / "out" / "forecasts.parquet")
    assert table["horizon"].unique().sort().to_list() == [1, 2]
    assert table["reference_date"].unique().to_list() == [date(2022, 10, 2)]
    assert sorted(table["location"].unique()) == ["Kyoto", "Osaka", "Tokyo"]
    page = (place / "out" / "bulletin.html").read_text(encoding="utf-8")
    assert "Naniwa" in page
    assert "Edo" in page


def test_run_marks_what_may_not_leave(place: Path) -> None:
    assert salus("run", "series.csv", "--model", "persistence", "--no-pdf", "--out", "out", "--inside-only").status == 0
    page = (place / "out" / "bulletin.html").read_text(encoding="utf-8")
    assert '<p class="inside">' in page


def test_forecast_backtest_and_score_one_after_the_other(place: Path) -> None:
    said = salus("forecast", "series.csv", "--model", "persistence", "--out", "next.parquet")
    assert (said.status, said.out) == (0, "2 places forecast: next.parquet\n")
    assert said.err == "Note: Kyoto: silent for 30 weeks; not forecast\n"
    options = ["--origins", "2022-06-05:2022-08-28", "--horizons", "2:3"]
    said = salus("backtest", "series.csv", *options, "--model", "seasonal-naive", "--out", "past.parquet")
    assert (said.status, said.out) == (0, "13 days, 3 places: past.parquet\n")
    said = salus("score", "past.parquet", "series.csv", "--json")
    rows = json.loads(said.out)
    assert [row["horizon"] for row in rows] == [2, 3]
    assert all(row["tasks"] == 39 and row["skill"] > 0 for row in rows)
    shown = salus("score", "past.parquet", "series.csv")
    assert shown.status == 0
    assert f"{rows[0]['skill']:.3f}" in shown.out


def test_training_past_the_first_origin_is_refused(place: Path) -> None:
    said = salus(
        "backtest", "series.csv", "--origins", "2022-06-05:2022-08-28", "--train-before", "2022-07-01",
        "--model", "persistence", "--out", "past.parquet",
    )  # fmt: skip
    assert said.status == 2
    assert "the origins start on 2022-06-05, before the training ends (2022-07-01)" in said.err
    assert not (place / "past.parquet").exists()
    said = salus(
        "backtest", "series.csv", "--origins", "2022-06-05:2022-06-12", "--train-before", "2022-06-05",
        "--model", "persistence", "--out", "past.parquet",
    )  # fmt: skip
    assert said.status == 0


@pytest.mark.parametrize("command", ["run", "forecast", "backtest", "score", "demo"])
def test_help_explains_every_option(place: Path, command: str) -> None:
    said = salus(command, "--help")
    assert said.status == 0
    assert "--out" in said.out or command == "score"


def test_the_demo_by_its_command_refuses_a_folder_that_is_not_its_own(place: Path) -> None:
    said = salus("demo", "--out", ".", "--encounters", "20000", "--no-pdf")
    assert said.status == 2
    assert (place / "series.csv").exists()
    assert salus("demo", "--encounters", "5").status == 2
