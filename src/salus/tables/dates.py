"""Dates as the world writes them, into the first day of their period.

Read without a question: ISO dates and times, ``20260103``, ``2026/1/3``, ``3.1.2026``, ``2026-W03``, ``2023-05``,
``2023年5月1日``, ``2023年第5周``, ``令和5年5月``, ``R5.5``, ``May 2023``, ``1 May 2023``, Excel's day numbers. Where a
column can be read in two ways (``3/4/2026``; ``202304``, a month or a week), it is refused until the person says which.

ISO 8601 weeks start on Monday and week 1 holds 4 January; MMWR weeks (CDC) start on Sunday, and week 1 is the one
with at least four days in January.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from salus.errors import Fault, InputError
from salus.tables.contract import named_rows

STYLES = {
    "day-first": "3/4/2026 is 3 April",
    "month-first": "3/4/2026 is 4 March",
    "year-month": "202304 is April 2023",
    "iso": "202304 and 'week 4' are ISO weeks, from Monday",
    "mmwr": "202304, 2023-W04 and 'week 4' are MMWR weeks, from Sunday",
}
"""Words that settle a date column that can be read in two ways; a pattern such as ``%d-%b-%y`` does so too."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = r"(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(?:UARY|RUARY|CH|IL|E|Y|UST|T|TEMBER|OBER|EMBER)?\.?"
_TIME = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"
_ERAS = {
    "明治": (1867, (1868, 1), (1912, 7)),
    "大正": (1911, (1912, 7), (1926, 12)),
    "昭和": (1925, (1926, 12), (1989, 1)),
    "平成": (1988, (1989, 1), (2019, 4)),
    "令和": (2018, (2019, 5), (9999, 12)),
}
_ERA_LETTERS = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}
_EXCEL_FIRST, _EXCEL_LAST = 25569, 73050  # 1970 to 2099
_EXCEL_EPOCH = dt.date(1899, 12, 30)


@dataclass(frozen=True)
class DateStyle:
    """How the doubtful dates of a file are to be read.

    Attributes
    ----------
    word : str or None
        One of :data:`STYLES`, or a `strftime` pattern with a percent sign; None to ask.

    Examples
    --------
    >>> parse(pl.Series("date", ["3/4/2026"]), DateStyle("day-first"))[0].to_list()
    [datetime.date(2026, 4, 3)]
    """

    word: str | None = None

    def __post_init__(self) -> None:
        if self.word is not None and self.word not in STYLES and "%" not in self.word:
            known = "; ".join(f"{k} ({v})" for k, v in STYLES.items())
            raise InputError(
                f"there is no way to read dates named '{self.word}'. Give one of {known}; or a pattern such as %d-%b-%y"
            )

    @property
    def pattern(self) -> str | None:
        """The strftime pattern, if one was given."""
        return self.word if self.word and "%" in self.word else None

    @property
    def weeks(self) -> str | None:
        """``iso`` or ``mmwr``, if said."""
        return self.word if self.word in ("iso", "mmwr") else None


def parse(
    values: pl.Series, style: DateStyle | None = None, rows: pl.Series | None = None, column: str = "date"
) -> tuple[pl.Series, list[Fault]]:
    """First days of the periods that a column names.

    Parameters
    ----------
    values : polars.Series
        Text, whole numbers, dates or times.
    style : DateStyle, optional
        How doubtful dates are to be read.
    rows : polars.Series of int, optional
        Row numbers for messages; from 1 when left out.
    column : str
        Column of the contract that it stands for, for messages.

    Returns
    -------
    dates : polars.Series of Date
        Null where the value is missing or could not be read.
    faults : list of Fault
        One for each kind of value that could not be read, with its rows.

    Examples
    --------
    >>> found, faults = parse(pl.Series("date", ["2026-W03", "2023年5月", "令和5年5月1日", "soon"]))
    >>> found.to_list()
    [datetime.date(2026, 1, 12), datetime.date(2023, 5, 1), datetime.date(2023, 5, 1), None]
    >>> faults[0].rows
    (4,)
    """
    style = style or DateStyle()
    name = values.name
    if values.dtype == pl.Date:
        return values, []
    if values.dtype == pl.Datetime:
        return values.dt.date(), []
    text = _as_text(values)
    distinct = pl.DataFrame({"raw": text.unique().drop_nulls()})
    table = _read_distinct(distinct, style)
    faults = []
    joined = pl.DataFrame({"raw": text}).join(table, on="raw", how="left", maintain_order="left")
    for reason in table["reason"].drop_nulls().unique(maintain_order=True):
        wanted, remedy = _REASONS[reason]
        remedy = remedy.replace("{name}", name).replace("{column}", column)
        mask = (joined["reason"] == reason).fill_null(value=False)
        numbers = named_rows(mask, rows)
        first = text.filter(mask)[0]
        faults.append(Fault("date", f"found '{first}', wanted {wanted}", remedy, name, numbers, int(mask.sum())))
    return joined["date"].alias(name), faults


