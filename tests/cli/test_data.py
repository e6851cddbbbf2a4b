"""`salus data import` and `salus data list`, as a person or a machine sees them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from salus.cli.data import app
from salus.data.workspace import Workspace
from salus.errors import InputError, NameNotFoundError, OutputError, SalusError, TableError, WorkspaceError

CSV = """location,disease,signal,date,value
A,Influenza,cases,2024-01-01,3
A,Influenza,cases,2024-01-08,5
A,Influenza,cases,2024-01-15,
A,Measles,cases,2024-01-01,1
A,Measles,admissions,2024-01-01,1
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SALUS_WORKSPACE", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text(CSV)
    return path


def salus(*arguments: object) -> str:
    """Output of a command that ends well; a deliberate error is raised as it is."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, SalusError):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_a_file_is_imported_and_listed(tmp_path: Path, file: Path) -> None:
    w = tmp_path / "w"
    assert salus("import", file, "--workspace", w).startswith(f"Imported 5 rows of cases.csv into {w} (import ")
    shown = salus("list", "--workspace", w, "--verify")
    assert [line.split() for line in shown.splitlines()][1] == [
        "Influenza",
        "cases",
        "3",
        "2024-01-01",
        "2024-01-15",
        "1",
    ]
    assert "cases.csv" in shown
    assert Workspace(w).read("Influenza", as_of=dt.date(2024, 1, 14))["value"].to_list() == [3.0, 5.0]
    assert Workspace(w).read("Influenza", as_of=dt.date(2024, 1, 13))["value"].to_list() == [3.0]


def test_the_same_file_twice_changes_nothing(tmp_path: Path, file: Path) -> None:
    w = tmp_path / "w"
    salus("import", file, "-w", w)
    before = {p: p.read_bytes() for p in w.rglob("*") if p.is_file()}
    file.rename(tmp_path / "renamed.csv")
    told = salus("import", tmp_path / "renamed.csv", "-w", w)
    assert told.startswith("Already there: cases.csv was imported on ")
    assert told.endswith("Nothing was changed.\n")
    assert {p: p.read_bytes() for p in w.rglob("*") if p.is_file()} == before


def test_a_machine_reads_json(tmp_path: Path, file: Path) -> None:
    w = tmp_path / "w"
    done = json.loads(salus("import", file, "-w", w, "--as-of", "2024-01-20", "--json"))
    assert (done["added"], done["rows"], done["source"]) == (True, 5, "cases.csv")
    listed = json.loads(salus("list", "-w", w, "--json"))
    assert listed["imports"][0]["import"] == done["import"]
    assert listed["imports"][0]["as_of"] == "2024-01-20"
    assert listed["series"][0] == {
        "disease": "Influenza",
        "signal": "cases",
        "rows": 3,
        "first": "2024-01-01",
        "last": "2024-01-15",
        "imports": 1,
    }


def test_only_what_is_asked_for_is_imported_and_checked(tmp_path: Path, file: Path) -> None:
    w = tmp_path / "w"
    file.write_text(CSV + "A,Mumps,cases,no date,-3\n")
    with pytest.raises(TableError, match="no date"):
        salus("import", file, "-w", w)
    assert not w.exists()
    salus("import", file, "-w", w, "--disease", "measles", "--signal", "Cases")
    assert Workspace(w).contents().select("disease", "signal", "rows").rows() == [("Measles", "cases", 1)]
    assert Workspace(w).manifest().imports[0].filters == {"disease": "Measles", "signal": "cases"}
    assert "Already there" in salus("import", file, "-w", w, "--disease", "MEASLES", "--signal", "cases")


def test_a_synonym_finds_all_labels_of_a_disease_and_keeps_them(tmp_path: Path) -> None:
    w = tmp_path / "w"
    labels = ["Hand, foot and mouth disease", "手足口病", "Measles"]
    lines = [f'A,"{label}",cases,2024-01-0{k + 1},1\n' for k, label in enumerate(labels)]
    (tmp_path / "a.csv").write_text("location,disease,signal,date,value\n" + "".join(lines))
    salus("import", tmp_path / "a.csv", "-w", w, "--disease", "HFMD")
    assert set(Workspace(w).contents()["disease"]) == set(labels[:2])


def test_vintages_pile_up(tmp_path: Path, file: Path) -> None:
    w = tmp_path / "w"
    salus("import", file, "-w", w, "--as-of", "2024-01-16", "--disease", "Influenza")
    file.write_text(CSV.replace("01-08,5", "01-08,50"))
    salus("import", file, "-w", w, "--as-of", "2024-01-23", "--disease", "Influenza")
    assert Workspace(w).read(as_of=dt.date(2024, 1, 22))["value"].to_list() == [3.0, 5.0, None]
    assert Workspace(w).read(as_of=dt.date(2024, 1, 23))["value"].to_list() == [3.0, 50.0, None]


def test_a_departments_own_columns_are_mapped_and_remembered(tmp_path: Path) -> None:
    w = tmp_path / "w"
    for k, name in enumerate(("week1.csv", "week2.csv")):
        (tmp_path / name).write_text(f"Kreis;Tag0;Zahl\nA;2024-01-0{1 + k};4\n")
    own = ["--map", "Kreis=location", "--map", "Tag0=date", "--map", "Zahl=value"]
    own += ["--map", "=Influenza=disease", "--map", "=cases=signal"]
    with pytest.raises(TableError, match="there is no column"):
        salus("import", tmp_path / "week1.csv", "-w", w)
    salus("import", tmp_path / "week1.csv", "-w", w, *own)
    salus("import", tmp_path / "week2.csv", "-w", w)
    assert "Already there" in salus("import", tmp_path / "week1.csv", "-w", w), "a profile is no other way of reading"
    first, second = Workspace(w).manifest().imports
    assert first.mapping == second.mapping
    assert first.mapping["=Influenza"] == "disease"
    assert first.profile == second.profile is not None


def test_no_remember_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Kreis0,disease,signal,date,value\nA,Influenza,cases,2024-01-01,4\n")
    salus("import", tmp_path / "a.csv", "-w", tmp_path / "w", "--map", "Kreis0=location", "--no-remember")
    assert not (tmp_path / "home").exists()
    assert Workspace(tmp_path / "w").manifest().imports[0].profile is None


def test_months_days_and_weeks_end_when_they_end(tmp_path: Path) -> None:
    starts = {
        "month": [dt.date(2024, 1, 1), dt.date(2024, 2, 1)],
        "day": [dt.date(2024, 2, 1), dt.date(2024, 2, 2), dt.date(2024, 2, 3)],
        "mmwr week": [dt.date(2024, 1, 28), dt.date(2024, 2, 4)],
    }
    rows = [
        {"location": "A", "disease": name, "signal": "cases", "date": d, "value": 1.0}
        for name, days in starts.items()
        for d in days
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    salus("import", tmp_path / "a.parquet", "-w", tmp_path / "w")
    known = {d: Workspace(tmp_path / "w").read(as_of=dt.date(2024, 2, d))["disease"].to_list() for d in (2, 3, 10, 29)}
    assert known[2] == ["day"] * 2 + ["month"]
    assert known[3] == ["day"] * 3 + ["mmwr week", "month"]
    assert known[10] == ["day"] * 3 + ["mmwr week"] * 2 + ["month"]
    assert known[29] == ["day"] * 3 + ["mmwr week"] * 2 + ["month"] * 2


def test_a_later_file_is_read_in_the_cadence_of_the_series(tmp_path: Path) -> None:
    w = tmp_path / "w"
    head = "location,disease,signal,date,value\n"
    (tmp_path / "a.csv").write_text(head + "".join(f"A,Influenza,cases,2024-0{m}-01,1\n" for m in range(1, 4)))
    (tmp_path / "b.csv").write_text(head + "A,Influenza,cases,2024-04-01,1\n")
    (tmp_path / "c.csv").write_text(head + "A,Influenza,cases,2024-05-07,1\n")
    salus("import", tmp_path / "a.csv", "-w", w)
    salus("import", tmp_path / "b.csv", "-w", w)
    assert Workspace(w).read(as_of=dt.date(2024, 4, 29)).height == 3, "2024-04-01 is a Monday, but it is a month here"
    assert Workspace(w).read(as_of=dt.date(2024, 4, 30)).height == 4
    with pytest.raises(TableError, match=r"c\.csv, Influenza, cases can't be used:\n.*One cadence|.*Give one cadence"):
        salus("import", tmp_path / "c.csv", "-w", w)
    assert len(Workspace(w).manifest().imports) == 2


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["nowhere.csv"], InputError, "nowhere.csv"),
        (["{folder}"], InputError, "is a folder"),
        (["{file}", "--disease", "Influenca"], NameNotFoundError, "Did you mean 'Influenza'"),
        (["{file}", "--as-of", "16.1.2024"], InputError, "--as-of '16.1.2024' is no day. Write it as YYYY-MM-DD"),
        (["{file}", "--as-of", "2024-01-05"], InputError, "2 rows that begin after the as-of day 2024-01-05"),
        (["{file}", "--as-of", "2999-01-05"], InputError, "lies in the future"),
        (["{file}", "--map", "date"], InputError, "--map 'date' can't be understood"),
    ],
)
def test_bad_input_is_one_message_and_changes_nothing(
    tmp_path: Path, file: Path, arguments: list[str], kind: type[SalusError], message: str
) -> None:
    w = tmp_path / "w"
    filled = [a.format(file=file, folder=tmp_path) for a in arguments]
    with pytest.raises(kind) as caught:
        salus("import", *filled, "-w", w)
    assert message in str(caught.value)
    assert not w.exists()


def test_list_tells_what_is_wrong(tmp_path: Path, file: Path) -> None:
    w = tmp_path / "w"
    with pytest.raises(WorkspaceError, match="there is no workspace at"):
        salus("list", "-w", w)
    salus("import", file, "-w", w)
    path = next(w.rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    salus("list", "-w", w)
    with pytest.raises(WorkspaceError, match="its bytes were changed after it was written") as caught:
        salus("list", "-w", w, "--verify")
    assert path.name in str(caught.value)


def test_no_place_to_write_is_told(file: Path) -> None:
    with pytest.raises(OutputError, match="can't write /proc/salus/w"):
        salus("import", file, "-w", "/proc/salus/w")


def test_a_pipe_sees_no_progress_and_no_cut_names(tmp_path: Path) -> None:
    name = "Influenza (laboratory-confirmed), age 0-14, sentinel hospitals [b]"
    path = tmp_path / "a_rather_long_file_name_of_a_department.csv"
    path.write_text(f'location,disease,signal,date,value\nA,"{name}",cases,2024-01-01,3\n')
    result = CliRunner().invoke(app, ["import", str(path), "-w", str(tmp_path / "w")])
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    shown = salus("list", "-w", tmp_path / "w")
    assert name in shown
    assert path.name in shown


def test_the_command_is_kept_without_folders(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/salus", "data", "import", str(file), "-w", str(tmp_path / "w")])
    salus("import", file, "-w", tmp_path / "w")
    assert Workspace(tmp_path / "w").manifest().imports[0].command == "salus data import cases.csv -w w"
    assert str(tmp_path) not in (tmp_path / "w" / "manifest.json").read_text()


def test_every_command_shows_an_example() -> None:
    for command in ("import", "list", "pull", "check"):
        assert "Example: salus data " in salus(command, "--help")


def test_running_totals_are_refused_as_by_data_check(tmp_path: Path) -> None:
    days = [dt.date(2022, 1, 3) + dt.timedelta(weeks=k) for k in range(104)]
    rows = [f"A,Influenza,cases,{day},{day.timetuple().tm_yday}" for day in days]
    file = tmp_path / "totals.csv"
    file.write_text("\n".join([CSV.splitlines()[0], *rows, ""]))
    with pytest.raises(TableError, match="as running totals do"):
        salus("import", file, "--workspace", tmp_path / "w")
    assert not (tmp_path / "w").exists()
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 2
