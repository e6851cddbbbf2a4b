"""What came, turned into typed columns; whatever is not as promised is named with what was found."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import re
from collections.abc import Callable, Collection, Sequence

import polars as pl
from epiweeks import Week

from salus.errors import SourceError
from salus.sources.pull.fetch import Reply

_ISO_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})")


def text(reply: Reply, encoding: str = "utf-8") -> str:
    r"""Answer as text.

    Parameters
    ----------
    reply : Reply
        What the source answered.
    encoding : str
        Encoding that the source promises; a byte order mark is dropped.

    Raises
    ------
    SourceError
        Nothing came, the bytes are not in that encoding, or a web page came instead of data.

    Examples
    --------
    >>> text(Reply("u", "\ufeffWoche\tWert".encode()))
    'Woche\tWert'
    """
    if not reply.body.strip():
        raise SourceError(
            f"{reply.url} is empty: 0 characters came, wanted a table. Try later; the publisher may be writing it."
        )
    head = reply.body[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        title = re.search(rb"(?is)<title[^>]*>(.*?)</title>", reply.body[:20000])
        named = " ".join(title.group(1).decode("utf-8", errors="replace").split()) if title else ""
        titled = f" titled '{named[:100]}'" if named else ""
        raise SourceError(
            f"{reply.url} is a web page{titled}, wanted a table. The publisher may have moved the file, or a proxy "
            f"wants a log-in: open the address in a browser."
        )
    try:
        return reply.body.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{reply.url} is not in {encoding} as promised: byte 0x{reply.body[error.start]:02x} at position "
            f"{error.start}. "
            f"The source has changed its encoding; update Salus or report it."
        ) from error


def cells(reply: Reply, separator: str = ",", encoding: str = "utf-8") -> list[list[str]]:
    """Rows of cells of a delimited file, as they stand.

    Parameters
    ----------
    reply : Reply
        What the source answered.
    separator : str
        One character.
    encoding : str
        Encoding that the source promises.
    """
    try:
        return list(csv.reader(io.StringIO(text(reply, encoding), newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise SourceError(
            f"{reply.url} is not a table with '{separator}' between cells: {error}. Try later."
        ) from error


def table(reply: Reply, required: Sequence[str], separator: str = ",", encoding: str = "utf-8") -> pl.DataFrame:
    r"""Delimited file with a header line, as text columns.

    Parameters
    ----------
    reply : Reply
        What the source answered.
    required : sequence of str
        Columns that must be there; others are left out.
    separator, encoding : str
        What the source promises.

    Returns
    -------
    polars.DataFrame
        The required columns as text, a row a line.

    Raises
    ------
    SourceError
        A column is missing or renamed, or a line has another number of cells (an error message among the data).

    Examples
    --------
    >>> table(Reply("u", b"week,value,note\n2024-W01,3,x\n"), ["week", "value"]).rows()
    [('2024-W01', '3')]
    """
    lines = cells(reply, separator, encoding)
    header = [name.strip() for name in lines[0]]
    need(reply, header, required)
    body = [(number, line) for number, line in enumerate(lines[1:], 2) if any(cell.strip() for cell in line)]
    for number, line in body:
        if len(line) != len(header):
            raise SourceError(
                f"{reply.url}, line {number}: {len(line)} cells, wanted {len(header)}; it says "
                f"{_quote(separator.join(line))}. "
                f"Part of the file is missing or it holds an error message: try later."
            )
    return pl.DataFrame(
        {name: [line[header.index(name)].strip() for _, line in body] for name in required},
        schema=dict.fromkeys(required, pl.String),
    )


def need(reply: Reply, found: Sequence[str], required: Sequence[str]) -> None:
    """Refuse an answer that lacks a column, naming those that it may have been renamed to.

    Parameters
    ----------
    reply : Reply
        What the source answered.
    found, required : sequence of str
        Column names.

    Raises
    ------
    SourceError
        At least one is missing.
    """
    gone = [name for name in required if name not in found]
    if not gone:
        return
    new = [name for name in found if name not in required]
    folded = {name.casefold(): name for name in new}
    hints = []
    for name in gone:
        near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
        hints.append(f"'{name}'" + (f" (now '{folded[near[0]]}'?)" if near else ""))
    shown = ", ".join(found)
    raise SourceError(
        f"{reply.url} has changed: there is no column {', '.join(hints)}; it has {_quote(shown)}. "
        f"Update Salus, or report it with this message; nothing was saved."
    )


def numbers(reply: Reply, column: pl.Series, missing: Collection[str] = ("", "NA")) -> pl.Series:
    """Text column as numbers; missing stays missing and is never zero.

    Parameters
    ----------
    reply : Reply
        What the source answered, for messages.
    column : polars.Series of String
        Cells.
    missing : collection of str
        How the source writes that a value is not known.

    Raises
    ------
    SourceError
        A cell holds anything else; it is quoted, since sources send error messages as data.

    Examples
    --------
    >>> numbers(Reply("u", b""), pl.Series("value", ["3", "0", "NA"])).to_list()
    [3.0, 0.0, None]
    """
    known = column.set(column.is_in(list(missing)), None)
    values = known.cast(pl.Float64, strict=False)
    _refuse(reply, column, values.is_null() & known.is_not_null(), "a number")
    return values


def dates(reply: Reply, column: pl.Series, wanted: str, read: Callable[[str], dt.date]) -> pl.Series:
    """Text column as dates.

    Parameters
    ----------
    reply : Reply
        What the source answered, for messages.
    column : polars.Series of String
        Cells.
    wanted : str
        What a cell should hold, in words.
    read : callable
        Reads one cell; raises ValueError where it can't.

    Raises
    ------
    SourceError
        A cell can't be read; it is quoted.
    """
    known: dict[str, dt.date] = {}
    for cell in column.unique().to_list():
        try:
            known[cell] = read(cell)
        except ValueError:
            continue
    values = pl.Series(column.name, [known.get(cell) for cell in column.to_list()], dtype=pl.Date)
    _refuse(reply, column, values.is_null(), wanted)
    return values


def iso_week(cell: str) -> dt.date:
    """Monday of a week written ``2024-W03``.

    Parameters
    ----------
    cell : str
        Year and ISO week.

    Raises
    ------
    ValueError
        It is not a week.

    Examples
    --------
    >>> iso_week("2020-W53").isoformat()
    '2020-12-28'
    """
    match = _ISO_WEEK.fullmatch(cell.strip())
    if match is None:
        raise ValueError(cell)
    return dt.date.fromisocalendar(int(match.group(1)), int(match.group(2)), 1)


def epiweek(value: int) -> dt.date:
    """Sunday on which an MMWR week starts, written ``202003``.

    Parameters
    ----------
    value : int
        Year times 100 plus week.

    Raises
    ------
    ValueError
        There is no such week.

    Examples
    --------
    >>> epiweek(202001).isoformat()
    '2019-12-29'
    """
    return Week(value // 100, value % 100, system="cdc").startdate()


def as_epiweek(day: dt.date) -> int:
    """MMWR week that holds a day, written ``202003``.

    Parameters
    ----------
    day : datetime.date
        Any day.

    Examples
    --------
    >>> as_epiweek(dt.date(2019, 12, 29))
    202001
    """
    week = Week.fromdate(day, system="cdc")
    return int(week.year * 100 + week.week)


def _refuse(reply: Reply, column: pl.Series, bad: pl.Series, wanted: str) -> None:
    if not bad.any():
        return
    row = int(bad.arg_true()[0])
    raise SourceError(
        f"{reply.url}, column '{column.name}', data row {row + 1}: found {_quote(str(column[row]))}, wanted {wanted} "
        f"({int(bad.sum())} such rows of {column.len()}). If that is an error message of the source, try later; "
        f"otherwise its form has changed: update Salus. Nothing was saved."
    )


def _quote(cell: str) -> str:
    line = " ".join(cell.split())
    return f"'{line[:200]}{'...' if len(line) > 200 else ''}'"
