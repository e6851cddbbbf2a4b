"""Counts left out to protect persons: neither zero, nor missing, nor late."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from salus.surveillance.checks import check_series
from salus.surveillance.left_out import left_out, unforecastable
from salus.surveillance.series import read_series

FIRST = dt.date(2025, 1, 6)


def release(values: dict[str, list[float | None]], marked: bool = True) -> pl.DataFrame:
    """A release: a count that is missing was left out."""
    rows = [
        (place, "Influenza", "cases", FIRST + dt.timedelta(weeks=k), v, v is None)
        for place, own in values.items()
        for k, v in enumerate(own)
    ]
    names = ["location", "disease", "signal", "date", "value", "left_out"]
    table = pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"value": pl.Float64})
    return table if marked else table.drop("left_out")


WAVES = [float(x) for x in np.random.default_rng(3).poisson(30, 60)]


def test_what_is_left_out_is_found_as_known_on_the_day() -> None:
    series = read_series(release({"A": [12.0, None, 13.0, 14.0, None], "B": [0.0, 20.0, 15.0, 0.0, 11.0]}))
    day = FIRST + dt.timedelta(weeks=5, days=-1)
    assert left_out(series, day).rows() == [("A", FIRST + dt.timedelta(weeks=k)) for k in (1, 4)]
    assert left_out(series, day - dt.timedelta(weeks=1)).rows() == [("A", FIRST + dt.timedelta(weeks=1))]
    plain = read_series(release({"A": [12.0, None, 13.0, 14.0, None]}, marked=False))
    assert left_out(plain, day).height == 0


def test_a_last_week_of_which_all_counts_are_left_out_is_reached() -> None:
    table = release({"A": [12.0, None, 13.0, 14.0, None], "B": [0.0, 20.0, 15.0, 0.0, None]})
    end = FIRST + dt.timedelta(weeks=5, days=-1)
    series = read_series(table)
    assert series.last_day == end
    panel = series.panel(end)
    assert panel.starts[-1] == FIRST + dt.timedelta(weeks=4)
    assert dict(zip(panel.locations, panel.gaps.tolist(), strict=True)) == {"A": 1, "B": 1}
    missing = read_series(table.drop("left_out"))
    assert missing.last_day == end - dt.timedelta(weeks=1), "a week that nobody reported is not reached"


def test_a_place_that_shows_few_of_its_counts_over_zero_is_not_forecast() -> None:
    few: list[float | None] = [30.0 if k % 10 == 0 else None for k in range(60)]
    zeros: list[float | None] = [None if k % 10 == 0 else 0.0 for k in range(60)]
    some: list[float | None] = [None if k % 2 else v for k, v in enumerate(WAVES)]
    series = read_series(release({"Few": few, "Some": some, "Whole": [*WAVES], "Zeros": zeros}))
    day = FIRST + dt.timedelta(weeks=60, days=-1)
    found = unforecastable(series.panel(day), left_out(series, day))
    assert set(found) == {"Few", "Zeros"}
    english, chinese = found["Zeros"]
    assert english == "100 % of its counts over zero of the last year are left out to protect persons"
    assert chinese == "最近一年的非零计数中有100%为保护个人而未公布"


def kinds(table: pl.DataFrame) -> dict[str, str]:
    return {f.kind: f.message for f in check_series(table, today=FIRST + dt.timedelta(weeks=61), known=())}


def test_the_check_names_them_as_such_and_not_as_late_or_flat() -> None:
    quiet: list[float | None] = [*WAVES[:40], *([None] * 10 + [0.0] * 4 + [None] * 6)]
    table = {"A": [*WAVES], "B": quiet}
    found = kinds(release(table))
    assert set(found) == {"left out"}
    assert found["left out"].startswith("1 series with counts left out to protect persons, 16 in all: B")
    assert "late place" in kinds(release(table, marked=False))
