"""The door: any source into a checked table, once; after it, every function may trust the table.

Raw read -> columns found -> rows selected -> dates read -> the contract checked -> for series, the rules of whole rows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import Fault, TableError
from salus.tables.columns import ColumnMap, match_columns
from salus.tables.contract import Contract, named_rows
from salus.tables.contracts import SERIES
from salus.tables.dates import month_starts, parse, week_starts, whole_numbers
from salus.tables.frames import to_polars
from salus.tables.profiles import load_profile
from salus.tables.reading import RawTable, read_table
from salus.tables.series_rules import series_faults

_ROW = "_row"

Select = Callable[[pl.DataFrame], pl.DataFrame]
"""A row filter; it sees the contract's columns as the file has them, text trimmed, dates not yet read."""


@dataclasses.dataclass(frozen=True)
class Inspection:
    """A table as far as it could be typed, and all that is wrong with it.

    Attributes
    ----------
    label : str
        What messages call it.
    table : polars.DataFrame
        Columns of the contract; what could not be read is null.
    rows : polars.Series of int
        Number of each row in the file, the first data row being 1.
    faults : list of Fault
        Everything wrong; columns by the file's names.
    columns : ColumnMap
        Where each column came from.
    header : list of str
        The file's columns.
    kind : str
        ``delimited``, ``parquet``, ``workbook``, ``json lines`` or ``frame``.
    encoding : str or None
        Of a text file.
    """

    label: str
    table: pl.DataFrame
    rows: pl.Series
    faults: list[Fault]
    columns: ColumnMap
    header: list[str]
    kind: str
    encoding: str | None


def read(
    source: Any,
    contract: Contract,
    *,
    mapping: Mapping[str, str] | None = None,
    select: Select | None = None,
    label: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    today: dt.date | None = None,
    profiles: Path | None = None,
) -> pl.DataFrame:
    """A checked table, or one error with everything that is wrong.

    Parameters
    ----------
    source : path or frame
        CSV, Parquet, Excel, JSON lines, gzip or zip of these; or a pandas, Polars or Arrow frame.
    contract : Contract
        What the table must be.
    mapping : mapping of str to str, optional
        Column of the file -> column of the contract, in the forms of :mod:`salus.tables.columns`. When left out, the
        profile remembered for this header is used, if there is one.
    select : callable, optional
        Row filter applied before the row checks; it must keep the columns that it is given.
    label : str, optional
        What messages call the table; the path when left out.
    encoding, sheet : str, optional
        Of a text file or a workbook, where they can't be told.
    today : datetime.date, optional
        For series, the day after which nothing may be dated; the machine's date when left out.
    profiles : Path, optional
        Folder of the profiles; see :func:`salus.tables.profiles.profile_folder`.

    Returns
    -------
    polars.DataFrame
        The contract's columns that are present, typed; rows in the order of the source.

    Raises
    ------
    InputError
        The source can't be read.
    TableError
        It breaks the contract; carries every fault, with row numbers as the file has them.

    Examples
    --------
    >>> rows = pl.DataFrame({"地区": ["北京"], "病种": ["手足口病"], "年份": [2023], "月份": [5], "发病数": ["12"]})
    >>> read(rows, SERIES).row(0)
    ('北京', '手足口病', 'cases', datetime.date(2023, 5, 1), 12.0)
    """
    found = inspect(
        source,
        contract,
        mapping=mapping,
        select=select,
        label=label,
        encoding=encoding,
        sheet=sheet,
        today=today,
        profiles=profiles,
    )
    errors = [f for f in found.faults if f.severity == "error"]
    if errors:
        raise TableError(found.label, errors)
    return found.table


def inspect(
    source: Any,
    contract: Contract,
    *,
    mapping: Mapping[str, str] | None = None,
    select: Select | None = None,
    label: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    today: dt.date | None = None,
    profiles: Path | None = None,
) -> Inspection:
    """As :func:`read`, with the faults in hand instead of raised.

    Parameters
    ----------
    source, contract, mapping, select, label, encoding, sheet, today, profiles
        As for :func:`read`.

    Returns
    -------
    Inspection
        The table as far as it could be typed, and its faults.

    Raises
    ------
    InputError
        The source can't be read at all.
    TableError
        Its columns can't be told apart, or its rows are ragged.
    """
    raw = _raw(source, encoding, sheet, label)
    label = label or (str(source) if raw.kind != "frame" else "the table")
    header = raw.frame.columns
    if mapping is None:
        mapping = load_profile(header, contract.name, profiles)
    columns = match_columns(header, contract, mapping, label)
    frame = _mapped(raw.frame, columns, contract)
    kind, coding = raw.kind, raw.encoding
    del raw
    if select is not None:
        frame = select(frame)
    rows = frame[_ROW]
    frame, faults = _dated(frame, columns, contract, rows)
    typed, found = contract.inspect(frame, rows=rows)
    unread = {f.column for f in faults}
    faults += [f for f in found if not (f.kind == "missing value" and f.column in unread)]
    if contract.name == SERIES.name:
        faults += series_faults(typed, today or dt.datetime.now().astimezone().date(), rows)
    faults = [dataclasses.replace(f, column=columns.columns.get(f.column or "", f.column)) for f in faults]
    return Inspection(label, typed, rows, faults, columns, header, kind, coding)


