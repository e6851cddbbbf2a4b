"""What stands around a forecast, in files: nowcasts, totals, paths, the season, and a person's word."""

from __future__ import annotations

import datetime as dt
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers_results import check_folder
from typer.testing import CliRunner

from salus.cli.app import app
from salus.errors import InputError
from salus.forecasting.overrides import MODEL, read
from salus.surveillance.seasons import find
from salus.surveillance.series import read_series
from salus.tables.contracts import FORECASTS, LEVELS, MILESTONES, NOWCASTS, STATUS
from salus.workflows.forecasting import backtest_file, forecast
from salus.workflows.overrides import beside, log_of, override, score_overrides
from salus.workflows.run import Run, run

MONDAY = dt.date(2020, 1, 6)
WEEKS = 240


def count(place: int, week: int) -> int:
    return round((40 + 20 * place) * math.exp(math.sin(2 * math.pi * week / 52.18)) + (week * (7 + place)) % 9)


def rows(weeks: int = WEEKS) -> pl.DataFrame:
    """Two places and their total."""
    found = []
    for k in range(weeks):
        parts = [count(p, k) for p in range(2)]
        for place, value in zip(("North", "South", "Total"), (*parts, sum(parts)), strict=True):
            found.append((place, "Influenza", "cases", MONDAY + dt.timedelta(weeks=k), float(value)))
    return pl.DataFrame(found, schema=["location", "disease", "signal", "date", "value"], orient="row")


def late(weeks: int = WEEKS) -> pl.DataFrame:
    """Two thirds are known at the end of a week, all a week later."""
    first = rows(weeks).with_columns((pl.col("value") * 2 / 3).round(), as_of=pl.col("date") + pl.duration(days=6))
    whole = rows(weeks - 1).with_columns(as_of=pl.col("date") + pl.duration(days=13))
    return pl.concat([first, whole])


def day(week: int) -> dt.date:
    return MONDAY + dt.timedelta(days=7 * week + 6)


def medians(table: pl.DataFrame, horizon: int = 1) -> dict[str, float]:
    chosen = table.filter(output_type="quantile", output_type_id="0.5", horizon=horizon)
    return dict(chosen.select("location", "value").iter_rows())


# --- nowcasts ---------------------------------------------------------------------------------------------------------


def test_late_reports_are_made_up_for_before_the_forecast_unless_it_is_told_not_to() -> None:
    found = {how: medians(forecast(late(), model="persistence", nowcast=how).table) for how in ("auto", "on", "off")}
    assert found["auto"] == found["on"]
    for i, place in enumerate(("North", "South")):
        assert found["off"][place] == pytest.approx(count(i, WEEKS - 1) * 2 / 3, rel=0.08)
        assert found["auto"][place] == pytest.approx(count(i, WEEKS - 1), rel=0.08)


def test_without_late_reports_nothing_changes() -> None:
    for table in (rows(), rows().with_columns(as_of=pl.col("date") + pl.duration(days=6))):
        auto, off = (forecast(table, model="persistence", nowcast=how).table for how in ("auto", "off"))
        assert auto.equals(off)


def test_a_backtest_starts_from_nowcasts_too() -> None:
    options = {"first": day(200), "last": day(203), "model": "persistence"}
    auto, off = (backtest_file(late(), nowcast=how, **options) for how in ("auto", "off"))  # type: ignore[arg-type]  # named
    assert (
        medians(auto.filter(reference_date=day(202)))["South"]
        > 1.3 * medians(off.filter(reference_date=day(202)))["South"]
    )


def test_a_run_tells_the_nowcasts_in_a_file_of_their_own(tmp_path: Path) -> None:
    run(late(), model="persistence").write(tmp_path / "out", pdf=False)
    check_folder(tmp_path / "out", ["North", "South", "Total"], more=[])
    types = {c.name: c.dtype for c in NOWCASTS.columns}
    found = NOWCASTS.check(pl.read_csv(tmp_path / "out/nowcast.csv", schema_overrides=types))
    last = found.filter(location="South", target_end_date=day(WEEKS - 1)).row(0, named=True)
    assert last["value"] == round(count(1, WEEKS - 1) * 2 / 3)
    assert last["median"] == pytest.approx(count(1, WEEKS - 1), rel=0.08)
    assert found.filter(location="South").height == 4
    assert json.loads((tmp_path / "out/run.json").read_text())["options"]["nowcast"] == "auto"


