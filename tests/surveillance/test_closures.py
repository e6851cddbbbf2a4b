"""School terms: closed working days of each period and those ahead, by place and year."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from salus.errors import InputError
from salus.surveillance.panel import Panel
from salus.surveillance.series import open_series

MONDAY = dt.date(2024, 7, 1)


def cases(weeks: int = 8, places: str = "AB") -> pl.DataFrame:
    rows = [(p, "Influenza", "cases", MONDAY + dt.timedelta(weeks=k), 1.0 + k) for p in places for k in range(weeks)]
    return pl.DataFrame(rows, schema=["location", "disease", "signal", "date", "value"], orient="row")


def panel(calendar: object, weeks: int = 8) -> Panel:
    day = MONDAY + dt.timedelta(weeks=weeks, days=-1)
    return open_series(cases(weeks), drivers=[calendar])[0].panel(day)


def terms(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=["location", "calendar", "first", "last"], orient="row")


def test_closed_days_of_each_week_and_of_the_weeks_ahead() -> None:
    """From Thursday 18 July to Sunday 28 July: two working days, then five, then none."""
    (found,) = panel(terms((None, "schools", dt.date(2024, 7, 18), dt.date(2024, 7, 28)))).drivers
    assert found.name == "schools"
    np.testing.assert_array_equal(found.values[0], [0, 0, 2, 5, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.later[0][0], [0, 2, 5, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.later[2][1], [5, 0, 0, 0, 0, 0, 0, 0])


def test_what_is_ahead_of_the_last_week_is_told() -> None:
    (found,) = panel(terms((None, "schools", dt.date(2024, 9, 2), dt.date(2024, 9, 3))), weeks=8).drivers
    assert found.values.sum() == 0
    assert [float(each[0, -1]) for each in found.later] == [0, 2, 0, 0]


def test_places_have_calendars_of_their_own_beside_that_of_all() -> None:
    both = terms(
        (None, "schools", dt.date(2024, 7, 1), dt.date(2024, 7, 1)),
        ("B", "schools", dt.date(2024, 7, 1), dt.date(2024, 7, 3)),
    )
    (found,) = panel(both).drivers
    assert found.values[:, 0].tolist() == [1, 3]  # a day that is named twice is closed once


def test_years_of_which_nothing_is_said_are_unknown() -> None:
    (found,) = panel(terms(("A", "schools", dt.date(2023, 7, 1), dt.date(2023, 7, 9)))).drivers
    assert np.isnan(found.values).all()


def test_a_file_without_places_counts_for_all(tmp_path: Path) -> None:
    file = tmp_path / "terms.csv"
    file.write_text("calendar,first,last\nschools,2024-07-22,2024-08-31\n", encoding="utf-8")
    (found,) = panel(file).drivers
    np.testing.assert_array_equal(found.values[1], [0, 0, 0, 5, 5, 5, 5, 5])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((None, "schools", dt.date(2024, 7, 9), dt.date(2024, 7, 1)), "before it begins on 2024-07-09"),
        (("Z", "schools", dt.date(2024, 7, 1), dt.date(2024, 7, 9)), "names none of the places"),
    ],
)
def test_calendars_that_can_not_be_meant_are_refused(rows: tuple[object, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        panel(terms(rows))
