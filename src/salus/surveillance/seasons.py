"""Seasons: years that start at the calm point of a disease, so that an epidemic is never cut in two.

Influenza of the northern half of the world peaks around the new year, so its season wraps the year; hand, foot and
mouth disease peaks in summer, so its season is close to the calendar year. The calm point is found from the data.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from epiweeks import Week

from salus.surveillance.weeks import Cadence

_SUNDAY = 6
_PERIODS = {"day": 365, "week": 52, "month": 12}
_SMOOTHED = {"day": 61, "week": 9, "month": 3}
_COVERED = 0.8


@dataclass(frozen=True)
class Seasons:
    """The seasons of a disease: which one a day is in, and where in it.

    Attributes
    ----------
    cadence : Cadence
        Cadence of the series.
    start : int
        Period of the year with which a season starts, from 1: at most 52 for weeks, 12 for months, 365 for days.

    Examples
    --------
    >>> flu = Seasons(Cadence("week", 0), 36)
    >>> flu.season_of(dt.date(2021, 1, 4)), flu.label(2020), flu.position(dt.date(2021, 1, 4))
    (2020, '2020/21', 18)
    >>> flu.length(2020), flu.length(2021)
    (53, 52)
    """

    cadence: Cadence
    start: int = 1

    def first(self, season: int) -> dt.date:
        """First day of the period with which a season starts.

        Parameters
        ----------
        season : int
            Year in which the season starts.
        """
        if self.cadence.kind == "month":
            return dt.date(season, self.start, 1)
        if self.cadence.kind == "day":
            return dt.date(season, 1, 1) + dt.timedelta(days=self.start - 1)
        system = "cdc" if self.cadence.weekday == _SUNDAY else "iso"
        week = Week(season, self.start, system=system).startdate()
        middle = week - dt.timedelta(days=3) if self.cadence.weekday not in (0, _SUNDAY) else week
        return middle + dt.timedelta(days=(self.cadence.weekday - middle.weekday()) % 7)

    def season_of(self, day: dt.date) -> int:
        """Year in which the season that holds a day starts.

        Parameters
        ----------
        day : datetime.date
            First day of a period.
        """
        year = day.year + 1
        while self.first(year) > day:
            year -= 1
        return year

    def position(self, day: dt.date) -> int:
        """Periods since the season's first, from 0: to 51 or 52 for weeks, 11 for months, 364 or 365 for days.

        Parameters
        ----------
        day : datetime.date
            First day of a period.
        """
        return self.cadence.between(self.first(self.season_of(day)), day)

    def length(self, season: int) -> int:
        """Periods in a season.

        Parameters
        ----------
        season : int
            Year in which it starts.
        """
        return self.cadence.between(self.first(season), self.first(season + 1))

    def label(self, season: int) -> str:
        """Name of a season as people write it: ``2023/24``, or ``2023`` where it starts with the year.

        Parameters
        ----------
        season : int
            Year in which it starts.
        """
        return str(season) if self.start == 1 else f"{season}/{(season + 1) % 100:02d}"

    def align(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The table with each row's season and place in it, to draw seasons over each other.

        Parameters
        ----------
        frame : polars.DataFrame
            With `date`: first day of the period.

        Returns
        -------
        polars.DataFrame
            The rows given, with `season` (the year in which it starts), `season_label` and `position` (from 0).
        """
        days = frame["date"].unique().sort()
        found = [self.season_of(d) for d in days]
        calendar = pl.DataFrame(
            {
                "date": days,
                "season": found,
                "season_label": [self.label(s) for s in found],
                "position": [self.cadence.between(self.first(s), d) for s, d in zip(found, days, strict=True)],
            },
            schema={"date": pl.Date, "season": pl.Int64, "season_label": pl.String, "position": pl.Int64},
        )
        return frame.join(calendar, on="date", how="left", maintain_order="left")

    def matrix(self, history: pl.DataFrame) -> tuple[list[int], np.ndarray]:
        """Values of one place by season and position.

        Parameters
        ----------
        history : polars.DataFrame
            `date`, `value` of one place.

        Returns
        -------
        seasons : list of int
            Seasons from the first to the last in the history.
        values : numpy.ndarray
            Shape (seasons, longest season); unknown values and positions that a season does not have are NaN.
        """
        table = self.align(history)
        if table.height == 0:
            return [], np.empty((0, 0))
        there = table["season"].unique().to_list()
        seasons = list(range(min(there), max(there) + 1))
        values = np.full((len(seasons), max(self.length(s) for s in seasons)), np.nan)
        values[table["season"].to_numpy() - seasons[0], table["position"].to_numpy()] = table["value"].to_numpy()
        return seasons, values


def season_start(history: pl.DataFrame, cadence: Cadence) -> int:
    """Period of the year at which the disease is calmest.

    Places are put on one scale by their own mean root, averaged by period of the year, and smoothed around the year
    (9 weeks, 3 months or 61 days); the lowest point is the calm point. The root keeps one large epidemic from
    deciding. A history that covers less than 80 % of the year's periods can't show a calm point: then the season is
    the calendar year.

    Parameters
    ----------
    history : polars.DataFrame
        `date`, `value` and, for several places, `location`, as known.
    cadence : Cadence
        Its cadence.

    Returns
    -------
    int
        From 1 to 52 (weeks), 12 (months) or 365 (days).

    Examples
    --------
    >>> days = [dt.date(2020 + k // 12, k % 12 + 1, 1) for k in range(36)]
    >>> values = [100.0 if d.month in (12, 1, 2) else 5.0 + abs(d.month - 8) for d in days]
    >>> season_start(pl.DataFrame({"date": days, "value": values}), Cadence("month"))
    8
    """
    periods = _PERIODS[cadence.kind]
    days = history["date"].unique().sort()
    numbers = pl.Series([min(cadence.of_year(d), periods) - 1 for d in days], dtype=pl.Int64)
    table = history.drop_nulls("value").with_columns(
        number=pl.col("date").replace_strict(days, numbers, return_dtype=pl.Int64), root=pl.col("value").sqrt()
    )
    if "location" in table.columns:
        table = table.with_columns(pl.col("root") / pl.col("root").mean().over("location")).filter(
            pl.col("root").is_finite()
        )
    means = table.group_by("number").agg(pl.col("root").mean())
    if means.height < _COVERED * periods:
        return 1
    curve = np.interp(
        np.arange(periods), *_sorted(means["number"].to_numpy(), means["root"].to_numpy()), period=periods
    )
    half = _SMOOTHED[cadence.kind] // 2
    weights = np.concatenate([np.arange(1, half + 2), np.arange(half, 0, -1)]).astype(float)
    around = np.concatenate([curve[-half:], curve, curve[:half]])
    smooth = np.convolve(around, weights / weights.sum(), mode="valid")
    return int(smooth.argmin()) + 1


def find(history: pl.DataFrame, cadence: Cadence) -> Seasons:
    """Seasons that start at the calm point of a history.

    Parameters
    ----------
    history : polars.DataFrame
        `date`, `value` and, for several places, `location`, as known.
    cadence : Cadence
        Its cadence.
    """
    return Seasons(cadence, season_start(history, cadence))


def _sorted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = x.argsort()
    return x[order].astype(float), y[order]