_ASK = "Say which with --map '{name}={column}:WORD', WORD being "
_REASONS = {
    "unknown": (
        "a date such as 2026-01-31, 2026-W05 or 2026-01",
        "Write it so, or give the pattern of the dates, as in --map '{name}={column}:%d-%b-%y'",
    ),
    "no such day": ("a day, week or month that the calendar has", "Correct it at the source"),
    "day or month": ("a date that can be read in one way", _ASK + "day-first or month-first"),
    "mixed order": ("days and months in one order throughout the column", "Write all dates as 2026-01-31"),
    "month or week": ("a date that can be read in one way", _ASK + "year-month, iso (ISO weeks) or mmwr (MMWR weeks)"),
}


def week_starts(year: pl.Series, week: pl.Series, system: str) -> pl.Series:
    """First days of numbered weeks.

    Parameters
    ----------
    year, week : polars.Series of int
        Year and number of the week, 1 to 52 or 53.
    system : {'iso', 'mmwr'}
        Which weeks.

    Returns
    -------
    polars.Series of Date
        Monday or Sunday; null where the year has no such week.

    Examples
    --------
    >>> week_starts(pl.Series([2026, 2026, 2021]), pl.Series([1, 53, 53]), "iso").to_list()
    [datetime.date(2025, 12, 29), datetime.date(2026, 12, 28), None]
    """
    frame = pl.DataFrame({"y": year.cast(pl.Int32, strict=False), "w": week.cast(pl.Int32, strict=False)})
    return frame.select(_week(pl.col("y"), pl.col("w"), system)).to_series()


def month_starts(year: pl.Series, month: pl.Series) -> pl.Series:
    """First days of numbered months.

    Parameters
    ----------
    year, month : polars.Series of int
        Year, and month 1 to 12.

    Returns
    -------
    polars.Series of Date
        Null where there is no such month.
    """
    frame = pl.DataFrame({"y": year.cast(pl.Int32, strict=False), "m": month.cast(pl.Int32, strict=False)})
    return frame.select(_day(pl.col("y"), pl.col("m"), pl.lit(1))).to_series()


def whole_numbers(values: pl.Series) -> pl.Series:
    """Numbers of years, weeks and months as people write them: ``2023``, ``2023年``, ``第5周``, ``W05``, ``令和5年``.

    Parameters
    ----------
    values : polars.Series
        Numbers or text.

    Returns
    -------
    polars.Series of Int32
        Null where there is no one number.
    """
    if values.dtype.is_integer():
        return values.cast(pl.Int32, strict=False)
    text = pl.col("v").str.normalize("NFKC").str.strip_chars()
    frame = pl.DataFrame({"v": _as_text(values)}).with_columns(text)
    plain = (
        pl.col("v").str.to_uppercase().str.extract(r"^(?:第|WEEK|WK|KW|EW|W)?\s?(\d{1,4})\s?(?:年度?|月|周|週)?$", 1)
    )
    era = pl.col("v").str.extract(r"^(明治|大正|昭和|平成|令和)", 1)
    base = era.replace_strict({k: v[0] for k, v in _ERAS.items()}, return_dtype=pl.Int32, default=None)
    number = pl.col("v").str.replace("元", "1").str.extract(r"(\d{1,2})年?$", 1).cast(pl.Int32)
    return frame.select(pl.when(era.is_not_null()).then(base + number).otherwise(plain.cast(pl.Int32))).to_series()


