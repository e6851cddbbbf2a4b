"""Golden raw rows that engines are apt to treat differently, and every step of the record path over them."""

import datetime as dt

import numpy as np
import polars as pl

from salus.privacy.keys import Key
from salus.privacy.ring import Ring
from salus.privacy.steps import calendar, classes, counting, records, repeats
from salus.privacy.steps import raw as raw_rows

TODAY = dt.date(2026, 12, 31)
KEY, OTHER = Key(bytes(range(32))), Key(bytes(range(32, 64)))
RAW = {
    "file": pl.String,
    "person": pl.String,
    "encounter": pl.String,
    "birth_date": pl.Date,
    "age": pl.Int32,
    "date": pl.Date,
    "reported": pl.Date,
    "district": pl.String,
    "sex": pl.String,
    "encounter_class": pl.String,
    "code_system": pl.String,
    "code": pl.String,
    "fault": pl.String,
    "left_out": pl.String,
}
PLAIN = {
    "file": "/in/a.parquet",
    "person": "p",
    "encounter": "v",
    "birth_date": dt.date(1990, 5, 1),
    "date": dt.date(2020, 3, 4),
    "district": "A1",
    "sex": "female",
    "encounter_class": "outpatient",
    "code_system": "icd10",
    "code": "J101",
}
IDS = [
    "person-1",
    " person-1 ",
    "\u3000person-1",
    "患者-一",
    "e\u0301",
    "é",
    "ß",
    "SS",
    "İ",
    "🧑\u200d⚕️",
    "\u202eabc",
    "'; DROP TABLE records; --",
    "x" * 300,
    "\u00a0",
    "\t\n",
]
TURNS = [
    dt.date(y, m, d) + dt.timedelta(days=k)
    for y in (2004, 2009, 2015, 2020, 2026)
    for m, d in ((12, 26),)
    for k in range(12)
]
WEEKS = [dt.date(2003, 12, 29) + dt.timedelta(days=7 * n) for n in range(1205)]
SUNDAYS = [w - dt.timedelta(days=1) for w in WEEKS]


def golden():
    """Rows for each trap, and some thousands at random."""
    rows = [{"person": i, "encounter": f"v-{n}"} for n, i in enumerate(IDS)]
    rows += [{"person": f"t{n % 7}", "encounter": f"t-{n}", "date": d} for n, d in enumerate(TURNS) if d <= TODAY]
    leap = [dt.date(y, m, d) for y in (2008, 2009, 2019, 2020) for m, d in ((2, 27), (2, 28), (3, 1))]
    rows += [
        {"person": "leap", "encounter": f"l-{n}", "birth_date": dt.date(2004, 2, 29), "date": d}
        for n, d in enumerate(leap)
    ]
    rows += [dict.fromkeys(RAW), {k: None for k in RAW if k != "person"}]
    odd_codes = ["j10.1", " J10.1* ", "J10.100x001", "J10†", "B08.4+", "flu", "", ".", "840539006", "J1", "ı10", "Ｊ10"]
    rows += [{"encounter": f"c-{n}", "code": c} for n, c in enumerate(odd_codes)]
    breaks = ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\r", "\ufeff", "\u2003"]
    rows += [{"encounter": f"h-{n}", "code": f"J10.1{b}", "person": f"x {b}"} for n, b in enumerate(breaks)]
    rows += [{"encounter": f"h {b}", "code": f"J10*{b}", "person": f"x{b}", "district": f"{b}A1"} for b in breaks]
    rows += [{"encounter": "s", "code_system": "snomed", "code": "840539006"}, {"encounter": "n", "code_system": None}]
    rows += [{"encounter": "f", "fault": "unreadable visit date"}, {"encounter": "w", "left_out": "visit planned"}]
    rows += [
        {"encounter": f"d-{n}", "date": d} for n, d in enumerate([dt.date(1899, 12, 31), dt.date(2027, 1, 1), None])
    ]
    rows += [
        {"encounter": f"b-{n}", "birth_date": b} for n, b in enumerate([dt.date(2021, 1, 1), dt.date(1850, 1, 1), None])
    ]
    rows += [{"encounter": f"a-{n}", "birth_date": None, "age": a} for n, a in enumerate([-1, 0, 4, 5, 125, 126, None])]
    rows += [{"encounter": f"k-{n}", "district": k} for n, k in enumerate(["", " 镇街 ", "x" * 41, "县" * 40, None])]
    rows += [{"encounter": "r", "reported": dt.date(2020, 3, 3)}]
    again = [(dt.date(2020, 3, 9), "A1"), (None, "A2"), (dt.date(2020, 3, 9), "A0"), (dt.date(2020, 3, 5), "A3")]
    rows += [
        {"person": f"twice-{n}", "encounter": "same", "reported": r, "district": d} for n, (r, d) in enumerate(again)
    ]
    rows += [{"encounter": "often", "person": "often"}] * 50
    rows += [
        {"encounter": "moved", "file": f"/in/{f}.parquet", "code": c, "reported": r}
        for f, c, r in (("a", "J10.1", dt.date(2020, 3, 9)), ("b", "A09", None), ("c", "B08.4", dt.date(2020, 3, 9)))
    ]
    rows += [{"encounter": "several", "code": c} for c in ("J10.1", "J10.1", "B08.4")]
    frame = pl.DataFrame([PLAIN | r for r in rows], schema=RAW)
    return pl.concat([frame, at_random(np.random.default_rng(4), 1500)])


