"""What can be wrong with a file of series, each with the command line that meets it."""

from __future__ import annotations

import datetime as dt
import gzip
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import xlsxwriter
from helpers_bad_input import ALL, FIRST, GOOD, HEADER, lines

MODELS = ("run", "forecast", "backtest")

Make = Callable[[Path], object]


def text(content: str, encoding: str = "utf-8") -> Make:
    """Writes a text."""
    return lambda path: path.write_bytes(content.encode(encoding))


def data(content: bytes) -> Make:
    """Writes bytes."""
    return lambda path: path.write_bytes(content)


def changed(old: str, new: str) -> Make:
    """Writes the good table with one change."""
    assert old in GOOD
    return text(GOOD.replace(old, new, 1))


def _zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("cases.csv", "w") as member:
        member.write(HEADER.encode())
        for _ in range(300):
            member.write(b"A,Influenza,cases,2024-01-01,1\n" * 32_768)


def _gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb") as out:
        out.write(HEADER.encode())
        for _ in range(300):
            out.write(b"A,Influenza,cases,2024-01-01,1\n" * 32_768)


def _workbook_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            for _ in range(300):
                member.write(b"<row><c><v>1</v></c></row>" * 40_000)


def _locked_zip(path: Path) -> None:
    """A zip whose member says that it is encrypted."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cases.csv", GOOD)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def _many_in_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.csv", GOOD)
        archive.writestr("two.csv", GOOD)


def _cut_parquet(path: Path) -> None:
    pl.read_csv(GOOD.encode(), try_parse_dates=True).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-300])


def _cut_middle_parquet(path: Path) -> None:
    """Head and foot are there, the middle is not."""
    pl.read_csv(GOOD.encode(), try_parse_dates=True).write_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + b"\0" * 200 + whole[400:])


def _two_sheets(path: Path) -> None:
    table = pl.read_csv(GOOD.encode(), try_parse_dates=True)
    with xlsxwriter.Workbook(str(path)) as book:
        table.write_excel(book, worksheet="2023")
        table.write_excel(book, worksheet="2024")


def _cut_workbook(path: Path) -> None:
    pl.read_csv(GOOD.encode(), try_parse_dates=True).write_excel(path)
    path.write_bytes(path.read_bytes()[:3000])


def _no_right_to_read(path: Path) -> None:
    path.write_text(GOOD)
    path.chmod(0)


_BYTES = random.Random(1).randbytes(5000)  # noqa: S311 (any bytes, no secret)


@dataclass(frozen=True)
class Case:
    """One thing that is wrong.

    Attributes
    ----------
    name : str
        What is wrong, in a few words.
    file : str
        Name of the file that is given.
    make : callable or None
        Makes that file; None where it is not there.
    said : tuple of str
        What the message must hold besides the name of the file: the fault and the remedy.
    options : tuple of str
        Options that the command gets.
    commands : tuple of str
        Commands for which it is wrong.
    beside : tuple of (str, callable)
        Further files.
    """

    name: str
    file: str
    make: Make | None
    said: tuple[str, ...]
    options: tuple[str, ...] = ()
    commands: tuple[str, ...] = ALL
    beside: tuple[tuple[str, Make], ...] = ()

    @property
    def asked(self) -> bool:
        """Whether the fault is in what was asked for, not in the file."""
        return self.make is good or bool(self.beside)


def good(path: Path) -> None:
    path.write_text(GOOD)


def option(name: str, *options: str, said: tuple[str, ...], commands: tuple[str, ...] = MODELS) -> Case:
    """A good file and an option that can't be used."""
    return Case(name, "cases.csv", good, said, options, commands)


