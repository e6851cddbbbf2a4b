"""Labels of one disease, in three languages."""

import os
from pathlib import Path

import polars as pl
import pytest

from salus.errors import InputError, NameNotFoundError
from salus.surveillance import diseases
from salus.tables.names import fold

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
JAPAN = ["Hand, foot and mouth disease", "Influenza", "Respiratory syncytial virus infection", "COVID-19"]
GERMANY = ["Influenza (lab-confirmed) age 00+", "Influenza (lab-confirmed) age 60+", "ILI GrippeWeb age 00+"]


@pytest.mark.parametrize(
    "name",
    [
        "HFMD",
        "hfmd",
        "手足口病",
        "Hand foot & mouth disease",
        "hand, foot and mouth",
        "ＨＦＭＤ",
        "Hand, foot and mouth disease",
    ],
)
def test_every_name_of_a_disease_finds_its_label(name: str) -> None:
    assert diseases.match(name, JAPAN) == ["Hand, foot and mouth disease"]


@pytest.mark.parametrize("name", ["flu", "流行性感冒", "インフルエンザ", "influenza", "流感"])
def test_influenza_in_three_languages(name: str) -> None:
    assert diseases.match(name, JAPAN) == ["Influenza"]


def test_two_vocabularies_are_taken_together() -> None:
    labels = ["Hepatitis", "Hepatitis A", "甲型肝炎", "病毒性肝炎"]
    assert diseases.match("Hepatitis A", labels) == ["Hepatitis A", "甲型肝炎"]
    assert diseases.match("甲型肝炎", labels) == ["甲型肝炎", "Hepatitis A"]
    assert diseases.match("甲肝", labels) == ["Hepatitis A", "甲型肝炎"]


def test_part_of_a_disease_is_not_the_disease() -> None:
    labels = ["Tuberculosis", "Tuberculosis (positive)", "Syphilis", "Primary syphilis", "Malaria", "Tertian malaria"]
    for name in ("Tuberculosis", "Syphilis", "Malaria"):
        assert diseases.match(name, labels) == [name]


def test_age_groups_are_never_merged() -> None:
    with pytest.raises(InputError) as caught:
        diseases.match("Influenza", GERMANY)
    assert "'Influenza (lab-confirmed) age 00+', 'Influenza (lab-confirmed) age 60+'" in str(caught.value)
    assert "for example 'Influenza (lab-confirmed) age 00+'" in str(caught.value)
    assert diseases.match("influenza (lab confirmed), age 60+", GERMANY) == [GERMANY[1]]
    assert diseases.match("ILI", GERMANY) == [GERMANY[2]]


@pytest.mark.parametrize(
    ("typo", "labels", "suggested"),
    [
        ("Influenca", JAPAN, "'Influenza'"),
        ("hand foot mouth diseas", JAPAN, "'Hand, foot and mouth disease'"),
        ("whooping coff", ["Pertussis", "Measles"], "'Pertussis'"),
        ("Influenca", GERMANY, "'Influenza (lab-confirmed) age 00+'"),
        ("手足囗病", ["手足口病", "麻疹"], "'手足口病'"),
    ],
)
def test_a_typo_suggests_the_near_ones(typo: str, labels: list[str], suggested: str) -> None:
    with pytest.raises(NameNotFoundError, match="Did you mean") as caught:
        diseases.match(typo, labels)
    assert suggested in str(caught.value)


def test_a_known_disease_that_the_table_lacks_is_said_to_be_lacking() -> None:
    with pytest.raises(NameNotFoundError, match=r"the table has no Measles \('麻疹'\). It has 'COVID-19'"):
        diseases.match("麻疹", JAPAN)
    with pytest.raises(NameNotFoundError, match="none"):
        diseases.match("麻疹", [])


def test_titles_for_display() -> None:
    assert diseases.title("HFMD") == "Hand, foot and mouth disease"
    assert diseases.title("HFMD", "zh") == diseases.title("HFMD", "ja") == "手足口病"
    assert diseases.short("Hand, foot and mouth disease") == "HFMD"
    assert diseases.title("Influenza (lab-confirmed) age 60+", "zh") == "流行性感冒（实验室确诊，60岁及以上）"
    assert diseases.title("Some new fever", "zh") == diseases.short("Some new fever") == "Some new fever"


