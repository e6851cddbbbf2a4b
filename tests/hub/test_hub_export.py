"""Forecasts become submissions that the hub takes, with nothing that it does not ask for."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from helpers_hub import CATEGORIES, PLACES, ROUND, days, flusight, task, week, write_tasks
from typer.testing import CliRunner

from salus.cli.app import app
from salus.errors import InputError, NameNotFoundError, TableError
from salus.hub.asked import Wishes
from salus.hub.export import export
from salus.hub.places import HubPlaces
from salus.hub.rules import check_file
from salus.hub.tasks import Hub, read_tasks
from salus.tables.contracts import FORECASTS, LEVELS
from salus.workflows.hub import export_files

WEEKLY = "wk inc flu hosp"


def forecasts(
    round_: dt.date = ROUND, places: list[str] | None = None, samples: int = 0, horizons: range = range(4)
) -> pl.DataFrame:
    """Forecasts of Salus: horizon 1 ends on the reference date, five levels of risk as pmf."""
    rows: list[tuple[Any, ...]] = []
    for i, place in enumerate(places or PLACES):
        for h in horizons:
            head = ("pooled", round_, "Influenza", "admissions", place, h + 1, week(round_, h))
            rows += [(*head, "quantile", f"{t:g}", 50.4 + 100 * i + 10 * h + 80 * t) for t in LEVELS]
            rows += [(*head, "pmf", str(k), 0.2) for k in range(5)]
            rows += [(*head, "sample", str(k), 40.0 + k) for k in range(samples)]
    return pl.DataFrame(rows, schema={c.name: c.dtype for c in FORECASTS.columns}, orient="row")


def series(day: dt.date = ROUND, value: float = 70.0) -> pl.DataFrame:
    """Admissions of the weeks to the one that ended seven days before the round."""
    starts = [day - dt.timedelta(days=13 + 7 * k) for k in range(10)]
    rows = [(p, "Influenza", "admissions", s, value) for p in PLACES for s in starts]
    return pl.DataFrame(rows, schema=["location", "disease", "signal", "date", "value"], orient="row")


def locations(folder: Path, people: float = 1e6) -> Path:
    path = folder / "locations.csv"
    names = {"US": "United States", "01": "Alabama", "02": "Alaska"}
    pl.DataFrame({"abbreviation": ["US", "AL", "AK"], "location": list(names), "location_name": list(names.values()),
                  "population": [people] * 3}).write_csv(path)  # fmt: skip
    return path


def hub(folder: Path, **wishes: Any) -> Hub:
    return read_tasks(write_tasks(folder, flusight(**wishes)))


@pytest.mark.parametrize("version", ["2.0.0", "3.0.1", "4.0.1", "5.0.1", "6.0.0"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_written_passes_and_holds_the_numbers_of_the_forecasts(
    tmp_path: Path, version: str, suffix: str
) -> None:
    tasks = write_tasks(tmp_path, flusight(version=version))
    out = tmp_path / "model-output"
    written = export_files(forecasts(), tasks, out, team="delta", model="grove", file_format=suffix)
    path = out / "delta-grove" / f"{ROUND}-delta-grove.{suffix}"
    assert list(written) == [path]
    assert check_file(path, read_tasks(tasks)) == []
    table = written[path].table
    assert table.columns == ["reference_date", "target", "horizon", "location", "target_end_date", "output_type",
                             "output_type_id", "value"]  # fmt: skip
    one = table.filter(location="02", horizon=3, output_type="quantile", output_type_id="0.975")
    assert one["value"].to_list() == [pytest.approx(50.4 + 200 + 30 + 78)]
    assert one["target_end_date"].to_list() == [week(ROUND, 3)]
    assert set(table["target"]) == {WEEKLY}
    kinds = {"quantile", "mean"} if version[0] in "56" else {"quantile"}
    assert set(table["output_type"]) == kinds


def test_values_are_whole_where_the_hub_wants_them_and_places_are_renamed(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path, flusight(whole=True))
    named = forecasts(places=["US", "Alabama", "AK"])
    out = tmp_path / f"{ROUND}-delta-grove.csv"
    written = export_files(named, tasks, out, team="delta", model="grove", locations=locations(tmp_path))
    assert set(written[out].table["location"]) == set(PLACES)
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[1] == f"{ROUND},{WEEKLY},0,US,{ROUND},quantile,0.01,51"
    assert not any("." in line.rsplit(",", 1)[1] for line in lines[1:])


def test_only_what_is_asked_is_written_and_the_rest_is_named(tmp_path: Path) -> None:
    wide = forecasts(places=[*PLACES, "Guam"], horizons=range(6))
    (made,) = export(wide, hub(tmp_path))
    assert set(made.table["location"]) == set(PLACES)
    assert sorted(made.table["horizon"].unique()) == [0, 1, 2, 3]
    assert "the hub does not ask for Guam" in made.notes
    assert any("--series and --locations with populations" in note for note in made.notes)


def test_what_the_hub_requires_and_the_file_lacks_is_one_error_that_names_it(tmp_path: Path) -> None:
    asked = hub(tmp_path, required={"location": ["US", "01"], "horizon": [0, 1, 2, 3]}, quantile_required=True)
    assert len(export(forecasts(), asked)) == 1
    with pytest.raises(TableError, match="req_vals") as error:
        export(forecasts(places=["01", "02"], horizons=range(3)), asked)
    words = str(error.value)
    assert "location" in words
    assert "US" in words
    assert "horizon" in words


def test_a_missing_quantile_level_is_named(tmp_path: Path) -> None:
    lacking = forecasts().filter(pl.col("output_type_id") != "0.5")
    with pytest.raises(TableError, match=r"lacks the quantile levels 0\.5"):
        export(lacking, hub(tmp_path))


def test_many_reference_dates_make_many_files_and_a_file_takes_one(tmp_path: Path) -> None:
    both = pl.concat([forecasts(), forecasts(week(ROUND, 1)), forecasts(week(ROUND, -9))])
    tasks = write_tasks(tmp_path, flusight())
    written = export_files(both, tasks, tmp_path / "out", team="delta", model="grove")
    assert [p.name for p in written] == [f"{d}-delta-grove.csv" for d in days(ROUND, 2)]
    with pytest.raises(InputError, match="answer 2 rounds"):
        export_files(both, tasks, tmp_path / "x.csv", team="delta", model="grove")


def test_a_reference_date_answers_the_next_round_within_six_days(tmp_path: Path) -> None:
    wednesday = forecasts().with_columns(reference_date=pl.lit(ROUND - dt.timedelta(days=3)))
    (made,) = export(wednesday, hub(tmp_path))
    assert made.notes[0] == "forecasts of 2024-01-03 answer the round 2024-01-06"
    assert made.table.filter(pl.col("horizon") == 0)["target_end_date"].unique().to_list() == [ROUND]
    both = pl.concat([wednesday, forecasts()])
    with pytest.raises(InputError, match="2024-01-03 and of 2024-01-06 both answer the round 2024-01-06"):
        export(both, hub(tmp_path))
    early = forecasts().with_columns(reference_date=pl.lit(ROUND - dt.timedelta(days=7)))
    with pytest.raises(InputError, match="The next is 2024-01-06: say so with --round"):
        export(early, hub(tmp_path))
    (made,) = export(early, hub(tmp_path), Wishes(round_date=ROUND))
    assert made.round_id == "2024-01-06"
    with pytest.raises(NameNotFoundError, match="2031-01-01"):
        export(early, hub(tmp_path), Wishes(round_date=dt.date(2031, 1, 1)))


def test_samples_become_paths_with_ids_of_their_own(tmp_path: Path) -> None:
    (made,) = export(forecasts(samples=120), hub(tmp_path))
    drawn = made.table.filter(pl.col("output_type") == "sample")
    assert drawn.height == 3 * 4 * 100
    paths = drawn.group_by("output_type_id").agg(pl.col("location").n_unique(), pl.len(), pl.col("value").n_unique())
    assert paths.height == 300
    assert paths.select("location", "len", "value").unique().row(0) == (1, 4, 1)
    (few,) = export(forecasts(samples=50), hub(tmp_path))
    assert "samples are left out: a task has 50, the hub wants 100" in few.notes


def test_point_cdf_and_own_probabilities_follow_from_the_forecast(tmp_path: Path) -> None:
    tasks = flusight(version="5.0.1", samples=None)
    weekly = tasks["rounds"][0]["model_tasks"][1]
    value = {"type": "double", "minimum": 0}
    weekly["output_type"] |= {
        "median": {"output_type_id": {"required": None}, "value": value, "is_required": True},
        "cdf": {"output_type_id": {"required": [60, 90.4, 500]}, "value": value, "is_required": True},
        "pmf": {"output_type_id": {"required": ["0", "1", "2", "3", "4"]}, "value": value, "is_required": True},
    }
    (made,) = export(forecasts(), read_tasks(write_tasks(tmp_path, tasks)))
    one = made.table.filter(location="US", horizon=0)
    point = dict(one.filter(pl.col("output_type").is_in(["mean", "median"])).select("output_type", "value").rows())
    assert point == pytest.approx({"mean": 90.4, "median": 90.4})
    cdf = dict(one.filter(output_type="cdf").select("output_type_id", "value").rows())
    assert cdf == pytest.approx({"60": 0.12, "90.4": 0.5, "500": 1.0})
    assert one.filter(output_type="pmf")["value"].to_list() == [0.2] * 5


def test_rate_change_follows_from_quantiles_baseline_and_population(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path, flusight())
    series().write_csv(tmp_path / "series.csv")
    written = export_files(forecasts(), tasks, tmp_path / "out", team="delta", model="grove",
                           locations=locations(tmp_path), series=tmp_path / "series.csv")  # fmt: skip
    (made,) = written.values()
    chances = made.table.filter(target="wk flu hosp rate change", location="US", horizon=0)
    found = dict(chances.select("output_type_id", "value").rows())
    # season 2023-24, one million people: stable is under 10, large from 20 admissions; X is 50.4 + 80 u
    share = {b: (70 + b - 50.4) / 80 for b in (-20, -10, 10, 20)}
    expected = [max(share[-20], 0), share[-10] - max(share[-20], 0), share[10] - share[-10], share[20] - share[10],
                1 - share[20]]  # fmt: skip
    assert [found[c] for c in CATEGORIES] == pytest.approx(expected)
    assert not made.notes


def test_rate_change_of_a_place_without_baseline_is_left_out_and_named(tmp_path: Path) -> None:
    late = series().filter((pl.col("location") != "02") | (pl.col("date") < ROUND - dt.timedelta(days=13)))
    tasks = write_tasks(tmp_path, flusight())
    written = export_files(forecasts(), tasks, tmp_path / "out", team="delta", model="grove",
                           locations=locations(tmp_path), series=late)  # fmt: skip
    (made,) = written.values()
    assert set(made.table.filter(output_type="pmf")["location"]) == {"US", "01"}
    assert any("left out for 02: no known value of the week to 2023-12-30" in note for note in made.notes)


def test_rows_of_other_targets_join_in_the_hubs_own_columns(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path, flusight())
    weeks = days(ROUND - dt.timedelta(days=7), 9)
    peak = pl.DataFrame({"target": "peak week inc flu hosp", "location": "US", "output_type": "pmf",
                         "output_type_id": weeks, "value": np.full(9, 1 / 9)})  # fmt: skip
    peak.write_csv(tmp_path / "peak.csv")
    written = export_files(forecasts(), tasks, tmp_path / "out", team="delta", model="grove",
                           also=tmp_path / "peak.csv")  # fmt: skip
    (made,) = written.values()
    assert made.table.filter(target="peak week inc flu hosp")["output_type_id"].to_list() == weeks
    peak.with_columns(value=pl.col("value") / 2).write_csv(tmp_path / "peak.csv")
    with pytest.raises(TableError, match="value_col_sum1"):
        export_files(forecasts(), tasks, tmp_path / "out", team="delta", model="grove", also=tmp_path / "peak.csv")


def test_task_ids_that_forecasts_lack_are_asked_for_and_set(tmp_path: Path) -> None:
    tasks = flusight(samples=None)
    for item in tasks["rounds"][0]["model_tasks"]:
        item["task_ids"]["age_group"] = {"required": None, "optional": ["0-4", "all"]}
    asked = read_tasks(write_tasks(tmp_path, tasks))
    with pytest.raises(InputError, match="Say --set age_group=VALUE"):
        export(forecasts(), asked)
    (made,) = export(forecasts(), asked, Wishes(values={"age_group": "all"}))
    assert made.table["age_group"].unique().to_list() == ["all"]


def test_two_targets_need_a_choice_and_a_typo_suggests(tmp_path: Path) -> None:
    tasks = flusight()
    blocks = tasks["rounds"][0]["model_tasks"]
    share = json.loads(json.dumps(blocks[1]["task_ids"])) | {"target": {"required": None, "optional": ["ed visits"]}}
    blocks.append(task("ed visits", blocks[1]["output_type"], "continuous", share))
    asked = read_tasks(write_tasks(tmp_path, tasks))
    with pytest.raises(InputError, match="Say with --target"):
        export(forecasts(), asked)
    with pytest.raises(NameNotFoundError, match="Did you mean 'wk inc flu hosp'"):
        export(forecasts(), asked, Wishes(target="wk inc flu hosps"))
    (made,) = export(forecasts(), asked, Wishes(target=WEEKLY, places=HubPlaces()))
    assert made.table["target"].unique().to_list() == [WEEKLY]


def test_a_horizon_that_ends_on_another_day_of_the_week(tmp_path: Path) -> None:
    """A hub whose round is a Wednesday and whose weeks end on Sundays: horizon 1 is the week that holds the round."""
    tasks = flusight(samples=None, rounds=days(dt.date(2024, 1, 3), 3))
    sundays = days(dt.date(2024, 1, 7), 8)
    for item in tasks["rounds"][0]["model_tasks"]:
        if item["task_ids"]["target_end_date"]["optional"]:
            item["task_ids"]["target_end_date"]["optional"] = sundays
    asked = read_tasks(write_tasks(tmp_path, tasks))
    table = forecasts(dt.date(2024, 1, 3)).with_columns(pl.col("target_end_date") + pl.duration(days=4))
    (made,) = export(table, asked, Wishes(horizon_zero=-3))
    first = made.table.filter(pl.col("horizon") == 1)["target_end_date"].unique().to_list()
    assert first == [dt.date(2024, 1, 7)]


def test_the_command_writes_says_where_and_replaces_nothing_else(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path, flusight())
    forecasts().write_parquet(tmp_path / "f.parquet")
    other = tmp_path / "model-output" / "echo-lake" / f"{ROUND}-echo-lake.csv"
    other.parent.mkdir(parents=True)
    other.write_text("theirs", encoding="utf-8")
    words = ["hub", "export", str(tmp_path / "f.parquet"), "--tasks", str(tasks), "--team", "delta", "--model", "grove",
             "--out", str(tmp_path / "model-output")]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "276 rows, round 2024-01-06" in result.output
    assert other.read_text(encoding="utf-8") == "theirs"
    refused = CliRunner().invoke(app, [*words[:6], "--team", "del-ta", *words[7:]])
    assert refused.exit_code != 0


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is no JSON"), ("[]", "has no list of rounds"), ('{"rounds": [{}]}', "schema version"),
     ('{"rounds": [{}], "schema_version": "x/v4.0.0/tasks-schema.json"}', "lacks 'model_tasks'")],
)  # fmt: skip
def test_a_file_that_is_no_tasks_json_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_tasks(path)
