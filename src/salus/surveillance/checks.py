"""Everything that is wrong with a series file, at once: by row and column, with the remedy.

First the door's own checks (columns, types, dates, negatives, duplicates, the future, two populations), then those that
need a whole series: gaps, running totals taken for counts, flat lines, late places, mixed cadences, unknown places, a
change of unit. What would make a forecast wrong is an error; what a person should look at is a warning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.errors import Fault, TableError
from salus.surveillance import diseases, places, shapes
from salus.surveillance.weeks import Cadence, recognise
from salus.tables import door
from salus.tables.contract import MAX_ROWS_NAMED
from salus.tables.contracts import SERIES
from salus.tables.names import fold, resolve

LATE_PERIODS = 2
"""Periods behind the other places from which a place is late."""

STALE_PERIODS = {"day": 14, "week": 4, "month": 3}
"""Periods before today from which a whole source is late."""

_KEYS = ("disease", "signal", "location")
_SHARE_RUNNING = 0.8
_REGULAR_STEPS, _REGULAR_SHARE = 6, 0.8


@dataclass(frozen=True)
class _Group:
    """One place, disease and signal, in order of time."""

    disease: str
    signal: str
    location: str
    dates: np.ndarray
    values: np.ndarray
    rows: np.ndarray
    cadence: Cadence

    @property
    def name(self) -> str:
        return f"{self.location} ({self.disease}, {self.signal})"

    def known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Dates, values and rows without the missing values."""
        there = ~np.isnan(self.values)
        return self.dates[there], self.values[there], self.rows[there]


@dataclass(frozen=True)
class Examination:
    """What was found out about a series file.

    Attributes
    ----------
    label : str
        What messages call it.
    faults : list of Fault
        Errors first.
    rows, places : int
        How many were looked at.
    first, last : datetime.date or None
        First days of the first and the last period.
    encoding : str or None
        Of a text file.
    header : list of str
        The file's columns.
    """

    label: str
    faults: list[Fault]
    rows: int = 0
    places: int = 0
    first: dt.date | None = None
    last: dt.date | None = None
    encoding: str | None = None
    header: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Fault]:
        """The faults that keep the table out."""
        return [f for f in self.faults if f.severity == "error"]

    @property
    def warnings(self) -> list[Fault]:
        """The faults that a person should look at."""
        return [f for f in self.faults if f.severity != "error"]


def check_series(source: Any, **options: Any) -> list[Fault]:
    """All faults of a series file.

    Parameters
    ----------
    source : path or frame
        CSV, Parquet, Excel, JSON lines, or a pandas, Polars or Arrow frame.
    **options
        As for :func:`examine`: `disease`, `signal`, `today`, `known`, `mapping`, `encoding`, `profiles`.

    Returns
    -------
    list of Fault
        Errors first. Row 1 is the first data row.

    Raises
    ------
    InputError
        The file can't be read at all, or has no such disease or signal.

    Examples
    --------
    >>> rows = pl.DataFrame({"location": "A", "disease": "Influenza", "signal": "cases",
    ...                      "date": ["2024-01-01", "2024-01-08", "2024-01-22"], "value": [3, -1, 5]})
    >>> for fault in check_series(rows, today=dt.date(2024, 2, 1), known=()):
    ...     print(fault.kind, fault.column, fault.rows)
    negative value (2,)
    gap date (3,)
    """
    return examine(source, **options).faults


