"""Dates as the world writes them."""

import datetime as dt

import polars as pl
import pytest
from epiweeks import Week
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.errors import InputError
from salus.tables.dates import DateStyle, month_starts, parse, week_starts, whole_numbers


def one(text: object, word: str | None = None) -> dt.date | None:
    dates, _ = parse(pl.Series("date", [text]), DateStyle(word))
    return dates[0]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-03", (2026, 1, 3)),
        (" 2026-01-03 ", (2026, 1, 3)),
        ("20260103", (2026, 1, 3)),
        ("2026/1/3", (2026, 1, 3)),
        ("2026.01.03", (2026, 1, 3)),
        ("2026-01-03T00:00:00Z", (2026, 1, 3)),
        ("2026-01-03 23:59:59.25+09:00", (2026, 1, 3)),
        ("3.1.2026", (2026, 1, 3)),
        ("31/12/2025", (2025, 12, 31)),
        ("12/31/2025", (2025, 12, 31)),
        ("5/5/2024", (2024, 5, 5)),
        ("46025", (2026, 1, 3)),
        ("46025.75", (2026, 1, 3)),
        ("2026-W03", (2026, 1, 12)),
        ("2026W3", (2026, 1, 12)),
        ("2026-W03-1", (2026, 1, 12)),
        ("2020-W53", (2020, 12, 28)),
        ("2026 week 3", (2026, 1, 12)),
        ("KW 3/2026", (2026, 1, 12)),
        ("2026-EW03", (2026, 1, 18)),
        ("2023-05", (2023, 5, 1)),
        ("2023/5", (2023, 5, 1)),
        ("May 2023", (2023, 5, 1)),
        ("September 2023", (2023, 9, 1)),
        ("2023 Sept.", (2023, 9, 1)),
        ("1 May 2023", (2023, 5, 1)),
        ("May 1st, 2023", (2023, 5, 1)),
        ("01-MAY-2023", (2023, 5, 1)),
        ("2023年5月", (2023, 5, 1)),
        ("2023年05月份", (2023, 5, 1)),
        ("２０２３年５月３日", (2023, 5, 3)),
        ("2023年第5周", (2023, 1, 30)),
        ("2023年第5週", (2023, 1, 30)),
        ("2023年5週", (2023, 1, 30)),
        ("令和5年5月", (2023, 5, 1)),
        ("令和5年5月1日", (2023, 5, 1)),
        ("令和元年5月1日", (2019, 5, 1)),
        ("㋿5年5月", (2023, 5, 1)),
        ("令和5年第5週", (2023, 1, 30)),
        ("R5.5", (2023, 5, 1)),
        ("R5.5.1", (2023, 5, 1)),
        ("H30/12/31", (2018, 12, 31)),
        ("平成31年4月30日", (2019, 4, 30)),
        ("昭和64年1月7日", (1989, 1, 7)),
    ],
)
def test_dates_that_need_no_question(text: str, day: tuple[int, int, int]) -> None:
    dates, faults = parse(pl.Series("date", [text]))
    assert dates.to_list() == [dt.date(*day)]
    assert faults == []


@pytest.mark.parametrize(
    ("text", "word", "day"),
    [
        ("3/4/2026", "day-first", (2026, 4, 3)),
        ("3/4/2026", "month-first", (2026, 3, 4)),
        ("202604", "year-month", (2026, 4, 1)),
        ("202604", "iso", (2026, 1, 19)),
        ("202604", "mmwr", (2026, 1, 25)),
        ("2026-W04", "mmwr", (2026, 1, 25)),
        ("2026-15", "iso", (2026, 4, 6)),
        ("05-Jan-26", "%d-%b-%y", (2026, 1, 5)),
        ("01/26", "%m/%y", (2026, 1, 1)),
    ],
)
def test_a_word_settles_what_is_doubtful(text: str, word: str, day: tuple[int, int, int]) -> None:
    assert one(text, word) == dt.date(*day)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["3/4/2026"], "--map 'Datum=date:WORD', WORD being day-first or month-first"),
        (["202304"], "year-month, iso"),
        (["2023-15"], "year-month, iso"),
        (["1/13/2026", "13/1/2026"], "days and months in one order"),
        (["2026-02-30"], "that the calendar has"),
        (["2021-W53"], "that the calendar has"),
        (["2026-13-01"], "that the calendar has"),
        (["平成31年5月"], "that the calendar has"),
        (["soon"], "a date such as 2026-01-31"),
        (["3/4/26"], "a date such as 2026-01-31"),
        (["19999"], "a date such as 2026-01-31"),
    ],
)
def test_doubt_and_nonsense_are_faults(texts: list[str], said: str) -> None:
    dates, faults = parse(pl.Series("Datum", ["2026-01-05", *texts]), rows=pl.Series([7, 9, 11][: len(texts) + 1]))
    assert dates[0] == dt.date(2026, 1, 5)
    assert dates[1:].null_count() == len(texts)
    assert len(faults) == 1
    assert said in str(faults[0])
    assert faults[0].rows == (9, 11)[: len(texts)]
    assert faults[0].column == "Datum"


