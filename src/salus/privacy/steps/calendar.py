"""Days and weeks as whole numbers, because calendar functions of engines differ (years between dates, ISO weeks)."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

EPOCH = dt.date(1970, 1, 1)
"""Day 0; a Thursday."""

_FAR = 7 * 200_000  # so that no dividend is negative: engines round those differently
_MONDAY = 3  # days from the Monday before day 0


def day_number(date: ir.DateValue) -> ir.IntegerValue:
    """Days since 1 January 1970.

    Parameters
    ----------
    date : ibis.expr.types.DateValue
        Dates after the year 1.
    """
    return date.delta(ibis.literal(EPOCH), unit="day").cast("int64")


def week_number(day: ir.IntegerValue, shift: int) -> ir.IntegerValue:
    """Number of the week of a day; consecutive weeks differ by one, and day 0 lies in week 0 or 1.

    Parameters
    ----------
    day : ibis.expr.types.IntegerValue
        As :func:`day_number` gives it.
    shift : {0, 1}
        0 for weeks that begin on Monday (ISO 8601), 1 on Sunday (MMWR).
    """
    return (day + (_MONDAY + shift + _FAR)) // 7 - _FAR // 7


def number_of_week(first_day: dt.date, shift: int) -> int:
    """The same of a week's first day, in this process.

    Parameters
    ----------
    first_day : datetime.date
        Any day of the week.
    shift : {0, 1}
        As for :func:`week_number`.

    Examples
    --------
    >>> number_of_week(dt.date(1970, 1, 4), 0), number_of_week(dt.date(1970, 1, 4), 1)
    (0, 1)
    """
    return ((first_day - EPOCH).days + _MONDAY + shift) // 7


def first_day(week: int, shift: int) -> dt.date:
    """First day of a week.

    Parameters
    ----------
    week : int
        As :func:`number_of_week` gives it.
    shift : {0, 1}
        As for :func:`week_number`.

    Examples
    --------
    >>> first_day(number_of_week(dt.date(2021, 1, 3), 0), 0)
    datetime.date(2020, 12, 28)
    """
    return EPOCH + dt.timedelta(days=7 * week - _MONDAY - shift)


def day_of_week(week: ir.IntegerValue, shift: int) -> ir.IntegerValue:
    """Number of the first day of a week.

    Parameters
    ----------
    week : ibis.expr.types.IntegerValue
        As :func:`week_number` gives it.
    shift : {0, 1}
        As for :func:`week_number`.
    """
    return week * 7 - (_MONDAY + shift)


def year_of(day: ir.IntegerValue) -> ir.IntegerValue:
    """Calendar year of a day number, by whole numbers alone.

    Eras of 400 years from 1 March of the year 0: Hinnant, chrono-compatible low-level date algorithms, 2013.

    Parameters
    ----------
    day : ibis.expr.types.IntegerValue
        Days since 1 January 1970; not before the year 1.
    """
    z = day + 719_468
    era = z // 146_097
    of_era = z - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_based = year_of_era + era * 400
    return march_based + (of_year >= 306).cast("int64")


def epidemiological_week(day: ir.IntegerValue, shift: int) -> tuple[ir.IntegerValue, ir.IntegerValue]:
    """Year and number of the epidemiological week of a day: ISO 8601, or MMWR where weeks begin on Sunday.

    Both count a week to the year in which its fourth day lies.

    Parameters
    ----------
    day : ibis.expr.types.IntegerValue
        Days since 1 January 1970.
    shift : {0, 1}
        As for :func:`week_number`.

    Returns
    -------
    year, week : ibis.expr.types.IntegerValue
        Such as 2020 and 53.
    """
    fourth = day_of_week(week_number(day, shift), shift) + 3
    year = year_of(fourth)
    before = year - 1
    new_year = before * 365 + before // 4 - before // 100 + before // 400 - 719_162
    return year, (fourth - new_year) // 7 + 1


def coarse(day: ir.DateValue, unit: str, shift: int = 0) -> ir.Value:
    """A date as coarse as a policy wants it: the number of its week, or its month as ``yyyymm``.

    Parameters
    ----------
    day : ibis.expr.types.DateValue
        Dates.
    unit : {'week', 'month'}
        How coarse.
    shift : {0, 1}
        First day of the week, as for :func:`week_number`.
    """
    if unit == "week":
        return week_number(day_number(day), shift)
    if unit == "month":
        return (day.year() * 100 + day.month()).cast("int64")
    raise ValueError(f"no coarseness '{unit}'")
