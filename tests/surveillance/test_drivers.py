"""Drivers: laid on the panel's grid as known on the day, never later."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from salus.errors import InputError
from salus.surveillance.drivers import read_drivers
from salus.surveillance.panel import Panel
from salus.surveillance.series import open_series
from salus.surveillance.weeks import Cadence

MONDAY = dt.date(2024, 1, 1)
WEEK = Cadence("week", 0)


def week(number: int) -> dt.date:
    return MONDAY + dt.timedelta(weeks=number)


def series(weeks: int = 6) -> pl.DataFrame:
    rows = [(p, "Influenza", "cases", week(k), float(k)) for p in ("A", "B") for k in range(weeks)]
    return pl.DataFrame(rows, schema=["location", "disease", "signal", "date", "value"], orient="row")


def driver(rows: list[tuple[Any, ...]], *more: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["location", "driver", "date", "value", *more], orient="row")


def panel(drivers: Any, day: dt.date | None = None) -> Panel:
    return open_series(series(), drivers=[drivers])[0].panel(day or week(6) - dt.timedelta(days=1))


def test_values_stand_at_their_places_and_weeks_and_others_are_unknown() -> None:
    table = driver([("A", "temperature", week(k), -5.0 + k) for k in range(6)] + [("C", "temperature", week(0), 9.0)])
    (found,) = panel(table).drivers
    assert found.name == "temperature"
    np.testing.assert_array_equal(found.values[0], np.arange(6) - 5.0)
    assert np.isnan(found.values[1]).all()


def test_a_driver_of_one_place_counts_for_all() -> None:
    (found,) = panel(driver([("everywhere", "temperature", week(k), 1.0 * k) for k in range(6)])).drivers
    np.testing.assert_array_equal(found.values, np.tile(np.arange(6.0), (2, 1)))


def test_days_are_averaged_over_the_weeks() -> None:
    days = [MONDAY + dt.timedelta(days=k) for k in range(42)]
    (found,) = panel(driver([("A", "temperature", day, float(k)) for k, day in enumerate(days)])).drivers
    np.testing.assert_allclose(found.values[0], 3.0 + 7 * np.arange(6))


def test_weeks_from_another_day_stand_in_the_week_in_which_they_end() -> None:
    """A week from Sunday ends on a Saturday: what it says is known in the week from Monday that holds it."""
    rows = [("A", "temperature", week(k) - dt.timedelta(days=1), float(k)) for k in range(6)]
    (found,) = panel(driver(rows)).drivers
    np.testing.assert_array_equal(found.values[0], np.arange(6.0))


def test_a_driver_that_comes_later_is_moved_so_that_its_newest_value_is_there() -> None:
    (found,) = panel(driver([("A", "temperature", week(k), float(k)) for k in range(4)])).drivers
    np.testing.assert_array_equal(found.values[0], [np.nan, np.nan, 0.0, 1.0, 2.0, 3.0])


def test_nothing_of_a_driver_is_known_before_its_period_ends_or_before_it_was_published() -> None:
    table = driver([("A", "temperature", week(k), float(k)) for k in range(6)])
    (found,) = panel(table, week(3) + dt.timedelta(days=3)).drivers
    np.testing.assert_array_equal(found.values[0], [0.0, 1.0, 2.0])
    twice = [("A", "temperature", week(k), v, week(k) + dt.timedelta(days=days))
             for k in range(6) for v, days in ((10.0 + k, 6), (20.0 + k, 20))]  # fmt: skip
    (told,) = panel(driver(twice, "as_of"), week(6) - dt.timedelta(days=1)).drivers
    np.testing.assert_array_equal(told.values[0], [20.0, 21.0, 22.0, 23.0, 14.0, 15.0])


def test_each_disease_of_a_series_is_a_driver() -> None:
    rsv = series().with_columns(disease=pl.lit("RSV"))
    both = pl.concat([rsv, rsv.with_columns(signal=pl.lit("visits"))])
    assert [d.name for d in panel(both).drivers] == ["RSV, cases", "RSV, visits"]


def test_files_and_other_names_of_the_column_are_read(tmp_path: Path) -> None:
    table = driver([("A", "temperature", week(k), -5.0 + k) for k in range(6)]).rename({"driver": "covariate"})
    table.write_csv(tmp_path / "weather.csv")
    (found,) = open_series(series(), drivers=[tmp_path / "weather.csv"])[0].drivers
    assert found.name == "temperature"


def test_companions_and_parts_of_a_panel_carry_them() -> None:
    more = pl.concat([series(), series().with_columns(disease=pl.lit("RSV"))])
    table = driver([("A", "temperature", week(k), float(k)) for k in range(6)])
    opened, _ = open_series(more, "Influenza", drivers=[table])
    learning = opened.learning_panel(week(6) - dt.timedelta(days=1))
    assert [d.name for d in learning.also[0].drivers] == ["temperature"]
    assert learning.without(["A"]).drivers[0].values.shape == (1, 6)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("X", "temperature", week(k), 1.0) for k in range(3)] + [("Y", "temperature", week(0), 1.0)],
         "names none of the places that are forecast"),
        ([("A", "temperature", dt.date(2024, k, 1), 1.0) for k in range(1, 6)], "what is forecast is by week"),
    ],
    ids=["other places", "months"],
)  # fmt: skip
def test_what_does_not_fit_is_refused(rows: list[tuple[Any, ...]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_drivers([driver(rows)], WEEK, ["A", "B"])


def test_a_driver_given_twice_is_refused() -> None:
    table = driver([("A", "temperature", week(k), 1.0) for k in range(3)])
    with pytest.raises(InputError, match="given twice"):
        read_drivers([table, table], WEEK, ["A"])
