import datetime as dt
import itertools

import numpy as np
import polars as pl
import pytest
from helpers_wall import everything

from salus.errors import InputError, WallError
from salus.privacy import deidentify, ledger, zones
from salus.privacy.keys import Key
from salus.sources.linelist import open_linelist
from salus.tables.contracts import RECORDS

TODAY = dt.date(2024, 6, 1)


def test_records_fit_the_contract_and_carry_surrogates_only(line_list, key, tmp_path):
    source = line_list([{}, {"person_id": "person-0"}, {"icd10": "B08.4"}])
    report = deidentify.ingest(source, tmp_path / "wall", key, today=TODAY)
    records = RECORDS.check(pl.read_parquet(report.part))
    assert records["person"].to_list().count(key.surrogate("person", "person-0")) == 2
    assert set(records["encounter"]) == {key.surrogate("encounter", f"v{n}") for n in range(3)}
    assert report.fields_left == ("name", "phone")
    assert (report.rows, report.kept, report.persons, report.visits) == (3, 3, 2, 3)


def test_no_identifier_of_the_source_reaches_the_disk(line_list, key, tmp_path):
    secrets = ["person-777-secret", "visit-888-secret", "韩梅梅", "13912345678"]
    visits = [
        {"person_id": secrets[0], "encounter_id": secrets[1]},
        {"icd10": "nonsense"},
        {"birth_date": dt.date(2030, 1, 1)},
    ]
    deidentify.ingest(line_list(visits), tmp_path / "wall", key, today=TODAY)
    files = [f for f in (tmp_path / "wall").rglob("*") if f.is_file()]
    assert any(f.suffix == ".parquet" for f in files)
    for file in files:
        content = pl.read_parquet(file).write_csv() if file.suffix == ".parquet" else file.read_text()
        assert not [s for s in secrets if s in content], file
        assert key.secret.hex() not in content
    assert not list((tmp_path / "wall" / "vault").glob(".work-*"))


def test_every_bad_row_is_set_aside_with_its_reason_and_its_visit(line_list, key, tmp_path):
    bad = {
        "born after the visit": {"birth_date": dt.date(2024, 1, 4)},
        "impossible age": {"birth_date": dt.date(1890, 1, 1)},
        "visit in the future": {"visit_date": dt.date(2024, 6, 2)},
        "visit before 1900": {"visit_date": dt.date(1824, 1, 1), "birth_date": None},
        "no person identifier": {"person_id": "  "},
        "no visit identifier": {"encounter_id": ""},
        "no visit date": {"visit_date": None},
        "no district": {"district": None},
        "district is no code and no name of a place": {"district": "the house with the red door"},
        "no diagnosis code": {"icd10": " . "},
        "unreadable diagnosis code": {"icd10": "flu"},
        "reported before the visit": {"reported_date": dt.date(2024, 1, 2)},
    }
    report = deidentify.ingest(line_list([{}, *bad.values()]), tmp_path / "wall", key, today=TODAY)
    assert report.set_aside == dict.fromkeys(bad, 1)
    assert (report.rows, report.kept) == (len(bad) + 1, 1)
    aside = pl.read_parquet(report.quarantine)
    named = dict(aside.select("reason", "visit").iter_rows())
    assert named["born after the visit"] == "v1"
    assert aside["file"].unique().to_list() == ["visits0.parquet"]
    assert "13 rows in = 1 kept + 0 left out + 12 set aside" in report.lines()


