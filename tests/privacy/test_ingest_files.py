"""Which version of a visit stands, however files are put together, and how exactly days are kept."""

import datetime as dt
import itertools
import json

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY, TODAY

from salus.errors import WallError
from salus.privacy import counts, deidentify, ledger, release, rotation, stored, zones
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.sources.fhir import open_fhir
from salus.sources.linelist import open_linelist

POLICY = Policy(name="all", syndromes=("influenza", "hfmd"))
WEEKS = (MONDAY, MONDAY + dt.timedelta(days=27))


def files(folder, seed):
    """Three line lists that share visits; days of report tell them apart, and some rows of the last have none."""
    rng = np.random.default_rng(seed)
    march = [dt.date(2024, 3, day) for day in range(1, 11)]
    days = [march[0::3], march[1::3], [None, *march[2::3]]]
    made = []
    for n in range(3):
        rows = [
            {
                "person_id": f"p{v % 9}",
                "encounter_id": f"v{v}",
                "visit_date": str(MONDAY + dt.timedelta(days=int(v))),
                "district": str(rng.choice(["A1", "A2", "B1"])),
                "icd10": str(rng.choice(["J10.1", "B08.4", "I10", "flu"])),
                "reported_date": days[n][rng.integers(0, len(days[n]))],
            }
            for v in rng.integers(0, 25, 30)
        ]
        made.append(folder / f"week{n}.csv")
        pl.DataFrame(rows, infer_schema_length=None).write_csv(made[-1])
    return made


def standing(wall, key):
    parts = ledger.parts(wall, ledger.read(wall, key))
    with stored.opened(parts, wall.path("count")) as (machine, rows):
        return machine.answer(rows).sort(pl.all())


@pytest.mark.parametrize("seed", [1, 2])
def test_records_do_not_depend_on_which_files_came_together(key, tmp_path, seed):
    made = files(tmp_path, seed)
    found = []
    for n, cuts in enumerate(itertools.product([False, True], repeat=2)):
        batches = [[made[0]]]
        for file, cut in zip(made[1:], cuts, strict=True):
            batches = [*batches, [file]] if cut else [*batches[:-1], [*batches[-1], file]]
        for batch in batches:
            deidentify.ingest(open_linelist(batch), tmp_path / f"wall{n}", key, today=TODAY)
        found.append(standing(zones.existing(tmp_path / f"wall{n}"), key))
    assert found[0].height > 20
    assert all(table.equals(found[0]) for table in found)


def test_an_export_in_several_files_keeps_all_diagnoses_of_a_visit(key, tmp_path):
    """As a cluster writes it: rows of a visit in any of its files, with one day of report or none."""
    head = "person_id,encounter_id,visit_date,reported_date,district,icd10\n"
    for name, day in (("with", "2024-01-04"), ("without", "")):
        made = []
        for n, code in enumerate(("J10.1", "J44.1", "E11.9")):
            made.append(tmp_path / f"{name}-{n}.csv")
            made[-1].write_text(head + "".join(f"p{v},v{v},2024-01-03,{day},A1,{code}\n" for v in range(5)))
        found = deidentify.ingest(open_linelist(made), tmp_path / name, key, today=TODAY)
        assert (found.kept, found.visits, found.left_out) == (15, 5, {})


def test_a_corrected_visit_does_not_come_back_with_the_old_file(key, tmp_path):
    old, new = tmp_path / "t1.csv", tmp_path / "t2.csv"
    head = "person_id,encounter_id,visit_date,reported_date,district,icd10\n"
    for path, day, code in ((old, "2024-01-04", "J10.1"), (new, "2024-01-09", "A09")):
        path.write_text(head + "".join(f"p{n},v{n},2024-01-03,{day},A1,{code}\n" for n in range(30)))
    wall = zones.create(tmp_path / "wall")
    for batch in ([old], [new]):
        deidentify.ingest(open_linelist(batch), wall.root, key, today=TODAY)
    both = deidentify.ingest(open_linelist([old, new]), wall.root, key, today=TODAY)
    assert both.already
    assert set(standing(wall, key)["code"]) == {"A09"}
    more = tmp_path / "t3.csv"
    more.write_text(head + "q,w,2024-01-03,2024-01-09,A1,J10.1\n")
    third = deidentify.ingest(open_linelist([tmp_path]), wall.root, key, today=TODAY)
    assert (third.rows, third.kept) == (1, 1)
    assert "2 of 3 files had been ingested before and were passed over." in third.lines()
    assert standing(wall, key)["code"].value_counts(sort=True).rows() == [("A09", 30), ("J10.1", 1)]
    at_once = deidentify.ingest(open_linelist([new, old]), tmp_path / "other", key, today=TODAY)
    assert at_once.left_out == {"row of a visit that another file has anew": 30}
    assert (at_once.rows, at_once.kept, at_once.visits, at_once.persons) == (60, 30, 30, 30)
    assert pl.read_parquet(at_once.part)["code"].unique().to_list() == ["A09"]


