"""China's report cards; every card here is made up by hand, nobody on it is real (SIMULATED)."""

import duckdb
import polars as pl
import pytest

from salus.errors import InputError
from salus.sources.china_card import diseases, open_china_card
from salus.sources.records import FIELDS
from salus.surveillance.syndromes import definitions
from salus.tables.codes import ICD10_PATTERN

CARD = {
    "卡片ID": "a1",
    "卡片编号": "310101-2024-00001",
    "患者姓名": "王小明",
    "患儿家长姓名": "王大明",
    "性别": "男",
    "出生日期": "2019-06-01",
    "有效证件号": "310101201906010015",
    "年龄": "4岁",
    "患者工作单位": "第一幼儿园",
    "联系电话": "13800000000",
    "病人属于": "本县区",
    "现住详细地址": "人民路1号",
    "现住地址国标": "31010102",
    "人群分类": "幼托儿童",
    "病例分类": "临床诊断病例",
    "病例分类2": "未分类",
    "发病日期": "2024-01-02",
    "诊断时间": "2024-01-03 10:00:00",
    "死亡日期": ".",
    "疾病名称": "手足口病",
    "医生填卡日期": "2024-01-03",
    "报告卡录入时间": "2024-01-04 08:15:00",
    "审核状态": "已终审卡",
    "删除时间": "",
}


def write(folder, *cards, encoding="utf-8", leave=()):
    path = folder / "大疫情网.csv"
    rows = [{k: v for k, v in (CARD | card).items() if k not in leave} for card in cards]
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def rows(source):
    connection = duckdb.connect()
    return pl.from_arrow(connection.sql(source.select(connection)).to_arrow_table())


def one(folder, **changes):
    return rows(open_china_card([write(folder, changes)])).row(0, named=True)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_card_becomes_a_row_of_listed_fields(tmp_path, encoding):
    source = open_china_card([write(tmp_path, {}, encoding=encoding)])
    frame = rows(source)
    assert frame.columns == list(FIELDS)
    row = frame.row(0, named=True)
    assert {k: str(v) for k, v in row.items() if k != "file"} == {
        "person": "310101201906010015",
        "encounter": "310101-2024-00001",
        "birth_date": "2019-06-01",
        "age": "4",
        "date": "2024-01-02",
        "reported": "2024-01-04",
        "district": "310101",
        "sex": "male",
        "encounter_class": "None",
        "code_system": "icd10",
        "code": "B08.4",
        "fault": "None",
        "left_out": "None",
    }
    for name in ("患者姓名", "患儿家长姓名", "联系电话", "现住详细地址", "患者工作单位"):
        assert name in source.fields_left
    assert not {"王小明", "13800000000", "人民路1号"} & set(map(str, row.values()))


@pytest.mark.parametrize(
    ("number", "birth", "person"),
    [
        ("310101201906010015", "2019-06-01", "310101201906010015"),
        ("310101198801010015", "2019-06-01", "310101198801010015 2019-06-01"),  # a parent's
        ("31010119880101001x", "", "31010119880101001X"),
        ("00000000000000000X", "2019-06-01", "card 310101-2024-00001"),
        ("", "2019-06-01", "card 310101-2024-00001"),
        ("'310101201906010015", "2019-06-01", "310101201906010015"),  # as Excel keeps it
        ("E12345678", "2019-06-01", "E12345678"),
    ],
)
def test_persons_are_told_by_number_and_children_apart_from_their_parents(tmp_path, number, birth, person):
    assert one(tmp_path, 有效证件号=number, 出生日期=birth)["person"] == person


