"""Periods: days, ISO weeks (from Monday), MMWR weeks (from Sunday) and months, on one regular grid.

ISO 8601 weeks start on Monday and week 1 holds 4 January; MMWR weeks (CDC) start on Sunday and week 1 has at least
four days in January. Both have years of 53 weeks; the `epiweeks` library does that arithmetic.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from epiweeks import Week

from salus.errors import Fault, TableError

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""Names of the weekdays, 0 first."""

_MONDAY, _SUNDAY = 0, 6
_WEEKLY_DATES = 3


@dataclass(frozen=True)
class Cadence:
    """Length and start of a period.

    Attributes
    ----------
    kind : {'day', 'week', 'month'}
        Length of a period.
    weekday : int
        For weeks, the weekday on which they start: 0 Monday (ISO), 6 Sunday (MMWR), others as the source has them.

    Examples
    --------
    >>> iso = Cadence("week", 0)
    >>> iso.label(dt.date(2020, 12, 28)), iso.end(dt.date(2020, 12, 28)).isoformat()
    ('2020-W53', '2021-01-03')
    >>> Cadence("month").shift(dt.date(2019, 11, 1), 3).isoformat()
    '2020-02-01'
    """

    kind: str
    weekday: int = 0

    @property
    def per_year(self) -> float:
        """Periods in a year, on average."""
        return {"day": 365.25, "week": 365.25 / 7, "month": 12.0}[self.kind]

    @property
    def season_length(self) -> int:
        """Whole periods after which the season repeats: 7 for days, 52 for weeks, 12 for months."""
        return {"day": 7, "week": 52, "month": 12}[self.kind]

    def start(self, day: dt.date) -> dt.date:
        """First day of the period that holds a day.

        Parameters
        ----------
        day : datetime.date
            Any day.
        """
        if self.kind == "month":
            return day.replace(day=1)
        if self.kind == "week":
            return day - dt.timedelta(days=(day.weekday() - self.weekday) % 7)
        return day

    def end(self, start: dt.date) -> dt.date:
        """Last day of the period that starts on a day.

        Parameters
        ----------
        start : datetime.date
            First day of the period.
        """
        return self.shift(start, 1) - dt.timedelta(days=1)

    def shift(self, start: dt.date, periods: int) -> dt.date:
        """First day of the period so many periods later.

        Parameters
        ----------
        start : datetime.date
            First day of a period.
        periods : int
            May be negative.
        """
        if self.kind == "month":
            month = start.year * 12 + start.month - 1 + periods
            return dt.date(month // 12, month % 12 + 1, 1)
        return start + dt.timedelta(days=periods * (7 if self.kind == "week" else 1))

    def between(self, first: dt.date, last: dt.date) -> int:
        """Periods from the one that starts on ``first`` to the one that starts on ``last``.

        Parameters
        ----------
        first, last : datetime.date
            First days of periods.
        """
        if self.kind == "month":
            return (last.year - first.year) * 12 + last.month - first.month
        return (last - first).days // (7 if self.kind == "week" else 1)

    def grid(self, first: dt.date, last: dt.date) -> list[dt.date]:
        """First days of all periods from ``first`` to ``last``, both included.

        Parameters
        ----------
        first, last : datetime.date
            First days of periods.
        """
        return [self.shift(first, k) for k in range(self.between(first, last) + 1)]

    def label(self, start: dt.date) -> str:
        """Name of a period as people write it: ``2026-W03``, ``2026-01`` or the day.

        Parameters
        ----------
        start : datetime.date
            First day of the period.
        """
        if self.kind == "month":
            return f"{start:%Y-%m}"
        if self.kind == "day":
            return start.isoformat()
        week = self.week(start)
        return f"{week.year}-W{week.week:02d}"

    def week(self, start: dt.date) -> Week:
        """Epidemiological week, MMWR where weeks start on Sunday, else ISO.

        Parameters
        ----------
        start : datetime.date
            First day of the week.
        """
        system = "cdc" if self.weekday == _SUNDAY else "iso"
        middle = start + dt.timedelta(days=3)
        return Week.fromdate(middle if self.weekday not in (_MONDAY, _SUNDAY) else start, system=system)

    def of_year(self, start: dt.date) -> int:
        """Number of the period within its year, from 1 (weeks to 53, months to 12, days to 366).

        Parameters
        ----------
        start : datetime.date
            First day of the period.
        """
        if self.kind == "month":
            return start.month
        if self.kind == "day":
            return start.timetuple().tm_yday
        return int(self.week(start).week)

    def name(self, count: int = 2) -> str:
        """The period's name in English, in the plural unless ``count`` is 1.

        Parameters
        ----------
        count : int
            How many.
        """
        return self.kind if count == 1 else self.kind + "s"


def recognise(dates: pl.Series, label: str = "series", places: pl.Series | None = None) -> Cadence:
    """Cadence of a series from the first days of its periods.

    Parameters
    ----------
    dates : polars.Series of Date
        First days of periods, in any order, doubles allowed.
    label : str
        What messages call the table.
    places : polars.Series of str, optional
        Place of each date. Where most places keep to one weekday each, they are weekly, on whatever days they fall
        together.

    Returns
    -------
    Cadence
        Months when every date is the first of a month, weeks when all fall on one weekday, else days.

    Raises
    ------
    TableError
        Weeks and other dates are mixed, so that no cadence fits.

    Examples
    --------
    >>> recognise(pl.Series([dt.date(2024, 1, 1), dt.date(2024, 1, 8), dt.date(2024, 1, 22)]))
    Cadence(kind='week', weekday=0)
    """
    days = dates.drop_nulls().unique().sort()
    if days.len() == 0:
        raise TableError(label, [Fault("empty", "there is no date", "Give at least one row", column="date")])
    if (days.dt.day() == 1).all() and (days.len() > 1 or days[0].weekday() not in (_MONDAY, _SUNDAY)):
        return Cadence("month")
    weekdays = (days.dt.weekday() - 1).value_counts(sort=True)
    common, count = int(weekdays[days.name][0]), int(weekdays["count"][0])
    if count == days.len():
        return Cadence("week", common)
    gaps = np.diff(days.to_numpy()).astype("timedelta64[D]").astype(int)
    if np.median(gaps) <= 1 and not _each_weekly(dates, places):
        return Cadence("day")
    odd = (days.dt.weekday() - 1) != common
    first, count = days.filter(odd)[0], int(odd.sum())
    others = f"one date is not: {first}" if count == 1 else f"{count} dates are not, such as {first}"
    raise TableError(
        label,
        [
            Fault(
                "mixed cadence",
                f"most dates are {WEEKDAYS[common]}s, but {others} ({WEEKDAYS[first.weekday()]})",
                "Give one cadence in a file: days, weeks that start on one weekday, or months by their first day",
                column="date",
                count=count,
            )
        ],
    )


def _each_weekly(dates: pl.Series, places: pl.Series | None) -> bool:
    """Whether most places that have some dates keep to one weekday each."""
    if places is None:
        return False
    rows = pl.DataFrame({"place": places, "date": dates}).drop_nulls()
    of_place = rows.group_by("place").agg(pl.col("date").n_unique(), days=pl.col("date").dt.weekday().n_unique())
    telling = of_place.filter(pl.col("date") >= _WEEKLY_DATES)
    return 2 * int((telling["days"] == 1).sum()) > telling.height


def week_end(year: int, week: int, system: str = "iso") -> dt.date:
    """Last day of an epidemiological week.

    Parameters
    ----------
    year, week : int
        Year and number of the week.
    system : {'iso', 'cdc'}
        ISO weeks or MMWR weeks.

    Examples
    --------
    >>> week_end(2020, 53).isoformat(), week_end(2020, 53, "cdc").isoformat()
    ('2021-01-03', '2021-01-02')
    """
    return Week(year, week, system=system).enddate()


def ends(cadence: Cadence, starts: Sequence[dt.date]) -> list[dt.date]:
    """Last days of several periods.

    Parameters
    ----------
    cadence : Cadence
        Their cadence.
    starts : sequence of datetime.date
        First days of periods.
    """
    return [cadence.end(s) for s in starts]