def _as_text(values: pl.Series) -> pl.Series:
    if values.dtype.is_float():
        whole = values.is_finite() & (values == values.floor())
        values = pl.select(
            pl.when(whole).then(values.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(values.cast(pl.String))
        ).to_series()
    text = values.cast(pl.String)
    return text.str.strip_chars().replace("", None)


def _day(y: pl.Expr, m: pl.Expr, d: pl.Expr) -> pl.Expr:
    """A date, null where the calendar has none."""
    iso = pl.concat_str(
        y.cast(pl.String).str.zfill(4), m.cast(pl.String).str.zfill(2), d.cast(pl.String).str.zfill(2), separator="-"
    )
    return iso.str.to_date("%Y-%m-%d", strict=False)


def _week_one(y: pl.Expr, system: str) -> pl.Expr:
    fourth = _day(y, pl.lit(1), pl.lit(4))
    weekday = fourth.dt.weekday().cast(pl.Int32)  # Monday 1 ... Sunday 7
    back = weekday - 1 if system == "iso" else weekday % 7
    return fourth - pl.duration(days=back)


def _week(y: pl.Expr, w: pl.Expr, system: str) -> pl.Expr:
    start = _week_one(y, system) + pl.duration(days=(w - 1) * 7)
    return pl.when((w >= 1) & (start < _week_one(y + 1, system))).then(start).otherwise(None)


def _part(pattern: str, group: int) -> pl.Expr:
    return pl.col("text").str.extract(pattern, group)


def _number(pattern: str, group: int) -> pl.Expr:
    return _part(pattern, group).cast(pl.Int32, strict=False)


def _read_distinct(distinct: pl.DataFrame, style: DateStyle) -> pl.DataFrame:
    """Date or reason of every distinct text: columns ``raw``, ``date``, ``reason``."""
    text = pl.col("raw").str.normalize("NFKC").str.to_uppercase().str.replace_all(r"\s+", " ").str.strip_chars()
    frame = distinct.with_columns(text.alias("text"))
    if style.pattern:
        source = (
            pl.col("raw") if _with_day(style.pattern) == style.pattern else pl.concat_str(pl.col("raw"), pl.lit(" 01"))
        )
        day = source.str.to_date(_with_day(style.pattern), strict=False)
        return frame.select("raw", day.alias("date"), _reason(day, "unknown"))
    readers = [*_plain(), *_weeks(style), *_asian(), *_words(), *_numbers(style)]
    order = style.word if style.word in ("day-first", "month-first") else _order(frame)
    readers += _slashed(order)
    found = []
    for pattern, value, problem in readers:
        hit = frame["text"].str.contains(pattern)
        if hit.any():
            found.append(frame.filter(hit).select("raw", value.alias("date"), pl.lit(problem).alias("reason")))
            frame = frame.filter(~hit)
        if frame.height == 0:
            break
    rest = frame.select("raw", pl.lit(None, pl.Date).alias("date"), pl.lit("unknown").alias("reason"))
    out = pl.concat([*found, rest])
    return out.with_columns(pl.when(pl.col("date").is_null()).then("reason").alias("reason"))


def _reason(day: pl.Expr, problem: str) -> pl.Expr:
    return pl.when(day.is_null()).then(pl.lit(problem)).otherwise(None).alias("reason")


def _with_day(pattern: str) -> str:
    """A pattern without a day gets one, since a month is dated by its first."""
    return (
        pattern
        if any(d in pattern for d in ("%d", "%e", "%j", "%D", "%F", "%x", "%U", "%V", "%W"))
        else pattern + " %d"
    )


_Reader = tuple[str, pl.Expr, str]


def _plain() -> list[_Reader]:
    ymd = rf"^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}$"
    compact = r"^((?:18|19|20)\d{2})(\d{2})(\d{2})$"
    return [(p, _day(_number(p, 1), _number(p, 2), _number(p, 3)), "no such day") for p in (ymd, compact)]


def _weeks(style: DateStyle) -> list[_Reader]:
    week = r"^(\d{4})[-/ ]?(?:W|KW|WK|WEEK) ?-?(\d{1,2})(?:-1)?$"
    back = r"^(?:W|KW|WK|WEEK) ?(\d{1,2})[-/, ]+(\d{4})$"
    mmwr = r"^(\d{4})[-/ ]?EW ?(\d{1,2})$"
    system = style.weeks or "iso"
    return [
        (week, _week(_number(week, 1), _number(week, 2), system), "no such day"),
        (back, _week(_number(back, 2), _number(back, 1), system), "no such day"),
        (mmwr, _week(_number(mmwr, 1), _number(mmwr, 2), "mmwr"), "no such day"),
    ]


def _asian() -> list[_Reader]:
    ymd = rf"^(\d{{4}})年 ?(\d{{1,2}})月 ?(\d{{1,2}})日?{_TIME}$"
    ym = r"^(\d{4})年 ?(\d{1,2})月(?:份|分|度)?$"
    week = r"^(\d{4})年 ?第? ?(\d{1,2}) ?[周週]$"
    readers = [
        (ymd, _day(_number(ymd, 1), _number(ymd, 2), _number(ymd, 3)), "no such day"),
        (ym, _day(_number(ym, 1), _number(ym, 2), pl.lit(1)), "no such day"),
        (week, _week(_number(week, 1), _number(week, 2), "iso"), "no such day"),
    ]
    era = r"^(明治|大正|昭和|平成|令和|[MTSHR])\.? ?(\d{1,2}|元)(?:年|[./-]) ?"
    name = _part(era, 1).replace(_ERA_LETTERS)
    number = _part(era, 2).replace("元", "1").cast(pl.Int32)
    year = number + name.replace_strict({k: v[0] for k, v in _ERAS.items()}, return_dtype=pl.Int32, default=None)
    for tail, day in ((r"(\d{1,2})月?$", False), (r"(\d{1,2})(?:月|[./-]) ?(\d{1,2})日?$", True)):
        pattern = era + tail
        month = _number(pattern, 3)
        at = year * 12 + month
        limits = {k: (a[0] * 12 + a[1], b[0] * 12 + b[1]) for k, (_, a, b) in _ERAS.items()}
        first = name.replace_strict({k: v[0] for k, v in limits.items()}, return_dtype=pl.Int32, default=None)
        last = name.replace_strict({k: v[1] for k, v in limits.items()}, return_dtype=pl.Int32, default=None)
        value = _day(year, month, _number(pattern, 4) if day else pl.lit(1))
        readers.append((pattern, pl.when(at.is_between(first, last)).then(value), "no such day"))
    pattern = era + r"第? ?(\d{1,2}) ?[周週]$"
    readers.append((pattern, _week(year, _number(pattern, 3), "iso"), "no such day"))
    return readers


def _words() -> list[_Reader]:
    month_year = rf"^{_MONTH}[ ,/-]+(\d{{4}})$"
    year_month = rf"^(\d{{4}})[ /-]{_MONTH}$"
    day_first = rf"^(\d{{1,2}})(?:ST|ND|RD|TH)?[ ./-]+{_MONTH}[ ,./-]+(\d{{4}}){_TIME}$"
    month_first = rf"^{_MONTH} (\d{{1,2}})(?:ST|ND|RD|TH)?,? (\d{{4}})$"

    def month(pattern: str, group: int) -> pl.Expr:
        numbers = {m: k for k, m in enumerate(_MONTHS, 1)}
        return _part(pattern, group).replace_strict(numbers, return_dtype=pl.Int32, default=None)

    return [
        (month_year, _day(_number(month_year, 2), month(month_year, 1), pl.lit(1)), "no such day"),
        (year_month, _day(_number(year_month, 1), month(year_month, 2), pl.lit(1)), "no such day"),
        (day_first, _day(_number(day_first, 3), month(day_first, 2), _number(day_first, 1)), "no such day"),
        (month_first, _day(_number(month_first, 3), month(month_first, 1), _number(month_first, 2)), "no such day"),
    ]


def _numbers(style: DateStyle) -> list[_Reader]:
    six, dashed, serial = r"^((?:18|19|20)\d{2})(\d{2})$", r"^(\d{4})[-/.](\d{1,2})$", r"^(\d{5})(?:\.\d+)?$"
    days = _number(serial, 1)
    since = pl.lit(_EXCEL_EPOCH) + pl.duration(days=days)
    readers: list[_Reader] = [(serial, pl.when(days.is_between(_EXCEL_FIRST, _EXCEL_LAST)).then(since), "unknown")]
    for pattern in (six, dashed):
        year, number = _number(pattern, 1), _number(pattern, 2)
        if style.weeks:
            readers.append((pattern, _week(year, number, style.weeks), "no such day"))
        elif style.word == "year-month":
            readers.append((pattern, _day(year, number, pl.lit(1)), "no such day"))
        elif pattern == dashed:
            readers.append((pattern, _day(year, number, pl.lit(1)), "month or week"))
        else:
            readers.append((pattern, pl.lit(None, pl.Date), "month or week"))
    return readers


_SLASHED = rf"^(\d{{1,2}})([-/.])(\d{{1,2}})[-/.](\d{{4}}){_TIME}$"


def _order(frame: pl.DataFrame) -> str | None:
    """Which of two numbers is the day, told by those that can be no month; None when nothing tells."""
    found = frame.select(
        first=_number(_SLASHED, 1), second=_number(_SLASHED, 3), dots=_part(_SLASHED, 2) == "."
    ).drop_nulls()
    day_first = bool((found["first"] > 12).any()) or (found.height > 0 and bool(found["dots"].all()))
    month_first = bool((found["second"] > 12).any())
    if day_first and month_first:
        return "mixed"
    return "day-first" if day_first else "month-first" if month_first else None


def _slashed(order: str | None) -> list[_Reader]:
    first, second, year = _number(_SLASHED, 1), _number(_SLASHED, 3), _number(_SLASHED, 4)
    if order == "mixed":
        return [(_SLASHED, pl.lit(None, pl.Date), "mixed order")]
    if order is None:
        return [(_SLASHED, pl.when(first == second).then(_day(year, first, second)), "day or month")]
    day, month = (first, second) if order == "day-first" else (second, first)
    return [(_SLASHED, _day(year, month, day), "no such day")]
