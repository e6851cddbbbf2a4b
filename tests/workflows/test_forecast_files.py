"""One forecast, a backtest and scores: files in, files out."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from salus.errors import InputError, OutputError
from salus.evaluation import scores
from salus.forecasting.persistence import Persistence
from salus.surveillance.series import read_series
from salus.tables.contracts import FORECASTS, LEVELS
from salus.workflows.forecasting import SCORE_COLUMNS, backtest_file, forecast, score_files

MONDAY = dt.date(2021, 1, 4)
START, END = dt.date(2023, 1, 1), dt.date(2023, 4, 2)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        (
            p,
            "Influenza",
            "cases",
            MONDAY + dt.timedelta(weeks=k),
            round(60 + 50 * math.sin(k / 4 + i) + (k * 7 + i) % 9, 1),
        )
        for i, p in enumerate("ABC")
        for k in range(125)
    ]
    table = pl.DataFrame(rows, schema=["location", "disease", "signal", "date", "value"], orient="row")
    file = tmp_path_factory.mktemp("series") / "series.csv"
    table.write_csv(file)
    return file


def test_a_forecast_writes_quantiles_and_level_probabilities(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "next.parquet"
    found = forecast(source, as_of=START, horizons=[1, 3], model="persistence", out=out)
    table = FORECASTS.check(pl.read_parquet(out), "forecasts")
    assert table.equals(found.table)
    assert table["reference_date"].unique().to_list() == [START]
    counts = table.group_by("location", "horizon", "output_type").len()
    assert set(counts.filter(pl.col("output_type") == "quantile")["len"]) == {len(LEVELS)}
    sums = table.filter(pl.col("output_type") == "pmf").group_by("location", "horizon").agg(pl.col("value").sum())
    assert sums.height == 6
    assert sums["value"].to_list() == pytest.approx([1.0] * 6)


def test_a_backtest_file_holds_every_origin(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "past.parquet"
    told: list[tuple[str, int, int]] = []
    backtest_file(
        source, first=START, last=END, model="persistence", out=out, progress=lambda *given: told.append(given)
    )  # fmt: skip
    table = FORECASTS.check(pl.read_parquet(out), "forecasts")
    days = [START + dt.timedelta(weeks=k) for k in range(14)]
    assert table["reference_date"].unique().sort().to_list() == days
    assert told == [("backtesting", k + 1, 14) for k in range(14)]
    assert table.height == 14 * 3 * 4 * len(LEVELS)


@pytest.mark.parametrize("horizons", [[1, 2, 3, 4], [2, 3, 4], [1, 4], [3]])
def test_persistence_scores_one_against_itself_at_any_horizons(source: Path, horizons: list[int]) -> None:
    table = backtest_file(source, first=START, last=END, horizons=horizons, model="persistence")
    rows = score_files(table, source)
    assert [tuple(row) for row in rows] == [SCORE_COLUMNS] * len(horizons)
    assert [row["horizon"] for row in rows] == horizons
    assert [row["skill"] for row in rows] == pytest.approx([1.0] * len(horizons))
    assert [row["tasks"] for row in rows] == [14 * 3] * len(horizons)


def test_hub_horizons_that_count_from_0_find_the_same_periods(source: Path) -> None:
    table = backtest_file(source, first=START, last=END, model="persistence").with_columns(pl.col("horizon") - 1)
    rows = score_files(table, source)
    assert [row["horizon"] for row in rows] == [0, 1, 2, 3]
    assert [row["skill"] for row in rows] == pytest.approx([1.0] * 4)


def test_the_figures_are_those_of_the_scores_themselves(source: Path) -> None:
    table = backtest_file(source, first=START, last=END, model="seasonal_naive")
    own = scores.score(table, read_series(source).table)
    null = scores.score(backtest_file(source, first=START, last=END, model="persistence"), read_series(source).table)
    for row in score_files(table, source):
        at = pl.col("horizon") == row["horizon"]
        assert row["wis"] == pytest.approx(own.filter(at)["wis"].mean())
        assert row["skill"] == pytest.approx(own.filter(at)["wis"].sum() / null.filter(at)["wis"].sum())
        assert row["coverage95"] == pytest.approx(own.filter(at)["inside95"].mean())
        assert 0 <= row["status_accuracy"] <= 1


def test_an_origin_past_the_future_and_a_place_that_can_not_be_written_are_refused(
    source: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="2999-01-01 lies in the future"):
        backtest_file(source, first=START, last=dt.date(2999, 1, 1), model="persistence")
    with pytest.raises(OutputError):
        forecast(source, model="persistence", out=source)
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(OutputError):
        forecast(source, model="persistence", out=file / "below" / "next.parquet")


def test_the_forecast_of_a_day_is_the_backtests_row_of_it(source: Path) -> None:
    once = forecast(source, as_of=START, model="persistence").table.filter(pl.col("output_type") == "quantile")
    past = backtest_file(source, first=START, last=START, model="persistence")
    assert once.equals(past)
    panel = read_series(source).panel(START)
    direct = Persistence().predict(panel, [1, 2, 3, 4])
    np.testing.assert_allclose(once["value"].to_numpy(), np.maximum(np.sort(direct, axis=-1), 0).ravel())


def test_a_forecast_of_what_has_not_happened_yet_can_not_be_scored(source: Path) -> None:
    with pytest.raises(InputError, match=r"nothing can be scored yet: the first period forecast ends on .*backtest"):
        score_files(forecast(source, model="persistence").table, source)
