"""The protocol of Delphi's Epidata server: one JSON object with `result`, `message` and `epidata`.

Result 1 is success, -2 no data for the question, 2 more data than one answer holds, -1 an error whose text is in
`message`. Values come as numbers or null; periods as whole numbers (202003 an MMWR week, 20200118 a day).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from salus.errors import SourceError
from salus.sources.pull import answer
from salus.sources.pull.fetch import Fetch, Reply

BASE_URL = "https://api.delphi.cmu.edu/epidata"
LICENCE = "Each source under its own terms, passed on by Delphi; CDC's are public domain (US government work)"
CITATION = (
    "Farrow DC, Brooks LC, Rumack A, Tibshirani RJ, Rosenfeld R (2015). Delphi Epidata API. "
    "https://github.com/cmu-delphi/delphi-epidata"
)
TERMS = "https://cmu-delphi.github.io/delphi-epidata/api/README.html#data-licensing"

_WORDS = {"region", "location", "release_date", "geo_value"}
_WHOLE = {"epiweek", "issue", "time_value"}
_MANY, _SUCCESS, _NONE = 2, 1, -2
_DAYS = 10_000_000  # from here on a number of eight digits: a day


def ask(
    fetch: Fetch,
    url: str,
    params: Mapping[str, str],
    field: str,
    first: int,
    last: int,
    required: Sequence[str],
    key: str = "",
) -> tuple[Reply, pl.DataFrame]:
    """All rows of one question, split by time where one answer can't hold them.

    Parameters
    ----------
    fetch : Fetch
        The door to the network.
    url : str
        Address of the endpoint.
    params : mapping of str to str
        The question, without its periods.
    field : str
        Name of the parameter that takes the periods.
    first, last : int
        First and last period: MMWR weeks (six digits) or days (eight).
    required : sequence of str
        Fields that every row must have.
    key : str
        API key; goes into a header, never into the address.

    Returns
    -------
    reply : Reply
        The last answer, for messages.
    frame : polars.DataFrame
        The required fields; numbers as Float64, whole numbers as Int64, words as text.

    Raises
    ------
    SourceError
        The server reports an error, a field is missing, or a row is not data.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else None
    reply = fetch.get(url, {**params, field: f"{first}-{last}"}, headers)
    content = _content(reply)
    result, said = content["result"], content.get("message", "")
    if result == _NONE:
        return reply, frame(reply, [], required)
    if result == _MANY and first < last:
        middle = _middle(first, last)
        _, early = ask(fetch, url, params, field, first, middle, required, key)
        reply, late = ask(fetch, url, params, field, _next(middle), last, required, key)
        return reply, pl.concat([early, late])
    if result != _SUCCESS:
        raise SourceError(
            f"{reply.url} reports an error: result {result}, '{said}'. "
            f"Ask for fewer places or weeks at once, or give a key (--option key=...), which lifts the limits."
        )
    return reply, frame(reply, content["epidata"], required)


def frame(reply: Reply, rows: Sequence[Any], required: Sequence[str]) -> pl.DataFrame:
    """Rows of an answer as a table, each checked to be data.

    Parameters
    ----------
    reply : Reply
        The answer, for messages.
    rows : sequence
        As they came.
    required : sequence of str
        Fields that every row must have.

    Returns
    -------
    polars.DataFrame
        The required fields.

    Raises
    ------
    SourceError
        A row is an error message, or lacks a field.
    """
    words = [name for name in required if name in _WORDS]
    whole = [name for name in required if name in _WHOLE]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not set(required) & set(row):
            raise SourceError(
                f"{reply.url}, row {number}: {json.dumps(row, ensure_ascii=False)[:200]} is not data but a "
                "message of the server. "
                f"Nothing was saved; try later."
            )
        answer.need(reply, list(row), required)
        for name in required:
            value = row[name]
            fine = value is None or isinstance(value, str if name in words else int if name in whole else (int, float))
            if not fine or isinstance(value, bool):
                raise SourceError(
                    f"{reply.url}, row {number}: '{name}' is {json.dumps(value, ensure_ascii=False)[:200]}, wanted "
                    f"{'text' if name in words else 'a number'}. If that is an error message of the server, try "
                    "later; nothing was saved."
                )
    kinds = {n: pl.String if n in words else pl.Int64 if n in whole else pl.Float64 for n in required}
    return pl.DataFrame({n: [row[n] for row in rows] for n in required}, schema=kinds, strict=False)


