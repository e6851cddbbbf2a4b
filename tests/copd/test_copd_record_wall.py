"""Everybody in the records of a wall: what counts of them, and where the rows may stand."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest
from helpers_record_wall import KEY, VISITS, a_wall

from salus.copd.people import assess_table
from salus.copd.record_wall import Assessed, assess_records
from salus.data.duck import DuckSteps
from salus.errors import InputError, WallError
from salus.privacy import keys, log, ring, zones
from salus.privacy.keys import Key
from salus.privacy.rotation import rotate
from salus.tables.assessments import COPD_ASSESSMENTS


def rows_of(found: Assessed) -> dict[str, dict[str, object]]:
    """Rows by the name that the source had."""
    numbers = {str(ring.Ring(KEY).person(name)): name for name, *_ in VISITS}
    return {numbers[row["person"]]: row for row in COPD_ASSESSMENTS.check(pl.read_parquet(found.file)).to_dicts()}


def mean_over(ages: range, **answers: object) -> float:
    people = pl.DataFrame([{**answers, "age": age} for age in ages])
    return assess_table(people)["probability"].mean()  # type: ignore[return-value] # of a column of numbers


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Assessed:
    return assess_records(a_wall(tmp_path_factory.mktemp("records")), key=KEY, why="whom to invite")


@pytest.mark.parametrize(
    ("name", "ages", "answers"),
    [
        ("plain", range(45, 65), {"sex": "female"}),
        ("asthma", range(45, 65), {"sex": "female", "asthma_ever": 1}),
        ("all", range(65, 80), {"sex": "male", "emphysema_ever": 1, "diabetes": 1, "smk_status": "current"}),
        ("gave up", range(65, 80), {"sex": "male", "smk_status": "former"}),
        ("began again", range(65, 80), {"sex": "male", "smk_status": "current"}),
        ("sex written twice", range(45, 65), {"sex": "male"}),
        ("turned 45", range(45, 65), {"sex": "female"}),
    ],
)
def test_a_person_has_the_mean_of_the_same_answers_over_the_years_of_the_age_group(
    assessed: Assessed, name: str, ages: range, answers: dict[str, object]
) -> None:
    assert rows_of(assessed)[name]["probability"] == pytest.approx(mean_over(ages, **answers), abs=1e-12)


def test_who_is_young_or_ageless_is_counted_and_not_assessed(assessed: Assessed) -> None:
    assert set(rows_of(assessed)) == {name for name, *_ in VISITS} - {"young", "ageless"}
    assert (assessed.persons, assessed.outside, assessed.tally.rows) == (10, 2, 8)


def test_a_diagnosis_is_flagged_and_left_out_of_those_without_one(assessed: Assessed) -> None:
    rows = rows_of(assessed)
    flagged = {name for name, row in rows.items() if "diagnosed" in str(row["flags"]).split()}
    assert flagged == {"known", "all"}
    assert all("age_group" in str(row["flags"]).split() for row in rows.values())
    assert sum(assessed.undiagnosed.values()) == 6


def test_rows_are_sorted_and_stay_in_the_record_zone_for_their_owner_alone(assessed: Assessed) -> None:
    assert pl.read_parquet(assessed.file)["person"].cast(pl.Int64).is_sorted()
    assert zones.zone_of(assessed.file) == "record"
    assert stat.S_IMODE(assessed.file.stat().st_mode) == 0o600
    last = log.read(zones.existing(assessed.file.parents[2]), KEY)[-1]
    assert (last.what, last.why) == ("assess", "whom to invite")


@pytest.mark.parametrize("place", ["out.parquet", "wall/record/out.parquet", "wall/release/copd/out.parquet"])
def test_rows_go_nowhere_else(tmp_path: Path, place: str) -> None:
    root = a_wall(tmp_path, VISITS[:1])
    with pytest.raises(WallError, match="rows about persons of this wall are written there alone"):
        assess_records(root, key=KEY, out=tmp_path / place)
    assert not (tmp_path / place).exists()


def test_a_wall_without_records_and_another_key_are_refused(tmp_path: Path) -> None:
    empty = zones.create(tmp_path / "empty")
    with pytest.raises(InputError, match="no records"):
        assess_records(empty.root, key=KEY)
    with pytest.raises(WallError):
        assess_records(a_wall(tmp_path, VISITS[:1]), key=Key(b"8" * 32))


def test_neither_the_order_of_rows_nor_two_ingests_change_anything(tmp_path: Path, assessed: Assessed) -> None:
    root = a_wall(tmp_path, VISITS[::-2])
    a_wall(tmp_path, VISITS[-2::-2])
    assert assess_records(root, key=KEY).file.read_bytes() == assessed.file.read_bytes()


def test_after_a_change_of_keys_a_person_is_found_by_all_of_them(tmp_path: Path) -> None:
    root, new = a_wall(tmp_path, VISITS[:3]), Key(b"9" * 32)
    rotate(root, KEY, new, why="test")
    found = pl.read_parquet(assess_records(root, key=new).file)
    held = ring.read(zones.existing(root), new, 1)
    assert set(found["person"]) == {str(held.person("plain")), str(held.person("asthma"))}


def test_parts_of_all_persons_give_the_rows_of_all(
    tmp_path: Path, assessed: Assessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DuckSteps, "passes_rows", 3)
    found = assess_records(a_wall(tmp_path), key=KEY)
    assert pl.read_parquet(found.file).equals(pl.read_parquet(assessed.file))


def test_a_key_of_a_file_tells_the_same_numbers(tmp_path: Path) -> None:
    made = keys.load(keys.create(tmp_path / "office.key"))
    assert ring.Ring(made).person("P1") == made.surrogate("person", "P1")
