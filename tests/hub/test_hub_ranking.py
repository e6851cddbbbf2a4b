"""Ranking a folder of made-up models: what can't be scored is named, the page says what the table says."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers_hub import ROUND, week
from typer.testing import CliRunner

from salus.cli.app import app
from salus.errors import InputError, NameNotFoundError
from salus.hub.model_output import model_folders, read_model
from salus.hub.ranking import pairwise, rank
from salus.hub.truth import read_truth
from salus.reports.leaderboard import TEXT, html
from salus.tables.contracts import LEVELS

PLACES, ROUNDS = ("01", "02"), 4


def rows(shift: float, *, round_: int, places: tuple[str, ...] = PLACES, spread: float = 40.0) -> pl.DataFrame:
    """One round of a model whose median is off by a shift; the truth is 100 everywhere."""
    day = week(ROUND, round_)
    found = [
        (day, "wk inc flu hosp", h, p, week(day, h), "quantile", t, 100 + shift + spread * (t - 0.5))
        for p in places for h in range(2) for t in LEVELS
    ]  # fmt: skip
    names = [
        "reference_date",
        "target",
        "horizon",
        "location",
        "target_end_date",
        "output_type",
        "output_type_id",
        "value",
    ]
    return pl.DataFrame(found, schema=names, orient="row")


def submit(root: Path, model: str, table: pl.DataFrame, round_: int = 0) -> Path:
    path = root / "model-output" / model / f"{week(ROUND, round_)}-{model}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.write_csv(path)
    return path


def truth(root: Path) -> Path:
    days_ = [week(ROUND, k) for k in range(-2, ROUNDS + 3)]
    path = root / "target-data" / "time-series.csv"
    path.parent.mkdir(exist_ok=True)
    pl.DataFrame({"target_end_date": [d for d in days_ for _ in PLACES], "location": list(PLACES) * len(days_),
                  "target": "wk inc flu hosp", "observation": 100.0}).write_csv(path)  # fmt: skip
    return path


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    for model, shift in (("delta-base", 30.0), ("echo-near", 5.0), ("fox-far", 60.0)):
        for k in range(ROUNDS):
            submit(tmp_path, model, rows(shift, round_=k), k)
    submit(tmp_path, "golf-rare", rows(10.0, round_=0, places=("01",)))
    return tmp_path


def test_models_are_ranked_and_measured_by_the_baseline(hub: Path) -> None:
    board = rank(hub / "model-output", read_truth(truth(hub)), baseline="delta-base")
    assert board.table["model"].to_list() == ["echo-near", "golf-rare", "delta-base", "fox-far"]
    assert board.table["rank"].to_list() == [1, 2, 3, 4]
    assert board.table["share"].to_list() == [1.0, 0.125, 1.0, 1.0]
    assert board.table.filter(model="delta-base").select("relative_wis", "skill").row(0) == (1.0, 1.0)
    assert board.table["relative_wis"][0] == pytest.approx(board.table["skill"][0])  # the same everywhere: no luck
    assert (board.tasks, board.places, board.first) == (16, 2, ROUND)
    assert board.left_out == ()


def test_without_a_baseline_relative_scores_centre_on_the_average_model(hub: Path) -> None:
    board = rank(hub / "model-output", read_truth(truth(hub)))
    assert np.log(board.table["relative_wis"].to_numpy()).sum() == pytest.approx(0, abs=1e-9)
    assert "skill" not in board.table.columns


def test_an_easy_week_is_no_advantage(tmp_path: Path) -> None:
    """Two equal models, one of which answers only the round in which all are good: the same relative skill."""
    for k in range(2):
        submit(tmp_path, "delta-base", rows(50.0 * k + 10, round_=k), k)
        submit(tmp_path, "echo-all", rows(25.0 * k + 5, round_=k), k)
    submit(tmp_path, "fox-easy", rows(5.0, round_=0))
    board = rank(tmp_path, read_truth(truth(tmp_path)), baseline="delta-base")
    found = dict(zip(board.table["model"], board.table["wis"], strict=True))
    assert found["fox-easy"] < found["echo-all"]
    pairs = board.pairs.filter(model="fox-easy", against="echo-all")
    assert pairs.select("tasks", "wis_ratio").row(0) == (4, 1.0)


def test_what_cannot_be_scored_is_named_and_the_rest_is_ranked(hub: Path) -> None:
    submit(hub, "hotel-gaps", rows(5.0, round_=0).filter(pl.col("output_type_id") != 0.5))
    middle = pl.col("output_type_id") == 0.5
    crossed = rows(5.0, round_=0).with_columns(pl.when(middle).then(0.0).otherwise("value").alias("value"))
    submit(hub, "india-crossed", pl.concat([crossed.filter(location="01"), rows(5.0, round_=0).filter(location="02")]))
    submit(hub, "juliett-twice", pl.concat([rows(5.0, round_=0), rows(6.0, round_=0)]))
    (hub / "model-output" / "kilo-broken").mkdir()
    (hub / "model-output" / "kilo-broken" / "2024-01-06-kilo-broken.parquet").write_text("x", encoding="utf-8")
    submit(hub, "lima-bare", rows(5.0, round_=0).drop("location"))
    board = rank(hub / "model-output", read_truth(truth(hub)), baseline="delta-base")
    said = "\n".join(board.left_out)
    assert "hotel-gaps: 4 tasks, the first of 2024-01-06: not all 23 quantiles are there" in said
    assert "india-crossed: 2 tasks, the first of 2024-01-06: quantiles decrease" in said
    assert "juliett-twice: 4 tasks, the first of 2024-01-06: a quantile stands twice" in said
    assert "kilo-broken: no forecast that can be scored" in said
    assert "lima-bare: 2024-01-06-lima-bare.csv: there is no column location" in said
    assert board.table.filter(model="india-crossed")["share"].to_list() == [0.125]


def test_the_same_truth_in_every_form_gives_the_same_ranking(hub: Path) -> None:
    data = pl.read_csv(truth(hub), schema_overrides={"location": pl.String}, try_parse_dates=True)
    oracle = data.rename({"observation": "oracle_value"}).with_columns(
        output_type=pl.lit("quantile"), output_type_id=None
    )
    oracle.write_parquet(hub / "oracle.parquet")
    legacy = data.select("location", date="target_end_date", value="observation")
    legacy.write_csv(hub / "legacy.csv")
    series = legacy.with_columns(
        pl.col("date") - pl.duration(days=6), disease=pl.lit("Influenza"), signal=pl.lit("admissions")
    )
    old = series.with_columns(value=pl.lit(1.0), as_of=pl.col("date") + pl.duration(days=6))
    pl.concat([old, series.with_columns(as_of=pl.lit(week(ROUND, 9)))]).write_parquet(hub / "series.parquet")
    boards = [rank(hub, read_truth(hub / f)) for f in
              ("target-data/time-series.csv", "oracle.parquet", "legacy.csv", "series.parquet")]  # fmt: skip
    for board in boards[1:]:
        assert board.table.equals(boards[0].table)
    early = rank(hub, read_truth(hub / "series.parquet", as_of=ROUND))
    assert not early.table.equals(boards[0].table)


def test_a_column_more_is_chosen_by_only_and_several_targets_by_target(tmp_path: Path) -> None:
    ages = [rows(5.0, round_=0).with_columns(age_group=pl.lit(a)) for a in ("all", "0-4")]
    submit(tmp_path, "delta-ages", pl.concat(ages))
    assert read_model(model_folders(tmp_path)[0], None, {"age_group": "all"}).left_out == ()
    with pytest.raises(NameNotFoundError, match="no column 'age'"):
        read_model(model_folders(tmp_path)[0], None, {"age": "all"})
    two = pl.concat([rows(5.0, round_=0), rows(5.0, round_=0).with_columns(target=pl.lit("other"))])
    submit(tmp_path, "delta-ages", two)
    with pytest.raises(InputError, match="Say with --target"):
        read_model(model_folders(tmp_path)[0], None, {})
    assert read_model(model_folders(tmp_path)[0], "other", {}).table.height == 4 * len(LEVELS)


def test_ratios_of_two_models_are_inverse_and_without_shared_tasks_missing() -> None:
    day = dt.date(2024, 1, 6)
    table = pl.DataFrame({"model": ["a", "b", "c"], "reference_date": day, "location": ["X", "X", "Y"],
                          "target_end_date": day, "wis": [1.0, 4.0, 2.0], "log_wis": [1.0, 2.0, 2.0]})  # fmt: skip
    pairs, theta = pairwise(table)
    found = {(r["model"], r["against"]): r["wis_ratio"] for r in pairs.iter_rows(named=True)}
    assert found["a", "b"] * found["b", "a"] == 1
    assert found["a", "c"] is None
    assert theta["relative_wis"].to_list() == [0.5, 2.0, 1.0]


def test_the_command_writes_the_table_the_pairs_and_a_page_in_both_languages(hub: Path) -> None:
    out = hub / "ranking"
    words = ["hub", "score", str(hub / "model-output"), "--truth", str(truth(hub)), "--baseline", "delta-base", "--out",
             str(out), "--lang", "en,zh"]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert {p.name for p in out.iterdir()} == {
        "leaderboard.csv", "leaderboard.parquet", "leaderboard.html", "leaderboard.zh.html", "pairs.csv", "run.json"
    }  # fmt: skip
    table = pl.read_parquet(out / "leaderboard.parquet")
    assert pl.read_csv(out / "leaderboard.csv")["model"].to_list() == table["model"].to_list()
    for name in ("leaderboard.html", "leaderboard.zh.html"):
        page = (out / name).read_text(encoding="utf-8")
        assert "<script" not in page
        assert not re.search(r'(?:src|href)="(?!#)', page)
        places = [page.index(f'<th scope="row">{model}') for model in table["model"]]
        assert places == sorted(places)
    english = (out / "leaderboard.html").read_text(encoding="utf-8")
    gain = round(100 * (1 - table["relative_wis"][0]))
    assert f"echo-near is first of 4 models: its score is {gain}\u00a0% better than that of delta-base" in english
    assert f"好{gain}%" in (out / "leaderboard.zh.html").read_text(encoding="utf-8")
    inputs = json.loads((out / "run.json").read_text(encoding="utf-8"))["inputs"]
    assert inputs[0]["name"] == "model-output (13 files)"
    assert CliRunner().invoke(app, words).exit_code == 0  # what Salus wrote, it replaces


def test_the_page_says_when_nobody_beats_the_baseline_and_what_was_left_out(hub: Path) -> None:
    board = rank(hub / "model-output", read_truth(truth(hub)), baseline="echo-near")
    page = html(board, "wk inc flu hosp", "time-series.csv", "en", run_id="0123")
    assert "echo-near is first of 4 models, and no better than echo-near" in page
    assert "Nothing was left out." in page
    assert set(TEXT["en"]) == set(TEXT["zh"])


@pytest.mark.parametrize(
    ("alter", "error", "words"),
    [
        (lambda hub: {"baseline": "delta-bas"}, NameNotFoundError, "Did you mean 'delta-base'"),
        (lambda hub: {"folder": hub / "nowhere"}, InputError, "there is no folder"),
        (lambda hub: {"folder": hub / "target-data"}, InputError, "one folder a model"),
        (lambda hub: {"target": "peak"}, InputError, "no forecast that can be scored"),
    ],
    ids=["baseline", "folder", "no models", "target"],
)
def test_what_cannot_be_ranked_is_said_in_words(hub: Path, alter, error: type[Exception], words: str) -> None:
    happened = read_truth(truth(hub))
    options = {"folder": hub / "model-output"} | alter(hub)
    with pytest.raises(error, match=words):
        rank(options.pop("folder"), happened, **options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("location,date\n01,2024-01-06\n", "oracle_value or observation or value were wanted"),
        ("location,date,value\n01,06/01/2024,3\n", "'date' holds '06/01/2024'"),
        ("location,date,value\n01,2024-01-06,many\n", "'value' holds 'many'"),
        ("location,target_end_date,target,observation\n01,2024-01-06,a,1\n01,2024-01-06,b,1\n", "the targets a, b"),
    ],
    ids=["no value", "no day", "no number", "two targets"],
)
def test_target_data_that_cannot_be_used_are_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(words)):
        read_truth(path)
