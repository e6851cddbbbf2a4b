"""Series with vintages: what was known of a disease in each place on any day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from salus.data.manifest import NAME as MANIFEST
from salus.data.workspace import Workspace
from salus.errors import InputError, NameNotFoundError, TableError, TooShortError
from salus.privacy.zones import guard_table
from salus.surveillance.drivers import CalendarTable, DriverTable, read_drivers
from salus.surveillance.findings import running_totals
from salus.surveillance.panel import Panel, grid, peopled
from salus.surveillance.selection import of_disease, of_signal
from salus.surveillance.vintages import Vintages
from salus.surveillance.weeks import Cadence, recognise
from salus.tables import door
from salus.tables.contracts import SERIES

ALSO_LAG = 8
"""Periods by which a history without `as_of` is held back: its recent values were revised after they were known."""

DENOMINATORS = frozenset({"outpatient_visits", "specimens", "tests", "visits_all", "population"})
"""Signals that tell how much was looked at, not how much was found; they are not learned from."""

SHORTEST = 4
"""Known values below which nothing is said of a place."""


@dataclass(frozen=True)
class Series:
    """A checked table of one disease and signal, with its cadence.

    Attributes
    ----------
    table : polars.DataFrame
        Rows in the `series` contract, of one disease and signal.
    disease, signal : str
        As the table names them.
    cadence : Cadence
        Length of a period.
    label : str
        What messages call it: the path where there is one.
    hold_back : int
        Periods by which rows without `as_of` are held back (0 for the main series).
    companions : polars.DataFrame or None
        Other diseases of the same signal in the same file, to learn from.
    notes : tuple of str
        What the reader of a result must know about how the table was used.
    drivers : tuple of DriverTable or CalendarTable
        What may drive the disease.
    """

    table: pl.DataFrame
    disease: str
    signal: str
    cadence: Cadence
    label: str
    hold_back: int = 0
    companions: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()
    drivers: tuple[DriverTable | CalendarTable, ...] = ()

    @property
    def has_vintages(self) -> bool:
        """Whether the table says when each value was known."""
        return "as_of" in self.table.columns

    @cached_property
    def last_day(self) -> dt.date:
        """The day that the table reaches: the one on which its newest period became known, or ended without `as_of`.

        Later vintages only revise; so a file, and a workspace that it was imported into twice, reach the same day. A
        count left out to protect persons was reported, so its period is reached too.
        """
        told = self.table["value"].is_not_null()
        if "left_out" in self.table.columns and told.any():
            told |= self.table["left_out"].fill_null(value=False)
        rows = self.table.filter(told) if told.any() else self.table
        last = rows["date"].max()
        if not isinstance(last, dt.date):
            raise InputError(f"{self.label} has no row of {self.disease}. Give a file with at least one.")
        if not self.has_vintages:
            return self.cadence.end(last)
        first = rows.filter(pl.col("date") == last).group_by("location").agg(pl.col("as_of").min())["as_of"].max()
        return first if isinstance(first, dt.date) else self.cadence.end(last)

    @cached_property
    def first_day(self) -> dt.date:
        """The day before which nothing was known: the earliest `as_of`, or the start of the first period."""
        first = self.table["as_of" if self.has_vintages else "date"].min()
        if not isinstance(first, dt.date):
            raise InputError(f"{self.label} has no row of {self.disease}. Give a file with at least one.")
        return first

    def reference_day(self, as_of: dt.date | None = None, today: dt.date | None = None) -> dt.date:
        """The day to stand on.

        Parameters
        ----------
        as_of : datetime.date, optional
            As asked for; the day that the table reaches when left out.
        today : datetime.date, optional
            The machine's date when left out.

        Returns
        -------
        datetime.date
            May lie in the period that holds today, up to its end, and no later.

        Raises
        ------
        InputError
            The day asked for is later.
        """
        if as_of is None:
            return self.last_day
        now = today or dt.datetime.now().astimezone().date()
        if as_of > self.cadence.end(self.cadence.start(now)):
            raise InputError(f"the day {as_of} lies in the future (today is {now}). Give today or an earlier day.")
        return as_of

    def standing(self, as_of: dt.date | None = None, today: dt.date | None = None) -> tuple[Series, dt.date]:
        """The day to stand on, and the series as it is to be used there.

        Parameters
        ----------
        as_of, today : datetime.date, optional
            As for :meth:`reference_day`.

        Returns
        -------
        series : Series
            This one; where no day was asked for, revisions that came later count as known on the day, so that nothing
            in the table is left aside.
        day : datetime.date
            The reference date.
        """
        day = self.reference_day(as_of, today)
        if as_of is not None or not self.has_vintages:
            return self, day
        companions = self.companions
        if companions is not None and "as_of" in companions.columns:
            companions = _known_by(companions, day)
        return replace(self, table=_known_by(self.table, day), companions=companions), day

    def known_on(self, day: dt.date) -> pl.DataFrame:
        """What was known on a day.

        Parameters
        ----------
        day : datetime.date
            Any day.

        Returns
        -------
        polars.DataFrame
            One row a place and period. With vintages, the value of the latest `as_of` no later than the day; without,
            the rows whose period had ended (less :attr:`hold_back` periods).
        """
        return _known(self.table, self.cadence, day, self.hold_back)

    def usual_lag(self, day: dt.date) -> int:
        """Days between the end of a period and the day on which the source usually makes it known.

        Parameters
        ----------
        day : datetime.date
            Only vintages up to this day are looked at.

        Returns
        -------
        int
            Median over the vintages that brought a value of a new period, of the newest such period each; vintages that
            only revise say nothing of the lag. 0 for a table without `as_of`.
        """
        if not self.has_vintages:
            return 0
        seen = self.table.filter(pl.col("as_of") <= day).drop_nulls("value")
        if seen.height == 0:
            return 0
        brought = seen.group_by("date").agg(pl.col("as_of").min()).group_by("as_of").agg(pl.col("date").max())
        lags = sorted((as_of - self.cadence.end(start)).days for as_of, start in brought.iter_rows())
        return max(0, lags[(len(lags) - 1) // 2])

    def last_period(self, day: dt.date) -> dt.date:
        """First day of the last period that the usual lag makes known on a day.

        Parameters
        ----------
        day : datetime.date
            The reference date.
        """
        settled = day - dt.timedelta(days=self.usual_lag(day))
        start = self.cadence.start(settled)
        return start if self.cadence.end(start) <= settled else self.cadence.shift(start, -1)

    def panel(self, day: dt.date) -> Panel:
        """The grid of what was known on a day; places whose rows are all without a value are in it.

        Parameters
        ----------
        day : datetime.date
            The reference date.

        Raises
        ------
        TooShortError
            Nothing was known on that day.
        """
        nothing = TooShortError(
            f"{self.label}: nothing of {self.disease} was known on {day}; the first value is from {self.first_day}. "
            f"Give a later day."
        )
        if day < self.first_day:
            raise nothing
        last = self.last_period(day)
        rows = self.known_on(day).filter(pl.col("date") <= last)
        known = rows.drop_nulls("value")
        if known.height == 0:
            raise nothing
        places = rows["location"].unique().to_list()
        found = replace(grid(known, self.cadence, last, day, places), label=self.label)
        found = self._driven(peopled(found, rows))
        return replace(found, vintages=self._vintages(day, last)) if self.has_vintages else found

    def _vintages(self, day: dt.date, last: dt.date) -> Vintages:
        rows = self.table.filter((pl.col("as_of") <= day) & (pl.col("date") <= last))
        return Vintages(rows.select("location", "date", "as_of", "value").sort("as_of"), self.cadence, day, last)

    def learning_panel(self, day: dt.date, also: Sequence[Series] = ()) -> Panel:
        """The grid of what was known on a day, with the histories and companions to learn from.

        Parameters
        ----------
        day : datetime.date
            The reference date.
        also : sequence of Series
            Histories of other signals.

        Raises
        ------
        TooShortError
            Nothing was known on that day.
        """
        panel = self.panel(day)
        others = [other.panel_or_none(day) for other in also]
        if self.companions is not None:
            last = panel.starts[-1]
            near = _known(self.companions, self.cadence, day, 0).filter(pl.col("date") <= last).drop_nulls("value")
            for _, rows in sorted(near.group_by("disease"), key=lambda item: str(item[0])):
                others.append(grid(rows, self.cadence, last, day))
        return replace(panel, also=tuple(self._driven(o) for o in others if o is not None))

    def _driven(self, panel: Panel) -> Panel:
        return replace(panel, drivers=tuple(d.laid(panel) for d in self.drivers)) if self.drivers else panel

    def panel_or_none(self, day: dt.date) -> Panel | None:
        """The grid of a history to learn from, or None where nothing of it was known yet.

        Parameters
        ----------
        day : datetime.date
            The reference date.
        """
        known = self.known_on(day).drop_nulls("value")
        if known.height == 0:
            return None
        last = known["date"].max()
        if not isinstance(last, dt.date):
            return None
        return grid(known, self.cadence, last, day)


def _known_by(table: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Vintages after a day dated back to it, the last of them standing."""
    back = table.sort("as_of", maintain_order=True).with_columns(pl.min_horizontal("as_of", pl.lit(day)).alias("as_of"))
    return back.unique(["location", "disease", "signal", "date", "as_of"], keep="last", maintain_order=True)


