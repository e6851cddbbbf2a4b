"""What may drive a disease: weather, air, other diseases; by place and period, as known on one day.

A driver is a table of its own (`drivers` or `series` contract). On the panel's grid it is looked at in periods that
were over, and known, on the reference date; what a driver will be is never asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.errors import InputError
from salus.surveillance.closures import ClosureTable
from salus.surveillance.weeks import Cadence, recognise
from salus.tables import door
from salus.tables.contracts import CALENDARS, DRIVERS, SERIES
from salus.tables.frames import to_polars
from salus.tables.reading import read_raw

if TYPE_CHECKING:
    from salus.surveillance.panel import Panel

Floats = NDArray[np.float64]
LATEST = 8
"""Periods by which a driver may usually lag behind the panel; one that lags longer is not looked at."""


@dataclass(frozen=True)
class Driver:
    """One driver on the grid of a panel.

    Attributes
    ----------
    name : str
        Such as ``temperature``.
    values : numpy.ndarray, shape (places, periods)
        NaN where unknown.
    later : tuple of numpy.ndarray, shape (places, periods)
        Its values one period ahead, two, and so on, for what is known before it comes: a calendar; else none.
    """

    name: str
    values: Floats
    later: tuple[Floats, ...] = ()

    def cut(self, rows: Any, upto: int | None = None) -> Driver:
        """The driver at some places, up to a period.

        Parameters
        ----------
        rows : index or mask of places
            Which.
        upto : int, optional
            Number of periods to keep; all by default.
        """
        return Driver(self.name, self.values[rows, :upto], tuple(each[rows, :upto] for each in self.later))


@dataclass(frozen=True)
class DriverTable:
    """One driver as a table of values.

    Attributes
    ----------
    name : str
        Such as ``temperature``.
    table : polars.DataFrame
        ``location``, ``date`` (first day of the period), ``value`` and optionally ``as_of``.
    cadence : Cadence
        Length of a period.
    label : str
        What messages call the table that it is from.
    """

    name: str
    table: pl.DataFrame
    cadence: Cadence
    label: str

    def laid(self, panel: Panel) -> Driver:
        """The driver on the grid of a panel, as known on its reference date.

        Parameters
        ----------
        panel : Panel
            Gives places, periods and day. A driver of days is averaged over the panel's periods; a driver of one place
            alone counts for all.

        Returns
        -------
        Driver
            Where its newest values come later than the panel's, all of it is moved by as many periods, so that what is
            learned from is what will be there.
        """
        known = self._known(panel.reference_date)
        cadence = panel.cadence
        dates = known["date"].unique().to_list()
        column = {start: i for i, start in enumerate(panel.starts)}
        at = {day: column.get(cadence.start(self.cadence.end(day)), -1) for day in dates}
        row = {place: i for i, place in enumerate(panel.locations)}
        alone = known["location"].n_unique() == 1
        cells = known.select(
            pl.lit(0).alias("row")
            if alone
            else pl.col("location").replace_strict(row, default=-1, return_dtype=pl.Int64),
            pl.col("date").replace_strict(at, default=-1, return_dtype=pl.Int64).alias("column"),
            "value",
        ).rename({} if alone else {"location": "row"})
        cells = (
            cells.filter(pl.col("row") >= 0, pl.col("column") >= 0)
            .group_by("row", "column")
            .agg(pl.col("value").mean())
        )
        values = np.full((len(panel.locations), len(panel.starts)), np.nan)
        if alone:
            values[:, cells["column"].to_numpy()] = cells["value"].to_numpy()
        else:
            values[cells["row"].to_numpy(), cells["column"].to_numpy()] = cells["value"].to_numpy()
        late = int(np.argmax(np.isfinite(values).any(axis=0)[::-1])) if np.isfinite(values).any() else 0
        if 0 < late <= LATEST:
            moved = np.full_like(values, np.nan)
            moved[:, late:] = values[:, :-late]
            values = moved
        return Driver(self.name, values)

    def _known(self, day: dt.date) -> pl.DataFrame:
        rows = self.table.drop_nulls("value")
        if "as_of" in rows.columns:
            known = rows.filter(pl.col("as_of") <= day).sort("as_of", maintain_order=True)
            return known.unique(["location", "date"], keep="last", maintain_order=True).drop("as_of")
        first = rows["date"].min()
        if not isinstance(first, dt.date) or day < first:
            return rows.clear()
        start = self.cadence.start(day)
        last = start if self.cadence.end(start) <= day else self.cadence.shift(start, -1)
        return rows.filter(pl.col("date") <= last)


def read_drivers(
    sources: Sequence[Any], cadence: Cadence, places: Sequence[str], *, encoding: str | None = None
) -> tuple[DriverTable | CalendarTable, ...]:
    """Every driver of some tables.

    Parameters
    ----------
    sources : sequence of path or frame
        In the `drivers` contract; in the `series` one: then each disease and signal is a driver; or in the
        `calendars` one: days on which schools are closed, known before they come.
    cadence : Cadence
        Of what is forecast: drivers must be of the same or of days.
    places : sequence of str
        Of what is forecast: drivers must name some of them, or one place alone, which counts for all.
    encoding : str, optional
        Of text files.

    Returns
    -------
    tuple of DriverTable or CalendarTable
        In the order of the sources, by name within each.

    Raises
    ------
    InputError
        A table can't be used, is of another cadence or of other places, or two drivers have one name.

    Examples
    --------
    >>> days = [dt.date(2024, 1, 1), dt.date(2024, 1, 8)]
    >>> rows = pl.DataFrame({"location": "A", "driver": "temperature", "date": days, "value": [-3.5, 1.0]})
    >>> [(found.name, found.cadence.kind) for found in read_drivers([rows], Cadence("week"), ["A", "B"])]
    [('temperature', 'week')]
    """
    found: list[DriverTable | CalendarTable] = []
    for source in sources:
        label = str(source) if not hasattr(source, "columns") else "the table of drivers"
        for name, rows in _tables(source, label, encoding):
            if name in {other.name for other in found}:
                raise InputError(f"{label}: the driver '{name}' is given twice. Give each once.")
            if "first" in rows.columns:
                found.append(_calendar(name, rows, places, label))
                continue
            own = recognise(rows["date"], label)
            if own.kind not in (cadence.kind, "day"):
                raise InputError(
                    f"{label}: the driver '{name}' is by {own.kind}, what is forecast is by {cadence.kind}; the same "
                    "or days were wanted. Leave it out of --driver."
                )
            named = rows["location"].unique().to_list()
            if len(named) > 1 and not set(named) & set(places):
                raise InputError(
                    f"{label}: the driver '{name}' names none of the places that are forecast ({', '.join(named[:3])} "
                    f"beside {', '.join(list(places)[:3])}). Write them alike."
                )
            found.append(DriverTable(name, rows, own, label))
    return tuple(found)


@dataclass(frozen=True)
class CalendarTable:
    """A calendar of closed days as a driver.

    Attributes
    ----------
    name : str
        Such as ``schools``.
    closures : ClosureTable
        The days.
    """

    name: str
    closures: ClosureTable

    def laid(self, panel: Panel) -> Driver:
        """Closed working days of each period of a panel, and of those ahead.

        Parameters
        ----------
        panel : Panel
            Gives places and periods.
        """
        now, *later = self.closures.closed(panel)
        return Driver(self.name, now, tuple(later))


def _calendar(name: str, rows: pl.DataFrame, places: Sequence[str], label: str) -> CalendarTable:
    wrong = rows.filter(pl.col("last") < pl.col("first"))
    if wrong.height:
        raise InputError(
            f"{label}: the calendar '{name}' ends on {wrong['last'][0]}, before it begins on {wrong['first'][0]}. "
            "Give the earlier day in 'first'."
        )
    if "location" not in rows.columns:
        rows = rows.with_columns(location=pl.lit(None, pl.String))
    named = rows["location"].drop_nulls().unique().to_list()
    if named and not rows["location"].null_count() and not set(named) & set(places):
        raise InputError(
            f"{label}: the calendar '{name}' names none of the places that are forecast ({', '.join(named[:3])} beside "
            f"{', '.join(list(places)[:3])}). Write them alike, or leave 'location' out."
        )
    return CalendarTable(name, ClosureTable(name, rows, label))


def _tables(source: Any, label: str, encoding: str | None) -> list[tuple[str, pl.DataFrame]]:
    """Name and rows of each driver, by name."""
    frame = to_polars(source) if hasattr(source, "columns") else read_raw(source, encoding=encoding)
    columns = {name.strip().lower() for name in frame.columns}
    if {"calendar", "first", "last"} <= columns:
        calendars = door.read(source, CALENDARS, label=label, encoding=encoding)
        return [
            (str(name), rows) for (name,), rows in sorted(calendars.group_by(["calendar"]), key=lambda g: str(g[0]))
        ]
    series = {"disease", "signal"} <= columns
    table = door.read(source, SERIES if series else DRIVERS, label=label, encoding=encoding)
    if series:
        table = table.with_columns(driver=pl.format("{}, {}", "disease", "signal"))
    kept = [name for name in ("location", "date", "value", "as_of") if name in table.columns]
    return [
        (str(name), rows.select(kept)) for (name,), rows in sorted(table.group_by(["driver"]), key=lambda g: str(g[0]))
    ]
