"""The calendar of a panel: holidays of its country, Christmas, and the period that is forecast."""

import datetime as dt

import numpy as np

from salus.forecasting import calendar
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

WEEK, MONTH = Cadence("week", 0), Cadence("month")
JAPAN = ("Aichi", "Osaka", "Tokyo")


def panel(first: dt.date, periods: int, places: tuple[str, ...] = JAPAN, cadence: Cadence = WEEK) -> Panel:
    starts = tuple(cadence.shift(first, k) for k in range(periods))
    values = np.ones((len(places), periods))
    return Panel("x", "cases", cadence, cadence.end(starts[-1]), starts, places, values, np.full(len(places), np.nan))


def test_golden_week_is_seen_coming_and_seen_to_have_been():
    """2018: Showa Day observed on Monday 30 April, then 3 and 4 May, all in the week from 30 April."""
    spring = panel(dt.date(2018, 4, 16), 4)
    assert calendar.now(spring)["holidays"].tolist() == [0, 0, 3, 0]
    assert calendar.now(spring)["holidays_before"].tolist() == [0, 0, 0, 3]
    assert calendar.later(spring, 2)["target_holidays"].tolist() == [3, 0, 0, 0]
    assert calendar.later(spring, 2)["target_holidays_before"].tolist() == [0, 3, 0, 0]


def test_at_the_turn_of_the_year_few_report():
    """2018-12-31 to 2019-01-03 are four working days without work; 24 December was observed for the Emperor."""
    turn = panel(dt.date(2018, 12, 17), 4)
    assert calendar.now(turn)["holidays"].tolist() == [0, 1, 4, 0]
    assert calendar.now(turn)["days_from_christmas"].tolist() == [-8, -1, 6, 13]
    assert calendar.later(turn, 1)["target_days_from_christmas"].tolist() == [-1, 6, 13, 20]


def test_months_have_their_holidays_too():
    found = calendar.now(panel(dt.date(2018, 4, 1), 2, cadence=MONTH))["holidays"]
    assert found.tolist() == [1, 2]


def test_of_places_that_are_not_known_no_holiday_is_told():
    unknown = calendar.now(panel(dt.date(2018, 4, 16), 3, ("Here", "There")))
    assert np.isnan(unknown["holidays"]).all()
    assert np.isfinite(unknown["season_sine"]).all()


def test_names_of_the_season_are_those_that_the_timeless_network_is_not_told():
    spring = panel(dt.date(2018, 4, 16), 4)
    names = [*calendar.now(spring), *calendar.later(spring, 1)]
    told = [n for n in names if not n.startswith(calendar.SEASONAL)]
    assert told == ["holidays", "holidays_before"]
