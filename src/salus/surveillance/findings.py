"""Findings that need whole series: gaps, running totals, flat ends, late places, other cadences, changes of unit.

Each function looks at every series of a table and tells, in one fault, which of them share the finding.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from salus.errors import Fault
from salus.surveillance import cadences, shapes
from salus.surveillance.weeks import Cadence
from salus.tables.contract import MAX_ROWS_NAMED
from salus.tables.series_rules import ROUNDING

LATE_PERIODS = 2
"""Periods behind the other places from which a place is late."""

STALE_PERIODS = {"day": 14, "week": 4, "month": 3}
"""Periods before today from which a whole source is late."""

TOTALS_SHARE = 0.5
"""Share of the places of one disease and signal from which running totals keep the whole table out."""

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
    left_out: np.ndarray

    @property
    def reported(self) -> np.ndarray:
        """Which periods were reported: with a value, or one that is left out to protect persons."""
        return np.asarray(~np.isnan(self.values) | self.left_out)

    @property
    def name(self) -> str:
        return f"{self.location} ({self.disease}, {self.signal})"

    def known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Dates, values and rows without the missing values."""
        there = ~np.isnan(self.values)
        return self.dates[there], self.values[there], self.rows[there]


def findings(table: pl.DataFrame, today: dt.date) -> list[Fault]:
    """All findings in a table of series.

    Parameters
    ----------
    table : polars.DataFrame
        `series` contract, and ``_row``, the number of each row in the person's file; not yet free of other faults.
    today : datetime.date
        Day from which late is told; later rows are not looked at.

    Returns
    -------
    list of Fault
        Errors and warnings, by kind.
    """
    groups, faults = _series(table.filter(pl.col("date") <= today))
    faults += _gaps(groups) + _steps(groups) + _totals(groups) + _flat(groups) + _late(groups, today) + _units(groups)
    return faults + _left_out(groups) + _populations(table)


def running_totals(table: pl.DataFrame) -> list[Fault]:
    """Series that hold running totals in place of each period's value.

    Parameters
    ----------
    table : polars.DataFrame
        `series` contract, checked.

    Returns
    -------
    list of Fault
        Without row numbers. An error where at least :data:`TOTALS_SHARE` of the places of a disease and signal do so,
        else a warning.

    Examples
    --------
    >>> weeks = pl.date_range(dt.date(2022, 1, 3), dt.date(2023, 12, 25), "1w", eager=True)
    >>> rows = pl.DataFrame({"location": "A", "disease": "HFMD", "signal": "cases", "date": weeks})
    >>> rows = rows.with_columns(value=pl.col("date").dt.ordinal_day().cast(pl.Float64))
    >>> [(fault.kind, fault.severity) for fault in running_totals(rows)]
    [('cumulative', 'error')]
    """
    groups, _ = _series(table.with_columns(_row=pl.lit(0)))
    return [replace(fault, rows=()) for fault in _totals(groups)]


def _series(table: pl.DataFrame) -> tuple[list[_Group], list[Fault]]:
    """Every series as last known, and the faults of those that do not keep the cadence of the others."""
    usable = table.drop_nulls([*_KEYS, "date"])
    if "as_of" in usable.columns:
        usable = usable.sort("as_of", maintain_order=True).unique([*_KEYS, "date"], keep="last", maintain_order=True)
    groups: list[_Group] = []
    faults: list[Fault] = []
    for (name, signal), part in usable.group_by(["disease", "signal"], maintain_order=True):
        split = cadences.parts(part, f"{name}, {signal}")
        faults += split.faults
        for rows, cadence in split.parts:
            groups += list(_groups(rows, cadence))
    return groups, faults


