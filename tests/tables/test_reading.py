"""Files of every kind, and what is said of those that can't be read."""

import gzip
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.errors import InputError, TableError
from salus.tables import packed, reading
from salus.tables.reading import read_raw, read_table

FRAME = pl.DataFrame({"location": ["A", "B"], "value": ["1", "2"]})


def write(folder: Path, name: str, body: bytes) -> Path:
    file = folder / name
    file.write_bytes(body)
    return file


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_separators(separator: str, tmp_path: Path) -> None:
    body = f"location{separator}value\nA{separator}1\nB{separator}2\n"
    assert read_raw(write(tmp_path, "x.csv", body.encode())).equals(FRAME)


@pytest.mark.parametrize(
    "body",
    [
        "location,value\r\nA,1\r\nB,2\r\n",
        "location,value\rA,1\rB,2\r",
        "location,value\nA,1\nB,2",
        '"location","value"\n"A","1"\n"B","2"\n',
        "sep=;\nlocation;value\nA;1\nB;2\n",
        "\n\nlocation,value\nA,1\nB,2\n",
        " location , value \nA,1\nB,2\n",
    ],
)
def test_spellings_of_one_table(body: str, tmp_path: Path) -> None:
    assert read_raw(write(tmp_path, "x.csv", body.encode())).equals(FRAME)


def test_blank_lines_keep_the_row_numbers(tmp_path: Path) -> None:
    frame = read_raw(write(tmp_path, "x.csv", b"a,b\n\n1,2\n\n3,4\n"))
    assert frame.rows() == [(None, None), ("1", "2"), (None, None), ("3", "4")]


def test_quoted_cells(tmp_path: Path) -> None:
    frame = read_raw(write(tmp_path, "x.csv", b'a,b\n"x, y","say ""so"""\n"two\nlines",2\n'))
    assert frame.rows() == [("x, y", 'say "so"'), ("two\nlines", "2")]


cells = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\u2028\u2029\x85"),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
def test_what_polars_writes_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(rows, schema=["first", "second"], orient="row")
    file = tmp_path_factory.mktemp("trip") / "x.csv"
    frame.write_csv(file, quote_style="always")
    back = read_raw(file, encoding="utf-8")
    assert back.rows() == [tuple(c or None for c in row) for row in rows]


def test_parquet_json_lines_and_excel(tmp_path: Path) -> None:
    typed = FRAME.with_columns(value=pl.Series([1.0, 2.5]))
    typed.write_parquet(tmp_path / "x.parquet")
    typed.write_ndjson(tmp_path / "x.jsonl")
    typed.write_excel(tmp_path / "x.xlsx")
    assert read_table(tmp_path / "x.parquet").kind == "parquet"
    for name in ("x.parquet", "x.jsonl", "x.xlsx"):
        assert read_raw(tmp_path / name).equals(typed)


