"""What the calendar tells of a period: where it stands in the year, and its public holidays.

Holidays change both who meets whom and who reports: weeks of few working days have few reports, and a catch-up after.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

import holidays
import numpy as np
from numpy.typing import NDArray

from salus.surveillance import places
from salus.surveillance.panel import Panel

Floats = NDArray[np.float64]
SEASONAL = ("season_", "days_from_christmas", "target_", "past_", "last_year_")
"""Beginnings of the names of features that tell the time of year or its usual course."""


def now(panel: Panel) -> dict[str, Floats]:
    """Features of the calendar that do not depend on the horizon.

    Parameters
    ----------
    panel : Panel
        Gives the periods and, by its places, the country.

    Returns
    -------
    dict of str to numpy.ndarray, shape (periods,)
        ``season_sine``, ``season_cosine``, ``days_from_christmas`` (days to the nearest 25 December, before it
        negative), ``holidays`` and ``holidays_before`` (public holidays from Monday to Friday in the period and in the
        one before; NaN in a country that is not known).
    """
    angle = 2 * np.pi * np.array([(s.timetuple().tm_yday - 1) / 365.25 for s in panel.starts])
    return {
        "season_sine": np.sin(angle),
        "season_cosine": np.cos(angle),
        "days_from_christmas": _from_christmas(panel.starts),
        "holidays": _days_off(panel, 0),
        "holidays_before": _days_off(panel, -1),
    }


def later(panel: Panel, ahead: int) -> dict[str, Floats]:
    """Features of the calendar of the period so many ahead of each.

    Parameters
    ----------
    panel : Panel
        Gives the periods and, by its places, the country.
    ahead : int
        Periods ahead, from 1.

    Returns
    -------
    dict of str to numpy.ndarray, shape (periods,)
        ``target_days_from_christmas``, ``target_day`` (day of the year), ``target_holidays`` and
        ``target_holidays_before``.
    """
    starts = tuple(panel.cadence.shift(s, ahead) for s in panel.starts)
    return {
        "target_days_from_christmas": _from_christmas(starts),
        "target_day": np.array([s.timetuple().tm_yday for s in starts], dtype=float),
        "target_holidays": _days_off(panel, ahead),
        "target_holidays_before": _days_off(panel, ahead - 1),
    }


def _from_christmas(starts: tuple[dt.date, ...]) -> Floats:
    days = np.array([(s - s.replace(month=12, day=25)).days for s in starts], dtype=float)
    return np.where(days < -182, days + 365, days)


def _days_off(panel: Panel, shift: int) -> Floats:
    """Public holidays from Monday to Friday in the period so many after each; NaN where the country is not known."""
    country = places.country(panel.locations)
    if country is None:
        return np.full(len(panel.starts), np.nan)
    off = _holidays(country, panel.starts[0].year - 1, panel.starts[-1].year + 1)
    first = [panel.cadence.shift(s, shift) for s in panel.starts]
    starts, ends = [s.toordinal() for s in first], [panel.cadence.end(s).toordinal() for s in first]
    return (np.searchsorted(off, ends, side="right") - np.searchsorted(off, starts)).astype(float)


@cache
def _holidays(country: str, first: int, last: int) -> NDArray[np.int64]:
    """Public holidays on working days, and 29 December to 3 January, when few report anywhere; as day numbers."""
    years = range(first, last + 1)
    found = set(holidays.country_holidays(country, years=years))
    found |= {dt.date(y, month, day) for y in years for month, day in ((12, 29), (12, 30), (12, 31), (1, 2), (1, 3))}
    return np.array(sorted(day.toordinal() for day in found if day.weekday() < 5), dtype=np.int64)
