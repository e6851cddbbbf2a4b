"""`salus data check` on files that are good, faulty and unreadable."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from salus.cli.check import check
from salus.errors import InputError

app = typer.Typer()
app.command()(check)
HEADER = "location,disease,signal,date,value\n"
ROWS = "".join(f"Tokyo,Influenza,cases,2024-01-{d:02d},{d}\n" for d in (1, 8, 15, 22))


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUS_HOME", str(tmp_path_factory.mktemp("home")))


def run(*options: str):
    return CliRunner().invoke(app, [*options, "--today", "2024-02-01"])


def write(folder: Path, text: str) -> str:
    file = folder / "cases.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_good_file(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + ROWS)
    done = run(file)
    assert done.exit_code == 0
    assert done.output == f"{file} can be used: 4 rows, 1 place, 2024-01-01 to 2024-01-22; 0 errors, 0 warnings\n"


def test_errors_and_warnings_in_a_pipe(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + ROWS + "Tokyo,Influenza,cases,2024-01-29,-5\nOsaka,Influenza,cases,2024-01-01,1\n")
    done = run(file)
    assert done.exit_code == 2
    lines = done.output.splitlines()
    assert lines[0].endswith("can't be used: 6 rows, 2 places, 2024-01-01 to 2024-01-29; 1 error, 1 warning")
    assert lines[1].startswith("error: negative: column 'value', row 5: found -5, wanted at least 0. Correct it")
    assert lines[2].startswith("warning: late place: column 'date', row 6: 1 series later than the others: Osaka")
    assert "\x1b" not in done.output


def test_warnings_alone_do_not_fail(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + ROWS.replace("2024-01-22", "2024-01-29"))
    done = run(file)
    assert done.exit_code == 0
    assert "warning: gap" in done.output


def test_warnings_fail_where_that_was_asked_for(tmp_path: Path) -> None:
    assert run(write(tmp_path, HEADER + ROWS), "--strict").exit_code == 0
    assert run(write(tmp_path, HEADER + ROWS.replace("2024-01-22", "2024-01-29")), "--strict").exit_code == 1
    assert run(write(tmp_path, HEADER + ROWS.replace(",22", ",-22")), "--strict").exit_code == 2, "errors are more"


def test_json(tmp_path: Path) -> None:
    done = run(write(tmp_path, HEADER + ROWS + "東京,Influenza,cases,soon,1\n"), "--json")
    assert done.exit_code == 2
    answer = json.loads(done.output)
    assert answer["usable"] is False
    assert (answer["errors"], answer["rows"]) == (1, 5)
    fault = answer["faults"][0]
    assert (fault["kind"], fault["column"], fault["rows"], fault["severity"]) == ("date", "date", [5], "error")


def test_a_table_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "140")
    done = run(write(tmp_path, HEADER + ROWS + "[b]Kyoto[/b],Influenza,cases,2024-01-08,-1\n"))
    assert done.exit_code == 2
    for text in ("\x1b[", "What to do", "negative", "column value, row 5", "[b]Kyoto[/b]"):
        assert text in done.output


def test_a_mapping_is_used_and_remembered(tmp_path: Path) -> None:
    file = write(tmp_path, "Ort;Tag;Anzahl\nTokyo;3/1/2024;5\nTokyo;10/1/2024;6\n")
    options = ["--map", "Ort=location", "--map", "Tag=date:day-first", "--map", "Anzahl=value"]
    given = [*options, "--map", "=Influenza=disease", "--map", "=cases=signal"]
    asked = run(file)
    assert asked.exit_code == 2
    assert "--map 'Ort=location'" in asked.output
    assert run(file, *given, "--no-remember").exit_code == 0
    assert run(file).exit_code == 2
    assert run(file, *given).exit_code == 0
    again = run(file)
    assert again.exit_code == 0
    assert "2024-01-03 to 2024-01-10" in again.output


def test_disease_and_signal(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + ROWS + "Tokyo,Measles,cases,2024-01-01,-1\n")
    assert run(file).exit_code == 2
    assert run(file, "--disease", "流感", "--signal", "CASES").exit_code == 0


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("none.csv", [], "there is no file"),
        ("cases.csv", ["--disease", "Influenca"], "Did you mean 'Influenza'"),
        ("cases.csv", ["--map", "location"], "can't be understood"),
        ("cases.csv", ["--encoding", "utf-16"], "is not text in utf-16"),
    ],
)
def test_what_can_not_be_read_is_one_error(name: str, options: list[str], said: str, tmp_path: Path) -> None:
    write(tmp_path, HEADER + ROWS)
    done = run(str(tmp_path / name), *options)
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)


def test_a_wrong_day(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [write(tmp_path, HEADER + ROWS), "--today", "tomorrow"])
    assert isinstance(done.exception, InputError)
    assert "--today 'tomorrow' is no day. Write it as" in str(done.exception)