def test_lines_that_are_no_rows_are_counted_too(key, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("person_id,visit_date,district,icd10\np1,2024-01-01,A1,J10\np2,2024\np3,2024-01-01,A1,J10\n")
    report = deidentify.ingest(open_linelist([path]), tmp_path / "wall", key, today=TODAY)
    assert (report.rows, report.kept, sum(report.set_aside.values())) == (3, 2, 1)
    assert pl.read_parquet(report.quarantine).select("file", "line").rows() == [("a.csv", 3)]


def test_an_age_in_years_serves_where_there_is_no_birth_date(key, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "person_id,visit_date,district,icd10,age\np1,2024-01-01,A1,J10,4\np2,2024-01-01,A1,J10,\np3,2024-01-01,A1,J10,200\n"
    )
    report = deidentify.ingest(open_linelist([path]), tmp_path / "wall", key, today=TODAY)
    assert sorted(pl.read_parquet(report.part)["age_group"].to_list(), key=str) == ["0-4", None]
    assert report.set_aside == {"impossible age": 1}


def test_the_same_row_ten_thousand_times_is_one_record(line_list, key, tmp_path):
    one = {"encounter_id": "v", "person_id": "p"}
    report = deidentify.ingest(line_list([one] * 10_000), tmp_path / "wall", key, today=TODAY)
    assert (report.rows, report.kept) == (10_000, 1)
    assert report.left_out == {"row of a visit and code that came twice": 9_999}


def test_of_two_versions_of_a_row_the_last_reported_stands_whatever_the_order(line_list, key, tmp_path):
    versions = [
        {"encounter_id": "v", "person_id": "p", "district": d, "reported_date": r}
        for d, r in (("A1", dt.date(2024, 1, 4)), ("A2", dt.date(2024, 1, 9)), ("A3", None))
    ]
    for n, order in enumerate(itertools.permutations(versions)):
        report = deidentify.ingest(line_list(order), tmp_path / f"wall{n}", key, today=TODAY)
        assert pl.read_parquet(report.part)["district"].to_list() == ["A2"]


def test_ids_that_differ_by_blanks_and_signs_nobody_sees_are_one(line_list, key, tmp_path):
    around = ["", " ", "\u200b", "\ufeff", "\u202e", "\u2068", "\u200f\u3000", "\u00ad\t", "\u2060 \u200b", "\u2003"]
    visits = [{"person_id": f"{sign}p{sign[::-1]}", "encounter_id": f"{sign}v"} for sign in around]
    report = deidentify.ingest(line_list(visits), tmp_path / "wall", key, today=TODAY)
    assert (report.rows, report.persons, report.visits) == (len(around), 1, 1)


def test_the_order_of_rows_does_not_matter(line_list, key, tmp_path):
    visits = [{"encounter_id": f"v{n}", "person_id": f"p{n % 7}", "district": f"A{n % 3}"} for n in range(200)]
    shuffled = np.random.default_rng(1).permutation(visits).tolist()
    tables = []
    for n, rows in enumerate((visits, shuffled)):
        report = deidentify.ingest(line_list(rows), tmp_path / f"wall{n}", key, today=TODAY)
        tables.append(pl.read_parquet(report.part).sort("encounter"))
    assert tables[0].equals(tables[1])


def test_the_same_files_again_change_nothing(line_list, key, tmp_path):
    source = line_list([{}, {}])
    first = deidentify.ingest(source, tmp_path / "wall", key, today=TODAY)
    before = everything(tmp_path / "wall")
    again = deidentify.ingest(source, tmp_path / "wall", key, today=TODAY)
    assert again.already
    assert not first.already
    assert again.rows == first.rows
    assert everything(tmp_path / "wall") == before


def test_another_key_is_refused_before_anything_is_read(line_list, key, tmp_path):
    deidentify.ingest(line_list([{}]), tmp_path / "wall", key, today=TODAY)
    with pytest.raises(WallError, match="not the key that the records"):
        deidentify.ingest(line_list([{}, {}]), tmp_path / "wall", Key(bytes(range(1, 33))), today=TODAY)
    assert len(list((tmp_path / "wall" / "record").glob("*.parquet"))) == 1


def test_files_without_one_usable_row_change_nothing(line_list, key, tmp_path):
    with pytest.raises(InputError, match=r"no row of .* can be used .*unreadable diagnosis code: 2"):
        deidentify.ingest(line_list([{"icd10": "x"}, {"icd10": "y"}]), tmp_path / "wall", key, today=TODAY)
    assert not list((tmp_path / "wall" / "record").glob("*.parquet"))
    assert ledger.read(zones.existing(tmp_path / "wall"), key).entries == ()


def test_what_a_killed_ingest_left_is_removed_by_the_next(line_list, key, tmp_path):
    wall = zones.create(tmp_path / "wall")
    left = wall.path("vault") / ".work-dead"
    left.mkdir()
    (left / "stage.parquet").write_text("raw rows")
    (wall.path("record") / "000001-0123456789abcdef.parquet").write_text("half a file")
    report = deidentify.ingest(line_list([{}]), tmp_path / "wall", key, today=TODAY)
    assert not left.exists()
    assert ledger.parts(wall, ledger.read(wall, key)) == [report.part]


def test_a_cut_off_parquet_file_is_one_sentence_without_content(line_list, key, tmp_path):
    source = line_list([{}] * 100)
    path = source.files[0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"visits0\.parquet") as raised:
        deidentify.ingest(source, tmp_path / "wall", key, today=TODAY)
    assert "韩梅梅" not in str(raised.value)
    with pytest.raises(InputError, match="not a readable Parquet file"):
        open_linelist([path])
