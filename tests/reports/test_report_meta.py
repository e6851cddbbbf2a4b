"""When figures are old, and when they may have been revised."""

import datetime as dt

import pytest

from salus.surveillance.weeks import Cadence

WEEK, MONTH, DAY = Cadence("week"), Cadence("month"), Cadence("day")


@pytest.mark.parametrize(
    ("cadence", "last", "fresh", "old"),
    [
        (WEEK, dt.date(2023, 7, 10), dt.date(2023, 8, 5), dt.date(2023, 8, 6)),
        (MONTH, dt.date(2023, 7, 1), dt.date(2023, 10, 30), dt.date(2023, 10, 31)),
        (DAY, dt.date(2023, 7, 10), dt.date(2023, 7, 17), dt.date(2023, 7, 18)),
    ],
)
def test_figures_are_old_when_too_many_periods_have_ended_since(make, cadence, last, fresh, old):
    def found(made_on, **more):
        return make({"Tokyo": [5.1]}, cadence=cadence, last=last, made_on=made_on, periods=60, **more).meta.old

    assert not found(fresh)
    assert found(old)
    assert not found(old, simulated=True)
    assert not found(last)
    assert not found(None)


@pytest.mark.parametrize(
    ("vintages", "made_on", "wanted"),
    [
        (True, dt.date(2024, 1, 1), False),
        (False, dt.date(2024, 1, 1), True),
        (False, dt.date(2023, 7, 16), False),
        (False, None, True),
    ],
)
def test_figures_without_vintages_may_have_been_revised_after_the_day(make, vintages, made_on, wanted):
    assert make({"Tokyo": [5.1]}, periods=60, vintages=vintages, made_on=made_on).meta.revisable is wanted


def test_old_figures_are_marked_on_the_page_and_in_its_title(make):
    page = make(made_on=dt.date(2026, 7, 16)).html().replace("\u00a0", " ")
    assert "<title>OLD FIGURES · " in page
    assert "The newest figures are from the week to 16 Jul 2023, about three years before this bulletin" in page
    assert "OLD FIGURES" not in make(made_on=dt.date(2023, 7, 18)).html()