@pytest.mark.slow
def test_nothing_known_later_changes_any_of_the_files() -> None:
    at = day(200)
    known = pl.col("as_of") <= at
    poisoned = late().with_columns(value=pl.when(known).then(pl.col("value")).otherwise(1e7))
    clean, dirty = (run(t, model="persistence", as_of=at, coherent=True) for t in (late(), poisoned))
    assert set(clean.more) == {"paths.parquet", "milestones.csv", "nowcast.csv"}
    for name, table in clean.more.items():
        assert dirty.more[name].equals(table), name
    assert dirty.forecasts.equals(clean.forecasts)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(InputError, match="--nowcast 'maybe' is none of auto, on, off"):
        forecast(rows(), model="persistence", nowcast="maybe")


# --- totals -----------------------------------------------------------------------------------------------------------


def test_coherent_forecasts_add_up_in_every_path() -> None:
    found = run(rows(), model="last_year_drift", coherent=True, as_of=day(230))
    paths = found.more["paths.parquet"].pivot(on="location", index=["horizon", "output_type_id"], values="value")
    np.testing.assert_allclose(paths["North"] + paths["South"], paths["Total"])
    plain, ours = (
        medians(forecast(rows(), model="last_year_drift", as_of=day(230), coherent=c).table) for c in (False, True)
    )
    assert ours["North"] + ours["South"] == pytest.approx(ours["Total"], rel=0.03)
    assert ours["Total"] == pytest.approx(plain["Total"], rel=0.15)


# --- the season -------------------------------------------------------------------------------------------------------


def test_the_peak_of_a_wave_that_returns_every_year_is_told() -> None:
    """The wave is highest in week 13 of its year; asked in week 4 x 52 - 8, the next one peaks 21 weeks later."""
    at = day(200)
    found = run(rows(), model="last_year_drift", as_of=at)
    answers = MILESTONES.check(found.more["milestones.csv"]).filter(location="South")
    season = find(read_series(rows()).panel(at).history(), read_series(rows()).cadence)
    assert answers["season"].unique().to_list() == [season.label(season.season_of(MONDAY + dt.timedelta(weeks=201)))]
    peak = answers.filter(target="peak").sort("value", descending=True)
    truth = max(range(201, 236), key=lambda k: count(1, k))
    assert abs((dt.date.fromisoformat(peak["output_type_id"][0]) - day(truth)).days) <= 14
    size = dict(answers.filter(target="peak size").select("output_type_id", "value").iter_rows())
    assert size["0.025"] < count(1, truth) < size["0.975"]
    assert size["0.5"] == pytest.approx(count(1, truth), rel=0.15)
    coming = dict(answers.filter(target="next 4").select("output_type_id", "value").iter_rows())
    assert coming["0.025"] < sum(count(1, k) for k in range(201, 205)) < coming["0.975"]


# --- overrides --------------------------------------------------------------------------------------------------------

WHO = {"name": "Dr Ito", "reason": "schools <closed>"}
THREE = {0.025: 100.0, 0.5: 300.0, 0.975: 700.0}


@cache
def plain() -> Run:
    return run(rows(), model="persistence", as_of=day(230))


@pytest.fixture
def weekly(tmp_path: Path) -> Path:
    plain().write(tmp_path / "weekly", pdf=False)
    return tmp_path / "weekly"


def test_overrides_of_a_run_are_kept_beside_its_folder_and_others_beside_the_file(weekly: Path, tmp_path: Path) -> None:
    before = (weekly / "forecasts.parquet").read_bytes()
    said, log = override(weekly / "forecasts.parquet", "South", 2, **WHO, quantiles=THREE)
    assert log == tmp_path / "weekly.overrides.jsonl"
    assert beside(weekly) == log
    assert (weekly / "forecasts.parquet").read_bytes() == before
    assert read(log) == [said]
    assert log_of(tmp_path / "x" / "next.parquet") == tmp_path / "x" / "next.overrides.jsonl"
    assert beside(tmp_path / "other") is None