@pytest.mark.parametrize(
    ("disease", "kind", "course", "code"),
    [
        ("手足口病", "临床诊断病例", "", "B08.4"),
        ("流行性感冒", "临床诊断病例", "", "J11"),
        ("流行性感冒", "实验室确诊病例", "", "J10"),
        ("流行性感冒", "确诊病例", "", "J10"),
        ("肺结核", "确诊病例", "", "A15"),
        ("乙肝", "确诊病例", "急性", "B16"),
        ("乙肝", "确诊病例", "慢性", "B18.1"),
        ("疟疾（未分型）", "确诊病例", "", "B54"),
        (" 其它感染性腹泻病 ", "确诊病例", "", "A09"),
    ],
)
def test_diseases_are_coded_by_their_names(tmp_path, disease, kind, course, code):
    row = one(tmp_path, 疾病名称=disease, 病例分类=kind, 病例分类2=course)
    assert (row["code"], row["fault"]) == (code, None)


def test_a_code_of_icd_10_serves_where_the_name_is_not_on_the_list(tmp_path):
    row = one(tmp_path, 疾病名称="结核性胸膜炎", 疾病编码="A16.5")
    assert (row["code"], row["fault"]) == ("A16.5", None)
    row = one(tmp_path, 疾病名称="结核性胸膜炎", 疾病编码="9900")
    assert (row["code"], row["fault"]) == (None, "disease is not on the list")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"病例分类": "疑似病例"}, "suspected case"),
        ({"病例分类": "病原携带者"}, "carrier, not ill"),
        ({"病例分类": "阳性检测结果（献血员）"}, "positive test, not ill"),
        ({"删除时间": "2024-01-05 10:00:00"}, "deleted card"),
    ],
)
def test_what_is_no_case_is_left_out(tmp_path, changes, reason):
    assert one(tmp_path, **changes)["left_out"] == reason


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"病例分类": "大约"}, "case class is not known"),
        ({"疾病名称": "怪病"}, "disease is not on the list"),
        ({"发病日期": "正月初二"}, "unreadable date of onset"),
        ({"出生日期": "01/06/2019"}, "unreadable birth date"),
    ],
)
def test_what_can_not_be_read_is_set_aside(tmp_path, changes, fault):
    assert one(tmp_path, **changes)["fault"] == fault


@pytest.mark.parametrize(
    ("age", "unit", "years"),
    [
        ("35岁", "", 35),
        ("7月", "", 0),
        ("12天", "", 0),
        ("35", "岁", 35),
        ("7", "月", 0),
        ("35", "", 35),
        ("", "", None),
    ],
)
def test_ages_with_their_units(tmp_path, age, unit, years):
    assert one(tmp_path, 年龄=age, 年龄单位=unit, 出生日期="")["age"] == years


def test_the_diagnosis_dates_a_case_without_onset_and_the_county_is_of_six_digits(tmp_path):
    row = one(tmp_path, 发病日期="", 现住地址国标="310101001000")
    assert (str(row["date"]), row["district"]) == ("2024-01-03", "310101")
    assert one(tmp_path, 现住地址国标="黄浦区")["district"] == "黄浦区"


def test_missing_columns_are_named_and_can_be_mapped(tmp_path):
    path = write(tmp_path, {}, leave=("卡片ID", "卡片编号"))
    with pytest.raises(InputError, match=r"no column for 'card' \(such as '卡片编号'\).*--column card=COLUMN"):
        open_china_card([path])
    assert open_china_card([path], mapping={"card": "联系电话"}).mapping["card"] == "联系电话"


def test_every_disease_of_the_list_has_codes_and_ours_are_among_them():
    codes = {c for row in diseases().values() for c in row if c}
    plain = pl.Series(sorted(c.replace(".", "") for c in codes))
    assert plain.str.contains(ICD10_PATTERN).all()
    assert len(diseases()) == len({name.replace(" ", "") for name in diseases()})
    prefixes = definitions().filter((pl.col("code_system") == "icd10") & (pl.col("match") == "prefix"))
    met = {
        row["syndrome"]
        for row in prefixes.to_dicts()
        if any(code.startswith(row["code"]) or row["code"].startswith(code) for code in codes)
    }
    assert {"influenza", "hfmd", "dengue", "measles", "mumps", "pertussis", "scarlet_fever", "varicella"} <= met
