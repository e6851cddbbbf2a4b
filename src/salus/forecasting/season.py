"""The season of a cadence: lags of whole seasons, and harmonics of the year tied to the calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from salus.forecasting.scale import Floats
from salus.surveillance.weeks import Cadence

DAYS_IN_YEAR = 365.25


def lag(cadence: Cadence, seasons: int) -> int:
    """Periods between a period and the one so many seasons before.

    Weeks do not divide the year: the week that lies nearest to the same day of the year is taken, which is 52 weeks
    back for one year, 104 for two, 157 for three. So years of 53 weeks shift no season by more than half a week.

    Parameters
    ----------
    cadence : Cadence
        Length of a period. The season of days is the week, that of weeks and months the year.
    seasons : int
        How many seasons back, from 1.

    Examples
    --------
    >>> [lag(Cadence("week"), k) for k in (1, 2, 3)], lag(Cadence("month"), 2), lag(Cadence("day"), 2)
    ([52, 104, 157], 24, 14)
    """
    if cadence.kind == "week":
        return round(seasons * cadence.per_year)
    return seasons * cadence.season_length


def lags(cadence: Cadence, distance: int, count: int) -> list[int]:
    """Lags of the nearest seasons that lie far enough back to be known.

    Parameters
    ----------
    cadence : Cadence
        Length of a period.
    distance : int
        Periods from the last known value to the target; a season nearer than that is not over yet.
    count : int
        How many seasons.

    Examples
    --------
    >>> lags(Cadence("day"), 10, 2)
    [14, 21]
    """
    found: list[int] = []
    seasons = 1
    while len(found) < count:
        step = lag(cadence, seasons)
        if step >= distance:
            found.append(step)
        seasons += 1
    return found


def harmonics(cadence: Cadence, starts: Sequence[dt.date], count: int = 2) -> Floats:
    """Sines and cosines of the year, and for days those of the week, by the calendar.

    Parameters
    ----------
    cadence : Cadence
        Length of a period.
    starts : sequence of datetime.date
        First days of periods; the phase depends on the date alone, so that it is the same on every panel.
    count : int
        Harmonics of the year.

    Returns
    -------
    numpy.ndarray, shape (periods, 2 * count), for days (periods, 2 * count + 6)
        Sines, then cosines.
    """
    days = np.array([start.toordinal() for start in starts], dtype=np.float64)
    cycles = [days * k / DAYS_IN_YEAR for k in range(1, count + 1)]
    if cadence.kind == "day":
        cycles += [days * k / cadence.season_length for k in (1, 2, 3)]
    angles = 2 * np.pi * np.column_stack(cycles)
    return np.column_stack([np.sin(angles), np.cos(angles)])
