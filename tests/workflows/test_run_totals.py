"""A total beside the places of a file: the whole that the first sentence is about, never one more place."""

import datetime as dt
import math

import polars as pl

from salus.workflows.run import run

SCHEMA = {"location": pl.String, "disease": pl.String, "signal": pl.String, "date": pl.Date, "value": pl.Float64}


def table(*places: str) -> pl.DataFrame:
    rows = [
        (place, "HFMD", "cases", dt.date(2024, 1, 1) + dt.timedelta(weeks=k), round(40 + 30 * math.sin(k / 8)))
        for place in places
        for k in range(70)
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def test_the_total_is_the_whole_and_is_not_counted() -> None:
    found = run(table("东区", "西区", "南区", "合计"), model="persistence", horizons=[1])
    overview = found.bulletin.overview
    assert overview.whole is not None
    assert overview.whole.location == "合计"
    assert sorted(v.location for v in overview.places) == sorted(["东区", "西区", "南区"])
    assert sum(overview.counts) == 3
    assert "合计" in found.bulletin.first_sentence("zh")
    assert "合计" in found.forecasts["location"].unique(), "it is forecast like any other"


def test_a_file_of_one_total_is_of_one_place() -> None:
    overview = run(table("Total"), model="persistence", horizons=[1]).bulletin.overview
    assert [v.location for v in overview.places] == ["Total"]