def export(folder, diagnoses):
    """A bulk export of one visit; its diagnoses with the day of each."""
    folder.mkdir()
    icd = "http://hl7.org/fhir/sid/icd-10"
    rows = {
        "Patient": [{"id": "1", "birthDate": "1980-01-01", "address": [{"district": "A1"}]}],
        "Encounter": [
            {"id": "e", "status": "finished", "subject": {"reference": "Patient/1"}, "period": {"start": "2024-01-03"}}
        ],
        "Condition": [
            {
                "id": code,
                "encounter": {"reference": "Encounter/e"},
                "code": {"coding": [{"system": icd, "code": code}]},
                "recordedDate": day,
            }
            for code, day in diagnoses.items()
        ],
    }
    for kind, resources in rows.items():
        lines = [json.dumps({"resourceType": kind} | r) for r in resources]
        (folder / f"{kind}.ndjson").write_text("\n".join(lines) + "\n")
    return open_fhir([folder])


def test_a_later_export_stands_though_its_diagnoses_were_recorded_earlier(key, tmp_path):
    wall = zones.create(tmp_path / "wall")
    for name, diagnoses in (("a", {"J10.1": "2024-01-04", "B08.4": "2024-01-09"}), ("b", {"J10.1": "2024-01-04"})):
        deidentify.ingest(export(tmp_path / name, diagnoses), wall.root, key, today=TODAY)
    assert standing(wall, key)["code"].to_list() == ["J10.1"]
    new = Key(bytes(range(1, 33)))
    rotation.rotate(wall.root, key, new)
    assert standing(wall, new)["code"].to_list() == ["J10.1"]


def visits():
    rng = np.random.default_rng(5)
    born = [dt.date(1940, 1, 2) + dt.timedelta(days=int(d)) for d in rng.integers(0, 29000, 60)]
    return [
        {
            "person_id": f"p{p}",
            "encounter_id": f"v{n}",
            "birth_date": born[p],
            "district": ("A1", "A2", "B1")[p % 3],
            "visit_date": MONDAY + dt.timedelta(days=int(rng.integers(-7, 35))),
            "reported_date": dt.date(2024, 3, 14),
            "icd10": str(rng.choice(["J10.1", "B08.4", "I10"])),
        }
        for n, p in enumerate(rng.integers(0, 60, 300))
    ]


@pytest.mark.parametrize(("dates", "start", "first"), [("week-monday", "monday", 0), ("week-sunday", "sunday", 6)])
def test_weeks_give_the_counts_that_days_give(line_list, key, tmp_path, places, definitions, dates, start, first):
    source, found = line_list(visits()), []
    policy = Policy(name="all", syndromes=POLICY.syndromes, week_start=start)
    for name, kept in (("days", None), ("weeks", dates)):
        report = deidentify.ingest(source, tmp_path / name, key, today=TODAY, dates=kept)
        counted = counts.count([report.part], definitions, places, policy, weeks=WEEKS, spill=tmp_path / name / "count")
        found.append((pl.read_parquet(report.part), counted))
    (days, by_day), (weeks, by_week) = found
    assert by_day.values.sum() > 50
    assert (by_day.values == by_week.values).all()
    assert set(weeks["date"].dt.weekday()) == {7 if first else 1}
    assert set(weeks["reported"]) == {dt.date(2024, 3, 11) - dt.timedelta(days=1 if first else 0)}
    assert days["date"].n_unique() > weeks["date"].n_unique()


def test_the_first_ingest_says_how_days_are_kept(line_list, key, tmp_path, places, definitions):
    root = tmp_path / "wall"
    first = deidentify.ingest(line_list(visits()), root, key, today=TODAY, dates="week-monday")
    assert "Days are kept as the first day of their week, Monday." in first.lines()
    with pytest.raises(WallError, match=r"keeps days as 'week-monday' .*'day' was asked for"):
        deidentify.ingest(line_list([{}]), root, key, today=TODAY, dates="day")
    second = deidentify.ingest(line_list([{}, {}]), root, key, today=TODAY)
    assert pl.read_parquet(second.part)["date"].to_list() == [MONDAY] * 2
    sunday = Policy(name="all", syndromes=POLICY.syndromes, week_start="sunday")
    with pytest.raises(WallError, match="weeks that begin on Sunday can't be counted"):
        release.release(root, definitions, places, sunday, key=key, weeks=WEEKS)