def test_excel_with_several_filled_sheets_asks(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as book:
        FRAME.write_excel(book, "first")
        FRAME.write_excel(book, "second")
        book.add_worksheet("blank")
    with pytest.raises(InputError, match="rows on several sheets: first, second"):
        read_raw(tmp_path / "x.xlsx")
    assert read_raw(tmp_path / "x.xlsx", sheet="second").equals(FRAME)
    with pytest.raises(InputError, match=r"has no sheet 'third'. It has first, second, blank"):
        read_raw(tmp_path / "x.xlsx", sheet="third")


def test_packed_files(tmp_path: Path) -> None:
    body = "location,value\nA,1\nB,2\n".encode("utf-16")
    write(tmp_path, "x.csv.gz", gzip.compress(body))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/x.csv", body)
        archive.writestr("__MACOSX/._x.csv", "junk")
    assert read_raw(tmp_path / "x.csv.gz").equals(FRAME)
    assert read_raw(tmp_path / "x.zip").equals(FRAME)


def _zip(names: list[str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,2\n")
    return out.getvalue()


def _workbook() -> bytes:
    out = io.BytesIO()
    FRAME.write_excel(out)
    return out.getvalue()


def _parquet() -> bytes:
    out = io.BytesIO()
    FRAME.write_parquet(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"\n \n", "is empty"),
        ("x.csv", b"\xef\xbb\xbf", "is empty"),
        ("x.csv", b"a,b\n", "has a header but no rows"),
        ("x.csv", b"a,b\n1,\0\n", "is not a text file: it holds a zero byte"),
        ("x.csv", b"a,b\n" + b"1,2\n" * 40_000 + b"1,\0\n", "is not a text file: it holds a zero byte"),
        ("x.csv", b"\0" * 100, "is not a text file"),
        ("x.csv", _workbook(), r"is an Excel file named .csv. Rename it to end in .xlsx"),
        ("x.csv", _parquet(), r"is a Parquet file named .csv. Rename it to end in .parquet"),
        ("x.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), r"is a gzip file named .csv. Rename it to end in .gz"),
        ("x.csv", b"%PDF-1.7 ...", "is a PDF. Give a CSV"),
        ("x.csv", b"<!DOCTYPE html><html>", "is a web page or XML"),
        ("x.csv", b"a,b,a\n1,2,3\n", "more than one column named 'a'"),
        ("x.parquet", b"a,b\n1,2\n", r"is named .parquet but holds something else"),
        ("x.parquet", b"PAR1 and then nothing", "is a damaged Parquet file"),
        ("x.parquet", _parquet()[:-30], "is a damaged Parquet file"),
        ("x.xlsx", b"a,b\n1,2\n", r"is named .xlsx but holds something else"),
        ("x.xlsx", _workbook()[:3000], "damaged|is a zip archive"),
        ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 500, "can't be read as Excel"),
        ("x.gz", b"\x1f\x8b\x08 and then nothing", "is a damaged gzip file"),
        ("x.gz", gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-20], "is a damaged gzip file"),
        ("x.gz", gzip.compress(gzip.compress(b"a,b\n", mtime=0), mtime=0), "inside another"),
        ("x.zip", b"PK\x03\x04 and then nothing", "damaged"),
        ("x.zip", _zip(["a.csv", "b.csv"]), r"of 2 files \(a.csv, b.csv\); one was wanted"),
        ("x.zip", _zip([]), "of 0 files"),
        ("x.json", b'[{"a": 1}]', "is one JSON list"),
    ],
)
def test_one_clear_message(name: str, body: bytes, said: str, tmp_path: Path) -> None:
    file = write(tmp_path, name, body)
    with pytest.raises(InputError, match=said) as caught:
        read_raw(file)
    assert str(file) in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(
    ("body", "rows", "said"),
    [
        (b"a,b\n1,2\n3\n4,5\n", (2,), "found 1 cell, wanted 2"),
        (b"a,b\n1,2\n3,4,5\n4,5", (2,), "found 3 cells, wanted 2"),
        (b"a,b\n1,2\n\n3,4\n5", (4,), "found 1 cell, wanted 2"),
        (b'"a\nb",c\n"1\n2",2\n3\n', (2,), "found 1 cell, wanted 2"),
        (b"Weekly report\na,b\n1,2\n", (1, 2), "Remove title lines above the header"),
        (b'a,b\n1,2\n"3\n,4\n', (2,), "a quotation mark is never closed"),
        (b'a,b\n1,2"x\n3,4\n', (1,), "a quotation mark is never closed"),
        (b'a,b\n"x ""y""",2\n"z"y,2\n', (2,), "a quotation mark is never closed"),
        (b'{"a": 1}\n{"a": 2\n', (2,), "this line is no JSON object"),
    ],
)
def test_faulty_rows_are_named(body: bytes, rows: tuple[int, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=said) as caught:
        read_raw(write(tmp_path, "x.csv", body))
    assert caught.value.faults[0].rows == rows


def test_a_ragged_row_far_down_is_named_across_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salus.tables.delimited.CHUNK", 1000)
    rows = [f'place {k},"text, quoted\n twice",{k}' for k in range(2000)]
    rows[1234] = "place,lost"
    file = write(tmp_path, "x.csv", ("location,note,value\n" + "\n".join(rows)).encode())
    with pytest.raises(TableError) as caught:
        read_raw(file)
    assert caught.value.faults[0].rows == (1235,)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "FREE_BYTES", 2**20)
    bomb = b"a,b\n" + b"0,0\n" * 2**20
    write(tmp_path, "x.csv.gz", gzip.compress(bomb))
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", bomb)
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bomb)
    for name in ("x.csv.gz", "x.zip", "x.xlsx"):
        with pytest.raises(InputError, match=f"{name} unpacks to more than . MB from .* it looks like a zip bomb"):
            read_raw(tmp_path / name)


def test_the_absolute_limit_holds_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="zip bomb"):
        read_raw(write(tmp_path, "x.csv.gz", gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 200)))


def test_a_parquet_file_of_too_many_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_CELLS", 3)
    with pytest.raises(InputError, match="holds 4 cells"):
        read_raw(write(tmp_path, "x.parquet", _parquet()))


def test_places_that_are_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "cases.csv", b"a,b\n1,2\n")
    with pytest.raises(InputError, match=r"there is no file .*casse.csv. Did you mean cases.csv"):
        read_raw(tmp_path / "casse.csv")
    with pytest.raises(InputError, match="is a folder, a file was wanted"):
        read_raw(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"there is no permission to read .*cases.csv"):
        read_raw(file)
