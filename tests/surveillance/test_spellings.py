"""One place under two labels."""

from __future__ import annotations

import datetime as dt

import polars as pl

from salus.surveillance.series import Series, read_series
from salus.surveillance.spellings import one_spelling

FIRST = dt.date(2024, 1, 1)


def series(spans: dict[str, range]) -> Series:
    rows = [
        (place, "Influenza", "cases", FIRST + dt.timedelta(weeks=k), float(3 * k % 7))
        for place, span in spans.items()
        for k in span
    ]
    return read_series(pl.DataFrame(rows, schema=["location", "disease", "signal", "date", "value"], orient="row"))


def used(spans: dict[str, range], weeks: int = 40) -> tuple[set[str], list[str]]:
    found, notes = one_spelling(series(spans), FIRST + dt.timedelta(weeks=weeks))
    assert found.notes == tuple(english for english, _ in notes)
    return set(found.table["location"]), [english for english, _ in notes]


def test_the_label_that_reaches_further_is_used() -> None:
    near, far = range(30), range(40)
    assert used({"China": near, "Total": far, "Beijing": far})[0] == {"Total", "Beijing"}
    assert used({"China": far, "Total": near, "Beijing": far})[0] == {"China", "Beijing"}
    assert used({"China": far, "Total": far, "Beijing": far})[0] == {"China", "Beijing"}


def test_only_what_was_known_on_the_day_decides() -> None:
    spans = {"China": range(30), "Total": range(40), "Beijing": range(40)}
    assert used(spans, weeks=20)[0] == {"China", "Beijing"}


def test_labels_that_follow_each_other_are_put_together() -> None:
    spans = {"Thueringen": range(20), "Thüringen": range(20, 40), "Bayern": range(40)}
    found, notes = one_spelling(series(spans), FIRST + dt.timedelta(weeks=40))
    assert [english for english, _ in notes] == ["'Thueringen' and 'Thüringen' are one place and were put together"]
    assert found.table.filter(pl.col("location") == "Thüringen")["date"].n_unique() == 40


def test_places_of_their_own_are_left_alone() -> None:
    given = series({"Shanxi": range(40), "Shaanxi": range(40), "Total": range(40), "North": range(40)})
    assert one_spelling(given, FIRST + dt.timedelta(weeks=40)) == (given, ())
