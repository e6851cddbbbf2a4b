"""Where a hub takes samples, joint paths are written: those of the run, or drawn anew; checked by the hub's rules."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from helpers_hub import ROUND, flusight, write_tasks

from salus.errors import InputError
from salus.forecasting.answer import answer, new_model
from salus.hub.rules import check_file
from salus.hub.tasks import read_tasks
from salus.surveillance.series import read_series
from salus.workflows.hub import export_files
from salus.workflows.outlook import joint_paths

FIRST = dt.date(2021, 8, 1)
WEEKS = 126


def admissions() -> pl.DataFrame:
    """Weeks from Sunday; the last one ends seven days before the round."""
    rows = [
        (p, "Influenza", "admissions", FIRST + dt.timedelta(weeks=k),
         float(round(60 * (i + 1) * math.exp(math.sin(k / 6 + i / 4)) + (k * 7 + i) % 5)))
        for i, p in enumerate(("US", "01", "02"))
        for k in range(WEEKS)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["location", "disease", "signal", "date", "value"], orient="row")


def forecasts(horizons: tuple[int, ...] = (1, 2, 3, 4)) -> pl.DataFrame:
    """Persistence's; horizon 1 is the week that ends on the round."""
    series = read_series(admissions())
    day = FIRST + dt.timedelta(weeks=WEEKS, days=-1)
    assert day + dt.timedelta(weeks=1) == ROUND
    made = answer(new_model("persistence"), series.panel(day), horizons).table
    return made.with_columns(reference_date=pl.lit(ROUND))


def tasks(folder: Path, compound: list[str], **wishes: Any) -> Path:
    made = flusight(**wishes)
    sample = made["rounds"][0]["model_tasks"][1]["output_type"]["sample"]
    sample["output_type_id_params"]["compound_taskid_set"] = compound
    return write_tasks(folder, made)


def exported(folder: Path, table: Any, asked: Path, **more: Any) -> tuple[pl.DataFrame, tuple[str, ...]]:
    out = folder / "model-output"
    ((path, made),) = export_files(table, asked, out, team="delta", model="grove", **more).items()
    assert check_file(path, read_tasks(asked)) == []
    return made.table.filter(pl.col("output_type") == "sample"), made.notes


@pytest.mark.parametrize(
    ("compound", "ids", "span"),
    [
        (["reference_date", "target", "location"], 3 * 100, (1, 4)),
        (["reference_date", "target"], 100, (3, 12)),
        (["reference_date", "target", "horizon"], 4 * 100, (3, 3)),
    ],
    ids=["a path a place", "all places together", "places together, week by week"],
)
def test_paths_span_what_the_hub_asks(tmp_path: Path, compound: list[str], ids: int, span: tuple[int, int]) -> None:
    drawn, notes = exported(tmp_path, forecasts(), tasks(tmp_path, compound), series=admissions())
    assert drawn.height == 3 * 4 * 100
    paths = drawn.group_by("output_type_id").agg(pl.col("location").n_unique(), pl.len())
    assert paths.height == ids
    assert paths.select("location", "len").unique().rows() == [span]
    assert not [note for note in notes if "sample" in note]


def test_samples_have_the_margins_of_the_quantiles_and_hold_together(tmp_path: Path) -> None:
    asked = tasks(tmp_path, ["reference_date", "target"], samples=400)
    drawn, _ = exported(tmp_path, forecasts(), asked, series=admissions())
    said = forecasts().filter(location="US", horizon=2, output_type_id="0.5")["value"][0]
    us = drawn.filter(location="US", horizon=1)
    assert us["value"].median() == pytest.approx(said, rel=0.05)
    wide = drawn.filter(location="US").pivot(on="horizon", index="output_type_id", values="value")
    assert np.corrcoef(wide["0"].to_numpy(), wide["1"].to_numpy())[0, 1] > 0.5


def run_folder(folder: Path, draws: int) -> Path:
    series = read_series(admissions())
    table = forecasts()
    paths, steps = joint_paths(series.panel(FIRST + dt.timedelta(weeks=WEEKS, days=-1)), table, draws)
    folder.mkdir()
    table.write_parquet(folder / "forecasts.parquet")
    paths.table("persistence", steps).with_columns(reference_date=pl.lit(ROUND)).write_parquet(folder / "paths.parquet")
    return folder / "forecasts.parquet"


def test_the_paths_of_a_run_are_taken_as_they_are(tmp_path: Path) -> None:
    file = run_folder(tmp_path / "weekly", 120)
    asked = tasks(tmp_path, ["reference_date", "target", "location"])
    drawn, _ = exported(tmp_path, file, asked)
    kept = pl.read_parquet(tmp_path / "weekly" / "paths.parquet").filter(location="01", horizon=1)
    first = kept.filter(pl.col("output_type_id").cast(pl.Int64) < 100)["value"].round().sort().to_list()
    assert drawn.filter(location="01", horizon=0)["value"].sort().to_list() == first
    given, _ = exported(tmp_path, forecasts(), asked, paths=tmp_path / "weekly" / "paths.parquet")
    assert given.equals(drawn)


def test_too_few_paths_are_drawn_anew_where_the_series_is_given(tmp_path: Path) -> None:
    file = run_folder(tmp_path / "weekly", 50)
    asked = tasks(tmp_path, ["reference_date", "target", "location"])
    assert exported(tmp_path, file, asked, series=admissions())[0].height == 3 * 4 * 100
    none, notes = exported(tmp_path, file, asked)
    assert none.height == 0
    assert any("samples, which the hub takes, are left out" in note for note in notes)


def test_places_without_every_week_have_no_samples_and_are_named(tmp_path: Path) -> None:
    part = forecasts().filter(~((pl.col("location") == "02") & (pl.col("horizon") == 4)))
    asked = tasks(tmp_path, ["reference_date", "target", "location"])
    drawn, notes = exported(tmp_path, part, asked, series=admissions())
    assert drawn["location"].unique().sort().to_list() == ["01", "US"]
    assert "samples are left out for 02: not every period is forecast" in notes


def test_a_place_that_is_not_in_the_series_has_no_samples_and_is_named(tmp_path: Path) -> None:
    asked = tasks(tmp_path, ["reference_date", "target", "location"])
    other = admissions().with_columns(pl.col("location").replace({"02": "04"}))
    drawn, notes = exported(tmp_path, forecasts(), asked, series=other)
    assert drawn["location"].unique().sort().to_list() == ["01", "US"]
    assert "samples are left out for 02: not in the table" in notes


def test_paths_of_something_else_are_refused(tmp_path: Path) -> None:
    asked = tasks(tmp_path, ["reference_date", "target", "location"])
    file = run_folder(tmp_path / "weekly", 120)
    table = pl.read_parquet(file).with_columns(model=pl.lit("pooled"))
    with pytest.raises(InputError, match="has no path of these forecasts"):
        exported(tmp_path, table, asked, paths=tmp_path / "weekly" / "paths.parquet")


def test_a_hub_without_samples_gets_none(tmp_path: Path) -> None:
    asked = write_tasks(tmp_path, flusight(samples=None))
    drawn, notes = exported(tmp_path, forecasts(), asked, series=admissions())
    assert drawn.height == 0
    assert not [note for note in notes if "sample" in note]