def examine(
    source: Any,
    *,
    disease: str | None = None,
    signal: str | None = None,
    today: dt.date | None = None,
    known: Collection[str] | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    profiles: Path | None = None,
) -> Examination:
    """All faults of a series file, with what was found out about it.

    Parameters
    ----------
    source : path or frame
        CSV, Parquet, Excel, JSON lines, or a pandas, Polars or Arrow frame.
    disease, signal : str, optional
        Look at these rows only.
    today : datetime.date, optional
        The day from which late and future are told; the machine's date when left out.
    known : collection of str, optional
        Names of the places that may occur; the built-in places when left out, an empty one to allow any.
    mapping : mapping of str to str, optional
        Column of the file -> column of the contract (see :mod:`salus.tables.columns`).
    encoding : str, optional
        Encoding of a text file, where it can't be told.
    profiles : Path, optional
        Folder of remembered column mappings.

    Returns
    -------
    Examination
        Faults and a few figures.

    Raises
    ------
    InputError
        The file can't be read at all, or has no such disease or signal.
    """
    day = today or dt.datetime.now().astimezone().date()
    try:
        found = door.inspect(
            source,
            SERIES,
            mapping=mapping,
            select=_selector(disease, signal),
            encoding=encoding,
            today=day,
            profiles=profiles,
        )
    except TableError as error:
        return Examination(error.table, list(error.faults))
    table, names = found.table, found.columns.columns
    if table.height:
        deeper = _table_faults(table, found.rows, day, known)
    else:
        deeper = [Fault("empty", "there is no row to look at", "Give a table with at least one row of data")]
    faults = found.faults + [replace(f, column=names.get(f.column or "", f.column)) for f in deeper]
    first, last = (table["date"].min(), table["date"].max()) if table.height else (None, None)
    return Examination(
        found.label,
        sorted(faults, key=lambda f: f.severity != "error"),
        table.height,
        table["location"].n_unique() if table.height else 0,
        first if isinstance(first, dt.date) else None,
        last if isinstance(last, dt.date) else None,
        found.encoding,
        found.header,
    )


def _selector(disease: str | None, signal: str | None) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def select(frame: pl.DataFrame) -> pl.DataFrame:
        if disease is not None and "disease" in frame.columns:
            labels = frame["disease"].cast(pl.String).unique().drop_nulls().sort().to_list()
            frame = frame.filter(pl.col("disease").is_in(diseases.match(disease, labels)))
        if signal is not None and "signal" in frame.columns:
            signals = frame["signal"].cast(pl.String).unique().drop_nulls().sort().to_list()
            frame = frame.filter(pl.col("signal") == resolve("signal", signal, signals))
        return frame

    return select


def _table_faults(table: pl.DataFrame, rows: pl.Series, today: dt.date, known: Collection[str] | None) -> list[Fault]:
    frame = table.with_columns(rows.alias("_row"))
    faults = _places(frame, known)
    usable = frame.drop_nulls([*_KEYS, "date"]).filter(pl.col("date") <= today)
    if "as_of" in usable.columns:
        usable = usable.sort("as_of", maintain_order=True).unique([*_KEYS, "date"], keep="last", maintain_order=True)
    groups: list[_Group] = []
    for (name, signal), part in usable.group_by(["disease", "signal"], maintain_order=True):
        try:
            cadence = recognise(part["date"])
        except TableError as error:
            faults += [_mixed(f, part, f"{name}, {signal}") for f in error.faults]
            continue
        groups += list(_groups(part, cadence))
    faults += _gaps(groups) + _steps(groups) + _totals(groups) + _flat(groups) + _late(groups, today) + _units(groups)
    return faults


def _groups(part: pl.DataFrame, cadence: Cadence) -> Iterator[_Group]:
    ordered = part.sort("location", "date").unique([*_KEYS, "date"], keep="last", maintain_order=True)
    for (location,), one in ordered.group_by(["location"], maintain_order=True):
        first = one.row(0, named=True)
        values = one["value"].cast(pl.Float64).to_numpy()
        dates, rows = one["date"].to_numpy(), one["_row"].to_numpy()
        yield _Group(first["disease"], first["signal"], str(location), dates, values, rows, cadence)


def _fault(
    kind: str, names: list[str], text: str, remedy: str, column: str, rows: list[int], severity: str, count: int = 0
) -> list[Fault]:
    """One fault for all series that share it, the first three named; ``text`` follows the number of series."""
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    plural = f"{len(names):,} series" if len(names) > 1 else "1 series"
    message = f"{plural} {text}: {'; '.join(names[:3])}{more}"
    return [Fault(kind, message, remedy, column, tuple(sorted(rows)[:MAX_ROWS_NAMED]), count or len(rows), severity)]


