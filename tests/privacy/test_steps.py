"""Each step of the record path on DuckDB against plain Python, and every step on Spark against DuckDB."""

import datetime as dt

import epiweeks
import polars as pl
import pytest
from helpers_golden import IDS, KEY, OTHER, RAW, every_step, golden
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.data import duck as duckdb_engine
from salus.data import engines, expressions
from salus.errors import InputError
from salus.privacy.steps import calendar, counting, records
from salus.privacy.steps import raw as raw_rows


@pytest.fixture(scope="module")
def duck(tmp_path_factory):
    with duckdb_engine.duck_engine(tmp_path_factory.mktemp("duck"), []) as engine:
        yield engine


@pytest.fixture(scope="module")
def on_duck(duck):
    """What each step gives on DuckDB."""
    return every_step(duck, golden())


DAYS = pl.date_range(dt.date(1899, 12, 25), dt.date(2101, 1, 10), eager=True).alias("date")


def test_weeks_of_two_centuries_are_those_of_the_standards(duck):
    table = duck.frame(DAYS.to_frame())
    day = calendar.day_number(table.date)
    iso, mmwr = (calendar.epidemiological_week(day, shift) for shift in (0, 1))
    found = duck.answer(table.select("date", iy=iso[0], iw=iso[1], my=mmwr[0], mw=mmwr[1], y=calendar.year_of(day)))
    assert found.filter(pl.col("iw") == 53).height > 0
    for date, iy, iw, my, mw, y in found.iter_rows():
        assert (iy, iw) == date.isocalendar()[:2]
        assert y == date.year
        if 1900 <= date.year <= 2100:
            week = epiweeks.Week.fromdate(date)
            assert (my, mw) == (week.year, week.week)


@pytest.mark.parametrize("shift", [0, 1])
def test_a_week_number_is_of_its_first_day(duck, shift):
    table = duck.frame(DAYS.to_frame())
    found = duck.answer(table.select("date", week=calendar.week_number(calendar.day_number(table.date), shift)))
    for date, week in found.iter_rows():
        first = calendar.first_day(week, shift)
        assert 0 <= (date - first).days < 7
        assert first.weekday() == (6 if shift else 0)
        assert calendar.number_of_week(date, shift) == week


day = st.dates(dt.date(1899, 1, 1), dt.date(2024, 6, 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(day, day), min_size=1, max_size=30))
def test_age_groups_go_by_completed_years(duck, pairs):
    table = duck.frame(pl.DataFrame(pairs, schema={"birth": pl.Date, "visit": pl.Date}, orient="row"))
    years = raw_rows.completed_years(table.birth, table.visit)
    for birth, visit, group in duck.answer(table.mutate(group=raw_rows.age_group(years))).iter_rows():
        age = visit.year - birth.year - ((visit.month, visit.day) < (birth.month, birth.day))
        bands = zip(raw_rows.band_names(), raw_rows.AGE_BANDS, strict=True)
        assert group == next((name for name, (low, high) in bands if low <= age <= high), None)


@pytest.mark.parametrize(
    ("visit", "group"),
    [
        ("2009-02-27", "0-4"),
        ("2009-02-28", "0-4"),
        ("2009-03-01", "5-14"),
        ("2024-02-28", "15-24"),
        ("2024-02-29", "15-24"),
    ],
)
def test_who_was_born_on_29_february_grows_older_on_1_march(duck, visit, group):
    table = duck.frame(pl.DataFrame({"b": [dt.date(2004, 2, 29)], "v": [dt.date.fromisoformat(visit)]}))
    assert duck.answer(table.select(g=raw_rows.age_group(raw_rows.completed_years(table.b, table.v)))).item() == group


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(max_examples=30, deadline=None)
@given(st.lists(text, min_size=1, max_size=20))
def test_the_engine_and_python_make_the_same_surrogates(duck, identifiers):
    table = duck.frame(pl.DataFrame({"id": identifiers}))
    persons, visits = duck.secret(KEY.person_pads), duck.secret({"prefix": KEY.visit_prefix})
    made = table.cross_join(persons).cross_join(visits)
    made = made.select(
        "id",
        person=expressions.surrogate_function()(made.inner_pad, made.outer_pad, made.id),
        encounter=expressions.visit_function()(made.prefix, made.id),
    )
    for identifier, person, encounter in duck.answer(made).iter_rows():
        assert person == KEY.surrogate("person", identifier)
        assert encounter == KEY.surrogate("encounter", identifier)


def test_blanks_around_an_identifier_do_not_count_but_letters_that_look_alike_do(on_duck):
    raw = set(on_duck["surrogates"]["raw"])
    assert {"person-1", "患者-一", "e\u0301", "é", "ß", "SS"} <= raw
    assert not raw & {" person-1 ", "\u3000person-1", "\u00a0", "\t\n", ""}
    assert len([i for i in IDS if i.strip(" \t\n\r\u00a0\u3000") == "person-1"]) == 3


