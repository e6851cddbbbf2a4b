"""What happened, from a series or from a hub's own target data."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from salus.errors import InputError
from salus.surveillance.series import read_series
from salus.surveillance.weeks import recognise
from salus.tables.contracts import SERIES
from salus.tables.reading import read_raw

_DAYS = ("target_end_date", "date")
_VALUES = ("oracle_value", "observation", "value")


def read_truth(
    source: str | Path,
    *,
    target: str | None = None,
    disease: str | None = None,
    signal: str | None = None,
    as_of: dt.date | None = None,
) -> pl.DataFrame:
    """The truth in the `series` contract.

    Parameters
    ----------
    source : str or Path
        A series (a table with `disease`, or a workspace), or target data of a hub: `location`, `target_end_date` or
        `date` (there the last day of the week), and `oracle_value`, `observation` or `value`.
    target : str, optional
        The hub's target, where its target data hold several.
    disease, signal : str, optional
        Of a series that holds several.
    as_of : datetime.date, optional
        Take the truth as it was known on this day; the latest by default.

    Returns
    -------
    polars.DataFrame
        `series` contract, one disease and signal, without `as_of`.

    Raises
    ------
    InputError
        The columns are neither of a series nor of target data, or the target data hold several targets.
    """
    path = Path(source)
    if path.is_dir():
        return _series(path, disease, signal, as_of)
    table = read_raw(path)
    if "disease" in table.columns or "location" not in table.columns or not any(n in table.columns for n in _DAYS):
        return _series(path, disease, signal, as_of)
    return _target_data(table, str(source), target, as_of)


def _series(path: Path, disease: str | None, signal: str | None, as_of: dt.date | None) -> pl.DataFrame:
    series = read_series(path, disease, signal)
    table = series.known_on(as_of) if as_of is not None else series.table
    if "as_of" in table.columns:
        table = table.sort("as_of").unique(["location", "disease", "signal", "date"], keep="last", maintain_order=True)
    return table.select(n for n in SERIES.names if n in table.columns and n != "as_of")


def _target_data(table: pl.DataFrame, label: str, target: str | None, as_of: dt.date | None) -> pl.DataFrame:
    day = next(n for n in _DAYS if n in table.columns)
    value = next((n for n in _VALUES if n in table.columns), None)
    if value is None:
        raise InputError(
            f"{label} has the columns {', '.join(table.columns)}; location and {' or '.join(_VALUES)} were wanted. "
            "Give the hub's target data, or a series with location, disease, signal, date and value."
        )
    rows = table.with_columns(_dates(table[n], label) for n in (day, "as_of") if n in table.columns)
    if "output_type" in rows.columns:  # oracle output: what is left blank holds for every id of the output type
        rows = rows.filter(pl.col("output_type").is_null() | (pl.col("output_type") == "quantile"))
    if "target" in rows.columns:
        rows = rows if target is None else rows.filter(pl.col("target") == target)
        found = rows["target"].unique().sort().to_list()
        if len(found) != 1:
            some = ", ".join(map(str, found)) or "none that was asked for"
            raise InputError(f"{label} has the targets {some}. Choose one with --target.")
    if "as_of" in rows.columns:
        rows = rows if as_of is None else rows.filter(pl.col("as_of") <= as_of)
        rows = rows.sort("as_of", maintain_order=True)
    elif as_of is not None:
        raise InputError(f"{label} has no column 'as_of', so that it can't be taken as of {as_of}. Leave that day out.")
    rows = rows.unique(["location", day], keep="last", maintain_order=True)
    number = rows[value].cast(pl.Float64, strict=False)
    odd = number.is_null() & rows[value].is_not_null() & ~rows[value].cast(pl.String).is_in(["NA", ""])
    if odd.any():
        raise InputError(f"{label}: '{value}' holds '{rows[value].filter(odd)[0]}'. Numbers were wanted, or blank.")
    start = _start(rows[day].drop_nulls(), label)
    made = pl.DataFrame({"location": rows["location"].cast(pl.String), "value": number, "_end": rows[day]})
    return made.drop_nulls("_end").select(
        "location",
        pl.lit(target or "target").alias("disease"),
        pl.lit("value").alias("signal"),
        start.alias("date"),
        "value",
    )


def _dates(values: pl.Series, label: str) -> pl.Series:
    if values.dtype != pl.String:
        return values.cast(pl.Date)
    found = values.str.to_date("%Y-%m-%d", strict=False)
    odd = found.is_null() & values.is_not_null()
    if odd.any():
        first = values.filter(odd)[0]
        raise InputError(f"{label}: '{values.name}' holds '{first}'. Days such as 2024-01-06 were wanted.")
    return found


def _start(ends: pl.Series, label: str) -> pl.Expr:
    """First day of the period that ends on a day."""
    end = pl.col("_end")
    if (ends == ends.dt.month_end()).all():
        return end.dt.month_start()
    return end - pl.duration(days=6) if recognise(ends, label).kind == "week" else end
