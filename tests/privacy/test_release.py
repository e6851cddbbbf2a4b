"""From records to a release: bounds on what one person moves, nested totals, gates, and what a stranger can check."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY, TODAY, everything, visits

from salus.errors import InputError, NameNotFoundError, WallError
from salus.privacy import deidentify, policy, suppressed, suppression, verification, zones
from salus.privacy import release as releases
from salus.privacy.gaps import Gaps
from salus.privacy.policy import Policy
from salus.tables.contracts import SERIES

ALL = Policy(weeks_held_back=0)


def counts(report, disease="Influenza", week=MONDAY):
    table = pl.read_parquet(report.exact).filter(pl.col("disease") == disease, pl.col("date") == week)
    return dict(table.select("location", "value").iter_rows())


def test_a_person_counts_once_a_week_and_syndrome_where_first_seen(wall, places, definitions, key):
    one = {"person_id": "p"}
    root = wall(
        [
            one | {"district": "B2", "visit_date": dt.date(2024, 1, 4)},
            one | {"district": "A1", "visit_date": dt.date(2024, 1, 3)},
            one | {"district": "B1", "visit_date": dt.date(2024, 1, 3), "icd10": "J10.0"},
            one | {"district": "B2", "visit_date": dt.date(2024, 1, 8)},
            one | {"district": "B2", "visit_date": dt.date(2024, 1, 4), "icd10": "B08.4"},
        ]
    )
    report = releases.release(root, definitions, places, ALL, key=key)
    assert {p: n for p, n in counts(report).items() if n} == {"P": 1, "A": 1, "A1": 1}
    assert {p: n for p, n in counts(report, week=dt.date(2024, 1, 8)).items() if n} == {"P": 1, "B": 1, "B2": 1}
    assert {p: n for p, n in counts(report, "HFMD").items() if n} == {"P": 1, "B": 1, "B2": 1}
    assert report.beyond_bound == 2


def test_a_visit_ten_thousand_times_moves_a_count_by_one(wall, places, definitions, key):
    report = releases.release(wall([{"person_id": "p"}] * 10_000), definitions, places, ALL, key=key)
    assert counts(report)["P"] == 1


def test_counts_are_those_of_a_plain_reading_of_the_records(wall, places, definitions, key):
    rows = visits(np.random.default_rng(3))
    report = releases.release(wall(rows), definitions, places, ALL, key=key)
    seen = {(v["person_id"], (v["visit_date"] - MONDAY).days // 7) for v in rows if v["icd10"] == "J10.1"}
    exact = pl.read_parquet(report.exact).filter(pl.col("disease") == "Influenza")
    assert exact.filter(pl.col("location") == "P")["value"].sum() == len(seen)
    sums = exact.filter(pl.col("location_level") == "district").group_by("parent", "date").agg(pl.col("value").sum())
    above = exact.filter(pl.col("location_level") == "prefecture").select(
        pl.col("location").alias("parent"), "date", "value"
    )
    assert above.sort(pl.all()).equals(sums.select("parent", "date", "value").sort(pl.all()))


def test_the_release_is_a_series_whose_gaps_stay_open(wall, places, definitions, key):
    root = wall(visits(np.random.default_rng(1)))
    report = releases.release(root, definitions, places, ALL, key=key)
    guarded = SERIES.check(pl.read_parquet(report.series))
    exact = SERIES.check(pl.read_parquet(report.exact))
    shown = guarded["value"].is_not_null()
    assert report.left_out == (~shown).sum() > 0
    assert report.partners > 0
    assert (guarded.filter(shown)["value"] == exact.filter(shown)["value"]).all()
    positive = guarded["value"].drop_nulls().filter(guarded["value"].drop_nulls() > 0)
    assert positive.min() >= 11
    tree = suppression.tree([-1, 0, 0, 1, 1, 1, 2, 2, 2])
    values = guarded["value"].to_numpy().reshape(-1, tree.size)
    low, high = suppression.intervals(tree, values, np.isnan(values), 1)
    assert suppression.narrowest(low, high, np.isnan(values)) == report.narrowest >= 15
    assert zones.zone_of(report.series) == "release"
    assert zones.zone_of(report.exact) == "count"
    assert "inside only" in exact["source"][0]


def test_weeks_are_whole_and_the_last_is_held_back(wall, places, definitions, key):
    root = wall([{"visit_date": dt.date(2024, 1, 30)}])
    report = releases.release(root, definitions, places, Policy(), key=key)
    assert pl.read_parquet(report.series)["date"].unique().sort().to_list() == [
        MONDAY + dt.timedelta(days=7 * k) for k in range(3)
    ]


def test_mmwr_weeks_start_on_sunday(wall, places, definitions, key):
    rule = Policy(weeks_held_back=0, week_start="sunday")
    report = releases.release(wall([{"visit_date": dt.date(2024, 1, 7)}]), definitions, places, rule, key=key)
    assert pl.read_parquet(report.exact)["date"].min() == dt.date(2024, 1, 7)
    assert counts(report, week=dt.date(2024, 1, 7))["P"] == 1


def test_a_year_of_53_weeks_has_53(wall, places, definitions, key):
    rows = [{"visit_date": d} for d in (dt.date(2019, 12, 30), dt.date(2020, 12, 31), dt.date(2021, 1, 10))]
    report = releases.release(
        wall(rows), definitions, places, ALL, key=key, weeks=(dt.date(2019, 12, 30), dt.date(2021, 1, 3))
    )
    weeks = pl.read_parquet(report.exact)["date"].unique()
    assert weeks.len() == 53
    assert counts(report, week=dt.date(2020, 12, 28))["P"] == 1


def test_simulated_records_say_so_on_everything(wall, places, definitions, key):
    report = releases.release(wall([{}], simulated=True), definitions, places, ALL, key=key)
    assert report.simulated
    assert pl.read_parquet(report.series)["source"].str.starts_with("SIMULATED").all()
    assert json.loads(report.certificate.read_text())["simulated"] is True
    assert "SIMULATED" in (report.folder / "README.md").read_text()
    assert report.lines()[0] == "SIMULATED records."


def test_districts_that_are_not_known_are_said_and_in_no_count(wall, places, definitions, key):
    root = wall([{"district": "Z9"}, {"district": "Z9"}, {"district": "Z8"}, {}])
    report = releases.release(root, definitions, places, ALL, key=key)
    assert report.unplaced == {"districts": 2, "persons": 3}
    assert "In no count: 3 persons of 2 districts that the places table does not have" in report.lines()
    inside = report.exact.parent
    assert pl.read_parquet(inside / "cells.parquet")["district"].to_list() == ["A1"]
    assert not [f for f in inside.iterdir() if b"Z9" in f.read_bytes()]
    assert counts(report)["P"] == 1
    assert "Z9" not in pl.read_parquet(report.series)["location"].to_list()
    assert "Z9" not in report.certificate.read_text()


def test_the_same_release_again_changes_nothing(wall, places, definitions, key):
    root = wall(visits(np.random.default_rng(2), 800))
    first = releases.release(root, definitions, places, ALL, key=key)
    before = everything(root)
    again = releases.release(root, definitions, places, ALL, key=key)
    assert again.already
    assert again.id == first.id
    assert everything(root) == before


def test_the_certificate_tells_nobody_what_was_small(wall, places, definitions, key):
    report = releases.release(wall(visits(np.random.default_rng(5))), definitions, places, ALL, key=key)
    outside = "".join(f.read_text() for f in report.folder.iterdir() if f.suffix != ".parquet")
    assert "partners" not in outside
    assert "beyond_bound" not in outside
    inside = json.loads((report.exact.parent / "inside.json").read_text())
    assert inside["left_out_small"] + inside["left_out_partners"] == report.left_out


def test_breakdowns_are_guarded_as_parts_of_their_place(wall, places, definitions, key):
    rule = Policy(weeks_held_back=0, breakdowns=("age_group", "sex"), breakdown_level="prefecture")
    report = releases.release(wall(visits(np.random.default_rng(6), 8000)), definitions, places, rule, key=key)
    table = pl.read_parquet(report.breakdowns)
    series = pl.read_parquet(report.series).select("location", "disease", "date", total="value")
    families = (
        table.group_by("location", "disease", "date", "dimension")
        .agg(pl.col("value").sum().alias("sum"), pl.col("value").null_count().alias("gaps"), pl.len())
        .join(series, on=["location", "disease", "date"])
    )
    assert set(families["location"]) == {"A", "B"}
    whole = families.filter(pl.col("gaps") == 0)
    assert whole.height
    assert (whole["sum"] == whole["total"]).all()
    partly = families.filter((pl.col("gaps") > 0) & (pl.col("gaps") < pl.col("len")))
    assert partly.height
    assert (partly["gaps"] >= 2).all()
    assert (partly["total"] - partly["sum"] - partly["gaps"] >= 15).all()
    assert families.filter(pl.col("total").is_null() & (pl.col("gaps") < pl.col("len"))).is_empty()
    positive = table["value"].drop_nulls()
    assert not ((positive > 0) & (positive < 11)).any()


def test_a_week_that_was_released_stays_as_it_was(wall, line_list, places, definitions, key):
    root = wall([{"district": "A1"} for _ in range(30)])
    first = releases.release(root, definitions, places, ALL, key=key)
    late = [{"encounter_id": f"late{n}", "person_id": f"late{n}"} for n in range(4)]
    deidentify.ingest(line_list(late), root, key, today=TODAY)
    second = releases.release(root, definitions, places, ALL, key=key)
    assert second.id != first.id
    assert counts(second)["A1"] == 34
    values = [pl.read_parquet(r.series)["value"] for r in (first, second)]
    assert values[0].equals(values[1])
    assert second.weeks_frozen == 8
    assert not [f for f in verification.verify(second.folder) if f.fails]


def test_frozen_weeks_do_not_need_the_folder_that_left(wall, line_list, places, definitions, key, tmp_path):
    root = wall([{"district": "A1"} for _ in range(30)])
    first = releases.release(root, definitions, places, ALL, key=key)
    first.folder.rename(tmp_path / "sent")
    deidentify.ingest(line_list([{"encounter_id": "late", "person_id": "late"}]), root, key, today=TODAY)
    second = releases.release(root, definitions, places, ALL, key=key)
    assert pl.read_parquet(second.series)["value"].equals(
        pl.read_parquet(tmp_path / "sent" / "series.parquet")["value"]
    )


def test_a_policy_that_allows_revisions_says_what_is_not_promised(wall, line_list, places, definitions, key):
    root = wall([{"district": "A1"} for _ in range(30)])
    rule = Policy(weeks_held_back=0, revisions="allow")
    releases.release(root, definitions, places, rule, key=key)
    deidentify.ingest(line_list([{"encounter_id": "late", "person_id": "late"}]), root, key, today=TODAY)
    report = releases.release(root, definitions, places, rule, key=key)
    assert dict(pl.read_parquet(report.series).select("location", "value").iter_rows())["A1"] is not None
    assert any(
        "difference of two releases" in said for said in json.loads(report.certificate.read_text())["not_claimed"]
    )


@pytest.mark.parametrize(
    "change", [{"minimum_cell": 12}, {"zeros": "hide"}, {"levels": ("province",)}, {"minimum_interval": 20}]
)
def test_the_same_cases_are_never_released_in_two_ways(wall, places, definitions, key, change):
    root = wall([{}])
    releases.release(root, definitions, places, ALL, key=key)
    with pytest.raises(WallError, match="released before under another policy"):
        releases.release(root, definitions, places, Policy(weeks_held_back=0, **change), key=key)
    with pytest.raises(WallError, match="under another definition"):
        releases.release(root, definitions.with_columns(match=pl.lit("exact")), places, ALL, key=key)


def test_syndromes_that_share_codes_are_not_released_together_nor_after_each_other(wall, places, definitions, key):
    root = wall([{}])
    ili = pl.DataFrame([("icd10", "J10.1", "exact", "ili", "ILI")], schema=definitions.columns, orient="row")
    both = pl.concat([definitions, ili])
    with pytest.raises(WallError, match=r"'ili' and 'influenza' share codes|'influenza' and 'ili' share codes"):
        releases.release(root, both, places, ALL, key=key)
    assert not [f for f in (root / "release").iterdir() if f.is_dir()]
    one, other = (Policy(weeks_held_back=0, syndromes=(s,)) for s in ("influenza", "ili"))
    releases.release(root, both, places, one, key=key)
    with pytest.raises(WallError, match="was released before"):
        releases.release(root, both, places, other, key=key)


def test_a_gate_that_is_missed_writes_nothing(wall, places, definitions, key, monkeypatch):
    root = wall(visits(np.random.default_rng(1)))
    monkeypatch.setattr(suppression, "suppress", lambda _, values, *rest: suppression.primary(values, rest[0], rest[2]))
    before = {f for f in root.rglob("*") if f.is_file()}
    with pytest.raises(WallError, match="gate missed: a count left out could be placed within"):
        releases.release(root, definitions, places, ALL, key=key)
    monkeypatch.setattr(suppression, "suppress", lambda _, values, *rest: np.zeros(values.shape, dtype=bool))
    with pytest.raises(WallError, match=r"gate missed: a count of [0-9]+ would be shown"):
        releases.release(root, definitions, places, ALL, key=key)
    assert {f for f in root.rglob("*") if f.is_file()} == before


@pytest.mark.parametrize(
    ("low", "high", "whole", "said"),
    [
        (35, 45, True, "narrower than the minimum cell"),
        (20, 59, True, r"more closely than \+-50 % of its value"),
        (10, 59, False, "less than one and a half times its value"),
        (41, 90, False, "does not enclose"),
    ],
    ids=["cell", "half", "upper", "outside"],
)
def test_each_gate_of_the_attack_has_its_word(low, high, whole, said):
    found = pl.DataFrame({"low": [1.0, float(low)], "high": [30.0, float(high)], "whole": [False, whole]})
    with pytest.raises(WallError, match=f"gate missed: .*{said}"):
        suppressed.check_intervals(found, pl.Series([9, 40]), ALL)
    suppressed.check_intervals(found.with_columns(low=1.0, high=61.0), pl.Series([9, 40]), ALL)


def test_the_attack_stops_a_release_that_it_undoes(wall, places, definitions, key, monkeypatch):
    root = wall(visits(np.random.default_rng(1)))
    before = {f for f in root.rglob("*") if f.is_file()}
    monkeypatch.setattr(Gaps, "_need", lambda self, gap: 0)
    monkeypatch.setattr(Gaps, "_mostly_shown", lambda self, gap: False)
    rule = Policy(weeks_held_back=0, minimum_cell=5, minimum_interval=5)
    with pytest.raises(WallError, match="gate missed"):
        releases.release(root, definitions, places, rule, key=key)
    assert {f for f in root.rglob("*") if f.is_file()} == before


def test_the_result_of_the_attack_stays_inside(wall, places, definitions, key):
    report = releases.release(wall(visits(np.random.default_rng(5))), definitions, places, ALL, key=key)
    inside = json.loads((report.exact.parent / "inside.json").read_text())["attack_by_linear_programming"]
    assert inside["counts_left_out"] == report.left_out
    assert inside["narrowest_interval"] >= 15
    assert inside["least_interval_by_value"] >= 1
    assert "least_interval" not in report.certificate.read_text()


def test_levels_can_be_left_out_and_places_must_nest(wall, places, definitions, key):
    root = wall(visits(np.random.default_rng(1)))
    above = Policy(weeks_held_back=0, levels=("province", "prefecture"))
    stray = pl.concat(
        [places, places.filter(pl.col("location") == "A1").with_columns(location=pl.lit("Q1"), parent=pl.lit("P"))]
    )
    with pytest.raises(InputError, match="'Q1' lies in no place of the lowest level"):
        releases.release(root, definitions, stray, above, key=key)
    ring = places.with_columns(parent=pl.when(pl.col("location") == "P").then(pl.lit("A1")).otherwise("parent"))
    with pytest.raises(InputError, match="lies in itself"):
        releases.release(root, definitions, ring, ALL, key=key)
    report = releases.release(root, definitions, places, above, key=key)
    assert set(pl.read_parquet(report.series)["location"]) == {"P", "A", "B"}


def test_what_can_not_be_counted_is_said(wall, places, definitions, key, tmp_path):
    root = wall([{}])
    with pytest.raises(NameNotFoundError, match="Did you mean 'influenza'"):
        releases.release(root, definitions, places, Policy(syndromes=("influensa",)), key=key)
    with pytest.raises(InputError, match="no whole week"):
        releases.release(root, definitions, places, ALL, key=key, weeks=(dt.date(2024, 1, 2), dt.date(2024, 1, 9)))
    with pytest.raises(InputError, match="there is no wall"):
        releases.release(tmp_path / "nowhere", definitions, places, ALL, key=key)


def test_the_default_policy_fits_the_case_definitions_that_come_with_salus(wall, places, key):
    from salus.surveillance import syndromes

    report = releases.release(wall([{}]), syndromes.definitions(), places, key=key)
    assert set(pl.read_parquet(report.series)["disease"]) == {
        syndromes.describe(s).disease for s in policy.load().syndromes
    }