def _raw(source: Any, encoding: str | None, sheet: str | None, label: str | None) -> RawTable:
    if isinstance(source, str | Path):
        return read_table(source, encoding=encoding, sheet=sheet)
    return RawTable(to_polars(source, label or "the table"), "frame")


def _mapped(frame: pl.DataFrame, columns: ColumnMap, contract: Contract) -> pl.DataFrame:
    """The contract's columns and date parts under their names, with row numbers, without blank rows, text trimmed."""
    wanted: list[pl.Expr] = []
    texts = {c.name for c in contract.columns if c.dtype == pl.String}
    for target, name in columns.columns.items():
        column = pl.col(name)
        if frame.schema[name] in (pl.Categorical, pl.Enum):
            column = column.cast(pl.String)
        if target in texts and frame.schema[name] in (pl.String, pl.Categorical, pl.Enum):
            column = column.str.strip_chars().replace("", None)
        wanted.append(column.alias(target))
    wanted += [pl.lit(text).alias(target) for target, text in columns.constants.items()]
    numbers = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias(_ROW)
    out = frame.select(numbers, *wanted)
    if frame.height and all(frame[name].null_count() for name in frame.columns):
        out = out.filter(frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series())
    return out


def _dated(
    frame: pl.DataFrame, columns: ColumnMap, contract: Contract, rows: pl.Series
) -> tuple[pl.DataFrame, list[Fault]]:
    """Every date column of the contract read, and the date put together where it comes in parts."""
    faults: list[Fault] = []
    for column in contract.columns:
        if column.dtype == pl.Date and column.name in frame.columns:
            frame, found = _parsed(frame, column.name, columns, rows, nullable=column.nullable)
            faults += found
    if "week_end" in frame.columns:
        frame, found = _parsed(frame, "week_end", columns, rows, nullable=False)
        faults += [dataclasses.replace(f, column="date") for f in found]
        frame = frame.with_columns(date=pl.col("week_end") - pl.duration(days=6))
    elif "year" in frame.columns and ("week" in frame.columns or "month" in frame.columns):
        frame, found = _from_parts(frame, columns, rows)
        faults += found
    return frame, faults


def _parsed(
    frame: pl.DataFrame, name: str, columns: ColumnMap, rows: pl.Series, *, nullable: bool
) -> tuple[pl.DataFrame, list[Fault]]:
    raw = frame[name]
    shown = columns.columns.get(name, name)
    values, faults = parse(raw.alias(shown), columns.styles.get(name), rows, name)
    faults = [dataclasses.replace(f, column=name) for f in faults]
    missing = raw.is_null() if raw.dtype != pl.String else raw.str.strip_chars().fill_null("") == ""
    if faults and not nullable and missing.any():
        numbers = named_rows(missing, rows)
        remedy = "Fill it in, or leave the row out"
        faults.append(
            Fault("missing value", "found an empty cell, wanted a date", remedy, name, numbers, int(missing.sum()))
        )
    return frame.with_columns(values.alias(name)), faults


def _from_parts(frame: pl.DataFrame, columns: ColumnMap, rows: pl.Series) -> tuple[pl.DataFrame, list[Fault]]:
    part = "week" if "week" in frame.columns else "month"
    year, number = whole_numbers(frame["year"]), whole_numbers(frame[part])
    names = f"'{columns.columns['year']}' and '{columns.columns[part]}'"
    if part == "month":
        date = month_starts(year, number)
    else:
        style = columns.styles.get("week")
        if style is None or style.weeks is None:
            name = columns.columns["week"]
            fault = Fault(
                "week system",
                f"{names} may count ISO weeks (from Monday) or MMWR weeks (from Sunday)",
                f"Say which with --map '{name}=week:iso' or --map '{name}=week:mmwr'",
                "date",
            )
            return frame.with_columns(date=pl.lit(None, pl.Date)), [fault]
        date = week_starts(year, number, style.weeks)
    bad = date.is_null()
    faults = []
    if bad.any():
        at = bad.arg_true()[0]
        found = f"found {frame['year'][at]} and {frame[part][at]} in {names}, wanted a year and a {part} that it has"
        faults.append(Fault("date", found, "Correct it at the source", "date", named_rows(bad, rows), int(bad.sum())))
    return frame.with_columns(date.alias("date")), faults