def _mixed(fault: Fault, part: pl.DataFrame, name: str) -> Fault:
    weekday = part["date"].dt.weekday()
    common = weekday.mode()[0]
    rows = part.filter(weekday != common)["_row"].sort()
    shown = tuple(rows.head(MAX_ROWS_NAMED).to_list())
    return Fault(fault.kind, f"{name}: {fault.message}", fault.remedy, fault.column, shown, rows.len())


def _gaps(groups: list[_Group]) -> list[Fault]:
    names, rows, missing = [], [], 0
    for g in groups:
        numbers = _numbers(g)
        wide = np.flatnonzero(np.diff(numbers) > 1)
        if wide.size == 0 or _own_step(numbers) > 1:  # another cadence is told elsewhere
            continue
        lacking = int(numbers[-1] - numbers[0] + 1 - numbers.size)
        first = g.cadence.label(g.cadence.shift(g.dates[wide[0]].astype(object), 1))
        names.append(f"{g.name} lacks {first}" + (f" and {lacking - 1} more" if lacking > 1 else ""))
        rows += [int(r) for r in g.rows[wide + 1][:MAX_ROWS_NAMED]]
        missing += lacking
    remedy = "Add the missing periods, with a blank value where it is unknown"
    text = f"with gaps, {missing:,} period{'s' if missing > 1 else ''} in all"
    return _fault("gap", names, text, remedy, "date", rows, "warning", missing)


def _numbers(g: _Group) -> np.ndarray:
    """Number of each period, counted from a common start."""
    if g.cadence.kind == "month":
        return g.dates.astype("datetime64[M]").astype(int)
    return g.dates.astype("datetime64[D]").astype(int) // (7 if g.cadence.kind == "week" else 1)


def _own_step(numbers: np.ndarray) -> float:
    """The distance of a place's rows in periods where it is regular, else 1."""
    steps = np.diff(numbers)
    if steps.size < _REGULAR_STEPS:
        return 1.0
    usual = float(np.median(steps))
    return usual if (steps == usual).mean() >= _REGULAR_SHARE else 1.0


def _steps(groups: list[_Group]) -> list[Fault]:
    names, rows = [], []
    for g in groups:
        step = _own_step(_numbers(g))
        if step > 1:
            names.append(
                f"{g.name} has a value every {step:g} {g.cadence.name()}, the others every {g.cadence.name(1)}"
            )
            rows.append(int(g.rows[0]))
    remedy = "Give one cadence in a file: days, weeks or months"
    return _fault("mixed cadence", names, "with another cadence", remedy, "date", rows, "warning")


def _years(g: _Group, dates: np.ndarray) -> np.ndarray:
    """Year of each period; the year of a week is that of its middle."""
    middle = dates.astype("datetime64[D]") + (3 if g.cadence.kind == "week" else 0)
    return middle.astype("datetime64[Y]").astype(int) + 1970


def _totals(groups: list[_Group]) -> list[Fault]:
    names, rows = [], []
    running: dict[tuple[str, str], list[bool]] = {}
    for g in groups:
        dates, values, at = g.known()
        years = _years(g, dates)
        if shapes.is_cumulative(values, years):
            names.append(g.name)
            rows.append(int(at[0]))
        elif values.size and values[-1] > 0:
            running.setdefault((g.disease, g.signal), []).append(shapes.is_running_total(values, years))
    remedy = "Subtract each period's predecessor within the year, or take the source's column of new cases"
    faults = _fault(
        "cumulative",
        names,
        "growing all year and starting anew in the next, as running totals do",
        remedy,
        "value",
        rows,
        "error",
    )
    whole = [f"{d}, {s}" for (d, s), marks in running.items() if len(marks) > 2 and np.mean(marks) >= _SHARE_RUNNING]
    text = "where hardly any place ever falls in the last year, as in running totals"
    return faults + _fault("cumulative", whole, text, remedy, "value", [], "warning", len(whole))


def _flat(groups: list[_Group]) -> list[Fault]:
    names, rows = [], []
    for g in groups:
        _, values, at = g.known()
        run = shapes.flat_end(values)
        if run:
            names.append(f"{g.name}, {values[-1]:g} for {run} {g.cadence.name(run)}")
            rows += [int(r) for r in at[-run:]]
    remedy = "Ask the source whether it still reports; leave unknown values blank"
    return _fault("flat line", names, "ending in a flat line", remedy, "value", rows, "warning")


