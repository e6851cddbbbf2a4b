"""Everything that is wrong with a series file, at once."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from salus.errors import Fault, InputError, NameNotFoundError, TableError
from salus.surveillance import shapes
from salus.surveillance.checks import check_series, examine
from salus.surveillance.series import read_series
from salus.tables.contracts import SERIES

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
MONDAYS = [dt.date(2021, 1, 4) + dt.timedelta(days=7 * k) for k in range(156)]
TODAY = MONDAYS[-1] + dt.timedelta(days=10)


def series(location: str = "A", values: list | np.ndarray | None = None, **changes: object) -> pl.DataFrame:
    rng = np.random.default_rng(sum(map(ord, location)))
    wave = np.round(40 + 30 * np.sin(np.arange(156) / 8) + rng.normal(0, 4, 156))
    frame = pl.DataFrame(
        {
            "location": location,
            "disease": "Influenza",
            "signal": "cases",
            "date": MONDAYS,
            "value": pl.Series(wave if values is None else values, dtype=pl.Float64, strict=False),
        }
    )
    return frame.with_columns(**{k: pl.lit(v) for k, v in changes.items()})


def check(frame: pl.DataFrame, **options: object) -> list[Fault]:
    return check_series(frame, **{"today": TODAY, "known": (), **options})


def kinds(frame: pl.DataFrame, **options: object) -> list[str]:
    return [f.kind for f in check(frame, **options)]


@pytest.fixture
def good() -> pl.DataFrame:
    return pl.concat([series(x) for x in "ABC"])


def test_a_good_table_has_no_fault(good: pl.DataFrame) -> None:
    assert check(good) == []


def test_faults_come_all_at_once_errors_first(good: pl.DataFrame) -> None:
    broken = pl.concat([good, good.head(1)]).with_columns(
        value=pl.when(pl.int_range(pl.len()) == 200).then(-1.0).otherwise("value")
    )
    late = broken.filter((pl.col("location") != "C") | (pl.col("date") < MONDAYS[-6]))
    found = check(late)
    assert [(f.severity, f.kind) for f in found] == [
        ("error", "negative"),
        ("error", "duplicate"),
        ("warning", "late place"),
    ]
    assert found[0].rows == (201,)
    assert found[1].rows == (1, late.height)
    assert all(f.remedy for f in found)


def test_gaps_are_counted_and_the_row_behind_named(good: pl.DataFrame) -> None:
    holes = good.filter(~((pl.col("location") == "B") & pl.col("date").is_in(MONDAYS[10:13])))
    (fault,) = check(holes)
    assert (fault.kind, fault.severity, fault.column) == ("gap", "warning", "date")
    assert fault.rows == (156 + 11,)
    assert "3 periods in all: B (Influenza, cases) lacks 2021-W11 and 2 more" in fault.message


def test_a_blank_value_is_no_gap(good: pl.DataFrame) -> None:
    assert check(good.with_columns(value=pl.when(pl.col("date") == MONDAYS[10]).then(None).otherwise("value"))) == []


def cumulative(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(value=pl.col("value").cum_sum().over("location", pl.col("date").dt.iso_year()))


def test_running_totals_are_an_error(good: pl.DataFrame) -> None:
    found = check(cumulative(good))
    assert [(f.kind, f.severity, f.column) for f in found] == [("cumulative", "error", "value")]
    assert found[0].rows == (1, 157, 313)
    assert "Subtract each period's predecessor" in found[0].remedy


def test_running_totals_of_a_few_places_keep_nothing_out(good: pl.DataFrame) -> None:
    (fault,) = check(pl.concat([good, cumulative(series("D"))]))
    assert (fault.kind, fault.severity, fault.rows) == ("cumulative", "warning", (3 * 156 + 1,))


def test_a_total_beside_the_places_is_told_and_not_counted(good: pl.DataFrame) -> None:
    found = examine(pl.concat([good, series("合计")]), today=TODAY)
    totals = [fault for fault in found.faults if fault.kind == "total"]
    assert [(fault.severity, fault.column, fault.rows) for fault in totals] == [("warning", "location", (469,))]
    assert "'合计' stands among 3 places" in totals[0].message
    assert "write its full name" in totals[0].remedy
    assert found.places == 3
    (unknown,) = [fault for fault in found.faults if fault.kind == "unknown place"]
    assert "合计" not in unknown.message
    assert kinds(series("Total")) == [], "alone it is what the table is about"


def test_running_totals_of_one_year_are_a_warning(good: pl.DataFrame) -> None:
    one_year = good.filter(pl.col("date") < dt.date(2021, 12, 1))
    found = check(cumulative(one_year), today=dt.date(2021, 12, 6))
    assert [(f.kind, f.severity) for f in found] == [("cumulative", "warning")]
    assert check(one_year, today=dt.date(2021, 12, 6)) == []


def test_a_flat_end_is_told_with_its_rows(good: pl.DataFrame) -> None:
    flat = good.with_columns(
        value=pl.when((pl.col("location") == "A") & (pl.col("date") >= MONDAYS[-7])).then(61.0).otherwise("value")
    )
    (fault,) = check(flat)
    assert (fault.kind, fault.rows) == ("flat line", tuple(range(150, 157)))
    assert "61 for 7 weeks" in fault.message


def test_late_places_and_late_sources(good: pl.DataFrame) -> None:
    late = good.filter((pl.col("location") != "C") | (pl.col("date") < MONDAYS[-3]))
    (fault,) = check(late)
    assert fault.kind == "late place"
    assert "C (Influenza, cases) ends on" in fault.message
    assert "3 weeks before the others" in fault.message
    assert check(good.filter((pl.col("location") != "C") | (pl.col("date") < MONDAYS[-2]))) == []
    (fault,) = check(good, today=TODAY + dt.timedelta(days=60))
    assert fault.kind == "late source"


def test_a_trailing_blank_counts_as_late(good: pl.DataFrame) -> None:
    blank = (pl.col("location") == "C") & (pl.col("date") >= MONDAYS[-4])
    assert kinds(good.with_columns(value=pl.when(blank).then(None).otherwise("value"))) == ["late place"]


def test_mixed_cadences(good: pl.DataFrame) -> None:
    off = good.with_columns(
        date=pl.when(pl.int_range(pl.len()) == 7).then(pl.col("date").dt.offset_by("1d")).otherwise("date")
    )
    (fault,) = check(off)
    assert (fault.kind, fault.severity, fault.rows) == ("mixed cadence", "error", (8,))
    assert f"A {MONDAYS[7] + dt.timedelta(days=1)} (Tuesday)" in fault.message
    every_second = good.filter((pl.col("location") != "B") | (pl.col("date").dt.week() % 2 == 0))
    assert kinds(every_second) == ["mixed cadence"]


def tuesdays(frame: pl.DataFrame, places: str) -> pl.DataFrame:
    moved = pl.col("location").is_in(list(places))
    return frame.with_columns(date=pl.when(moved).then(pl.col("date").dt.offset_by("1d")).otherwise("date"))


def test_a_place_on_another_weekday_is_named_and_all_else_is_still_looked_at(good: pl.DataFrame) -> None:
    flat = pl.when((pl.col("location") == "A") & (pl.col("date") >= MONDAYS[-7])).then(61.0).otherwise("value")
    holes = ~((pl.col("location") == "C") & pl.col("date").is_in(MONDAYS[10:13]))
    short = (pl.col("location") != "D") | (pl.col("date") < MONDAYS[-5])
    frame = pl.concat([good, series("D"), cumulative(series("E"))]).with_columns(value=flat).filter(holes & short)
    off = tuesdays(frame, "B")
    found = {f.kind: f for f in check(off)}
    assert set(found) == {"mixed cadence", "flat line", "gap", "late place", "cumulative"}
    odd = found["mixed cadence"]
    assert (odd.severity, odd.column, odd.count, odd.rows[:2]) == ("error", "date", 156, (157, 158))
    assert (
        "1 place keeps another cadence than the weeks from Monday of the others: B (weeks from Tuesday)" in odd.message
    )
    assert odd.remedy.startswith("Date each week by the Monday that it starts on, or put these places into a file")
    for kind, place in (("flat line", "A"), ("gap", "C"), ("late place", "D"), ("cumulative", "E")):
        assert f"{place} (Influenza, cases)" in found[kind].message
    strange = check(tuesdays(cumulative(series("B")), "B").vstack(good.filter(pl.col("location") != "B")))
    assert [f.kind for f in strange] == ["mixed cadence", "cumulative"], "the odd place is looked at by its own weeks"


def test_places_on_a_weekday_each_are_no_days(good: pl.DataFrame) -> None:
    off = tuesdays(tuesdays(good, "BC"), "C")
    (fault,) = check(off)
    assert (fault.kind, fault.severity) == ("mixed cadence", "error")
    assert "B (weeks from Tuesday), C (weeks from Wednesday)" in fault.message
    with pytest.raises(TableError, match="most dates are Mondays"):
        read_series(off)


def test_months_among_weeks_are_named(good: pl.DataFrame) -> None:
    months = [dt.date(2021 + k // 12, k % 12 + 1, 1) for k in range(35)]
    (fault,) = check(pl.concat([good, series("D").head(35).with_columns(pl.Series("date", months))]))
    assert (fault.kind, fault.count) == ("mixed cadence", 35)
    assert "D (months)" in fault.message


def test_a_change_of_unit(good: pl.DataFrame) -> None:
    steady = np.round(np.random.default_rng(1).normal(200, 15, 156))
    jumped = np.where(np.arange(156) >= 100, steady * 1000, steady)
    (fault,) = check(pl.concat([good, series("D", jumped)]))
    assert (fault.kind, fault.rows) == ("unit", (3 * 156 + 101,))
    assert f"D (Influenza, cases) is 1000 times higher from {MONDAYS[100]}" in fault.message


def test_unknown_places_and_two_spellings(good: pl.DataFrame) -> None:
    assert kinds(good, known=["a", "B", "C"]) == []
    (fault,) = check(good, known=["A", "C"])
    assert (fault.kind, fault.rows) == ("unknown place", (157,))
    assert "1 of 3 places are not known: 'B'" in fault.message
    assert kinds(pl.concat([good, series("a ")])) == ["two spellings"]
    builtin = pl.concat([series("Tokyo"), series("Osaka"), series("Kyoto"), series("Aichi"), series("Tokio")])
    (fault,) = check(builtin, known=None)
    assert (fault.kind, fault.rows) == ("unknown place", (4 * 156 + 1,))
    assert fault.message == "1 of 5 places are not known: 'Tokio' (did you mean 'Tokyo'?)"
    (fault,) = check(pl.concat([good, series("Nirgendwo")]), known=["A", "B", "C"])
    assert fault.message.endswith("not known: 'Nirgendwo'")


def test_two_populations_and_the_future(good: pl.DataFrame) -> None:
    people = pl.when(pl.col("disease") == "Influenza").then(1000.0).otherwise(2000.0)
    both = pl.concat([good, good.with_columns(disease=pl.lit("Measles"))]).with_columns(population=people)
    assert kinds(both) == ["two populations"]
    assert kinds(good, today=MONDAYS[-1] - dt.timedelta(days=1)) == ["future"]


def test_populations_within_one_vintage_are_refused_and_revised_ones_told(good: pl.DataFrame) -> None:
    first = good.with_columns(as_of=pl.lit(TODAY - dt.timedelta(days=7)), population=pl.lit(1000.0))
    people = pl.when(pl.col("location") == "B").then(2000.0).when(pl.col("location") == "C").then(1000.5)
    latest = good.with_columns(as_of=pl.lit(TODAY), population=people.otherwise(1000.0))
    (fault,) = check(pl.concat([first, latest]))
    assert (fault.kind, fault.severity, fault.column, fault.count) == ("population", "warning", "population", 2 * 156)
    assert fault.rows[:2] == (157, 158)
    assert f"B on {MONDAYS[0]} 1,000 as of {TODAY - dt.timedelta(days=7)} and 2,000 as of {TODAY}" in fault.message
    other = latest.with_columns(disease=pl.lit("Measles"), population=pl.lit(3000.0))
    faults = check(pl.concat([latest, other]))
    assert [(f.kind, f.severity) for f in faults] == [("two populations", "error")], "of one vintage"


def test_vintages_are_judged_by_the_latest(good: pl.DataFrame) -> None:
    first = good.with_columns(as_of=pl.lit(TODAY - dt.timedelta(days=7)), value=pl.lit(5.0))
    latest = good.with_columns(as_of=pl.lit(TODAY))
    assert check(pl.concat([latest, first])) == []


def test_only_the_disease_asked_for_is_looked_at(good: pl.DataFrame) -> None:
    other = series("A", disease="Measles").with_columns(value=-pl.col("value"))
    both = pl.concat([good, other, series("A", disease=None)])
    assert kinds(both)[:2] == ["missing value", "negative"]
    assert check(both, disease="flu", signal="Cases") == []
    with pytest.raises(NameNotFoundError, match="Did you mean 'Influenza'"):
        check(both, disease="Influenca")


def test_a_department_s_file_with_its_own_names(tmp_path: Path) -> None:
    file = tmp_path / "周报.csv"
    rows = "\n".join(f"北京,手足口病,2023年第{k}周,{k}" for k in (1, 2, 4)) + "\n北京,手足口病,2023年第60周,-3\n"
    file.write_bytes(("地区,病种,周次,病例数\n" + rows).encode("gb18030"))
    found = examine(file, today=dt.date(2023, 2, 10))
    assert [(f.kind, f.column, f.rows) for f in found.faults] == [
        ("date", "周次", (4,)),
        ("negative", "病例数", (4,)),
        ("gap", "周次", (3,)),
    ]
    assert (found.rows, found.places, found.encoding) == (4, 1, "gb18030")
    assert (found.first, found.last) == (dt.date(2023, 1, 2), dt.date(2023, 1, 23))


def test_faults_that_stop_the_reading_are_told_too(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("location,disease\nA,flu\nB\n")
    assert [f.kind for f in check_series(file)] == ["ragged row"]
    file.write_text("a,b\n1,2\n")
    assert {f.kind for f in check_series(file)} == {"missing column"}
    with pytest.raises(InputError, match="there is no file"):
        check_series(tmp_path / "none.csv")


def test_shapes_do_not_accuse_an_epidemic_or_a_rare_disease() -> None:
    rng = np.random.default_rng(7)
    years = np.repeat([2021, 2022, 2023], 52)
    for _ in range(200):
        wave = rng.poisson(np.exp(rng.uniform(-1, 6) + 3 * np.sin(np.arange(156) / 52 * 2 * np.pi + rng.uniform(0, 6))))
        assert not shapes.is_cumulative(wave.astype(float), years)
        assert shapes.unit_jump(wave.astype(float)) is None
        rare = rng.poisson(0.2, 156).astype(float)
        assert not shapes.is_cumulative(rare, years)
        assert shapes.flat_end(rare) == 0
        assert shapes.is_cumulative(np.concatenate([np.cumsum(w) for w in np.split(wave + 1.0, 3)]), years)


def test_short_series_pass_the_shapes() -> None:
    for n in range(4):
        values = np.arange(n, dtype=float)
        years = np.full(n, 2024)
        assert not shapes.is_cumulative(values, years)
        assert not shapes.is_running_total(values, years)
        assert shapes.flat_end(values) == 0
        assert shapes.unit_jump(values) is None


@pytest.mark.real_data
@pytest.mark.slow
def test_every_real_series_file_is_free_of_errors_but_the_known_one() -> None:
    files = [p for p in sorted(REAL.rglob("*.parquet")) if set(SERIES.required) <= set(pl.read_parquet_schema(p))]
    if not files:
        pytest.skip("the real surveillance files are not there (SALUS_REAL_DATA)")
    for file in files:
        errors = [(f.kind, f.column) for f in check_series(file) if f.severity == "error"]
        assert errors in ([], [("missing value", "disease")]), file
        table = pl.read_parquet(file).drop_nulls("disease").filter(~pl.col("location").is_in(["China", "Total"]))
        weekly = table.filter(pl.col("signal") == table["signal"][0])
        if "as_of" in table.columns or file.parent.name == "influenza_us":
            continue
        running = weekly.sort("date").with_columns(
            value=pl.col("value").fill_null(0).cum_sum().over("location", "disease", "signal", pl.col("date").dt.year())
        )
        assert "cumulative" in [f.kind for f in check_series(running)], file
