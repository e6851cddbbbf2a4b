"""HL7 v2 ADT messages; every message here is made up by hand, nobody in it is real (SIMULATED)."""

import gzip

import duckdb
import polars as pl
import pytest

from salus.errors import InputError
from salus.sources import hl7
from salus.sources.adt import open_adt
from salus.sources.hl7 import Fault, Message, Separators
from salus.sources.records import FIELDS

FLU, HFMD = "J10.1^Influenza^I10", "B08.4^HFMD^I10"


def message(
    event="A01",
    *,
    person="p1^^^City^PI",
    visit="v1^^^City",
    codes=(FLU,),
    stamp="20240105101500",
    admitted="202401031200+0800",
    birth="20150601",
    sex="M",
    district="310101",
    mode="P",
    kind="ADT",
    charset="UNICODE UTF-8",
    actions=(),
    end="\r",
):
    segments = [
        rf"MSH|^~\&|HIS|City|Salus|CDC|{stamp}||{kind}^{event}^ADT_A01|m{stamp}|{mode}|2.5.1||||||{charset}",
        f"EVN|{event}|{stamp}",
        f"PID|1||{person}||李^雷||{birth}|{sex}|||1 Road^^City^^200000^CHN^H^^{district}||(021)5555",
        f"PV1|1|O|Ward^1||||||||||||||||{visit}" + "|" * 25 + admitted,
        *(
            f"DG1|{n}||{code}|||F" + (f"{'|' * 15}{actions[n - 1]}" if actions else "")
            for n, code in enumerate(codes, start=1)
        ),
    ]
    return end.join(segments) + end


def write(folder, *messages, name="adt.hl7", encoding="utf-8"):
    path = folder / name
    text = "".join(messages).encode(encoding)
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def rows(source):
    connection = duckdb.connect()
    frame = pl.from_arrow(connection.sql(source.select(connection)).to_arrow_table())
    return frame, source.unreadable(connection)


def reasons(source):
    frame, aside = rows(source)
    said = frame.select(pl.coalesce("left_out", "fault").fill_null("kept")).to_series().to_list()
    return sorted(said), aside


def test_an_admission_becomes_a_row_of_listed_fields_for_each_diagnosis(tmp_path):
    source = open_adt([write(tmp_path, message(codes=(FLU, HFMD, "77^x^L")))])
    frame, aside = rows(source)
    assert frame.columns == list(FIELDS)
    row = frame.filter(pl.col("code") == "J10.1").row(0, named=True)
    assert {k: str(v) for k, v in row.items() if k != "file"} == {
        "person": "p1^City",
        "encounter": "v1^City",
        "birth_date": "2015-06-01",
        "age": "None",
        "date": "2024-01-03",
        "reported": "2024-01-05",
        "district": "310101",
        "sex": "male",
        "encounter_class": "outpatient",
        "code_system": "icd10",
        "code": "J10.1",
        "fault": "None",
        "left_out": "None",
    }
    assert frame.filter(pl.col("code") == "77")["left_out"].to_list() == ["code system not used"]
    assert aside == []
    assert {"PID-5", "PID-13", "PV1-3"} <= set(source.fields_left)
    assert "李" not in str(frame.to_dicts())


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("name", ["adt.hl7", "adt.hl7.gz"])
def test_line_ends_and_packing_do_not_matter(tmp_path, end, name):
    frame, aside = rows(open_adt([write(tmp_path, message(end=end), message(visit="v2", end=end), name=name)]))
    assert sorted(frame["encounter"]) == ["v1^City", "v2"]
    assert aside == []


def test_messages_framed_by_mllp_and_batches_are_read(tmp_path):
    framed = "".join(f"\x0b{message(visit=f'v{n}')}\x1c\r" for n in range(3))
    assert rows(open_adt([write(tmp_path, framed)]))[0].height == 3
    batch = ["FHS|^~\\&|HIS\rBHS|^~\\&|HIS\r", message(visit="a"), message(visit="b"), "BTS|2\rFTS|1\r"]
    assert reasons(open_adt([write(tmp_path, *batch)])) == (["kept", "kept"], [])
    said, aside = reasons(open_adt([write(tmp_path, *batch[:-1], "BTS|3\rFTS|1\r")]))
    assert (said, [why for _, _, why in aside]) == (
        ["kept", "kept"],
        ["the batch says that it has another number of messages"],
    )
    said, aside = reasons(open_adt([write(tmp_path, *batch[:-1])]))
    assert [why for _, _, why in aside] == ["the file ends before its trailer (FTS): a part of it is missing"]


