"""Seasons start at the calm point, wrap the year and count 53-week years."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.surveillance.seasons import Seasons, find, season_start
from salus.surveillance.weeks import Cadence

ISO, MMWR = Cadence("week", 0), Cadence("week", 6)


def wave(peak_day: int, years: int = 5, cadence: Cadence = ISO, place: str = "A", size: float = 100) -> pl.DataFrame:
    """A yearly wave with its peak on a day of the year."""
    days = cadence.grid(cadence.start(dt.date(2015, 1, 8)), cadence.start(dt.date(2014 + years, 12, 28)))
    phase = [2 * np.pi * (d.timetuple().tm_yday - peak_day) / 365.25 for d in days]
    return pl.DataFrame(
        {"location": place, "date": days, "value": [size * float(np.exp(3 * np.cos(p))) for p in phase]}
    )


@pytest.mark.parametrize(("peak", "calm"), [(15, 28), (200, 3), (100, 41), (330, 22)])
def test_calm_point_lies_half_a_year_from_the_peak(peak: int, calm: int) -> None:
    found = season_start(wave(peak), ISO)
    assert min(abs(found - calm), 52 - abs(found - calm)) <= 3


def test_one_giant_epidemic_and_a_huge_place_do_not_move_the_calm_point() -> None:
    usual = wave(15)
    summer = pl.col("date").is_between(dt.date(2016, 4, 1), dt.date(2016, 6, 1))
    giant = usual.with_columns(value=pl.when(summer).then(pl.col("value") + 300).otherwise(pl.col("value")))
    assert abs(season_start(giant, ISO) - season_start(usual, ISO)) <= 6
    huge = wave(200, place="B", size=1e6)
    both = pl.concat([usual, *(wave(12 + k, place=f"C{k}") for k in range(6)), huge])
    assert abs(season_start(both, ISO) - season_start(usual, ISO)) <= 6


def test_short_history_falls_back_to_the_calendar_year_as_documented() -> None:
    assert season_start(wave(15).head(30), ISO) == 1
    assert find(wave(15).head(30), ISO).label(2015) == "2015"


def test_months_and_days_have_seasons_too() -> None:
    monthly = wave(15, cadence=Cadence("month"))
    assert season_start(monthly, Cadence("month")) in (7, 8)
    assert abs(season_start(wave(15, cadence=Cadence("day")), Cadence("day")) - 198) < 25


@given(
    st.sampled_from([ISO, MMWR, Cadence("week", 2), Cadence("month"), Cadence("day")]),
    st.integers(1, 12),
    st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)),
)
def test_every_period_lies_in_one_season_and_positions_count_up(cadence: Cadence, twelfth: int, day: dt.date) -> None:
    seasons = Seasons(cadence, {"month": 1, "week": 4, "day": 30}[cadence.kind] * twelfth)
    start = cadence.start(day)
    season, position = seasons.season_of(start), seasons.position(start)
    assert seasons.first(season) <= start < seasons.first(season + 1)
    assert cadence.shift(seasons.first(season), position) == start
    assert position < seasons.length(season) <= {"month": 12, "week": 53, "day": 366}[cadence.kind]
    after = cadence.shift(start, 1)
    assert (seasons.season_of(after), seasons.position(after)) in ((season, position + 1), (season + 1, 0))


def test_53_week_years_keep_their_last_week() -> None:
    calendar = Seasons(ISO, 1)
    assert calendar.position(dt.date(2020, 12, 28)) == 52
    assert calendar.season_of(dt.date(2020, 12, 28)) == 2020
    assert (calendar.length(2020), calendar.length(2021)) == (53, 52)
    assert Seasons(MMWR, 40).first(2020) == dt.date(2020, 9, 27)


def test_aligned_table_keeps_rows_and_order() -> None:
    history = wave(15).sort("value")
    found = Seasons(ISO, 30).align(history)
    assert found.select(history.columns).equals(history)
    assert found.filter(pl.col("date") == dt.date(2016, 1, 4)).select("season", "season_label").row(0) == (
        2015,
        "2015/16",
    )
    assert found.is_duplicated().sum() == 0


def test_matrix_has_a_row_a_season_and_leaves_gaps_unknown() -> None:
    history = wave(15, years=3).filter(pl.col("date") != dt.date(2016, 6, 6))
    seasons, values = Seasons(ISO, 1).matrix(history)
    assert seasons == [2015, 2016, 2017]
    assert np.isnan(values[1, 22])
    assert np.nansum(values) == pytest.approx(history["value"].sum())