def test_one_certain_date_tells_the_order_of_all() -> None:
    dates, faults = parse(pl.Series("date", ["3/4/2026", "25/4/2026"]))
    assert faults == []
    assert dates.to_list() == [dt.date(2026, 4, 3), dt.date(2026, 4, 25)]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series("date", [20260103]),
        pl.Series("date", [46025]),
        pl.Series("date", [46025.0]),
        pl.Series("date", [dt.date(2026, 1, 3)]),
        pl.Series("date", ["2026-01-03 23:00:00"]).str.to_datetime(),
        pl.Series("date", ["2026-01-03 23:00:00"]).str.to_datetime().dt.replace_time_zone("Asia/Tokyo"),
    ],
)
def test_typed_columns(values: pl.Series) -> None:
    dates, faults = parse(values)
    assert (dates.to_list(), faults) == ([dt.date(2026, 1, 3)], [])


def test_missing_is_no_fault() -> None:
    dates, faults = parse(pl.Series("date", [None, "", " "]))
    assert (dates.to_list(), faults) == ([None] * 3, [])


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(InputError, match="no way to read dates named 'weekly'"):
        DateStyle("weekly")


few = settings(deadline=None, max_examples=25)
days = st.dates(dt.date(1971, 1, 1), dt.date(2090, 12, 31))


@few
@given(st.lists(days, min_size=1, max_size=20))
def test_round_trips_of_days(chosen: list[dt.date]) -> None:
    for form in (
        "{0:%Y-%m-%d}",
        "{0:%Y%m%d}",
        "{0.year}/{0.month}/{0.day}",
        "{0.day}.{0.month}.{0.year}",
        "{0:%Y-%m-%dT%H:%M:%S}",
        "{0.year}年{0.month}月{0.day}日",
        "{0:%d %B %Y}",
        "{0:%b %d, %Y}",
    ):
        dates, faults = parse(pl.Series("date", [form.format(d) for d in chosen]))
        assert (dates.to_list(), faults) == (chosen, [])
    serials = pl.Series("date", [(d - dt.date(1899, 12, 30)).days for d in chosen])
    assert parse(serials)[0].to_list() == chosen


@few
@given(st.lists(days, min_size=1, max_size=20))
def test_round_trips_of_weeks_and_months(chosen: list[dt.date]) -> None:
    for system, word in (("iso", "iso"), ("cdc", "mmwr")):
        weeks = [Week.fromdate(d, system=system) for d in chosen]
        starts = [w.startdate() for w in weeks]
        for form in ("{0.year}-W{0.week:02d}", "{0.year}W{0.week}", "{0.year}{0.week:02d}"):
            texts = pl.Series("date", [form.format(w) for w in weeks])
            assert parse(texts, DateStyle(word))[0].to_list() == starts
        pairs = pl.Series([w.year for w in weeks]), pl.Series([w.week for w in weeks])
        assert week_starts(*pairs, word).to_list() == starts
    months = [d.replace(day=1) for d in chosen]
    for form in ("{0:%Y-%m}", "{0.year}年{0.month}月", "{0:%B %Y}", "{0:%b-%Y}"):
        assert parse(pl.Series("date", [form.format(d) for d in months]))[0].to_list() == months
    assert month_starts(pl.Series([d.year for d in months]), pl.Series([d.month for d in months])).to_list() == months


@few
@given(st.dates(dt.date(1989, 1, 8), dt.date(2090, 12, 31)))
def test_round_trips_of_eras(day: dt.date) -> None:
    era, letter, base = ("令和", "R", 2018) if day >= dt.date(2019, 5, 1) else ("平成", "H", 1988)
    year = day.year - base
    for text in (f"{era}{year}年{day.month}月{day.day}日", f"{letter}{year}.{day.month}.{day.day}"):
        assert one(text) == day


@few
@given(st.integers(1971, 2090), st.sampled_from(["iso", "mmwr"]))
def test_week_53_exists_only_where_the_calendar_has_it(year: int, word: str) -> None:
    system = "cdc" if word == "mmwr" else "iso"
    last = Week.fromdate(dt.date(year, 12, 28), system=system)
    has = last.week == 53 or Week.fromdate(dt.date(year, 12, 31), system=system).week == 53
    assert (week_starts(pl.Series([year]), pl.Series([53]), word)[0] is not None) == has
    assert week_starts(pl.Series([year, year]), pl.Series([0, 54]), word).to_list() == [None, None]


def test_numbers_of_years_and_weeks_as_people_write_them() -> None:
    texts = pl.Series(["2023", "2023年", "第5周", "W05", "令和5年", "平成元年", "５", "x", "5.5", None, "12.0"])
    assert whole_numbers(texts).to_list() == [2023, 2023, 5, 5, 2023, 1989, 5, None, None, None, None]
    assert whole_numbers(pl.Series([2023.0, 5.5])).to_list() == [2023, None]
    assert whole_numbers(pl.Series([2023], dtype=pl.Int64)).to_list() == [2023]
