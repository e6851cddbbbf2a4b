"""Days on which schools or anything else are closed: a driver that is known before it comes.

Children who don't meet don't infect each other, and who is on holiday reports later. Public holidays are known to Salus
(:mod:`salus.forecasting.calendar`); school terms differ from place to place and year to year, and are the user's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

if TYPE_CHECKING:
    from salus.surveillance.panel import Panel

Floats = NDArray[np.float64]
AHEAD = 4
"""Periods ahead that are told."""
SATURDAY = 5
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class ClosureTable:
    """One calendar of closed days.

    Attributes
    ----------
    name : str
        Such as ``schools``.
    table : polars.DataFrame
        ``location`` (null for every place), ``first`` and ``last`` day.
    label : str
        What messages call the table that it is from.
    """

    name: str
    table: pl.DataFrame
    label: str

    def closed(self, panel: Panel) -> tuple[Floats, ...]:
        """Working days that are closed, in each period and those up to four ahead of it.

        Parameters
        ----------
        panel : Panel
            Gives places and periods.

        Returns
        -------
        tuple of numpy.ndarray, shape (places, periods)
            Days from Monday to Friday, of the period itself, then of that one ahead, and so on. NaN in calendar years
            of which the calendar says nothing for the place.

        Examples
        --------
        >>> from salus.surveillance.series import open_series
        >>> days = [dt.date(2024, 7, 15), dt.date(2024, 7, 22)]
        >>> cases = pl.DataFrame({"location": "A", "disease": "Influenza", "signal": "cases", "date": days, "value": 1})
        >>> shut = pl.DataFrame({"location": [None], "first": [dt.date(2024, 7, 25)], "last": [dt.date(2024, 8, 2)]})
        >>> panel = open_series(cases)[0].panel(dt.date(2024, 7, 28))
        >>> [found.tolist() for found in ClosureTable("schools", shut, "").closed(panel)[:3]]
        [[[0.0, 2.0]], [[2.0, 5.0]], [[5.0, 0.0]]]
        """
        starts = [panel.starts[0], *(panel.cadence.shift(start, 1) for start in panel.starts)]
        starts += [panel.cadence.shift(starts[-1], k) for k in range(1, AHEAD + 1)]
        edges = np.array([day.toordinal() for day in starts]) - starts[0].toordinal()
        each = np.stack([self._by_period(place, starts[0], edges) for place in panel.locations])
        periods = len(panel.starts)
        return tuple(each[:, ahead : ahead + periods] for ahead in range(AHEAD + 1))

    def _by_period(self, place: str, origin: dt.date, edges: NDArray[np.int64]) -> Floats:
        rows = (
            self.table.filter(pl.col("location").is_null() | (pl.col("location") == place))
            .select("first", "last")
            .rows()
        )
        days = [origin + k * _DAY for k in range(int(edges[-1]))]
        told = {year for first, last in rows for year in range(first.year, last.year + 1)}
        shut = _days(rows)
        counts = np.array(
            [float(day in shut and day.weekday() < SATURDAY) if day.year in told else np.nan for day in days]
        )
        return np.array([counts[a:b].sum() for a, b in pairwise(edges)])


def _days(rows: Iterable[tuple[dt.date, dt.date]]) -> set[dt.date]:
    return {first + k * _DAY for first, last in rows for k in range((last - first).days + 1)}