def _late(groups: list[_Group], today: dt.date) -> list[Fault]:
    newest: dict[tuple[str, str], int] = {}
    last: list[tuple[_Group, int, int]] = []
    for g in groups:
        dates, _, at = g.known()
        if dates.size:
            number = int(_numbers(g)[~np.isnan(g.values)][-1])
            last.append((g, number, int(at[-1])))
            key = (g.disease, g.signal)
            newest[key] = max(newest.get(key, number), number)
    names, rows = [], []
    stale: dict[tuple[str, str], str] = {}
    for g, number, row in last:
        behind = newest[(g.disease, g.signal)] - number
        end = g.cadence.end(g.dates[~np.isnan(g.values)][-1].astype(object))
        if behind > LATE_PERIODS:
            names.append(f"{g.name} ends on {end}, {behind} {g.cadence.name()} before the others")
            rows.append(row)
        elif (
            behind == 0
            and g.cadence.between(g.cadence.start(end), g.cadence.start(today)) > STALE_PERIODS[g.cadence.kind]
        ):
            stale[(g.disease, g.signal)] = f"{g.disease}, {g.signal} ends on {end}"
    remedy = "Ask the source for the missing periods; until then the place is bridged or left out"
    faults = _fault("late place", names, "later than the others", remedy, "date", rows, "warning")
    remedy = "Get the newest file, or say as of which day it is to be read"
    text = f"ending long before today ({today})"
    return faults + _fault("late source", list(stale.values()), text, remedy, "date", [], "warning", len(stale))


def _units(groups: list[_Group]) -> list[Fault]:
    names, rows = [], []
    for g in groups:
        dates, values, at = g.known()
        jump = shapes.unit_jump(values)
        if jump is not None:
            factor = f"{jump[1]:g} times higher" if jump[1] > 1 else f"{1 / jump[1]:g} times lower"
            names.append(f"{g.name} is {factor} from {dates[jump[0]].astype(object)}")
            rows.append(int(at[jump[0]]))
    remedy = "Look whether the unit changed, and give all values in one"
    return _fault("unit", names, "with a jump as from a change of unit", remedy, "value", rows, "warning")


def _places(frame: pl.DataFrame, known: Collection[str] | None) -> list[Fault]:
    found = frame.drop_nulls("location").group_by("location", maintain_order=True).agg(pl.col("_row").min())
    labels = [str(x) for x in found["location"]]
    rows = dict(zip(labels, found["_row"].to_list(), strict=True))
    meant = places.harmonise(labels) if known is None else {x: fold(x) for x in labels}
    spellings: dict[str, list[str]] = {}
    for label in labels:
        spellings.setdefault(meant[label], []).append(label)
    double = [" and ".join(f"'{x}'" for x in alike) for alike in spellings.values() if len(alike) > 1]
    faults = []
    if double:
        at = tuple(sorted(rows[x] for alike in spellings.values() if len(alike) > 1 for x in alike)[:MAX_ROWS_NAMED])
        faults.append(
            Fault(
                "two spellings",
                f"one place is written in several ways: {'; '.join(double[:3])}{_more(double)}",
                "Write each place in one way",
                "location",
                at,
                len(at),
                "warning",
            )
        )
    if known is not None and not known:
        return faults
    names = set(places.known()["location"]) if known is None else {fold(k) for k in known}
    strange = [x for x in labels if meant[x] not in names]
    if strange:
        shown = ", ".join(f"'{x}'" for x in strange[:5]) + (f" and {len(strange) - 5} more" if len(strange) > 5 else "")
        faults.append(
            Fault(
                "unknown place",
                f"{len(strange)} of {len(labels)} places are not known: {shown}",
                "Correct the name, or give a table of your places; a place that is not known is shown by its own name",
                "location",
                tuple(sorted(rows[x] for x in strange)[:MAX_ROWS_NAMED]),
                len(strange),
                "warning",
            )
        )
    return faults


def _more(names: list[str]) -> str:
    return f" and {len(names) - 3} more" if len(names) > 3 else ""