def test_own_separators_repeated_fields_and_escapes(tmp_path):
    text = message(person="99^^^State^NI~p\\S\\7^^^City^PI", codes=("J10.1&x^In\\T\\fluenza\\F\\^I10",))
    other = str.maketrans({"|": "!", "^": "$", "~": "*", "\\": "/", "&": "@"})
    for content in (text, text.translate(other)):
        frame, _ = rows(open_adt([write(tmp_path, content)]))
        caret = "^" if content is text else "$"
        assert frame.select("person", "code", "district").rows() == [(f"p{caret}7^City", "J10.1", "310101")]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        ("\\X4A31\\", "J1"),
        (r"\H\bold\N\ \.br\x", "bold \nx"),
        (r"\Zlocal\x\C2842\y", "xy"),
        ("no escape", "no escape"),
        ("one \\ alone", "one \\ alone"),
    ],
)
def test_escape_sequences(text, meant):
    assert Separators().text(text) == meant


def test_the_last_message_of_a_visit_tells_its_diagnoses(tmp_path):
    messages = [
        message("A01", codes=(HFMD,), stamp="20240103"),
        message("A03", codes=(), stamp="20240110"),
        message("A08", codes=(FLU,), stamp="20240105", admitted=""),
        message("A04", visit="v2", codes=(), admitted="", stamp="20240106"),
    ]
    for order in (messages, messages[::-1]):
        frame, _ = rows(open_adt([write(tmp_path, *order)]))
        kept = frame.filter(pl.coalesce("left_out", "fault").is_null())
        assert kept.select("code", pl.col("date").cast(str), pl.col("reported").cast(str)).rows() == [
            ("J10.1", "2024-01-03", "2024-01-05")
        ]
        assert reasons(open_adt([write(tmp_path, *order)]))[0] == [
            "another message of the visit tells its diagnoses",
            "another message of the visit tells its diagnoses",
            "kept",
            "visit without a diagnosis",
        ]


def test_diagnoses_with_actions_stand_each_by_its_last_message(tmp_path):
    messages = [
        message("A01", codes=(HFMD, FLU), actions="AA", stamp="20240103"),
        message("A08", codes=(HFMD,), actions="D", stamp="20240104"),
        message("A08", codes=("J44.0^COPD^I10",), actions="A", stamp="20240105"),
    ]
    frame, _ = rows(open_adt([write(tmp_path, *messages)]))
    kept = frame.filter(pl.coalesce("left_out", "fault").is_null())
    assert sorted(kept["code"]) == ["J10.1", "J44.0"]
    assert frame.filter(pl.col("left_out") == "diagnosis deleted")["code"].to_list() == ["B08.4"]


def test_a_cancelled_visit_is_no_case_unless_it_came_after_all(tmp_path):
    visit = [message("A01", stamp="20240103"), message("A11", stamp="20240104", codes=())]
    assert reasons(open_adt([write(tmp_path, *visit)]))[0] == ["visit cancelled", "visit cancelled"]
    again = message("A01", stamp="20240105")
    said, _ = reasons(open_adt([write(tmp_path, *visit, again)]))
    assert said == ["another message of the visit tells its diagnoses", "cancellation taken back", "kept"]


def test_nothing_is_lost_without_a_reason_and_no_reason_tells_the_content(tmp_path):
    broken = message(visit="v9").replace("PID|", "ZZZ|")
    messages = [
        message(),
        message("A02", visit="v2"),
        message("R01", kind="ORU", visit="v3"),
        message("A01", kind="张三秘密", visit="v3"),
        broken,
        message(visit="v4").replace("PV1|", "ZV1|"),
        message(visit="v5", birth="06/2015"),
        message(visit="v6", admitted="soon"),
        message(visit="v7", charset="KLINGON"),
        "MSH|||||\r",
    ]
    said, aside = reasons(open_adt([write(tmp_path, "NTE|1|李雷\r", *messages)]))
    assert said == sorted(
        [
            "kept",
            "message ADT_A02 not used",
            "message ORU_R01 not used",
            "message A01 not used",
            "no patient segment (PID)",
            "no visit segment (PV1)",
            "unreadable birth date",
            "unreadable visit date",
        ]
    )
    assert [why for _, _, why in aside] == [
        "a segment outside any message",
        "the message names a character set that is not known (MSH-18)",
        "the message header (MSH) names no separators",
    ]
    assert all(file == "adt.hl7" for file, _, _ in aside)


