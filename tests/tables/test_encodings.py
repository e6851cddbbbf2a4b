"""The encoding of a text file is proved, or asked for; never guessed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.errors import InputError
from salus.tables.encodings import detect, line_of_bad_byte
from salus.tables.reading import read_raw, read_table

CHINESE = "地区,病种,日期,发病数\n北京,手足口病,2023-01,5\n广东,流行性感冒,2023-01,7\n"
JAPANESE = "都道府県,週,定点当たり\n東京都,2023年第5週,5.2\n大阪府,2023年第5週,3\n"
GERMAN = "location,date,value\nBaden-Württemberg,2023-01-02,4\nThüringen,2023-01-02,3\n"
FRENCH = "Département;Semaine;Cas\nHérault;2023-W01;4\nRhône;2023-W01;2\nÎle-de-France;2023-W01;9\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "utf-8"),
        (CHINESE, "utf-8-sig"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (CHINESE, "utf-32"),
        (CHINESE, "gb18030"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        ("保健所,報告数\n港,3\n", "cp932"),
        ("location,date,value\n港区,2023-01-02,3\n新宿区,2023-01-02,3\n", "cp932"),
        ("ﾄｳｷｮｳ,1\nｵｵｻｶ,2\n", "cp932"),
        ("location,date,value\n海淀区,2023-01-02,3\n朝阳区,2023-01-02,3\n", "gb18030"),
        (GERMAN, "cp1252"),
        (GERMAN, "latin-1"),
        (FRENCH, "cp1252"),
        ("Año,Semana,Casos\n2023,1,4\n", "cp1252"),
        ("地區,日期,病例數\n臺北市,2023-01-01,3\n", "big5"),
        ("지역,날짜,환자수\n서울,2023-01-01,3\n", "euc_kr"),
        ("регион,дата,случаи\nМосква,2023-01-02,4\n", "cp1251"),
    ],
)
def test_text_survives_whatever_its_encoding(text: str, encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(text.encode(encoding))
    frame = read_raw(file)
    lines = [line.split(";" if ";" in text else ",") for line in text.splitlines()]
    assert [frame.columns, *map(list, frame.rows())] == lines


@given(
    st.lists(st.sampled_from("某代码测样甲乙丙海山木林森火土金水日月星辰风云雨雪"), min_size=2, max_size=8).map("".join)
)
def test_a_guess_is_right_or_not_made(tmp_path_factory: pytest.TempPathFactory, word: str) -> None:
    file = tmp_path_factory.mktemp("guess") / "cases.csv"
    for encoding in ("gb18030", "big5", "cp932"):
        try:
            raw = f"x,y\n{word},1\n".encode(encoding)
        except UnicodeEncodeError:
            continue
        file.write_bytes(raw)
        try:
            found = detect(file, "cases.csv")
        except InputError:
            continue
        assert raw.decode(found).split("\n")[1] == f"{word},1"


def test_doubt_shows_each_reading_and_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes("代码,x\n某某,1\n".encode("gb18030"))
    with pytest.raises(InputError) as caught:
        read_raw(file)
    message = str(caught.value)
    assert "cases.csv can't be told with certainty" in message
    assert "as gb18030: '代码,x'" in message
    assert "name it with --encoding; else save the file as UTF-8" in message
    assert read_raw(file, encoding="gb18030").rows() == [("某某", "1")]


def test_a_wrong_encoding_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(b"a,b\n1,2\n" * 3 + "x,ü\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"cases.csv is not text in utf-8: line 7 can't be read"):
        read_raw(file, encoding="utf-8")
    assert line_of_bad_byte(file, "latin-1") is None


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(InputError, match="there is no encoding 'klingon'"):
        read_raw(file, encoding="klingon")


def test_a_byte_order_mark_goes_before_what_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(CHINESE.encode("utf-8-sig"))
    assert read_table(file, encoding="gb18030").encoding == "utf-8-sig"
    assert read_raw(file, encoding="gb18030").columns == CHINESE.splitlines()[0].split(",")


def test_an_encoding_has_one_name_however_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(CHINESE.encode("gb18030"))
    assert {read_table(file, encoding=name).encoding for name in ("gb18030", "GB18030", "gb18030_2000")} == {"gb18030"}


def test_one_broken_byte_in_a_utf8_file_is_not_read_as_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(("地区,值\n" + "北京,1\n" * 500).encode() + b"\xe5\x8c,2\n")
    with pytest.raises(InputError, match=r"cases.csv"):
        read_raw(file)


def test_the_encoding_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_bytes(JAPANESE.encode("cp932"))
    assert read_table(file).encoding == "cp932"