def _groups(part: pl.DataFrame, cadence: Cadence) -> Iterator[_Group]:
    ordered = part.sort("location", "date").unique([*_KEYS, "date"], keep="last", maintain_order=True)
    for (location,), one in ordered.group_by(["location"], maintain_order=True):
        first = one.row(0, named=True)
        values = one["value"].cast(pl.Float64).to_numpy()
        dates, rows = one["date"].to_numpy(), one["_row"].to_numpy()
        hidden = np.zeros(values.size, dtype=bool)
        if "left_out" in one.columns:
            hidden = one["left_out"].fill_null(value=False).to_numpy() & np.isnan(values)
        yield _Group(first["disease"], first["signal"], str(location), dates, values, rows, cadence, hidden)


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
    of_one: dict[tuple[str, str], list[_Group]] = {}
    for g in groups:
        of_one.setdefault((g.disease, g.signal), []).append(g)
    grown: dict[str, list[_Group]] = {"error": [], "warning": []}
    whole = []
    for (disease, signal), members in of_one.items():
        shape, running = [], []
        for g in members:
            dates, values, _ = g.known()
            years = _years(g, dates)
            shape.append(shapes.is_cumulative(values, years))
            if not shape[-1] and values.size and values[-1] > 0:
                running.append(shapes.is_running_total(values, years))
        severity = "error" if np.mean(shape) >= TOTALS_SHARE else "warning"
        grown[severity] += [g for g, total in zip(members, shape, strict=True) if total]
        if len(running) > 2 and np.mean(running) >= _SHARE_RUNNING:
            whole.append(f"{disease}, {signal}")
    remedy = "Subtract each period's predecessor within the year, or take the source's column of new cases"
    text = "growing all year and starting anew in the next, as running totals do"
    faults: list[Fault] = []
    for severity, found in grown.items():
        rows = [int(g.known()[2][0]) for g in found]
        faults += _fault("cumulative", [g.name for g in found], text, remedy, "value", rows, severity)
    text = "where hardly any place ever falls in the last year, as in running totals"
    return faults + _fault("cumulative", whole, text, remedy, "value", [], "warning", len(whole))


def _flat(groups: list[_Group]) -> list[Fault]:
    names, rows = [], []
    for g in groups:
        since = int(np.flatnonzero(g.left_out)[-1]) + 1 if g.left_out.any() else 0  # a count left out is no flat line
        values, at = g.values[since:], g.rows[since:]
        values, at = values[~np.isnan(values)], at[~np.isnan(values)]
        run = shapes.flat_end(values)
        if run:
            names.append(f"{g.name}, {values[-1]:g} for {run} {g.cadence.name(run)}")
            rows += [int(r) for r in at[-run:]]
    remedy = "Ask the source whether it still reports; leave unknown values blank"
    return _fault("flat line", names, "ending in a flat line", remedy, "value", rows, "warning")


def _late(groups: list[_Group], today: dt.date) -> list[Fault]:
    newest: dict[tuple[str, str, Cadence], int] = {}
    last: list[tuple[_Group, int, int]] = []
    for g in groups:
        at = g.rows[g.reported]
        if at.size:
            number = int(_numbers(g)[g.reported][-1])
            last.append((g, number, int(at[-1])))
            key = (g.disease, g.signal, g.cadence)
            newest[key] = max(newest.get(key, number), number)
    names, rows = [], []
    stale: dict[tuple[str, str], str] = {}
    for g, number, row in last:
        behind = newest[(g.disease, g.signal, g.cadence)] - number
        end = g.cadence.end(g.dates[g.reported][-1].astype(object))
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


def _left_out(groups: list[_Group]) -> list[Fault]:
    hiding = [g for g in groups if g.left_out.any()]
    names = [f"{g.name} {g.left_out.sum()} of {g.reported.sum()}" for g in hiding]
    count = sum(int(g.left_out.sum()) for g in hiding)
    rows = [int(r) for g in hiding for r in g.rows[g.left_out][:MAX_ROWS_NAMED]]
    text = f"with counts left out to protect persons, {count:,} in all"
    remedy = "Nothing is amiss: they were reported, and are neither zero nor late; levels and forecasts tell how many"
    return _fault("left out", names, text, remedy, "value", rows, "warning", count)


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


def _populations(table: pl.DataFrame) -> list[Fault]:
    """Places whose population for one date is another in a later vintage, by more than rounding."""
    if not {"as_of", "population"} <= set(table.columns):
        return []
    keys = ["location", "date"]
    told = table.drop_nulls([*keys, "as_of", "population"])
    people = pl.col("population")
    vintages = told.group_by(*keys, "as_of").agg(low=people.min(), high=people.max())  # two in one: told by the door
    torn = vintages.group_by(keys).agg(pl.col("low").max(), pl.col("high").min())
    torn = torn.filter(pl.col("low") > ROUNDING * pl.col("high")).sort(keys)
    if torn.height == 0:
        return []
    moved = told.join(torn, on=keys, how="semi").sort(*keys, "as_of", maintain_order=True)
    names = []
    for place in torn["location"].unique(maintain_order=True):
        (date,) = torn.filter(pl.col("location") == place)["date"].head(1)
        one = moved.filter((pl.col("location") == place) & (pl.col("date") == date))
        old, new = one.row(0, named=True), one.row(-1, named=True)
        names.append(
            f"{place} on {date} {old['population']:,.0f} as of {old['as_of']} and {new['population']:,.0f} "
            f"as of {new['as_of']}"
        )
    remedy = "Nothing to do where it was revised: the latest one known is used; else keep the right one"
    text = "whose population for one date differs from vintage to vintage"
    return _fault("population", names, text, remedy, "population", moved["_row"].to_list(), "warning")