@pytest.mark.parametrize(("given", "taken"), [("1980", "1980-07-01"), ("198003", "1980-03-15"), ("2024", "2024-01-03")])
def test_births_known_in_part_take_the_middle_but_not_after_the_visit(tmp_path, given, taken):
    assert str(rows(open_adt([write(tmp_path, message(birth=given))]))[0]["birth_date"][0]) == taken


@pytest.mark.parametrize(
    ("coding", "kept"),
    [
        ("J10.1^x^ICD-10", [("icd10", "J10.1")]),
        ("J10.1^x^I10C", [("icd10", "J10.1")]),
        ("6142004^x^SCT", [("snomed", "6142004")]),
        ("77^x^L^J10.1^y^I10", [("icd10", "J10.1")]),
        ("J10.1^x^I10^6142004^y^SCT", [("icd10", "J10.1"), ("snomed", "6142004")]),
        ("487.0^x^I9C", []),
        ("J10.1", []),
    ],
)
def test_code_systems_are_named_never_guessed(tmp_path, coding, kept):
    frame, _ = rows(open_adt([write(tmp_path, message(codes=(coding,)))]))
    used = frame.filter(pl.col("left_out").is_null()).sort("code_system")
    assert used.select("code_system", "code").rows() == kept


def test_the_older_field_of_the_coding_method_is_read_where_the_code_names_none(tmp_path):
    text = message(codes=("J10.1",)).replace("DG1|1||", "DG1|1|ICD10|")
    assert rows(open_adt([write(tmp_path, text)]))[0].select("code_system", "code").rows() == [("icd10", "J10.1")]


def test_messages_in_gb18030_are_read_by_what_they_say_or_by_what_is_said(tmp_path):
    said = message(district="黄浦区", charset="GB 18030-2000")
    silent = message(district="黄浦区", charset="", visit="v2")
    path = write(tmp_path, said, silent, encoding="gb18030")
    frame, aside = rows(open_adt([path]))
    assert frame["district"].to_list() == ["黄浦区"]
    assert [why for _, _, why in aside] == ["the message is not text in utf-8"]
    frame, aside = rows(open_adt([path], encoding="gb18030"))
    assert frame["district"].to_list() == ["黄浦区", "黄浦区"]
    assert aside == []


def test_the_district_may_stand_elsewhere(tmp_path):
    path = write(tmp_path, message(district=""))
    assert rows(open_adt([path]))[0]["district"].to_list() == [None]
    assert rows(open_adt([path], district="PID-11.5"))[0]["district"].to_list() == ["200000"]
    assert rows(open_adt([path], district="pv1-3"))[0]["district"].to_list() == ["Ward"]
    with pytest.raises(InputError, match=r"'street' is no place of a district\. Write it as PID-11\.5"):
        open_adt([path], district="street")


def test_a_deleted_value_is_no_value(tmp_path):
    frame, _ = rows(open_adt([write(tmp_path, message(sex='""', birth='""'))]))
    assert frame.select("sex", "birth_date").rows() == [(None, None)]


def test_training_messages_are_simulated(tmp_path):
    assert open_adt([write(tmp_path, message(mode="T"))]).simulated
    assert not open_adt([write(tmp_path, message())]).simulated


def test_files_without_a_message_and_endless_ones_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"a\.hl7 holds no HL7 message"):
        open_adt([write(tmp_path, "hello\r", name="a.hl7")])
    path = write(tmp_path, message(), name="b.hl7.gz")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"b\.hl7\.gz is a damaged gzip file"):
        open_adt([path])
    monkeypatch.setattr(hl7, "MAX_MESSAGE", 100_000)
    for text in (message() + "OBX|1|ED|" + "x" * 200_000, message() + "OBX|1|ED|x\r" * 20_000):
        path = write(tmp_path, text, name="c.hl7")
        with pytest.raises(InputError, match=r"c\.hl7 has a message that is longer than"):
            list(hl7.read(path))


def test_chunks_may_end_anywhere(tmp_path, monkeypatch):
    path = write(tmp_path, *(message(visit=f"v{n}", end="\r\n") for n in range(5)))
    whole = list(hl7.read(path))
    monkeypatch.setattr("salus.sources.lines._CHUNK", 7)
    assert list(hl7.read(path)) == whole
    assert all(isinstance(m, Message) for m in whole)
    assert not any(isinstance(m, Fault) for m in whole)
