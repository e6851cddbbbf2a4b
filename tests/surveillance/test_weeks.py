"""Periods: ISO and MMWR weeks, years of 53 weeks, months, days, and how a cadence is recognised."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.errors import TableError
from salus.surveillance.weeks import Cadence, ends, recognise, week_end

ISO, MMWR, MONTH, DAY = Cadence("week", 0), Cadence("week", 6), Cadence("month"), Cadence("day")
DATES = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))
CADENCES = st.sampled_from([ISO, MMWR, MONTH, DAY, Cadence("week", 2)])


@given(DATES)
def test_iso_weeks_agree_with_the_standard_library(day: dt.date) -> None:
    start = ISO.start(day)
    year, week, weekday = day.isocalendar()
    assert start == day - dt.timedelta(days=weekday - 1)
    assert ISO.label(start) == f"{year}-W{week:02d}"
    assert ISO.of_year(start) == week


@given(DATES)
def test_the_first_mmwr_week_has_at_least_four_days_in_january(day: dt.date) -> None:
    start = MMWR.start(day)
    assert start.weekday() == 6
    year, week = (int(part) for part in MMWR.label(start).split("-W"))
    january = dt.date(year, 1, 1)
    first = january - dt.timedelta(days=(january.weekday() + 1) % 7)
    if (first + dt.timedelta(days=6)).day < 4:
        first += dt.timedelta(days=7)
    assert start == first + dt.timedelta(weeks=week - 1)


@pytest.mark.parametrize(
    ("day", "iso", "mmwr"),
    [
        (dt.date(2020, 12, 31), "2020-W53", "2020-W53"),
        (dt.date(2021, 1, 2), "2020-W53", "2020-W53"),
        (dt.date(2021, 1, 3), "2020-W53", "2021-W01"),
        (dt.date(2021, 1, 4), "2021-W01", "2021-W01"),
        (dt.date(2015, 12, 31), "2015-W53", "2015-W52"),
        (dt.date(2014, 12, 31), "2015-W01", "2014-W53"),
        (dt.date(2026, 12, 31), "2026-W53", "2026-W52"),
        (dt.date(2024, 12, 30), "2025-W01", "2025-W01"),
    ],
)
def test_years_of_53_weeks(day: dt.date, iso: str, mmwr: str) -> None:
    assert ISO.label(ISO.start(day)) == iso
    assert MMWR.label(MMWR.start(day)) == mmwr


def test_years_with_53_weeks_are_those_of_the_calendar() -> None:
    def long_years(cadence: Cadence) -> list[int]:
        starts = cadence.grid(cadence.start(dt.date(2009, 1, 5)), dt.date(2032, 1, 1))
        return sorted({cadence.week(s).year for s in starts if cadence.of_year(s) == 53})

    assert long_years(ISO) == [2009, 2015, 2020, 2026]
    assert long_years(MMWR) == [2014, 2020, 2025, 2031]


def test_the_last_day_of_a_week_by_number() -> None:
    assert week_end(2020, 53) == dt.date(2021, 1, 3)
    assert week_end(2020, 53, "cdc") == dt.date(2021, 1, 2)
    assert week_end(2024, 1) == dt.date(2024, 1, 7)
    assert week_end(2024, 1, "cdc") == dt.date(2024, 1, 6)


@given(CADENCES, DATES, st.integers(-300, 300))
def test_shift_and_between_undo_each_other(cadence: Cadence, day: dt.date, periods: int) -> None:
    start = cadence.start(day)
    there = cadence.shift(start, periods)
    assert cadence.between(start, there) == periods
    assert cadence.shift(there, -periods) == start
    assert cadence.start(there) == there


@given(CADENCES, DATES)
def test_a_day_lies_within_its_period(cadence: Cadence, day: dt.date) -> None:
    start = cadence.start(day)
    assert start <= day <= cadence.end(start)
    assert cadence.end(start) + dt.timedelta(days=1) == cadence.shift(start, 1)


def test_months_have_their_own_lengths() -> None:
    assert MONTH.end(dt.date(2024, 2, 1)) == dt.date(2024, 2, 29)
    assert MONTH.shift(dt.date(2024, 1, 1), -1) == dt.date(2023, 12, 1)
    assert ends(MONTH, [dt.date(2023, 2, 1), dt.date(2023, 12, 1)]) == [dt.date(2023, 2, 28), dt.date(2023, 12, 31)]
    assert MONTH.label(dt.date(2024, 3, 1)) == "2024-03"
    assert MONTH.of_year(dt.date(2024, 3, 1)) == 3


def test_grid_holds_both_ends_and_nothing_twice() -> None:
    days = ISO.grid(dt.date(2020, 12, 21), dt.date(2021, 1, 11))
    assert [ISO.label(d) for d in days] == ["2020-W52", "2020-W53", "2021-W01", "2021-W02"]
    assert ISO.grid(dt.date(2021, 1, 4), dt.date(2020, 12, 28)) == []


def test_weeks_from_another_weekday_are_labelled_by_their_middle() -> None:
    wednesday = Cadence("week", 2)
    assert wednesday.label(dt.date(2024, 1, 3)) == "2024-W01"
    assert wednesday.label(dt.date(2024, 1, 10)) == "2024-W02"


def test_day_cadence() -> None:
    assert DAY.label(dt.date(2024, 2, 29)) == "2024-02-29"
    assert DAY.of_year(dt.date(2024, 12, 31)) == 366
    assert (DAY.name(1), ISO.name()) == ("day", "weeks")


@pytest.mark.parametrize(
    ("dates", "cadence"),
    [
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 15)], ISO),
        ([dt.date(2023, 12, 31), dt.date(2024, 1, 7)], MMWR),
        ([dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 5, 1)], MONTH),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2), dt.date(2024, 1, 3), dt.date(2024, 1, 5)], DAY),
        ([dt.date(2024, 1, 3), dt.date(2024, 1, 17)], Cadence("week", 2)),
        ([dt.date(2024, 1, 8)], ISO),
    ],
)
def test_the_cadence_is_recognised_in_any_order_with_doubles(dates: list[dt.date], cadence: Cadence) -> None:
    assert recognise(pl.Series("date", [*reversed(dates), *dates], dtype=pl.Date)) == cadence


def test_mixed_cadences_name_the_first_date_that_does_not_fit() -> None:
    weeks = [dt.date(2024, 1, 1) + dt.timedelta(weeks=k) for k in range(10)]
    with pytest.raises(TableError, match=r"most dates are Mondays, but one date is not: 2024-01-24 \(Wednesday\)"):
        recognise(pl.Series("date", [*weeks, dt.date(2024, 1, 24)], dtype=pl.Date), "cases.csv")


def test_no_date_at_all_is_said() -> None:
    with pytest.raises(TableError, match="there is no date"):
        recognise(pl.Series("date", [None], dtype=pl.Date))