def _known(table: pl.DataFrame, cadence: Cadence, day: dt.date, hold_back: int) -> pl.DataFrame:
    if "as_of" in table.columns:
        return (
            table.filter(pl.col("as_of") <= day)
            .sort("as_of", maintain_order=True)
            .unique(["location", "disease", "signal", "date"], keep="last", maintain_order=True)
        )
    first = table["date"].min()
    if not isinstance(first, dt.date) or day < first:
        return table.clear()
    start = cadence.start(day)
    last = start if cadence.end(start) <= day else cadence.shift(start, -1)
    return table.filter(pl.col("date") <= cadence.shift(last, -hold_back))


def read_series(
    source: Any,
    disease: str | None = None,
    signal: str | None = None,
    *,
    hold_back: int = 0,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
    companions: bool = False,
) -> Series:
    """Read, check and narrow a table to one disease and signal.

    Parameters
    ----------
    source : path or frame
        CSV, Parquet, Excel, JSON lines, the folder of a workspace, or a pandas, Polars or Arrow frame in the
        `series` contract.
    disease : str, optional
        Disease; case, punctuation and known synonyms do not matter. May be left out when the table has one.
    signal : str, optional
        Signal; may be left out when the disease has one.
    hold_back : int
        Periods by which rows without `as_of` are held back.
    mapping : dict of str to str, optional
        Column of the file -> column of the contract.
    encoding : str, optional
        Encoding of a text file, where it can't be told.
    companions : bool
        Keep the other diseases of the same signal to learn from.

    Returns
    -------
    Series
        Checked and narrowed.

    Raises
    ------
    InputError
        The table can't be read, breaks its contract, names no such disease or signal, or holds running totals.

    Examples
    --------
    >>> rows = pl.DataFrame({"location": "A", "disease": "Influenza", "signal": "cases",
    ...                      "date": [dt.date(2024, 1, 1), dt.date(2024, 1, 8)], "value": [3.0, 5.0]})
    >>> read_series(rows, "influenza").known_on(dt.date(2024, 1, 8))["value"].to_list()
    [3.0]
    """
    label = str(source) if not hasattr(source, "columns") else "the table"
    chosen: dict[str, str] = {}
    aside: list[pl.DataFrame] = []

    def select(frame: pl.DataFrame) -> pl.DataFrame:
        if companions and "signal" in frame.columns:
            aside.append(frame)
        narrowed, chosen["disease"] = of_disease(frame, disease, label)
        narrowed, chosen["signal"] = of_signal(narrowed, signal, chosen["disease"], label)
        return narrowed

    table = _read(source, mapping=mapping, select=select, label=label, encoding=encoding)
    if table.height == 0:
        raise TooShortError(f"{label} has no row of {disease or 'any disease'}. Give a file with at least one.")
    cadence = recognise(table["date"], label, table["location"])
    series = Series(table, chosen["disease"], chosen["signal"], cadence, label, hold_back)
    found = running_totals(table)
    errors = [fault for fault in found if fault.severity == "error"]
    if errors:
        raise TableError(label, errors)
    series = replace(series, notes=tuple(str(fault) for fault in found))
    return replace(series, **_companions(aside, series)) if companions and aside else series


