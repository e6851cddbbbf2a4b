"""What a model is handed: a regular grid of places by periods, as known on one day, and nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.surveillance.drivers import Driver
from salus.surveillance.vintages import Vintages
from salus.surveillance.weeks import Cadence

SILENT_AFTER = 8
"""A place with no value for more than this many periods is silent: it is named, not forecast."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Values of one disease and signal by place and period, as known on one day.

    Attributes
    ----------
    disease, signal : str
        What is counted.
    cadence : Cadence
        Length of a period.
    reference_date : datetime.date
        The day on which this was what was known.
    starts : tuple of datetime.date
        First days of the periods, regular, oldest first. The last is the last period that the source's usual lag makes
        known on the reference date, whether or not any place has reported it; horizon 1 is the period after it.
    locations : tuple of str
        Places, sorted.
    values : numpy.ndarray, shape (places, periods)
        The signal; NaN where unknown.
    population : numpy.ndarray, shape (places,)
        People; NaN where unknown.
    also : tuple of Panel
        Other signals or diseases to learn from, on the same cadence.
    label : str
        What messages call the table that it is from.
    vintages : Vintages or None
        What was known on earlier days, where the source says so.
    drivers : tuple of Driver
        What may drive the disease, on the same grid; none where none was given.
    """

    disease: str
    signal: str
    cadence: Cadence
    reference_date: dt.date
    starts: tuple[dt.date, ...]
    locations: tuple[str, ...]
    values: Floats
    population: Floats
    also: tuple[Panel, ...] = field(default=())
    label: str = "the table"
    vintages: Vintages | None = None
    drivers: tuple[Driver, ...] = ()

    @property
    def gaps(self) -> NDArray[np.int64]:
        """Periods at the end that a place has not reported; as many as there are periods where it never did."""
        known = np.isfinite(self.values)
        return np.where(known.any(axis=1), np.argmax(known[:, ::-1], axis=1), self.values.shape[1])

    @property
    def silent(self) -> list[str]:
        """Places with no value for over :data:`SILENT_AFTER` periods."""
        return [p for p, g in zip(self.locations, self.gaps, strict=True) if g > SILENT_AFTER]

    def target_end(self, horizon: int) -> dt.date:
        """Last day of the period so many periods after the last one that should be known.

        Parameters
        ----------
        horizon : int
            1 is the period after the last; 0 the last.
        """
        return self.cadence.end(self.cadence.shift(self.starts[-1], horizon))

    def last_known(self) -> pl.DataFrame:
        """The latest known value of each place.

        Returns
        -------
        polars.DataFrame
            ``location``, ``date`` (first day of the period), ``value``; silent places included, places without any
            value left out.
        """
        rows = []
        for place, gap, row in zip(self.locations, self.gaps, self.values, strict=True):
            if gap < row.size:
                rows.append((place, self.starts[row.size - 1 - int(gap)], float(row[row.size - 1 - int(gap)])))
        return pl.DataFrame(rows, schema={"location": pl.String, "date": pl.Date, "value": pl.Float64}, orient="row")

    def history(self) -> pl.DataFrame:
        """The known values as rows.

        Returns
        -------
        polars.DataFrame
            ``location``, ``date``, ``value`` (not null), sorted by place and date.
        """
        place, period = np.nonzero(np.isfinite(self.values))
        return pl.DataFrame(
            {
                "location": np.array(self.locations, dtype=object)[place].tolist(),
                "date": [self.starts[i] for i in period],
                "value": self.values[place, period],
            },
            schema={"location": pl.String, "date": pl.Date, "value": pl.Float64},
        )

    def without(self, places: list[str]) -> Panel:
        """The same panel without some places.

        Parameters
        ----------
        places : list of str
            Places to leave out.
        """
        keep = np.array([p not in set(places) for p in self.locations], dtype=bool)
        return replace(
            self,
            locations=tuple(p for p, k in zip(self.locations, keep, strict=True) if k),
            values=self.values[keep],
            population=self.population[keep],
            drivers=tuple(d.cut(keep) for d in self.drivers),
        )


def grid(
    known: pl.DataFrame,
    cadence: Cadence,
    last: dt.date,
    reference_date: dt.date,
    locations: list[str] | None = None,
    also: tuple[Panel, ...] = (),
) -> Panel:
    """Rows of one disease and signal laid on a regular grid.

    Parameters
    ----------
    known : polars.DataFrame
        ``location``, ``disease``, ``signal``, ``date``, ``value`` and optionally ``population``: one row a place and
        period, nothing later than ``last``.
    cadence : Cadence
        Length of a period.
    last : datetime.date
        First day of the last period of the grid.
    reference_date : datetime.date
        The day on which this was what was known.
    locations : list of str, optional
        Places of the grid; those of the rows by default.
    also : tuple of Panel
        Other panels to carry.
    """
    places = sorted(locations if locations is not None else known["location"].unique().to_list())
    first = known["date"].min()
    starts = cadence.grid(first if isinstance(first, dt.date) else last, last)
    values = np.full((len(places), len(starts)), np.nan)
    population = np.full(len(places), np.nan)
    row_of = {p: i for i, p in enumerate(places)}
    column_of = {d: i for i, d in enumerate(starts)}
    rows = known.filter(pl.col("location").is_in(places))
    where = [row_of[p] for p in rows["location"]], [column_of[d] for d in rows["date"]]
    values[where] = rows["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    if "population" in known.columns:
        latest = rows.drop_nulls("population").sort("date").group_by("location").agg(pl.col("population").last())
        for place, people in latest.iter_rows():
            population[row_of[place]] = people
    return Panel(
        str(known["disease"][0]) if known.height else "",
        str(known["signal"][0]) if known.height else "",
        cadence,
        reference_date,
        tuple(starts),
        tuple(places),
        values,
        population,
        also,
    )


def peopled(panel: Panel, rows: pl.DataFrame) -> Panel:
    """The panel with the population of places without any value, which rows with an empty value tell.

    Parameters
    ----------
    panel : Panel
        As :func:`grid` lays it, from rows with a value.
    rows : polars.DataFrame
        ``location``, ``date`` and optionally ``population``: all rows that were known.
    """
    new = ~np.isfinite(panel.values).any(axis=1)
    if "population" not in rows.columns or not new.any():
        return panel
    told = rows.drop_nulls("population").sort("date").group_by("location").agg(pl.col("population").last())
    latest = dict(told.iter_rows())
    there = [latest.get(place, np.nan) for place in panel.locations]
    return replace(panel, population=np.where(new, there, panel.population))