@pytest.mark.parametrize(
    ("label", "english", "chinese"),
    [
        (GERMANY[0], "Influenza (laboratory-confirmed, all ages)", "流行性感冒（实验室确诊，全年龄）"),
        ("ILI GrippeWeb age 0-4", "Influenza-like illness (GrippeWeb survey, aged 0 to 4)",
         "流感样病例（GrippeWeb调查，0至4岁）"),
        ("Influenza (lab-confirmed) age Unbekannt", "Influenza (laboratory-confirmed, age unknown)",
         "流行性感冒（实验室确诊，年龄不详）"),
        ("RSV proxy", "Respiratory syncytial virus infection (proxy)", "呼吸道合胞病毒感染（替代指标）"),
        ("Influenza in ferrets", "Influenza (in ferrets)", "流行性感冒（in ferrets）"),
        ("COVID-19", "COVID-19", "新型冠状病毒感染"),
    ],
)  # fmt: skip
def test_what_a_label_adds_is_put_into_words(label: str, english: str, chinese: str) -> None:
    assert (diseases.title(label), diseases.title(label, "zh")) == (english, chinese)


def test_names_inside_a_sentence() -> None:
    names = ("Influenza", "HFMD", "COVID-19", "Hepatitis A", "Japanese spotted fever", "Ebola", "Mumps")
    assert [diseases.within(x) for x in names] == [
        "influenza", "HFMD", "COVID-19", "hepatitis A", "JSF", "Ebola", "mumps",
    ]  # fmt: skip


def test_the_file_is_whole() -> None:
    seen: dict[str, str] = {}
    for disease in diseases.catalogue():
        assert all([disease.key, disease.title, disease.title_zh, disease.title_ja, disease.short]), disease
        for label in disease.labels:
            assert seen.setdefault(fold(label), disease.key) == disease.key, label
            assert diseases.find(label) is disease
    assert len({d.key for d in diseases.catalogue()}) == len(diseases.catalogue()) > 100


NOTIFIABLE_IN_CHINA = [
    "鼠疫",
    "霍乱",
    "传染性非典型肺炎",
    "艾滋病",
    "病毒性肝炎",
    "脊髓灰质炎",
    "人感染高致病性禽流感",
    "麻疹",
    "流行性出血热",
    "狂犬病",
    "流行性乙型脑炎",
    "登革热",
    "炭疽",
    "细菌性和阿米巴性痢疾",
    "肺结核",
    "伤寒和副伤寒",
    "流行性脑脊髓膜炎",
    "百日咳",
    "白喉",
    "新生儿破伤风",
    "猩红热",
    "布鲁氏菌病",
    "淋病",
    "梅毒",
    "钩端螺旋体病",
    "血吸虫病",
    "疟疾",
    "人感染H7N9禽流感",
    "新型冠状病毒肺炎",
    "猴痘",
    "流行性感冒",
    "流行性腮腺炎",
    "风疹",
    "急性出血性结膜炎",
    "麻风病",
    "斑疹伤寒",
    "黑热病",
    "包虫病",
    "丝虫病",
    "其它感染性腹泻病",
    "手足口病",
]


@pytest.mark.parametrize("label", NOTIFIABLE_IN_CHINA)
def test_chinas_notifiable_diseases_are_known(label: str) -> None:
    found = diseases.find(label)
    assert found is not None
    assert found.title.isascii()


@pytest.mark.real_data
def test_every_real_label_is_known_or_narrows_a_known_disease() -> None:
    files = [p for p in sorted(REAL.rglob("*.parquet")) if {"disease", "signal"} <= set(pl.read_parquet_schema(p))]
    if not files:
        pytest.skip("the real surveillance files are not there (SALUS_REAL_DATA)")
    for file in files:
        labels = pl.read_parquet(file, columns=["disease"])["disease"].unique().drop_nulls().to_list()
        unknown = {x for x in labels if diseases.title(x, "zh") == x and diseases.find(x) is None}
        assert unknown <= {"Other"}, file
        assert all(diseases.match(label, labels)[0] == label for label in labels)