def _read(source: Any, **options: Any) -> pl.DataFrame:
    """The rows of the source, or every vintage of the workspace that it names; no exact counts that left their wall."""
    many = isinstance(source, str | Path) and (Path(source) / MANIFEST).is_file()
    return guard_table(door.read(Workspace(source).vintages() if many else source, SERIES, **options), source)


def read_histories(
    source: Any, disease: str, cadence: Cadence, *, hold_back: int = ALSO_LAG, encoding: str | None = None
) -> list[Series]:
    """Every signal that a file has of a disease, to learn from.

    Parameters
    ----------
    source : path or frame
        In the `series` contract.
    disease : str
        Disease; case, punctuation and known synonyms do not matter.
    cadence : Cadence
        Length of the periods of what is forecast; they may start on another weekday.
    hold_back : int
        Periods by which rows without `as_of` are held back.
    encoding : str, optional
        Encoding of a text file, where it can't be told.

    Returns
    -------
    list of Series
        One a signal, sorted; :data:`DENOMINATORS` are left out.

    Raises
    ------
    InputError
        The file can't be used, or is of periods of another length.
    """
    label = str(source) if not hasattr(source, "columns") else "the table"
    chosen: list[str] = []

    def select(frame: pl.DataFrame) -> pl.DataFrame:
        try:
            narrowed, name = of_disease(frame, disease, label)
        except NameNotFoundError as error:
            raise InputError(f"{error} A history of the same disease was wanted; leave this out of --also.") from error
        chosen.append(name)
        return narrowed

    table = _read(source, select=select, label=label, encoding=encoding)
    kind = recognise(table["date"], label).kind
    if kind != cadence.kind:
        raise InputError(
            f"{label} is by {kind}, what is forecast is by {cadence.kind}; the same was wanted. Leave it out of --also."
        )
    return [
        Series(rows, chosen[0], str(name), recognise(rows["date"], label), label, hold_back)
        for (name,), rows in sorted(table.group_by(["signal"], maintain_order=True), key=lambda item: str(item[0]))
        if name not in DENOMINATORS
    ]


