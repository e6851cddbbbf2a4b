"""What a table of series must hold to beyond its columns: no future, one population a place and date, some value."""

from __future__ import annotations

import datetime as dt

import polars as pl

from salus.errors import Fault
from salus.tables.contract import named_rows

EARLIEST = dt.date(1800, 1, 1)
"""Day before which a date is taken for a slip of the pen."""

ROUNDING = 1.001
"""Ratio up to which two populations of one place and date are taken for one figure, rounded in two ways."""


def series_faults(table: pl.DataFrame, today: dt.date, rows: pl.Series | None = None) -> list[Fault]:
    """Faults of whole rows in a typed table of series.

    Parameters
    ----------
    table : polars.DataFrame
        Typed columns of the `series` contract; those that are absent are not looked at.
    today : datetime.date
        Nothing may be later.
    rows : polars.Series of int, optional
        Number of each row in the person's file; from 1 when left out.

    Returns
    -------
    list of Fault
        Errors, and a warning where two populations differ by rounding only.

    Examples
    --------
    >>> table = pl.DataFrame({"location": ["A"], "date": [dt.date(2030, 1, 7)], "value": [1.0]})
    >>> series_faults(table, dt.date(2026, 1, 1))[0].kind
    'future'
    """
    faults: list[Fault] = []
    if table.height == 0:
        return faults
    if "date" in table.columns:
        faults += _dates(table, today, rows)
    if {"location", "date", "population"} <= set(table.columns):
        faults += _populations(table, rows)
    if "value" in table.columns and table["value"].null_count() == table.height:
        faults.append(
            Fault(
                "all missing",
                "every value is missing",
                "Give a table with at least one known value",
                "value",
                (),
                table.height,
            )
        )
    return faults


def _fault(
    kind: str, column: str, mask: pl.Series, values: pl.Series, wanted: str, rows: pl.Series | None
) -> list[Fault]:
    mask = mask.fill_null(value=False)
    if not mask.any():
        return []
    found = values[mask.arg_true()[0]]
    numbers = named_rows(mask, rows)
    return [
        Fault(
            kind, f"found {found}, wanted {wanted}", "Correct the date at the source", column, numbers, int(mask.sum())
        )
    ]


def _dates(table: pl.DataFrame, today: dt.date, rows: pl.Series | None) -> list[Fault]:
    date = table["date"]
    faults = _fault("future", "date", date > today, date, f"no date in the future (today is {today})", rows)
    faults += _fault("too early", "date", date < EARLIEST, date, f"a date since {EARLIEST.year}", rows)
    if "as_of" in table.columns:
        known = table["as_of"]
        faults += _fault("future", "as_of", known > today, known, f"no date in the future (today is {today})", rows)
        early = (date > known) & (date <= today)
        faults += _fault("future", "date", early, date, "a date no later than the row's 'as_of'", rows)
    return faults


def _populations(table: pl.DataFrame, rows: pl.Series | None) -> list[Fault]:
    """An error where a place has two populations on one date; a warning where they differ by rounding only."""
    low, high = pl.col("population").min().alias("low"), pl.col("population").max().alias("high")
    moving = table.group_by("location").agg(low, high).filter(pl.col("low") != pl.col("high"))["location"]
    if moving.len() == 0:
        return []
    keys = [k for k in ("location", "date", "as_of") if k in table.columns]
    known = table.with_row_index("_at").filter(pl.col("location").is_in(moving.to_list())).drop_nulls("population")
    torn = known.group_by(keys).agg(low, high).filter(pl.col("low") != pl.col("high"))
    faults = []
    far = pl.col("high") > ROUNDING * pl.col("low")
    for severity, part in (("error", torn.filter(far)), ("warning", torn.filter(~far))):
        if part.height == 0:
            continue
        at = known.join(part.select(keys), on=keys, how="semi")["_at"]
        mask = pl.Series([False]).new_from_index(0, table.height).scatter(at, values=True)
        first = part.sort(keys).row(0, named=True)
        figures = f"{first['low']:,.0f} and {first['high']:,.0f}"
        faults.append(
            Fault(
                "two populations",
                f"{first['location']} has two populations for {first['date']}: {figures}",
                "Keep the right one for each place and date",
                "population",
                named_rows(mask, rows),
                int(mask.sum()),
                severity,
            )
        )
    return faults
