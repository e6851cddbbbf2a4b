"""`--encoding` of every command that reads a file of series, on a file whose encoding can't be told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from salus.cli.app import app
from salus.errors import InputError

PLACES = ("甲某", "乙某")  # no word of the list: GB18030, Big5 and others read it alike well
WEEKS = [dt.date(2024, 1, 1) + dt.timedelta(weeks=k) for k in range(30)]
COMMANDS = {
    "check": ["data", "check", "FILE", "--today", "2024-08-01"],
    "import": ["data", "import", "FILE", "--workspace", "OUT"],
    "run": ["run", "FILE", "--model", "persistence", "--no-pdf", "--out", "OUT"],
    "forecast": ["forecast", "FILE", "--model", "persistence", "--out", "OUT"],
    "backtest": [
        "backtest", "FILE", "--model", "persistence", "--origins", "2024-06-02:2024-07-07", "--out", "OUT",
    ],
    "score": ["score", "PAST", "FILE"],
}  # fmt: skip


def table(places: tuple[str, ...] = PLACES) -> str:
    rows = [f"{p},HFMD,cases,{day},{10 + k % 7}" for p in places for k, day in enumerate(WEEKS)]
    return "\n".join(["location,disease,signal,date,value", *rows, ""])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_bytes(table().encode("gb18030"))
    return path


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("past")
    (folder / "utf8.csv").write_text(table(), encoding="utf-8")
    words = [
        {"FILE": str(folder / "utf8.csv"), "OUT": str(folder / "past.parquet")}.get(w, w) for w in COMMANDS["backtest"]
    ]
    assert CliRunner().invoke(app, words).exit_code == 0
    return folder / "past.parquet"


def command(name: str, file: Path, past: Path, *more: str):
    known = {"FILE": str(file), "OUT": str(file.parent / "out"), "PAST": str(past)}
    return CliRunner().invoke(app, [known.get(word, word) for word in (*COMMANDS[name], *more)])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_in_doubt_is_refused_and_read_when_its_encoding_is_named(name: str, file: Path, past: Path) -> None:
    refused = command(name, file, past)
    assert isinstance(refused.exception, InputError)
    assert "can't be told with certainty" in str(refused.exception)
    assert "--encoding" in str(refused.exception)
    done = command(name, file, past, "--encoding", "GB18030")
    assert done.exit_code == 0, (done.output, done.exception)


def test_the_places_are_those_of_the_file(file: Path, past: Path) -> None:
    assert command("forecast", file, past, "--encoding", "gb18030").exit_code == 0
    assert set(pl.read_parquet(file.parent / "out")["location"]) == set(PLACES)


def test_what_was_read_wrongly_can_be_imported_anew(file: Path, past: Path) -> None:
    assert "import" in command("import", file, past, "--encoding", "big5").output, "readable, if not meant"
    again = command("import", file, past, "--encoding", "gb18030")
    assert again.output.startswith("Imported 60 rows"), "read in another way, it is another import"
    assert command("import", file, past, "--encoding", "GB18030").output.startswith("Already there")


def test_histories_are_read_in_it_too(file: Path, past: Path) -> None:
    also = file.parent / "also.csv"
    also.write_bytes(table().replace(",cases,", ",visits,").encode("gb18030"))
    marked = file.parent / "marked.csv"
    marked.write_bytes(table().replace(",cases,", ",tests_positive,").encode("utf-8-sig"))
    options = ("--also", str(also), "--also", str(marked))
    assert isinstance(command("forecast", file, past, *options).exception, InputError)
    assert command("forecast", file, past, *options, "--encoding", "gb18030").exit_code == 0


def test_an_encoding_that_is_not_there(file: Path, past: Path) -> None:
    done = command("run", file, past, "--encoding", "klingon")
    assert "there is no encoding 'klingon'. Give one such as utf-8" in str(done.exception)
    assert not (file.parent / "out").exists()