def day(value: int) -> dt.date:
    """First day of a period: ``20200118`` is a day, ``202003`` an MMWR week.

    Parameters
    ----------
    value : int
        Period as the server writes it.

    Raises
    ------
    ValueError
        There is no such period.

    Examples
    --------
    >>> day(20200118).isoformat(), day(202003).isoformat()
    ('2020-01-18', '2020-01-12')
    """
    if value >= _DAYS:
        return dt.date(value // 10_000, value // 100 % 100, value % 100)
    return answer.epiweek(value)


def last_day(value: int) -> dt.date:
    """Last day of a period, on which an issue of that period is surely published.

    Parameters
    ----------
    value : int
        Period as the server writes it.

    Examples
    --------
    >>> last_day(202003).isoformat()
    '2020-01-18'
    """
    return day(value) + dt.timedelta(days=0 if value >= _DAYS else 6)


def period(moment: dt.date, weekly: bool) -> int:
    """Period that holds a day, as the server writes it.

    Parameters
    ----------
    moment : datetime.date
        Any day.
    weekly : bool
        MMWR weeks instead of days.

    Examples
    --------
    >>> period(dt.date(2020, 1, 18), weekly=True), period(dt.date(2020, 1, 18), weekly=False)
    (202003, 20200118)
    """
    return answer.as_epiweek(moment) if weekly else moment.year * 10_000 + moment.month * 100 + moment.day


def issued(reply: Reply, rows: pl.DataFrame, today: dt.date) -> pl.Series:
    """Day on which each row was published: its release date, else the last day of its issue, and never a day to come.

    Parameters
    ----------
    reply : Reply
        The answer, for messages.
    rows : polars.DataFrame
        With `issue` (week or day) and, where the endpoint gives it, `release_date` (text, may be missing).
    today : datetime.date
        Day of the pull.
    """
    days = periods(reply, rows["issue"], last_day)
    if "release_date" in rows.columns:
        days = _release(reply, rows["release_date"]).zip_with(rows["release_date"].is_not_null(), days)
    return days.clip(upper_bound=today)


def _release(reply: Reply, column: pl.Series) -> pl.Series:
    return answer.dates(reply, column.fill_null("1900-01-01"), "a date such as 2024-11-22", dt.date.fromisoformat)


def periods(reply: Reply, column: pl.Series, read: Callable[[int], dt.date] = day) -> pl.Series:
    """Column of periods as dates.

    Parameters
    ----------
    reply : Reply
        The answer, for messages.
    column : polars.Series of Int64
        Periods.
    read : callable
        :func:`day` or :func:`last_day`.
    """
    return answer.dates(
        reply, column.cast(pl.String).fill_null(""), "a week such as 202003 or a day", lambda cell: read(int(cell))
    )


def _content(reply: Reply) -> dict[str, Any]:
    said = answer.text(reply)
    try:
        content = json.loads(said)
    except ValueError as error:
        raise SourceError(f"{reply.url} is not JSON ({error}); it begins '{said[:100]}'. Try later.") from error
    if not isinstance(content, dict) or not isinstance(content.get("result"), int):
        raise SourceError(f"{reply.url} has no 'result' as an Epidata answer has; it begins '{said[:100]}'. Try later.")
    if content["result"] in (_SUCCESS, _MANY) and not isinstance(content.get("epidata"), list):
        raise SourceError(f"{reply.url} has no list 'epidata'; it begins '{said[:100]}'. Try later.")
    return content


def _middle(first: int, last: int) -> int:
    start, end = day(first), day(last)
    return period(start + (end - start) // 2, first < _DAYS)


def _next(value: int) -> int:
    return period(last_day(value) + dt.timedelta(days=1), value < _DAYS)