def at_random(rng, n):
    """Rows of which many share persons, weeks and days."""
    start = np.datetime64("2019-12-01")
    return pl.DataFrame(
        {
            "file": ["/in/b.parquet"] * n,
            "person": [f"q{k}" for k in rng.integers(0, 120, n)],
            "encounter": [f"e{k}" for k in rng.integers(0, int(n * 0.95), n)],
            "birth_date": (np.datetime64("1930-01-01") + rng.integers(0, 32000, n)).astype("datetime64[D]"),
            "age": [None] * n,
            "date": (start + rng.integers(0, 420, n)).astype("datetime64[D]"),
            "reported": [None] * n,
            "district": [str(k) for k in rng.choice(["A1", "A2", "乙县", "Z"], n)],
            "sex": [str(k) for k in rng.choice(["female", "male", "other", "unknown"], n)],
            "encounter_class": [str(k) for k in rng.choice(["outpatient", "inpatient"], n)],
            "code_system": ["icd10"] * n,
            "code": [str(k) for k in rng.choice(["J101", "J11", "B084", "I10"], n)],
            "fault": [None] * n,
            "left_out": [None] * n,
        },
        schema=RAW,
    )


def every_step(engine, raw):
    """What each step gives on an engine, by name; rows sorted, since their order is not defined."""
    found = {}

    def keep(name, step):
        table = engine.keep(step)
        found[name] = engine.answer(table).sort(pl.all())
        return table

    def ask(name, step):
        found[name] = engine.answer(step).sort(pl.all())

    judged = keep("judged", raw_rows.judged(engine.frame(raw), TODAY))
    stage = keep("staged", records.staged(judged, engine.secret({"prefix": KEY.visit_prefix})))
    ask("tally", records.tally(stage))
    lines = pl.DataFrame({"file": ["c.csv"], "line": [3], "reason": ["the line can't be read"]})
    for start in ("monday", "sunday"):
        stage_of_weeks = records.staged(
            judged, engine.secret({"prefix": KEY.visit_prefix}), f"week-{start}", files=True
        )
        ask(f"staged, weeks from {start}", stage_of_weeks)
    listed = engine.frame(pl.DataFrame({"place": ["A1", "乙县"]}))
    ask("judged by places", raw_rows.judged(engine.frame(raw), TODAY, listed))
    ask("set_aside", records.set_aside(stage, engine.frame(lines)))
    persons = keep("surrogates", records.surrogates(stage, engine.secret(KEY.person_pads)))
    ask("surrogates_differ", records.surrogates_differ(persons))
    rows = keep("records", records.records(stage, persons))
    turns = [repeats.repeated_visits(rows, turn, 3) for turn in range(3)]
    several = keep("repeated_visits", repeats.repeated_visits(rows, 0, 1))
    ask("together", repeats.together(turns))
    ask("further", repeats.further(several))
    whole = engine.keep(records.staged(judged, engine.secret({"prefix": KEY.visit_prefix}), files=True))
    versions = keep("visits_of_files", repeats.visits_of_files(whole, several))
    gone = keep("overtaken", repeats.overtaken(versions))
    ask("rows_overtaken", repeats.rows_overtaken(gone))
    ask("without", repeats.without(whole, gone))
    repeated = keep("repeated_rows", repeats.repeated_rows(rows, several))
    rows = keep("once", repeats.once(rows, repeated))
    ask("size", repeats.size(rows))
    ask("persons", repeats.persons(rows))
    both = Ring(OTHER, (KEY,))
    ask("staged, two keys", records.staged(judged, engine.secret(both.visit_prefixes)).select("encounter", "code"))
    ask("surrogates, two keys", records.surrogates(stage, engine.secret(both.person_pads)))
    new = engine.secret(OTHER.person_pads), engine.secret({"prefix": OTHER.visit_prefix})
    ask("taken_further", records.taken_further(rows, *new))
    later = rows.filter(rows.district == "A2")
    again = keep("visits_again", repeats.visits_again([rows, later]))
    ask("standing", repeats.standing([rows, later], again))
    ask("codes_seen", counting.codes_seen(rows))
    ask("districts_seen", counting.districts_seen(rows))
    ask("days_seen", counting.days_seen(rows))
    rules = pl.DataFrame(
        [("icd10", "J10.1", 0, None), ("icd10", "J11", 0, "inpatient"), ("icd10", "B08.4", 1, None)],
        schema={"code_system": pl.String, "code": pl.String, "syndrome": pl.Int64, "only_class": pl.String},
        orient="row",
    )
    names = found["districts_seen"]["district"].to_list()
    districts = pl.DataFrame(
        {"district": names, "number": range(len(names))}, schema={"district": pl.String, "number": pl.Int64}
    )
    for shift, weeks in ((0, WEEKS), (1, SUNDAYS)):
        ask(f"weeks_seen {shift}", counting.weeks_seen(rows, shift))
        number = max(found[f"weeks_seen {shift}"]["week"].to_list(), default=0)
        ask(f"persons_of_week {shift}", counting.persons_of_week(rows, number, shift))
        visits = keep(
            f"first_visits {shift}",
            counting.first_visits(rows, engine.frame(rules), engine.frame(districts), len(names), weeks, shift),
        )
        ask(f"cells {shift}", counting.cells(visits, len(names)))
    years = [(calendar.number_of_week(w, 1), (w + dt.timedelta(days=3)).year) for w in SUNDAYS]
    year = engine.frame(pl.DataFrame(years, schema={"week": pl.Int64, "year": pl.Int64}, orient="row"))
    done = pl.DataFrame({"syndrome": [1], "week": [calendar.number_of_week(dt.date(2020, 5, 3), 1)]})
    free = keep("within_bound", counting.within_bound(visits, year, engine.frame(done), None, 2))
    taken = counting.numbers_taken(free)
    ask("numbers_taken", taken)
    used = keep("numbers_used", counting.numbers_used(repeats.together([taken, taken])))
    ask("within_bound, some used", counting.within_bound(visits, year, engine.frame(done), used, 3))
    seen = keep("visits", classes.visits(rows))
    for known in (("district", "age_group", "sex"), ("district", "age_group", "sex", "week", "diagnosis")):
        ask(f"class_sizes {len(known)}", classes.class_sizes(seen, known))
        ask(f"classes {len(known)}", classes.classes(seen, known))
    staying = classes.stays(seen, ("district", "week"))
    ask("stays", staying)
    ask("alone", classes.alone(staying, ("district", "week"), 2, 60))
    ask("weekly_visits", classes.weekly_visits(rows))
    for shift in (0, 1):
        week = calendar.epidemiological_week(calendar.day_number(rows.date), shift)
        ask(f"epidemiological_week {shift}", rows.select("date", year=week[0], week=week[1]).distinct())
    ask("coarse", rows.select(week=calendar.coarse(rows.date, "week", 1), month=calendar.coarse(rows.date, "month")))
    return found