FILE_CASES = [
    # the file itself
    Case("missing file", "cases.cvs", None, ("there is no file", "Check the name")),
    Case(
        "missing file, one of a similar name there",
        "cases.cvs",
        None,
        ("there is no file", "Did you mean cases.csv?"),
        (),
        MODELS,
        (("cases.csv", good),),
    ),
    Case("folder", "cases", lambda p: p.mkdir(), ("is a folder", "Give one file in it")),
    Case("empty file", "cases.csv", data(b""), ("is empty", "Give a file with a header")),
    Case("blank lines only", "cases.csv", data(b"\n\n  \n"), ("is empty", "Give a file with a header")),
    Case("header only", "cases.csv", text(HEADER), ("has a header but no rows", "Give a file with at least one row")),
    Case("binary file named csv", "cases.csv", data(_BYTES), ("not a text file", "Give a CSV")),
    Case("picture named csv", "cases.csv", data(b"\x89PNG\r\n\x1a\n" + _BYTES), ("is a PNG image", "Give a CSV")),
    Case("zip named csv", "cases.csv", _many_in_zip, ("is a zip archive named .csv", "Rename it")),
    Case("web page named csv", "cases.csv", text("<!DOCTYPE html><html>503</html>"), ("web page", "Download")),
    Case("text named parquet", "cases.parquet", text(GOOD), ("named .parquet", "Get a whole copy")),
    Case("cut Parquet file", "cases.parquet", _cut_parquet, ("damaged Parquet file", "Get a whole copy")),
    Case("Parquet file with a hole", "cases.parquet", _cut_middle_parquet, ("damaged Parquet", "Get a whole copy")),
    Case("cut workbook", "cases.xlsx", _cut_workbook, ("damaged or incomplete Excel file", "Get a whole copy")),
    Case(
        "workbook of two sheets",
        "cases.xlsx",
        _two_sheets,
        ("several sheets: 2023, 2024", "Save the one that is meant"),
    ),
    Case(
        "cut gzip file",
        "cases.csv.gz",
        lambda p: p.write_bytes(gzip.compress(GOOD.encode())[:-30]),
        ("damaged gzip", "Get a whole copy"),
    ),
    Case(
        "zip bomb", "cases.zip", _zip_bomb, ("looks like a zip bomb", "unpack it yourself"), (), ("run", "data import")
    ),
    Case("gzip bomb", "cases.csv.gz", _gzip_bomb, ("looks like a zip bomb", "unpack it yourself"), (), ("run",)),
    Case("workbook bomb", "cases.xlsx", _workbook_bomb, ("looks like a zip bomb", "unpack it yourself"), (), ("run",)),
    Case("zip with a password", "cases.zip", _locked_zip, ("protected by a password", "Unpack it first")),
    Case("zip of two files", "cases.zip", _many_in_zip, ("a zip archive of 2 files", "Unpack it")),
    # its text
    Case(
        "two encodings in one file",
        "cases.csv",
        lambda p: p.write_bytes(
            (HEADER + lines(["北京市", "上海市"])).encode() + lines(["天津市", "重庆市"]).encode("gb18030")
        ),
        ("encoding", "UTF-8"),
    ),
    Case(
        "encoding of no kind",
        "cases.csv",
        lambda p: p.write_bytes(GOOD.replace("A,", "\x00,").encode("latin-1").replace(b"\x00", b"\xff\x81\xfe")),
        ("encoding", "UTF-8"),
    ),
    Case("encoding that may be several", "cases.csv", text(HEADER + lines(["Łąka"]), "cp1250"), ("cases.csv",)),
    Case(
        "ragged row",
        "cases.csv",
        changed("A,Influenza,cases,2024-01-15,3\n", "A,Influenza,cases,2024-01-15,3,9\n"),
        ("row 3", "found 6 cells, wanted 5", "Give every row"),
    ),
    Case(
        "open quotation mark",
        "cases.csv",
        changed("A,Influenza,cases,2024-01-15", 'A,"Influenza,cases,2024-01-15'),
        ("row 3", "quotation mark", "Write"),
    ),
    Case("title line above the header", "cases.csv", text("Weekly report\n" + GOOD), ("cases.csv",)),
    Case(
        "one name for two columns",
        "cases.csv",
        text(GOOD.replace("signal", "disease", 1)),
        ("more than one column named 'disease'", "Give every column"),
    ),
    Case("JSON list", "cases.json", text('[{"location": "A"}]'), ("JSON list", "one object a line")),
    Case(
        "JSON lines with a broken line",
        "cases.jsonl",
        text('{"location": "A"}\n{"location": \n'),
        ("row 2", "Write one whole object"),
    ),
    # its columns
    Case(
        "no column of values",
        "cases.csv",
        text(GOOD.replace("value", "wert", 1)),
        ("there is no column 'value'", "--map 'wert=value'"),
    ),
    Case(
        "two columns of values",
        "cases.csv",
        text("location,disease,signal,date,cases,deaths,number\nA,Influenza,x,2024-01-01,3,4,5\n"),
        ("may each be 'value'", "Say which"),
    ),
    # its rows
    Case(
        "date in the future",
        "cases.csv",
        changed("2024-07-22", "2999-07-22"),
        ("2999-07-22", "row 30", "no date in the future", "Correct"),
    ),
    Case("date that is none", "cases.csv", changed("2024-01-15", "2024-02-30"), ("2024-02-30", "row 3")),
    Case(
        "word in a column of numbers",
        "cases.csv",
        changed("2024-01-15,3", "2024-01-15,three"),
        ("three", "row 3", "wanted a number", "Write a number"),
    ),
    Case(
        "negative count",
        "cases.csv",
        changed("2024-01-15,3", "2024-01-15,-3"),
        ("-3", "row 3", "at least 0", "Correct"),
    ),
    Case(
        "endless value", "cases.csv", changed("2024-01-15,3", "2024-01-15,inf"), ("row 3", "a finite number", "Correct")
    ),
    Case(
        "no place",
        "cases.csv",
        changed("A,Influenza,cases,2024-01-15", ",Influenza,cases,2024-01-15"),
        ("row 3", "location", "Fill it in"),
    ),
    Case(
        "row twice",
        "cases.csv",
        text(GOOD + "A,Influenza,cases,2024-01-15,9\n"),
        ("rows 3, 91", "more than once", "Keep one"),
    ),
    Case(
        "two populations",
        "cases.csv",
        text(
            "location,disease,signal,date,value,population\nA,Influenza,cases,2024-01-01,1,100000\nA,Influenza,admissions,2024-01-01,1,250000\n"
        ),
        ("two populations", "100,000 and 250,000", "Keep the right one"),
        ("--disease", "influenza"),
        ("data import",),
    ),
    Case(
        "two populations, in vintages",
        "cases.csv",
        text(
            "location,disease,signal,date,value,population,as_of\n"
            + "".join(
                f"A,Influenza,cases,{FIRST + dt.timedelta(weeks=k)},1,{100_000 + 150_000 * (k == 3)},2024-06-01\n"
                for k in range(9)
            )
            + "A,Influenza,cases,2024-01-22,1,100000,2024-06-01\n"
        ),
        ("two populations",),
    ),
    Case(
        "days and weeks",
        "cases.csv",
        changed("2024-01-15", "2024-01-16"),
        ("Mondays", "2024-01-16 (Tuesday)", "Give one"),
    ),
    Case(
        "every value missing",
        "cases.csv",
        text(HEADER + lines(value=lambda p, k: "")),
        ("every value is missing", "at least one known value"),
    ),
    Case(
        "every series too short",
        "cases.csv",
        text(HEADER + lines(weeks=3)),
        ("no place can be forecast", "only 3 values are known; 4 are needed (A, B, C)", "Give 4 or more"),
        (),
        ("run", "forecast"),
    ),
    Case(
        "every series too short, in the past",
        "cases.csv",
        text(HEADER + lines(weeks=3)),
        ("no place can be forecast", "Give 4 or more"),
        (),
        ("backtest",),
    ),
    Case(
        "every place silent",
        "cases.csv",
        good,
        ("cases.csv", "silent for 44 weeks (A, B, C)", "no older than 8 weeks"),
        ("--as-of", "2025-06-01"),
        ("run", "forecast"),
    ),
]
