"""Which weeks a release has: under differential privacy nothing of the records decides, else no single person does."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY, SPAN, TODAY, visits

from salus.errors import InputError
from salus.privacy import budget, claims, deidentify, log, verification, zones
from salus.privacy import release as releases
from salus.privacy.policy import Policy

NOISY = Policy(kind="differential_privacy", weeks_held_back=0)
PLAIN = Policy(weeks_held_back=0)


def weeks(report):
    return pl.read_parquet(report.series)["date"].unique().sort().to_list()


def test_with_noise_the_days_must_be_said(wall, places, definitions, key):
    root = wall([{}])
    before = {f for f in root.rglob("*") if f.is_file()}
    with pytest.raises(InputError, match=r"--days YYYY-MM-DD:YYYY-MM-DD"):
        releases.release(root, definitions, places, NOISY, key=key)
    assert {f for f in root.rglob("*") if f.is_file()} == before


@pytest.mark.parametrize("stray", [dt.date(2019, 3, 4), dt.date(1900, 1, 1), dt.date(2024, 12, 30)])
def test_one_person_moves_neither_weeks_nor_places_nor_budget(
    wall, line_list, places, definitions, key, tmp_path, stray
):
    rows = visits(np.random.default_rng(3), 400)
    without = wall(rows)
    other = {"person_id": "stray", "encounter_id": "s", "visit_date": stray, "district": "Z9", "icd10": "B08.4"}
    edge = [{"person_id": f"e{n}", "encounter_id": f"e{n}", "icd10": "I10"} for n in range(3)]
    deidentify.ingest(line_list([*rows, *edge, other]), tmp_path / "with", key, today=TODAY)
    made = [releases.release(r, definitions, places, NOISY, key=key, weeks=SPAN) for r in (without, tmp_path / "with")]
    shown = [pl.read_parquet(m.series).drop("value", "source") for m in made]
    assert shown[0].equals(shown[1])
    paid = [[(a.year, a.epsilon) for a in budget.read(zones.existing(m.folder.parents[1])).allotments] for m in made]
    assert paid == [[(2024, 1.0)], [(2024, 1.0)]]


def test_later_releases_with_noise_go_on_to_the_last_ingest(wall, line_list, places, definitions, key, monkeypatch):
    said = ["2024-01-30T08:00:00Z"]
    monkeypatch.setattr(log.provenance, "utc_text", lambda: said[0])
    root = wall([{}])
    first = releases.release(root, definitions, places, NOISY, key=key, weeks=SPAN)
    said[0] = "2024-02-14T08:00:00Z"  # a Wednesday: the week of 5 February is over
    deidentify.ingest(line_list([{"visit_date": dt.date(2019, 3, 4)}]), root, key, today=TODAY)
    said[0] = "2024-05-01T08:00:00Z"
    second = releases.release(root, definitions, places, NOISY, key=key)
    assert weeks(first) == [MONDAY + dt.timedelta(days=7 * k) for k in range(4)]
    assert weeks(second) == [MONDAY + dt.timedelta(days=7 * k) for k in range(6)]
    again = releases.release(root, definitions, places, NOISY, key=key, weeks=(MONDAY, dt.date(2024, 2, 11)))
    assert again.id == second.id
    assert again.already


def test_weeks_that_were_shown_stay_where_the_last_ingest_is_older(wall, places, definitions, key, monkeypatch):
    monkeypatch.setattr(log.provenance, "utc_text", lambda: "2024-01-10T08:00:00Z")
    root = wall([{}])
    first = releases.release(root, definitions, places, NOISY, key=key, weeks=SPAN)
    second = releases.release(root, definitions, places, NOISY, key=key)
    assert second.id == first.id


@pytest.mark.parametrize("rule", [PLAIN, NOISY], ids=["suppression", "noise"])
def test_days_that_have_not_come_are_refused(wall, places, definitions, key, rule):
    tomorrow = dt.datetime.now().astimezone().date() + dt.timedelta(days=1)
    with pytest.raises(InputError, match="has not come yet"):
        releases.release(wall([{}]), definitions, places, rule, key=key, weeks=(MONDAY, tomorrow))


def test_one_typing_error_adds_no_week_to_counts_that_are_left_out(wall, places, definitions, key):
    rows = visits(np.random.default_rng(3), 400)
    strays = [{"person_id": "stray", "visit_date": dt.date(1900, 1, 1) + dt.timedelta(days=n)} for n in range(30)]
    strays += [{"visit_date": dt.date(2024, 6, 3)}]
    report = releases.release(wall([*rows, *strays]), definitions, places, PLAIN, key=key)
    assert weeks(report) == [MONDAY + dt.timedelta(days=7 * k) for k in range(4)]


def test_a_week_of_few_persons_is_none_of_the_first(wall, line_list, places, definitions, key, tmp_path):
    few = [{"person_id": f"p{n}", "visit_date": MONDAY} for n in range(10)]
    deidentify.ingest(line_list(few), tmp_path / "few", key, today=TODAY)
    with pytest.raises(InputError, match=r"no week .* 11 persons.*--days"):
        releases.release(tmp_path / "few", definitions, places, PLAIN, key=key)
    report = releases.release(tmp_path / "few", definitions, places, PLAIN, key=key, weeks=SPAN)
    assert len(weeks(report)) == 4
    more = [{"person_id": "p10", "encounter_id": "a"}, {"visit_date": dt.date(2024, 1, 7), "encounter_id": "b"}]
    deidentify.ingest(line_list(more), tmp_path / "few", key, today=TODAY)
    assert weeks(releases.release(tmp_path / "few", definitions, places, PLAIN, key=key)) == [MONDAY]


@pytest.mark.parametrize("rule", [PLAIN, NOISY], ids=["suppression", "noise"])
def test_the_days_are_certified_and_checked(wall, places, definitions, key, rule):
    root = wall([{}])
    report = releases.release(root, definitions, places, rule, key=key, weeks=SPAN)
    assert any("2024-01-01" in line and "2024-01-28" in line for line in report.lines())
    inside = {"definitions": definitions, "places": places, "root": root, "key": key}
    for more in ({}, inside):
        [days] = [f for f in verification.verify(report.folder, **more) if f.claim == "days"]
        assert (days.stated, days.found) == ("2024-01-01:2024-01-28",) * 2


def test_a_week_that_is_missing_between_is_found(wall, places, definitions, key):
    report = releases.release(wall([{}]), definitions, places, PLAIN, key=key, weeks=SPAN)
    table = pl.read_parquet(report.series)
    assert claims.days(table) == "2024-01-01:2024-01-28"
    assert "not all weeks" in claims.days(table.filter(pl.col("date") != dt.date(2024, 1, 8)))
    one = (pl.col("date") == dt.date(2024, 1, 8)) & (pl.col("disease") == table["disease"][0])
    assert "not all weeks" in claims.days(table.filter(~one))
    assert json.loads(report.certificate.read_text())["format"] == 2
