"""Attacks on one's own release, with answers known beforehand; what they find stays inside."""

import datetime as dt
import json
import shutil

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY, TODAY, visits

from salus.errors import InputError
from salus.privacy import attack, deidentify, linkage, log, membership, trajectories, zones
from salus.privacy import release as releases
from salus.privacy.policy import Policy

RULE = Policy(weeks_held_back=0)


def records(rows):
    """De-identified records: person, date, district, age group, sex, code."""
    names = ["person", "date", "district", "age_group", "sex", "code"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(encounter=pl.int_range(pl.len()))


def stored(table, tmp_path):
    table.write_parquet(tmp_path / "records.parquet")
    return [tmp_path / "records.parquet"]


def test_classes_and_risks_by_hand(tmp_path):
    day = MONDAY
    rows = [(n, day, "A", "0-4", "female", "J10.1") for n in range(20)]
    rows += [(100, day, "A", "65+", "male", "J10.1"), (101, day, "B", "65+", "male", "B08.4")]
    rows += [(101, day + dt.timedelta(days=9), "B", "65+", "male", "B08.4")]
    found = linkage.classes(stored(records(rows), tmp_path), {"A": 2100.0, "B": 50.0}, spill=tmp_path)
    first = found[0]
    assert first.known == ("district", "age_group", "sex")
    assert (first.persons, first.classes, first.unique) == (22, 3, 2)
    assert first.prosecutor_highest == 1
    assert first.prosecutor_above == pytest.approx(2 / 22)
    assert first.matched == pytest.approx(3 / 22)
    # of the population: A has 100 persons for each in the records, B 50
    assert first.journalist_highest == pytest.approx(1 / 50)
    assert first.marketer == pytest.approx((20 / 2000 + 1 / 100 + 1 / 50) / 22)
    assert found[1].known == ("district", "age_group", "sex", "week")
    assert found[2].unique == 2
    assert found[1].journalist_highest is None


def test_two_visits_tell_apart_what_one_does_not(tmp_path):
    weeks = [MONDAY + dt.timedelta(days=7 * k) for k in range(3)]
    pairs = [(0, 1), (1, 2), (0, 2)]
    rows = [(10 * n + m, weeks[w], "A", "0-4", "female", "J10") for n, p in enumerate(pairs) for m in (0, 1) for w in p]
    rows += [(99, weeks[w], "A", "0-4", "female", "J10") for w in (0, 1, 2)]
    found = {(t.visits, t.also): t for t in trajectories.uniqueness(stored(records(rows), tmp_path), spill=tmp_path)}
    assert found[1, False].share == 0
    assert found[2, False].share == 0  # each pair is two persons' and 99's
    assert (found[3, False].persons, found[3, False].share) == (1, 1.0)


def test_who_knows_all_others_sees_a_person_wherever_a_count_is_shown():
    exact = released([[60, 30, 30], [20, 3, 17]])
    shown = released([[60, 30, 30], [20, None, None]])
    assert membership.infer(shown, exact).knows_all_others == 1.0
    hidden = released([[60, 30, 30], [None, None, None]])
    assert membership.infer(hidden, exact).knows_all_others == pytest.approx(60 / 80)


def released(weeks):
    rows = [(p, None if p == "P" else "P", "Flu", MONDAY + dt.timedelta(days=7 * w), v)
            for w, values in enumerate(weeks) for p, v in zip(("P", "A", "B"), values, strict=True)]  # fmt: skip
    schema = {"location": pl.String, "parent": pl.String, "disease": pl.String, "date": pl.Date, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_who_knows_the_weeks_around_learns_more_of_small_places():
    rng = np.random.default_rng(1)
    few, many = (released([[2 * n, n, n] for n in rng.poisson(mean, 60)]) for mean in (14, 900))
    small, large = membership.infer(few, few), membership.infer(many, many)
    assert 0.5 < large.auc < small.auc < 0.65
    assert 0 < large.advantage < small.advantage
    nothing = few.with_columns(value=pl.lit(None, dtype=pl.Float64))
    blind = membership.infer(nothing, few)
    assert (blind.auc, blind.advantage, blind.knows_all_others) == (0.5, 0.0, 0.0)


@pytest.fixture
def root(wall, places, definitions, key):
    root = wall(visits(np.random.default_rng(7)))
    releases.release(root, definitions, places, RULE, key=key)
    return root


def test_an_attack_on_a_release_is_told_with_its_references_and_stays_inside(root, places, key):
    before = {f for f in root.rglob("*") if f.is_file()}
    report = attack.attack(root, places, key=key)
    written = {f for f in root.rglob("*") if f.is_file()} - before
    assert written
    assert all(f.is_relative_to(root / "count" / report.release) for f in written)
    assert json.loads(report.file.read_text())["release"] == report.release
    said = "\n".join(report.lines())
    for word in ("INSIDE ONLY", "prosecutor", "journalist", "marketer", "0.09", "HIPAA", "visits", "Membership"):
        assert word in said, word
    assert report.subtraction["recovered"] == 0
    assert report.subtraction["counts_left_out"] > 0
    assert [t["visits"] for t in report.trajectories if not t["also"]] == [1, 2, 3]


def test_the_same_attack_finds_the_same(root, places, key):
    first, second = (attack.attack(root, places, key=key).as_dict() for _ in range(2))
    assert first == second


def test_subtraction_sees_what_two_releases_show_together(root, places, definitions, key, line_list):
    rule = Policy(weeks_held_back=0, revisions="allow", syndromes=("hfmd",))
    other = root.with_name("other")
    rows = [{"district": "A1", "icd10": "B08.4", "person_id": f"p{n}", "encounter_id": f"e{n}"} for n in range(30)]
    deidentify.ingest(line_list(rows), other, key, today=TODAY)
    weeks = (MONDAY, MONDAY + dt.timedelta(days=6))
    releases.release(other, definitions, places, rule, key=key, weeks=weeks)
    late = [{"district": "A1", "icd10": "B08.4", "person_id": f"q{n}", "encounter_id": f"l{n}"} for n in range(3)]
    deidentify.ingest(line_list(late), other, key, today=TODAY)
    releases.release(other, definitions, places, rule, key=key, weeks=weeks)
    found = attack.attack(other, places, key=key)
    assert found.subtraction["small_differences_of_releases"] == 3
    assert any("3 small numbers" in line for line in found.lines())
    logged = [e.details["release"] for e in log.read(zones.existing(other), key) if e.what == "released"]
    assert found.release == logged[-1] != logged[0]
    for name in logged:  # whatever the clocks said, the log has the order
        inside = other / "count" / name / "inside.json"
        inside.write_text(json.dumps(json.loads(inside.read_text()) | {"made_utc": f"19{logged.index(name) == 0:d}0"}))
    assert attack.attack(other, places, key=key).release == logged[-1]


def test_what_can_not_be_attacked_is_said(root, places, key, tmp_path):
    with pytest.raises(InputError, match="no release '0000'"):
        attack.attack(root, places, release="0000", key=key)
    for folder in (root / "count").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    with pytest.raises(InputError, match="nothing was released"):
        attack.attack(root, places, key=key)


def test_risks_are_said_for_each_of_three_and_judged_by_the_reference(root, places, key):
    report = attack.attack(root, places, key=key)
    said = "\n".join(report.lines())
    for who in (
        "prosecutor: highest risk",
        "journalist: highest risk",
        "marketer: ",
        "marketer, with a list of everybody",
    ):
        assert who in said, who
    alone = next(c for c in report.linkage if c["prosecutor_highest"] == 1)
    assert alone["unique"] > 0
    assert "highest risk 1, ABOVE the reference of 0.09" in said
    least = report.smallest_count_shown
    assert least >= 11
    assert f"with {least - 1} others or more. Prosecutor: highest risk {1 / least:.2g}, within the reference" in said
