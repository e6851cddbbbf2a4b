import gzip

import duckdb
import polars as pl
import pytest

from salus.errors import InputError
from salus.sources.linelist import open_linelist
from salus.sources.records import FIELDS

HEADER = (
    "encounter_id,person_id,name,national_id,phone,birth_date,sex,district,visit_date,reported_date,"
    "encounter_class,icd10\n"
)
ROW = "e{n},p{n},王小明,110101199001011234,13800000000,1990-01-01,F,D1,2024-01-0{n},2024-01-09,outpatient,J10.1\n"


def rows(source):
    connection = duckdb.connect()
    frame = pl.from_arrow(connection.sql(source.select(connection)).to_arrow_table())
    return frame, source.unreadable(connection)


def test_only_listed_fields_come_and_the_rest_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + ROW.format(n=1) + ROW.format(n=2))
    source = open_linelist([path])
    frame, bad = rows(source)
    assert frame.columns == list(FIELDS)
    assert source.fields_left == ("name", "national_id", "phone")
    assert "王小明" not in str(frame.to_dicts())
    assert frame["person"].to_list() == ["p1", "p2"]
    assert frame["sex"].to_list() == ["female", "female"]
    assert frame["code_system"].to_list() == ["icd10", "icd10"]
    assert bad == []


def test_parquet_and_csv_and_packed_csv_give_the_same_rows(tmp_path):
    text = HEADER + "".join(ROW.format(n=n) for n in range(1, 6))
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    pl.read_csv(tmp_path / "a.csv", try_parse_dates=True).write_parquet(tmp_path / "a.parquet")
    one, two, three = (rows(open_linelist([tmp_path / n]))[0].drop("file") for n in ("a.csv", "a.csv.gz", "a.parquet"))
    assert one.equals(two)
    assert one.equals(three)


def test_chinese_export_in_gb18030_with_semicolons(tmp_path):
    text = "就诊号;患者编号;姓名;出生日期;性别;现住地址国标;就诊日期;报告日期;诊断编码\n"
    text += "1;甲1;王;2004-02-29;女;310101;2024年1月3日;2024/1/4;J10.100x001\n"
    text += "2;甲2;李;2019-02-27;男;310101;20240103;2024/1/4;B08.400\n"
    (tmp_path / "门诊.csv").write_bytes(text.encode("gb18030"))
    frame, _ = rows(open_linelist([tmp_path / "门诊.csv"]))
    assert [str(d) for d in frame["date"]] == ["2024-01-03", "2024-01-03"]
    assert frame["person"].to_list() == ["甲1", "甲2"]
    assert frame["sex"].to_list() == ["female", "male"]


@pytest.mark.parametrize("between", [";", "；", "; ", "，", "、", "|"])
def test_several_codes_in_one_field_become_rows(tmp_path, between):
    (tmp_path / "a.csv").write_text(f"person_id,visit_date,district,icd10\np1,2024-01-01,D1,J10.1{between}B08.4\n")
    frame, _ = rows(open_linelist([tmp_path / "a.csv"]))
    assert frame["code"].to_list() == ["J10.1", "B08.4"]
    assert frame["encounter"].to_list() == ["p1 2024-01-01"] * 2


def test_lines_that_are_no_rows_are_told_by_number_and_without_content(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + ROW.format(n=1) + "e9,张三\n" + ROW.format(n=2) + "x," * 30 + "\n")
    frame, bad = rows(open_linelist([path]))
    assert frame.height == 2
    assert [(f, n) for f, n, _ in bad] == [("a.csv", 3), ("a.csv", 5)]
    assert "张三" not in str(bad)


def test_ambiguous_dates_are_not_guessed(tmp_path):
    (tmp_path / "a.csv").write_text("person_id,visit_date,district,icd10\np1,03/04/2024,D1,J10\n")
    frame, _ = rows(open_linelist([tmp_path / "a.csv"]))
    assert frame["date"].to_list() == [None]
    assert frame["fault"].to_list() == ["unreadable visit date"]


def test_a_column_that_says_simulated_is_believed(tmp_path):
    (tmp_path / "a.csv").write_text("person_id,visit_date,district,icd10,simulated\np1,2024-01-01,D1,J10,true\n")
    assert open_linelist([tmp_path / "a.csv"]).simulated
    (tmp_path / "b.csv").write_text("person_id,visit_date,district,icd10,simulated\np1,2024-01-01,D1,J10,false\n")
    assert not open_linelist([tmp_path / "b.csv"]).simulated


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02" * 50, "not a text file"),
        (b"a,b\n1,2\n", "no column for 'person'"),
        (b"person_id,person_id,visit_date\n", "two columns called"),
    ],
)
def test_files_that_are_no_line_list_give_one_sentence(tmp_path, content, said):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=said) as raised:
        open_linelist([tmp_path / "a.csv"])
    assert "a.csv" in str(raised.value)


def test_a_column_can_be_mapped_and_a_wrong_one_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("who,visit_date,district,icd10\np1,2024-01-01,D1,J10\n")
    frame, _ = rows(open_linelist([tmp_path / "a.csv"], mapping={"person": "who"}))
    assert frame["person"].to_list() == ["p1"]
    with pytest.raises(InputError, match="no column 'whom'"):
        open_linelist([tmp_path / "a.csv"], mapping={"person": "whom"})


def test_missing_files_and_differing_columns_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        open_linelist([tmp_path / "none.csv"])
    (tmp_path / "a.csv").write_text("person_id,visit_date,district,icd10\n")
    (tmp_path / "b.csv").write_text("person_id,visit_date,district,icd10,sex\n")
    with pytest.raises(InputError, match="differ in columns"):
        open_linelist([tmp_path])


def test_columns_that_differ_in_capital_letters_alone_are_refused(tmp_path):
    """Engines would take one for the other."""
    held = {"person_id": ["p"], "visit_date": ["2024-01-04"], "district": ["A1"], "icd10": ["J10.1"], "ICD10": ["I10"]}
    pl.DataFrame(held).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="'icd10' and 'ICD10', which differ in nothing but capital letters"):
        open_linelist([tmp_path / "a.parquet"], mapping={"code": "icd10"})
