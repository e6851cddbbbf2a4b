"""HL7 v2 ADT messages and China's report cards through `salus records ingest`; made up by hand (SIMULATED)."""

from pathlib import Path

import polars as pl
import pytest
from helpers_bad_input import refused, salus

from salus.privacy import keys

CARDS = (
    "卡片编号,患者姓名,有效证件号,性别,出生日期,现住地址国标,病例分类,发病日期,疾病名称,报告卡录入时间\n"
    "c1,王小明,310101201906010015,男,2019-06-01,31010102,临床诊断病例,2024-01-02,手足口病,2024-01-04 08:00:00\n"
    "c2,李小红,,女,2018-02-03,31010102,疑似病例,2024-01-02,流行性感冒,2024-01-04 08:00:00\n"
    "c3,张小刚,310101201701010019,男,2017-01-01,31010402,确诊病例,2024-01-03,流行性感冒,2024-01-05 08:00:00\n"
    "c3,张小刚,310101201701010019,男,2017-01-01,31010402,确诊病例,2024-01-03,流行性感冒,2024-01-05 08:00:00\n"
    "c4,赵小兰,310101201701010019,女,2017-01-01,31010402,确诊病例,2024-01-03,怪病,2024-01-05 08:00:00\n"
)


def adt(visit: str, code: str = "J10.1^flu^I10", event: str = "A01") -> str:
    return "\r".join(
        [
            rf"MSH|^~\&|HIS|City|Salus|CDC|20240105||ADT^{event}|m|P|2.5.1",
            f"EVN|{event}|20240105",
            "PID|1||p1^^^City^PI||Li^Lei||20150601|M|||1 Road^^City^^^^H^^310101||5555",
            f"PV1|1|O|||||||||||||||||{visit}{'|' * 25}20240103",
            f"DG1|1||{code}",
            "",
        ]
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SALUS_KEY", raising=False)
    keys.create(Path("office.key"))
    return tmp_path


def ingest(file: str, kind: str, *options: str):
    return salus("records", "ingest", file, "--format", kind, *options, "--root", "wall", "--key-file", "office.key")


def test_report_cards_in_gb18030(place: Path) -> None:
    Path("cards.csv").write_bytes(CARDS.encode("gb18030"))
    said = ingest("cards.csv", "china-card")
    assert said.status == 0, said.err
    assert "5 rows in = 2 kept + 2 left out + 1 set aside" in said.out
    assert "left out, suspected case: 1" in said.out
    assert "set aside, disease is not on the list: 1" in said.out
    assert "Fields that never entered: 患者姓名" in said.out
    (part,) = Path("wall/record").glob("*.parquet")
    kept = pl.read_parquet(part).sort("district")
    assert kept.select("district", "code", "age_group").rows() == [
        ("310101", "B08.4", "0-4"),
        ("310104", "J10", "5-14"),
    ]


def test_adt_messages(place: Path) -> None:
    Path("adt.hl7").write_text(adt("v1") + adt("v2", "B08.4^hfmd^I10") + adt("v2", "J10^flu^I10", "A02") + "MSH\r")
    said = ingest("adt.hl7", "hl7")
    assert said.status == 0, said.err
    assert "4 rows in = 2 kept + 1 left out + 1 set aside" in said.out
    assert "left out, message ADT_A02 not used: 1" in said.out
    assert "set aside, the message header (MSH) names no separators: 1" in said.out
    (part,) = Path("wall/record").glob("*.parquet")
    assert sorted(pl.read_parquet(part)["code"]) == ["B08.4", "J10.1"]
    again = ingest("adt.hl7", "hl7", "--column", "district=PID-11.5")
    assert "These files had been ingested before" in again.out


def test_what_can_not_be_mapped_or_read_is_refused(place: Path) -> None:
    Path("adt.hl7").write_text(adt("v1"))
    wrong = ingest("adt.hl7", "hl7", "--column", "person=PID-4")
    assert wrong.status == 2
    assert "hl7 has no such column to map" in " ".join(wrong.err.replace("│", "").split())
    refused(ingest("adt.hl7", "hl7", "--column", "district=street"), "'street' is no place of a district")
    Path("cards.csv").write_text(CARDS.replace("疾病名称", "x"), encoding="utf-8")
    refused(ingest("cards.csv", "china-card"), "cards.csv has no column for 'disease'", "--column disease=COLUMN")
    assert not Path("wall").exists()
