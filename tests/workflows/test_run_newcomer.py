"""A run with a new place beside a total, and with a driver: what is written and said."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest

from salus.workflows.run import Run, run

MONDAY = dt.date(2022, 1, 3)
WEEKS = 120
PEOPLE = {"North": 100_000.0, "South": 250_000.0, "East": 150_000.0}


def table() -> pl.DataFrame:
    """Three places, their total, and a new one that is known by its population alone."""
    rows = []
    for k in range(WEEKS):
        start = MONDAY + dt.timedelta(weeks=k)
        counts = {p: round(n / 5000 * (1.2 + math.sin(k / 8 + n / 1e5)) + k % 3) for p, n in PEOPLE.items()}
        rows += [(p, "Influenza", "cases", start, float(counts[p]), n) for p, n in PEOPLE.items()]
        rows.append(("Total", "Influenza", "cases", start, float(sum(counts.values())), 500_000.0))
    rows.append(("West", "Influenza", "cases", start, None, 200_000.0))
    names = ["location", "disease", "signal", "date", "value", "population"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


@pytest.fixture(scope="module")
def found() -> Run:
    warm = [("all", "temperature", MONDAY + dt.timedelta(weeks=k), 10 * math.sin(k / 8)) for k in range(WEEKS)]
    weather = pl.DataFrame(warm, schema=["location", "driver", "date", "value"], orient="row")
    return run(table(), model="last_year_drift", coherent=True, drivers=[weather])


def test_the_new_place_is_forecast_from_the_others_and_says_so_everywhere(found: Run) -> None:
    why = "no history: forecast from the rates of the other places and its population"
    rows = found.status.filter(location="West")
    assert rows["horizon"].to_list() == [1, 2, 3, 4]
    assert rows["note"].unique().to_list() == [why]
    assert rows["probability_higher"].is_null().all()
    trusted = found.trust.filter(location="West")
    assert (trusted["label"].unique().to_list(), trusted["reason"].unique().to_list()) == (["unknown"], [why])
    assert f"West: {why}" in found.notes
    assert "This place has no history" in found.bulletin.html("en")
    assert "该地尚无历史数据" in found.bulletin.html("zh")


def test_it_does_not_keep_the_others_from_adding_up(found: Run) -> None:
    paths = found.more["paths.parquet"].filter(horizon=2)
    total = paths.filter(location="Total").sort("output_type_id")["value"]
    parts = paths.filter(pl.col("location").is_in(list(PEOPLE))).group_by("output_type_id").agg(pl.col("value").sum())
    assert parts.sort("output_type_id")["value"].to_list() == pytest.approx(total.to_list())
    assert paths.filter(location="West")["value"].is_finite().all()
    assert "West" not in found.more["milestones.csv"]["location"].to_list()


def test_the_driver_is_named_on_the_page_and_in_the_record(found: Run) -> None:
    assert found.record["options"]["drivers"] == ["temperature"]
    assert "Looked at as drivers: temperature." in found.bulletin.html("en")
    assert "纳入的外部因素：temperature。" in found.bulletin.html("zh")