def test_numbers_that_are_taken_further_are_those_of_both_keys(on_duck):
    once, further = on_duck["once"], on_duck["taken_further"]
    assert further.columns == once.columns
    assert set(further["person"]) <= set(on_duck["surrogates, two keys"]["surrogate"])
    assert further["person"].n_unique() == once["person"].n_unique()
    assert set(further["encounter"]) == set(on_duck["staged, two keys"]["encounter"].drop_nulls())
    rest = [c for c in once.columns if c not in ("person", "encounter")]
    assert further.select(rest).sort(rest).equals(once.select(rest).sort(rest))
    for raw, number in on_duck["surrogates, two keys"].iter_rows():
        assert number == OTHER.surrogate("person", str(KEY.surrogate("person", raw)))


def test_a_record_has_the_listed_columns_only(on_duck):
    assert tuple(on_duck["once"].columns) == records.RECORD


def test_the_rows_of_each_reason_add_up(on_duck):
    raw = golden()
    assert on_duck["tally"]["rows"].sum() == raw.height
    kept = on_duck["tally"].filter(pl.all_horizontal(pl.col("left_out", "aside").is_null()))["rows"].item()
    assert kept == on_duck["records"].height
    repeated = on_duck["repeated_rows"]["rows"]
    assert on_duck["once"].height == kept - (repeated - 1).sum()
    assert on_duck["repeated_visits"].equals(on_duck["together"])


def test_counts_are_those_of_a_loop_over_the_records(on_duck):
    syndrome = {("J10.1", "outpatient"): 0, ("J10.1", "inpatient"): 0, ("J11", "inpatient"): 0}
    syndrome |= {("B08.4", kind): 1 for kind in ("outpatient", "inpatient")}
    first: dict[tuple, tuple] = {}
    for row in on_duck["once"].iter_rows(named=True):
        which = syndrome.get((row["code"], row["encounter_class"]))
        if which is None or not dt.date(2003, 12, 29) <= row["date"] <= dt.date(2027, 1, 31):
            continue
        key = (row["person"], which, calendar.number_of_week(row["date"], 0))
        at = (row["date"], row["district"], row["age_group"] or "unknown", row["sex"])
        first[key] = min(first.get(key, at), at)
    names = sorted(on_duck["districts_seen"]["district"])
    wanted: dict[tuple, int] = {}
    for (_, which, week), (_, district, age, sex) in first.items():
        cell = (which, week, district, age, sex)
        wanted[cell] = wanted.get(cell, 0) + 1
    cells = on_duck["cells 0"].join(counting.kinds(), on="kind")
    found = {
        (s, w, names[n], a, x): p
        for s, w, n, a, x, p in cells.select("syndrome", "week", "number", "age_group", "sex", "persons").iter_rows()
    }
    assert found == wanted
    assert len(found) > 300


def test_weeks_and_their_persons_are_those_of_the_rows(on_duck):
    """Each day lies in one week of either kind, and a person counts once in it."""
    for shift in (0, 1):
        weeks = on_duck[f"weeks_seen {shift}"]
        assert weeks["rows"].sum() == on_duck["size"].item()
        assert (weeks["first"].min(), weeks["last"].max()) == on_duck["days_seen"].row(0)
        assert ((weeks["last"] - weeks["first"]).dt.total_days() < 7).all()
        starts = {calendar.first_day(w, shift) for w in weeks["week"]}
        assert {d.isoweekday() for d in starts} == {7 if shift else 1}
        assert 0 < on_duck[f"persons_of_week {shift}"].item() <= weeks["rows"].max()


def test_nobody_counts_more_often_than_the_bound(on_duck):
    assert on_duck["numbers_taken"]["counts"].max() == 2
    more = on_duck["within_bound, some used"]
    used = on_duck["numbers_used"].join(more.group_by("person", "year").len(), on=["person", "year"])
    assert not used.filter(pl.col("len") > (3 - pl.col("counts")).clip(lower_bound=0)).height


def test_rows_in_any_order_give_the_same(duck, on_duck):
    other = every_step(duck, golden().sample(fraction=1, shuffle=True, seed=9))
    assert [name for name, table in on_duck.items() if not table.equals(other[name])] == []


def test_no_rows_give_no_counts(duck):
    found = every_step(duck, pl.DataFrame(schema=RAW))
    assert found["set_aside"].height == 1
    assert {n for n, t in found.items() if t.height} == {
        "set_aside", "surrogates_differ", "further", "size", "persons", "days_seen", "alone",
        "persons_of_week 0", "persons_of_week 1", "rows_overtaken",
    }  # fmt: skip


def test_an_engine_that_is_none_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="no engine 'duck'"), engines.open_engine("duck", tmp_path, []):
        raise AssertionError
