"""What was known on earlier days of the periods that were the last ones then: the reporting triangle of a series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.surveillance.weeks import Cadence

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Vintages:
    """Every value with the day on which it was what was known, up to one day.

    Attributes
    ----------
    rows : polars.DataFrame
        ``location``, ``date``, ``as_of``, ``value``, nothing known later than the reference date; sorted by ``as_of``.
    cadence : Cadence
        Length of a period.
    reference_date : datetime.date
        The day.
    last : datetime.date
        First day of the last period that the source's usual lag makes known on it.
    """

    rows: pl.DataFrame
    cadence: Cadence
    reference_date: dt.date
    last: dt.date

    def seen(self, locations: Sequence[str], days: int, ages: int) -> Floats:
        """Values of the last periods as they were known on days that lie whole periods back.

        Parameters
        ----------
        locations : sequence of str
            Places.
        days : int
            How many days: the reference date, the day one period before it, and so on.
        ages : int
            How many periods of each day: the last one that was due on it, the one before, and so on.

        Returns
        -------
        numpy.ndarray, shape (places, days, ages)
            In the signal's unit; NaN where nothing was known.

        Examples
        --------
        >>> first, second = dt.date(2024, 1, 7), dt.date(2024, 1, 14)
        >>> rows = pl.DataFrame({"location": "A", "as_of": [first, second, second], "value": [3.0, 4.0, 5.0],
        ...                      "date": [dt.date(2024, 1, 1), dt.date(2024, 1, 1), dt.date(2024, 1, 8)]})
        >>> Vintages(rows, Cadence("week"), second, dt.date(2024, 1, 8)).seen(["A"], 2, 2).tolist()
        [[[5.0, 4.0], [3.0, nan]]]
        """
        steps = [(k, a) for k in range(days) for a in range(ages)]
        asked = pl.DataFrame(
            {
                "back": [k for k, _ in steps],
                "age": [a for _, a in steps],
                "date": [self.cadence.shift(self.last, -k - a) for k, a in steps],
                "as_of": [self._back(k) for k, _ in steps],
            },
            schema={"back": pl.Int64, "age": pl.Int64, "date": pl.Date, "as_of": pl.Date},
        )
        wanted = pl.DataFrame({"location": list(locations)}, schema={"location": pl.String})
        asked = wanted.with_row_index("place").join(asked, how="cross").sort("as_of")
        known = asked.join_asof(
            self.rows, on="as_of", by=["location", "date"], strategy="backward", check_sortedness=False
        )  # both are sorted just above and by whoever made the rows
        found = np.full((len(locations), days, ages), np.nan)
        values = known["value"].fill_null(np.nan).to_numpy()
        found[known["place"].to_numpy(), known["back"].to_numpy(), known["age"].to_numpy()] = values
        return found

    def _back(self, periods: int) -> dt.date:
        """The day so many periods before the reference date; of months, as far into the month."""
        if self.cadence.kind != "month":
            return self.cadence.shift(self.reference_date, -periods)
        start = self.cadence.shift(self.reference_date.replace(day=1), -periods)
        end = self.cadence.end(start)
        whole = self.cadence.end(self.reference_date.replace(day=1)) == self.reference_date
        return end if whole else start.replace(day=min(self.reference_date.day, end.day))