def test_a_run_shows_the_persons_forecast_marked_and_keeps_the_models(weekly: Path) -> None:
    _, log = override(weekly / "forecasts.parquet", "South", 2, **WHO, quantiles=THREE)
    found = run(rows(), model="persistence", as_of=day(230), overrides=log)
    FORECASTS.check(found.forecasts)
    mine = found.forecasts.filter(location="South", horizon=2, output_type="quantile")
    assert mine.filter(model=MODEL, output_type_id="0.5")["value"].to_list() == [300.0]
    kept = mine.filter(pl.col("model") != MODEL).select("output_type_id", "value")
    assert kept.equals(
        plain().forecasts.filter(location="South", horizon=2, output_type="quantile").select(kept.columns)
    )
    assert found.forecasts.filter(model=MODEL)["location"].unique().to_list() == ["South"]
    row = STATUS.check(found.status).filter(location="South", horizon=2).row(0, named=True)
    assert (row["value"], row["shown"], row["trust"]) == (300.0, MODEL, "unknown")
    assert "replaced by Dr Ito: schools <closed>" in row["note"]
    rest = (pl.col("location") != "South") | (pl.col("horizon") != 2)
    assert found.status.filter(rest).equals(plain().status.filter(rest))
    for lang, words in (
        ("en", "replaced by Dr Ito: schools &lt;closed&gt;"),
        ("zh", "Dr Ito将模型预测替换：schools &lt;closed&gt;"),
    ):
        assert words in found.bulletin.html(lang)
    assert any("Dr Ito" in note for note in found.notes)
    assert "weekly.overrides.jsonl" in [f["name"] for f in found.record["inputs"]]
    middle = found.more["paths.parquet"].filter(location="South", horizon=2)["value"].median()
    assert middle == pytest.approx(300, rel=0.02)


def test_an_override_of_another_day_is_left_aside(weekly: Path) -> None:
    _, log = override(weekly / "forecasts.parquet", "South", 2, **WHO, quantiles=THREE)
    found = run(rows(), model="persistence", as_of=day(231), overrides=log)
    assert MODEL not in found.forecasts["model"].to_list()
    assert not any("Dr Ito" in note for note in found.notes)


def test_the_person_and_the_model_are_scored_side_by_side(weekly: Path) -> None:
    path = weekly / "forecasts.parquet"
    truth = float(count(1, 232))
    right = {0.025: truth - 1, 0.5: truth, 0.975: truth + 1}
    override(path, "South", 2, **WHO, quantiles=THREE)
    override(path, "South", 2, name="Dr Abe", reason="knows", quantiles=right)
    override(path, "North", 1, **WHO, quantiles=THREE)
    scored = {row["name"]: row for row in score_overrides(path, rows())}
    assert scored["Dr Abe"]["overrides"] == scored["Dr Ito"]["overrides"] == 1
    assert scored["Dr Abe"]["skill"] < 0.2
    assert scored["Dr Ito"]["skill"] > 2
    assert scored["Dr Abe"]["inside95"] == 1
    with pytest.raises(InputError, match="nothing can be scored yet"):
        score_overrides(path, rows(231))


def test_the_commands_say_what_was_done(weekly: Path, tmp_path: Path) -> None:
    rows().write_csv(tmp_path / "cases.csv")
    path = str(weekly / "forecasts.parquet")
    ask = CliRunner().invoke
    who = ["--location", "South", "--horizon", "2", "--name", "Dr Ito", "--reason", "schools closed"]
    done = ask(app, ["override", "add", path, *who, "--widen", "1.5"])
    assert done.exit_code == 0, done.output
    assert "Dr Ito: South, horizon 2 (2024-06-23) widened by 1.5" in done.output
    assert "the forecasts are as they were" in done.output
    three = [x for level in ("0.025=100", "0.5=300", "0.975=700") for x in ("--quantile", level)]
    told = json.loads(ask(app, ["override", "add", path, *who, *three, "--json"]).output)
    assert (told["number"], told["what"], len(told["quantiles"])) == (2, "replaced", len(LEVELS))
    listed = ask(app, ["override", "list", path]).output.splitlines()
    assert [line.split()[0] for line in listed] == ["1", "2"]
    scored = ask(app, ["override", "score", path, str(tmp_path / "cases.csv")])
    assert "Dr Ito" in scored.output
    again = ask(app, ["run", str(tmp_path / "cases.csv"), "--model", "persistence", "--as-of", "2024-06-09", "--no-pdf",
                      "--out", str(weekly)])  # fmt: skip
    assert again.exit_code == 0, again.output
    assert "replaced by Dr Ito" in (weekly / "status.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [("0.5", "is no quantile"), ("0.5=x", "is no quantile"), ("0.025=1", "given twice"), ("=", "is no quantile")],
)  # fmt: skip
def test_quantiles_that_can_not_be_read_are_refused(weekly: Path, given: str, said: str) -> None:
    who = ["--location", "South", "--horizon", "2", "--name", "A", "--reason", "B"]
    options = ["--quantile", "0.025=1", "--quantile", given]
    found = CliRunner().invoke(app, ["override", "add", str(weekly / "forecasts.parquet"), *who, *options])
    assert isinstance(found.exception, InputError)
    assert said in str(found.exception)