def open_series(
    source: Any,
    disease: str | None = None,
    signal: str | None = None,
    *,
    also: Sequence[Any] = (),
    also_lag: int = ALSO_LAG,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
    drivers: Sequence[Any] = (),
) -> tuple[Series, list[Series]]:
    """What is to be forecast, with its companions, and the histories to learn from.

    Parameters
    ----------
    source : path or frame
        In the `series` contract.
    disease, signal : str, optional
        May be left out where there is only one.
    also : sequence of path or frame
        Histories of other signals of the disease.
    also_lag : int
        Periods by which those without `as_of` are held back.
    mapping : dict of str to str, optional
        Column of the file -> column of the contract; for ``source`` alone.
    encoding : str, optional
        Encoding of the text files, where it can't be told.
    drivers : sequence of path or frame
        What may drive the disease; see :func:`salus.surveillance.drivers.read_drivers`.

    Returns
    -------
    series : Series
        As :func:`read_series`.
    histories : list of Series
        As :func:`read_histories`, in the order given.

    Raises
    ------
    InputError
        One of them can't be used.
    """
    series = read_series(source, disease, signal, mapping=mapping, encoding=encoding, companions=True)
    options: dict[str, Any] = {"hold_back": also_lag, "encoding": encoding}
    histories = [h for item in also for h in read_histories(item, series.disease, series.cadence, **options)]
    told = read_drivers(drivers, series.cadence, series.table["location"].unique().to_list(), encoding=encoding)
    return replace(series, drivers=told), histories


def _companions(aside: list[pl.DataFrame], series: Series) -> dict[str, Any]:
    """Other diseases of the same signal and places; when their rows are faulty they are left aside, which is said."""
    rows = aside[0].filter(
        (pl.col("signal").cast(pl.String) == series.signal)
        & pl.col("location").cast(pl.String).is_in(series.table["location"].unique().to_list())
        & pl.col("disease").is_not_null()
        & (pl.col("disease").cast(pl.String) != series.disease)
    )
    if rows.height == 0:
        return {}
    try:
        others = door.read(rows, SERIES, label=f"the other diseases in {series.label}")
        if recognise(others["date"], series.label) != series.cadence:
            said = f"the other diseases in {series.label} are of another cadence and were not learned from"
            return {"notes": (*series.notes, said)}
    except TableError as error:
        said = f"the other diseases in {series.label} were not learned from: {error.faults[0]}"
        return {"notes": (*series.notes, said)}
    return {"companions": others}
