"""What was known on a day: vintages, lags, histories held back, and how a table is narrowed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.errors import InputError, TableError, TooShortError
from salus.surveillance.series import read_histories, read_series

MONDAY = dt.date(2024, 1, 1)
SATURDAY = dt.date(2024, 1, 6)
SUNDAY = dt.date(2023, 12, 31)


def table(entries: Iterable[tuple[object, ...]], *extra: str, disease: str = "Influenza") -> pl.DataFrame:
    """Rows of (location, date, value, extra ...) of one disease and signal."""
    types = {"location": pl.String, "date": pl.Date, "value": pl.Float64, "as_of": pl.Date, "population": pl.Float64}
    names = ["location", "date", "value", *extra]
    frame = pl.DataFrame(list(entries), schema={n: types[n] for n in names}, orient="row")
    return frame.with_columns(pl.lit(disease).alias("disease"), pl.lit("cases").alias("signal"))


def week(number: int, first: dt.date = MONDAY) -> dt.date:
    return first + dt.timedelta(weeks=number)


def weekly(count: int = 30, places: str = "AB") -> pl.DataFrame:
    return table((p, week(k), float(10 * k + i)) for i, p in enumerate(places) for k in range(count))


def us_like(weeks: int = 12) -> pl.DataFrame:
    """MMWR weeks, each first known on the Saturday 7 days after its last day, corrected a week later."""
    found: list[tuple[object, ...]] = []
    for k in range(weeks):
        start = week(k, SUNDAY)
        first = start + dt.timedelta(days=13)
        for i, place in enumerate(("01", "US")):
            found += [(place, start, 100.0 + k + i, first), (place, start, 200.0 + k + i, first + dt.timedelta(days=7))]
    return table(found, "as_of")


# --- without as_of ----------------------------------------------------------------------------------------------------


def test_a_week_is_known_once_it_has_ended_and_not_a_day_before() -> None:
    series = read_series(weekly())
    end = week(5) + dt.timedelta(days=6)
    assert series.known_on(end)["date"].max() == week(5)
    assert series.known_on(end - dt.timedelta(days=1))["date"].max() == week(4)
    assert series.panel(end).starts[-1] == week(5)
    assert series.panel(end).target_end(1) == end + dt.timedelta(days=7)
    assert series.panel(end).target_end(4) == end + dt.timedelta(days=28)


def test_nothing_is_known_on_the_first_day_of_the_calendar() -> None:
    assert read_series(weekly()).known_on(dt.date.min).height == 0
    assert read_series(weekly(), hold_back=8).known_on(dt.date.min).height == 0


def test_a_month_is_known_once_it_has_ended() -> None:
    months = [dt.date(2023, m, 1) for m in range(1, 13)]
    series = read_series(table(("A", m, 1.0) for m in months))
    assert series.cadence.kind == "month"
    assert series.panel(dt.date(2023, 2, 28)).starts[-1] == dt.date(2023, 2, 1)
    assert series.panel(dt.date(2023, 3, 30)).starts[-1] == dt.date(2023, 2, 1)
    assert series.panel(dt.date(2023, 3, 31)).starts[-1] == dt.date(2023, 3, 1)
    assert series.panel(dt.date(2023, 1, 31)).target_end(1) == dt.date(2023, 2, 28)


def test_days_are_known_on_their_own_day() -> None:
    days = [MONDAY + dt.timedelta(days=k) for k in range(40)]
    series = read_series(table(("A", d, 1.0) for d in days))
    assert series.cadence.kind == "day"
    assert series.panel(days[20]).starts[-1] == days[20]


def test_horizons_are_common_and_a_late_place_is_bridged_not_shifted() -> None:
    late = weekly().filter(~((pl.col("location") == "B") & (pl.col("date") > week(17))))
    panel = read_series(late).panel(week(20) + dt.timedelta(days=6))
    assert panel.starts[-1] == week(20)
    assert panel.gaps.tolist() == [0, 3]
    assert panel.silent == []


def test_a_whole_source_that_is_late_is_bridged_not_shifted() -> None:
    panel = read_series(weekly(18)).panel(week(20) + dt.timedelta(days=6))
    assert panel.starts[-1] == week(20)
    assert panel.gaps.tolist() == [3, 3]


def test_a_missing_row_is_unknown_and_a_zero_is_a_zero() -> None:
    rows = weekly().filter(~((pl.col("location") == "A") & (pl.col("date") == week(3))))
    rows = rows.with_columns(pl.when(pl.col("date") == week(4)).then(0.0).otherwise(pl.col("value")).alias("value"))
    panel = read_series(rows).panel(week(10))
    assert np.isnan(panel.values[0, 3])
    assert panel.values[:, 4].tolist() == [0.0, 0.0]


def test_nothing_known_yet_is_said_with_the_first_day() -> None:
    with pytest.raises(TooShortError, match=r"nothing of Influenza.*was known on 2023-12-25.*2024-01-01"):
        read_series(weekly()).panel(dt.date(2023, 12, 25))


# --- with as_of -------------------------------------------------------------------------------------------------------


def test_the_known_value_is_the_one_of_the_latest_vintage_up_to_the_day() -> None:
    series = read_series(us_like())
    first_known = SUNDAY + dt.timedelta(days=13)
    start = week(0, SUNDAY)

    def value(day: dt.date) -> list[float]:
        return series.known_on(day).filter(pl.col("date") == start, pl.col("location") == "01")["value"].to_list()

    assert value(first_known - dt.timedelta(days=1)) == []
    assert value(first_known) == [100.0]
    assert value(first_known + dt.timedelta(days=6)) == [100.0]
    assert value(first_known + dt.timedelta(days=7)) == [200.0]
    assert value(first_known + dt.timedelta(days=700)) == [200.0]


def test_us_horizons_end_0_7_14_21_days_after_the_saturday() -> None:
    series = read_series(us_like())
    origin = week(6, SATURDAY)
    panel = series.panel(origin)
    assert series.usual_lag(origin) == 7
    assert [(panel.target_end(h) - origin).days for h in (1, 2, 3, 4)] == [0, 7, 14, 21]
    assert panel.gaps.tolist() == [0, 0]


def test_a_vintage_without_the_last_week_is_bridged_not_shifted() -> None:
    origin = week(8, SATURDAY)
    late = us_like().filter(~((pl.col("as_of") == origin) & (pl.col("date") == week(7, SUNDAY))))
    panel = read_series(late).panel(origin)
    assert [(panel.target_end(h) - origin).days for h in (1, 4)] == [0, 21]
    assert panel.gaps.tolist() == [1, 1]


def test_vintages_that_only_revise_do_not_lengthen_the_usual_lag() -> None:
    origin = week(8, SATURDAY)
    known = us_like().filter(pl.col("as_of") <= origin)
    revisions = [
        ("01", week(0, SUNDAY), 300.0 + d, origin - dt.timedelta(days=d)) for d in range(1, 40) if d % 7 and d < 34
    ]
    series = read_series(pl.concat([known, table(revisions, "as_of").select(known.columns)]))
    assert series.usual_lag(origin) == 7


def test_a_row_without_a_value_does_not_count_as_known() -> None:
    origin = week(8, SATURDAY)
    announced = us_like().filter(pl.col("as_of") <= origin)
    empty = announced.unique(["as_of", "location"]).with_columns(
        (pl.col("as_of") - pl.duration(days=6)).alias("date"), pl.lit(None, dtype=pl.Float64).alias("value")
    )
    series = read_series(pl.concat([announced, empty]).unique(["location", "date", "as_of"], keep="first"))
    assert series.usual_lag(origin) == 7
    assert series.panel(origin).gaps.tolist() == [0, 0]


def test_a_value_withdrawn_later_is_unknown_from_then_on() -> None:
    start, origin = week(5, SUNDAY), week(9, SATURDAY)
    withdrawn = table([("01", start, None, origin)], "as_of").select(us_like().columns)
    rows = us_like().filter(~((pl.col("as_of") == origin) & (pl.col("date") == start)))
    series = read_series(pl.concat([rows, withdrawn]))
    column = series.panel(origin).starts.index(start)
    assert np.isnan(series.panel(origin).values[0, column])
    day_before = series.panel(origin - dt.timedelta(days=1))
    assert day_before.values[0, day_before.starts.index(start)] == 205.0


def test_places_and_populations_of_later_vintages_are_not_known_before() -> None:
    origin = week(5, SATURDAY)
    rows = us_like().with_columns(pl.lit(1e6).alias("population"))
    later = rows.filter(pl.col("as_of") > origin).with_columns(pl.lit(9e6).alias("population"))
    fresh = later.filter(pl.col("location") == "01").with_columns(pl.lit("72").alias("location"))
    series = read_series(pl.concat([rows.filter(pl.col("as_of") <= origin), later, fresh]))
    assert series.panel(origin).locations == ("01", "US")
    assert series.panel(origin).population.tolist() == [1e6, 1e6]
    assert series.panel(week(12, SATURDAY)).locations == ("01", "72", "US")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_known_values_equal_a_plain_search_through_the_vintages(data: st.DataObject) -> None:
    keys = data.draw(
        st.lists(
            st.tuples(st.sampled_from("AB"), st.integers(0, 4), st.integers(0, 40)),
            min_size=3, max_size=25, unique=True,
        )
    )  # fmt: skip
    entries = [(p, week(k), float(n), week(k) + dt.timedelta(days=lag)) for n, (p, k, lag) in enumerate(keys)]
    day = MONDAY + dt.timedelta(days=data.draw(st.integers(0, 70)))
    found = read_series(table([*entries, ("C", week(0), 1.0, MONDAY), ("C", week(1), 1.0, week(1))], "as_of"))
    known = {(r[0], r[1]): r[2] for r in found.known_on(day).select("location", "date", "value").iter_rows()}
    expected: dict[tuple[str, dt.date], tuple[dt.date, float]] = {}
    for place, start, value, as_of in entries:
        if as_of <= day and (as_of, value) > expected.get((place, start), (dt.date.min, 0.0)):
            expected[place, start] = (as_of, value)
    assert {k: v for k, v in known.items() if k[0] != "C"} == {k: v for k, (_, v) in expected.items()}


# --- histories and companions -----------------------------------------------------------------------------------------


def test_a_history_without_as_of_is_held_back_and_one_with_is_not() -> None:
    day = week(20) + dt.timedelta(days=6)
    plain = weekly().with_columns(pl.lit("visits").alias("signal"))
    [held] = read_histories(plain, "Influenza", read_series(weekly()).cadence)
    panel = read_series(weekly()).learning_panel(day, [held])
    assert panel.also[0].starts[-1] == week(12)
    assert panel.also[0].signal == "visits"
    [vintages] = read_histories(us_like(), "Influenza", read_series(us_like()).cadence)
    assert vintages.known_on(week(6, SATURDAY))["date"].max() == week(5, SUNDAY)


def test_a_history_of_which_nothing_is_known_yet_is_left_out() -> None:
    [held] = read_histories(weekly(), "Influenza", read_series(weekly()).cadence)
    assert read_series(weekly()).learning_panel(week(5), [held]).also == ()


def test_histories_come_one_a_signal_and_another_cadence_is_refused() -> None:
    both = pl.concat([weekly(), weekly().with_columns(pl.lit("deaths").alias("signal"))])
    cadence = read_series(weekly()).cadence
    assert [h.signal for h in read_histories(both, "influenza", cadence)] == ["cases", "deaths"]
    months = table(("A", dt.date(2023, m, 1), 1.0) for m in range(1, 13))
    with pytest.raises(InputError, match=r"by month.*by week"):
        read_histories(months, "Influenza", cadence)


def test_companions_are_known_under_the_same_rule() -> None:
    other = weekly().with_columns(pl.lit("RSV").alias("disease"))
    series = read_series(pl.concat([weekly(), other]), "Influenza", companions=True)
    panel = series.learning_panel(week(10) + dt.timedelta(days=5))
    assert [(a.disease, a.starts[-1]) for a in panel.also] == [("RSV", week(9))]
    assert series.panel(week(10)).also == ()


def test_faulty_companions_are_left_aside_and_said() -> None:
    negative = weekly().with_columns(pl.lit("RSV").alias("disease"), -pl.col("value") - 1)
    series = read_series(pl.concat([weekly(), negative]), "Influenza", companions=True)
    assert series.companions is None
    assert len(series.notes) == 1
    assert "negative" in series.notes[0] or "at least 0" in series.notes[0]


def test_companions_of_another_cadence_are_left_aside_and_said() -> None:
    months = table((("A", dt.date(2024, m, 1), 1.0) for m in range(1, 7)), disease="RSV")
    series = read_series(pl.concat([weekly(), months]), "Influenza", companions=True)
    assert series.companions is None
    assert "cadence" in series.notes[0]


# --- narrowing --------------------------------------------------------------------------------------------------------


def test_names_match_without_case_and_punctuation() -> None:
    rows = weekly().with_columns(pl.lit("Hand, foot and mouth disease").alias("disease"))
    other = weekly().with_columns(pl.lit("Influenza").alias("disease"))
    series = read_series(pl.concat([rows, other]), "hand foot AND mouth disease", "CASES")
    assert series.disease == "Hand, foot and mouth disease"
    assert series.table.height == rows.height


def test_a_typo_suggests_the_near_name() -> None:
    with pytest.raises(InputError, match="Influenza"):
        read_series(weekly(), "Influenca")


def test_rows_of_other_diseases_are_not_checked() -> None:
    bad = weekly().with_columns(pl.lit("RSV").alias("disease"), pl.lit(-1.0).alias("value"))
    assert read_series(pl.concat([weekly(), bad]), "Influenza").table.height == weekly().height


def test_several_signals_must_be_chosen_from_and_one_need_not() -> None:
    both = pl.concat([weekly(), weekly().with_columns(pl.lit("deaths").alias("signal"))])
    with pytest.raises(InputError, match=r"2 signals.*'cases', 'deaths'.*--signal"):
        read_series(both, "Influenza")
    assert read_series(both, "Influenza", "deaths").signal == "deaths"
    assert read_series(weekly()).signal == "cases"


def test_several_diseases_must_be_chosen_from() -> None:
    both = pl.concat([weekly(), weekly().with_columns(pl.lit("RSV").alias("disease"))])
    with pytest.raises(InputError, match=r"2 diseases.*--disease"):
        read_series(both)


def test_the_order_of_the_rows_does_not_matter() -> None:
    for rows in (weekly(), us_like()):
        turned = rows.sample(fraction=1.0, shuffle=True, seed=4)
        day = week(9, SATURDAY)
        one, other = read_series(rows).panel(day), read_series(turned).panel(day)
        assert one.locations == other.locations == tuple(sorted(one.locations))
        assert one.starts == other.starts
        np.testing.assert_array_equal(one.values, other.values)


def test_running_totals_are_refused_where_most_places_have_them_and_told_where_few_do() -> None:
    days = [dt.date(2022, 1, 3) + dt.timedelta(weeks=k) for k in range(104)]
    plain = [3.0 + k % 5 for k in range(104)]
    totals = [float(day.timetuple().tm_yday) for day in days]

    def table(**places: list[float]) -> pl.DataFrame:
        parts = [pl.DataFrame({"location": p, "date": days, "value": v}) for p, v in places.items()]
        return pl.concat(parts).with_columns(disease=pl.lit("HFMD"), signal=pl.lit("cases"))

    with pytest.raises(TableError, match=r"running totals do: A .*Subtract each period's predecessor"):
        read_series(table(A=totals, B=plain))
    series = read_series(table(A=totals, B=plain, C=plain))
    assert len(series.notes) == 1
    assert "running totals do: A" in series.notes[0]
