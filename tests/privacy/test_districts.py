"""What may stand in a column of districts, for nobody's name or number may enter by it."""

import polars as pl
import pytest
from helpers_wall import TODAY

from salus.data import duck as duckdb_engine
from salus.errors import InputError
from salus.privacy import deidentify
from salus.privacy.steps import districts

CODES = [
    "A1",
    "B3",
    "Z",
    "SIM0101",
    "310101",
    "110101001",
    "110101001001",
    "06037",
    "US-CA-037",
    "JP-13",
    "DEA2D",
    "UKI31",
]
CODES += ["E09000001", "13.06", "D-12", "district3", "2"]
NAMES = [
    "朝阳区",
    "西湖街道",
    "浙江省杭州市西湖区",
    "香港特别行政区",
    "101团",
    "北海道",
    "東京都",
    "さいたま市",
    "Suffolk County",
    "Bas-Rhin Region",
]
OTHERS = [
    "John Smith 13800000000",
    "John Smith",
    "Smith",
    "110101199001011234",
    "11010119900101123X",
    "110101900101123",
]
OTHERS += [
    "张伟家",
    "张伟",
    "欧阳娜娜",
    "建国路88号",
    "13800000000",
    "+8613800000000",
    "555-123-4567",
    "123-45-6789",
    "2125551234",
]
OTHERS += [
    "1990-05-01",
    "a@b.org",
    "smith1@x.cn",
    "010-88886666-123",
    "乙",
    "県" * 40,
    "John Smith 12 County",
    "x" * 41,
    "A1 2",
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with duckdb_engine.duck_engine(tmp_path_factory.mktemp("duck"), []) as engine:
        table = engine.frame(pl.DataFrame({"text": CODES + NAMES + OTHERS}))
        return dict(engine.answer(table.select("text", form=districts.has_form(table.text))).iter_rows())


def test_codes_and_names_of_places_have_the_form_and_persons_have_not(told):
    assert [t for t in CODES + NAMES if not told[t]] == []
    assert [t for t in OTHERS if told[t]] == []


def test_a_person_in_the_column_of_districts_is_set_aside_without_the_text(line_list, key, tmp_path):
    secrets = ["John Smith 13800000000", "110101199001011234", "张伟家"]
    source = line_list([{}, *({"district": s} for s in secrets)])
    report = deidentify.ingest(source, tmp_path / "wall", key, today=TODAY)
    assert report.set_aside == {"district is no code and no name of a place": 3}
    assert "Give the table of places with --places to say which districts there are." in report.lines()
    for file in (f for f in (tmp_path / "wall").rglob("*") if f.is_file()):
        text = pl.read_parquet(file).write_csv() if file.suffix == ".parquet" else file.read_text()
        assert not [s for s in secrets if s in text], file


def test_where_no_district_has_the_form_the_advice_is_said(line_list, key, tmp_path):
    with pytest.raises(InputError, match=r"district is no code and no name of a place: 1.* with --places to say"):
        deidentify.ingest(line_list([{"district": "甲某"}]), tmp_path / "wall", key, today=TODAY)


def test_with_a_table_only_its_places_enter(line_list, key, tmp_path, places):
    source = line_list([{"district": d} for d in ("A1", " A2\u200b", "Z9", "Smith")])
    report = deidentify.ingest(source, tmp_path / "wall", key, today=TODAY, places=places)
    assert report.set_aside == {"district is not in the table of places": 2}
    assert sorted(pl.read_parquet(report.part)["district"]) == ["A1", "A2"]
    assert not [f for f in (tmp_path / "wall").rglob("*") if f.is_file() and b"Smith" in f.read_bytes()]
