"""What the days do: weather, school terms, public holidays, and when people go to the doctor."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import holidays
import numpy as np

SUMMER_BREAK = ((7, 7), (8, 31))
WINTER_BREAK = (-20, 16)
"""Days before and after Spring Festival on which schools are closed."""

# visits on Monday .. Sunday over the daily mean, by kind of care
WEEKDAYS = {
    "acute": (1.28, 1.08, 1.03, 1.02, 1.04, 0.88, 0.67),
    "chronic": (1.40, 1.28, 1.22, 1.16, 1.10, 0.52, 0.32),
    "injury": (0.98, 0.94, 0.95, 0.96, 1.02, 1.10, 1.05),
}
# visits on a public holiday and on the three working days after one, over those of an ordinary day
HOLIDAYS = {"acute": (0.50, 1.25), "chronic": (0.12, 1.35), "injury": (1.05, 1.00)}


@dataclass(frozen=True)
class Seasons:
    """Every day of the simulation.

    Attributes
    ----------
    days : numpy.ndarray of datetime64[D], shape (T,)
        Days, the years before the first visit included.
    school : numpy.ndarray, shape (T,)
        1 in term, 0 in the breaks and on public holidays of a week (weekends count as the term around them).
    holiday : numpy.ndarray of bool, shape (T,)
        Public holidays.
    rebound : numpy.ndarray of bool, shape (T,)
        The three days after a run of public holidays.
    travel : numpy.ndarray of bool, shape (T,)
        The travel season around Spring Festival.
    temperature : numpy.ndarray, shape (T, D)
        Daily mean in degrees Celsius.
    humidity : numpy.ndarray, shape (T, D)
        Absolute humidity in g/m3.
    """

    days: np.ndarray
    school: np.ndarray
    holiday: np.ndarray
    rebound: np.ndarray
    travel: np.ndarray
    temperature: np.ndarray
    humidity: np.ndarray

    def attendance(self, kind: str) -> np.ndarray:
        """Factor of each day on the number of visits.

        Parameters
        ----------
        kind : {'acute', 'chronic', 'injury'}
            Kind of care.

        Returns
        -------
        numpy.ndarray, shape (T,)
            1 is the mean of ordinary days.
        """
        weekday = (self.days.astype(int) + 3) % 7  # 1970-01-01 was a Thursday
        factor = np.array(WEEKDAYS[kind])[weekday]
        closed, after = HOLIDAYS[kind]
        return np.where(self.holiday, closed, factor * np.where(self.rebound, after, 1.0))


def spring_festivals(first: int, last: int) -> dict[int, dt.date]:
    """Day of Spring Festival (Chinese New Year) in each year.

    Parameters
    ----------
    first, last : int
        Years, both included.

    Examples
    --------
    >>> spring_festivals(2024, 2024)[2024].isoformat()
    '2024-02-10'
    """
    found: dict[int, dt.date] = {}
    for day, name in holidays.country_holidays("CN", years=range(first, last + 1), language="en_US").items():
        if name.startswith("Chinese New Year (Spring Festival)") and (day.year not in found or day < found[day.year]):
            found[day.year] = day
    return found


def make_seasons(first: dt.date, last: dt.date, districts: int, rng: np.random.Generator) -> Seasons:
    """Calendar and weather from one day to another.

    Parameters
    ----------
    first, last : datetime.date
        Both included.
    districts : int
        Number of districts D.
    rng : numpy.random.Generator
        Source of the weather's noise.

    Returns
    -------
    Seasons
        One row a day.
    """
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    school = np.ones(days.size)
    holiday = np.zeros(days.size, dtype=bool)
    travel = np.zeros(days.size, dtype=bool)

    def between(start: dt.date, end: dt.date) -> np.ndarray:
        return (days >= np.datetime64(start)) & (days <= np.datetime64(end))

    for year, festival in spring_festivals(first.year - 1, last.year + 1).items():
        school[between(festival + dt.timedelta(WINTER_BREAK[0]), festival + dt.timedelta(WINTER_BREAK[1]))] = 0.0
        school[between(dt.date(year, *SUMMER_BREAK[0]), dt.date(year, *SUMMER_BREAK[1]))] = 0.0
        school[between(dt.date(year, 10, 1), dt.date(year, 10, 7))] = 0.0
        for start, length in (
            (festival - dt.timedelta(1), 8),
            (dt.date(year, 5, 1), 5),
            (dt.date(year, 10, 1), 7),
            (dt.date(year, 1, 1), 1),
        ):
            holiday |= between(start, start + dt.timedelta(length - 1))
        travel |= between(festival - dt.timedelta(12), festival + dt.timedelta(18))
    before = np.zeros(days.size, dtype=bool)
    for lag in (1, 2, 3):
        before[lag:] |= holiday[:-lag]
    temperature, humidity = _weather(days, districts, rng)
    return Seasons(days, school, holiday, before & ~holiday, travel, temperature, humidity)


def _weather(days: np.ndarray, districts: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
    climate = 16.5 - 12.0 * np.cos(2 * np.pi * (of_year - 18) / 365.25)
    slow = _ar1(rng, days.size, 0.985, 1.6)  # warm and cold winters
    spell = _ar1(rng, days.size, 0.80, 2.3)  # cold spells, everywhere at once
    here = np.stack([_ar1(rng, days.size, 0.6, 0.9) for _ in range(districts)], axis=1)
    temperature = (climate + slow + spell)[:, None] + rng.normal(0.0, 0.8, districts) + here
    wet = 72.0 + 6.0 * np.sin(2 * np.pi * (of_year - 100) / 365.25) + _ar1(rng, days.size, 0.7, 9.0)
    relative = np.clip(wet[:, None] + rng.normal(0.0, 3.0, districts), 25.0, 100.0)
    pressure = 6.112 * np.exp(17.67 * temperature / (temperature + 243.5))  # saturation, hPa (Bolton 1980)
    return temperature, 2.1674 * pressure * relative / (273.15 + temperature)


def _ar1(rng: np.random.Generator, size: int, memory: float, spread: float) -> np.ndarray:
    shocks = rng.normal(0.0, spread * np.sqrt(1 - memory**2), size)
    values = np.empty(size)
    level = rng.normal(0.0, spread)
    for t in range(size):
        level = memory * level + shocks[t]
        values[t] = level
    return values
