"""Lags of seasons and harmonics of the calendar."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.forecasting.season import harmonics, lag, lags
from salus.surveillance.weeks import Cadence

WEEK, MONTH, DAY = Cadence("week", 0), Cadence("month"), Cadence("day")


@given(st.dates(dt.date(2000, 1, 3), dt.date(2040, 1, 1)), st.integers(1, 12))
def test_seasons_of_weeks_stay_at_the_same_day_of_the_year(day: dt.date, years: int) -> None:
    start = WEEK.start(day)
    before = WEEK.shift(start, -lag(WEEK, years))
    assert abs((start - before).days - 365.25 * years) <= 3.5


def test_seasons_of_months_and_days_are_whole() -> None:
    assert [lag(MONTH, k) for k in (1, 2, 3)] == [12, 24, 36]
    assert [lag(DAY, k) for k in (1, 2, 3)] == [7, 14, 21]


def test_a_season_that_is_not_over_yet_is_left_out() -> None:
    assert lags(WEEK, 4, 3) == [52, 104, 157]
    assert lags(WEEK, 52, 2) == [52, 104]
    assert lags(WEEK, 53, 2) == [104, 157]
    assert lags(DAY, 8, 2) == [14, 21]


@pytest.mark.parametrize(("cadence", "columns"), [(WEEK, 4), (MONTH, 4), (DAY, 10)])
def test_harmonics_depend_on_the_date_alone(cadence: Cadence, columns: int) -> None:
    starts = cadence.grid(cadence.start(dt.date(2019, 1, 7)), cadence.start(dt.date(2021, 6, 7)))
    whole = harmonics(cadence, starts)
    assert whole.shape == (len(starts), columns)
    np.testing.assert_array_equal(whole[20:25], harmonics(cadence, starts[20:25]))
    assert np.linalg.matrix_rank(whole) == columns


def test_harmonics_repeat_after_the_year_and_the_week() -> None:
    year = [dt.date(2020, 1, 1), dt.date(2020, 1, 1) + dt.timedelta(days=1461)]
    first, later = harmonics(MONTH, year)
    np.testing.assert_allclose(first, later, atol=1e-9)
    monday, next_monday = harmonics(DAY, [dt.date(2024, 1, 1), dt.date(2024, 1, 8)])
    np.testing.assert_allclose(monday[[2, 3, 4, 7, 8, 9]], next_monday[[2, 3, 4, 7, 8, 9]], atol=1e-9)
