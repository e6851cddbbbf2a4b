"""Japan's Infectious Diseases Weekly Report: sentinel and notifiable diseases by prefecture and ISO week.

The files are CP932 text with two title lines, a line of diseases (each over two columns) and a line that says what
the two are:

    sentinel    `teiten.csv`         報告 reports, 定当 reports per sentinel, of one week
    year        `teiten-tougai.csv`  a block a disease: first 総数, the sum since week 1, then each week of the year
    notifiable  `zensu.csv`          報告 reports of one week, 累積 reports since week 1

Sums since week 1 (総数, 累積) are not weekly values and are left out; a column that is not named as above is refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

import polars as pl

from salus.errors import SourceError
from salus.sources.pull import answer
from salus.sources.pull.fetch import AbsentError, Fetch, Reply
from salus.sources.pull.japan_names import NATION, PREFECTURES, disease
from salus.sources.pull.source import Option, Source

_ENCODING = "cp932"
_OLD_LAST_YEAR = 2022
_WEEK = re.compile(r"(\d{4})年\s*(\d{1,2})週")
_MADE = re.compile(r"(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日\s*作成")
_TABLES = {"sentinel": "teiten", "year": "teiten-tougai", "notifiable": "zensu"}
_SIGNALS = {"報告": ("cases", "cases"), "定当": ("per_sentinel", "cases per sentinel site")}
_UNKNOWN = {"", "…", "...", "．．．", "・・・"}
_LATE = dt.timedelta(days=21)


class _Row(NamedTuple):
    """One value as read."""

    location: str
    disease: str
    signal: str
    date: dt.date
    value: float | None
    as_of: dt.date
    unit: str


class JapanIdwr(Source):
    """Provisional weekly data of Japan's surveillance of infectious diseases, from JIHS (formerly NIID).

    `-` means that nothing was reported and is zero, as the yearly file, which writes 0 for the same cells, shows.
    Where a prefecture has `-` for every disease of the week, it did not report: that is missing, not zero.
    """

    name = "japan_idwr"
    title = "Japan IDWR, provisional weekly data of JIHS"
    licence = "Terms of use of JIHS: name the source; the publisher names no licence in the files, see the terms"
    citation = (
        "Japan Institute for Health Security (formerly National Institute of Infectious Diseases). Infectious "
        "Diseases Weekly "
        "Report (IDWR), provisional data. https://id-info.jihs.go.jp/surveillance/idwr/"
    )
    terms = "https://id-info.jihs.go.jp/"
    base_url = "https://id-info.jihs.go.jp"
    cadence = "ISO weeks; about ten days after the week's end"
    vintage = "the day on which the file was made (作成), as its second line says"
    options: ClassVar[Mapping[str, Option]] = {
        "table": Option(
            "sentinel or notifiable (one file a week, each with its own vintage), or year (sentinel, one file "
            "a year as revised)",
            "sentinel",
            tuple(_TABLES),
        ),
    }

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`; without `since` the last eight weeks."""
        table = chosen["table"]
        last = _monday(min(until or fetch.today, fetch.today - dt.timedelta(days=7)))
        first = _monday(since) if since else last - dt.timedelta(weeks=7)
        if since and first < since:
            first += dt.timedelta(weeks=1)
        weeks = [first + dt.timedelta(weeks=k) for k in range((last - first).days // 7 + 1)]
        if table == "year":
            found = [row for ends in _by_year(weeks) for row in self._latest(fetch, ends)]
        else:
            found = [row for week in weeks for row in self._week(fetch, table, week)]
        frame = pl.DataFrame(found, schema=_SCHEMA, orient="row")
        nation = pl.col("location") == "Japan"
        return frame.with_columns(
            pl.when(nation).then(pl.lit("country")).otherwise(pl.lit("prefecture")).alias("location_level"),
            pl.lit(f"JIHS IDWR {_TABLES[table]}").alias("source"),
        )

    def _url(self, table: str, week: dt.date) -> str:
        year, number, _ = week.isocalendar()
        file = f"{year}-{number:02d}-{_TABLES[table]}.csv"
        if year <= _OLD_LAST_YEAR:
            return f"{self.base_url}/niid/images/idwr/sokuho/idwr-{year}/{year}{number:02d}/{file}"
        return f"{self.base_url}/surveillance/idwr/provisional/{year}/{number:02d}/{file}"

    def _week(self, fetch: Fetch, table: str, week: dt.date) -> list[_Row]:
        try:
            reply = fetch.get(self._url(table, week))
        except AbsentError:
            if week + dt.timedelta(days=6) + _LATE > fetch.today:
                return []
            raise
        return _read(reply, table, week)

    def _latest(self, fetch: Fetch, weeks: Sequence[dt.date]) -> list[_Row]:
        """Values of the year's file of the last week that is published."""
        for week in reversed(weeks):
            try:
                reply = fetch.get(self._url("year", week))
            except AbsentError:
                if week + dt.timedelta(days=6) + _LATE > fetch.today:
                    continue
                raise
            return _read(reply, "year", week)
        return []


_SCHEMA = {
    "location": pl.String,
    "disease": pl.String,
    "signal": pl.String,
    "date": pl.Date,
    "value": pl.Float64,
    "as_of": pl.Date,
    "unit": pl.String,
}


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def _by_year(weeks: Sequence[dt.date]) -> list[list[dt.date]]:
    years = sorted({week.isocalendar().year for week in weeks})
    return [[week for week in weeks if week.isocalendar().year == year] for year in years]


def _read(reply: Reply, table: str, week: dt.date) -> list[_Row]:
    lines = [[cell.strip() for cell in line] or [""] for line in answer.cells(reply, encoding=_ENCODING)]
    title = " ".join(" ".join(line) for line in lines[:2])
    stamp, made = _WEEK.search(title), _MADE.search(title)
    if stamp is None or made is None:
        raise SourceError(
            f"{reply.url} has changed: its first two lines say '{title[:120].strip()}', wanted a week "
            "(2024年03週) and a day on "
            f"which it was made (作成). Update Salus, or report it; nothing was saved."
        )
    year, number, _ = week.isocalendar()
    if (int(stamp.group(1)), int(stamp.group(2))) != (year, number):
        raise SourceError(
            f"{reply.url} holds another week: {stamp.group(0)}, wanted {year}年{number:02d}週. Try later; nothing "
            "was saved."
        )
    as_of = dt.date(*(int(part) for part in made.groups()))
    if table == "year":
        return [row for block in _blocks(lines[2:]) for row in _year_block(reply, block, year, as_of)]
    heads = [k for k, line in enumerate(lines) if k > 1 and line[0] == "" and any(line)]
    if len(heads) < 2 or heads[1] != heads[0] + 1:
        raise SourceError(f"{reply.url} has changed: there are no two header lines. Update Salus, or report it.")
    names, kinds = lines[heads[0]], _cut(lines[heads[0] + 1])
    wanted = ("報告", "累積") if table == "notifiable" else ("報告", "定当")
    _same_kinds(reply, kinds[1:], wanted)
    labels = [disease(name) for name in _filled(names)]
    if len(labels) < len(kinds):
        raise SourceError(
            f"{reply.url} has changed: its two header lines differ in length. Update Salus, or report it."
        )
    return list(_values(reply, lines[heads[0] + 2 :], kinds, labels, [week] * len(kinds), as_of))


def _same_kinds(reply: Reply, kinds: Sequence[str], wanted: tuple[str, str]) -> None:
    for place, kind in enumerate(kinds):
        if kind != wanted[place % 2]:
            raise SourceError(
                f"{reply.url} has changed: column {place + 2} holds '{kind}', wanted '{wanted[place % 2]}'. "
                "Update Salus, or report "
                f"it; a sum since week 1 must not be taken for a week's value, so nothing was saved."
            )


def _cut(cells: Sequence[str]) -> list[str]:
    """Cells up to the last that is not empty."""
    return list(cells[: max((k + 1 for k, cell in enumerate(cells) if cell), default=0)])


def _filled(names: Sequence[str]) -> list[str]:
    """Header cells, each empty one taking the name before it (a name stands over two columns)."""
    out: list[str] = []
    for name in names:
        out.append(name or (out[-1] if out else ""))
    return out


def _blocks(lines: Sequence[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Parts of the year's file, each from the line with a disease's name to the empty line after it."""
    block: list[Sequence[str]] = []
    for line in [*lines, [""]]:
        if any(line):
            block.append(line)
        elif block:
            yield block
            block = []


def _year_block(reply: Reply, block: Sequence[Sequence[str]], year: int, as_of: dt.date) -> Iterator[_Row]:
    label = disease(block[0][0])
    columns, kinds = (_filled(block[1]), _cut(block[2])) if len(block) > 2 else ([], [])
    if not label or columns[:3] != ["", NATION, NATION] or len(columns) < len(kinds):
        raise SourceError(
            f"{reply.url} has changed: the block of '{block[0][0]}' does not begin with 総数 (the sum since week "
            "1). Update Salus, "
            f"or report it; a sum must not be taken for a week's value, so nothing was saved."
        )
    _same_kinds(reply, kinds[1:], ("報告", "定当"))
    starts: list[dt.date | None] = [None, None, None]
    for name in columns[3 : len(kinds)]:
        number = re.fullmatch(r"(\d{1,2})週", name)
        if number is None:
            raise SourceError(
                f"{reply.url} has changed: '{name}' stands where a week (03週) was wanted. Update Salus, or report it."
            )
        starts.append(dt.date.fromisocalendar(year, int(number.group(1)), 1))
    return _values(reply, block[3:], kinds, [label] * len(columns), starts, as_of)


def _values(
    reply: Reply,
    lines: Sequence[Sequence[str]],
    kinds: Sequence[str],
    labels: Sequence[str],
    starts: Sequence[dt.date | None],
    as_of: dt.date,
) -> Iterator[_Row]:
    """Rows, one for each prefecture and each column that is a week's value."""
    wanted = [k for k in range(1, len(kinds)) if kinds[k] in _SIGNALS and starts[k] is not None]
    for line in lines:
        if not any(line):
            continue
        location = "Japan" if line[0] == NATION else PREFECTURES.get(line[0])
        if location is None or len(line) < len(kinds):
            said = ",".join(line)
            raise SourceError(
                f"{reply.url}: '{said[:120]}' is not a line of a prefecture with {len(kinds) - 1} values. If "
                "that is a message of "
                f"the source, try later; otherwise its form has changed: update Salus. Nothing was saved."
            )
        silent = all(line[k] in _UNKNOWN | {"-", "－"} for k in wanted) and len(set(labels[1:])) > 1
        for k in wanted:
            start = starts[k]
            if start is not None:
                signal, unit = _SIGNALS[kinds[k]]
                yield _Row(location, labels[k], signal, start, _number(reply, line, k, silent), as_of, unit)


def _number(reply: Reply, line: Sequence[str], place: int, silent: bool) -> float | None:
    cell = line[place]
    if cell in _UNKNOWN:
        return None
    if cell in ("-", "－"):
        return None if silent else 0.0
    try:
        return float(cell.replace(",", ""))
    except ValueError as error:
        raise SourceError(
            f"{reply.url}, {line[0]}, column {place + 1}: found '{cell[:120]}', wanted a number or '-'. If that "
            "is a message of the "
            f"source, try later; otherwise its form has changed: update Salus. Nothing was saved."
        ) from error
