"""What is made of a wall's exact counts stays in its count zone, marked; what is made of a release goes anywhere."""

from __future__ import annotations

import inspect
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from helpers_bad_input import salus

from salus.cli.app import everything
from salus.cli.walled import INSIDE, WRITTEN
from salus.errors import WallError
from salus.privacy import zones


@pytest.fixture
def wall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wall with the same series in its count and its release zone."""
    made = zones.create(tmp_path / "wall")
    rows = "".join(
        f"Tokyo,Influenza,cases,{date(2021, 1, 4) + timedelta(weeks=k)},{round(60 + 50 * math.sin(k / 4), 1)}\n"
        for k in range(120)
    )
    for zone in ("count", "release"):
        made.path(zone).joinpath("1f0c").mkdir()
        (made.path(zone) / "1f0c" / "series.csv").write_text("location,disease,signal,date,value\n" + rows)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    return tmp_path / "wall"


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--no-pdf", "--out", "out"),
        ("run", "--no-pdf", "--out", "wall/release/out"),
        ("forecast", "--out", "next.parquet"),
        ("train", "--out", "model.json"),
        ("backtest", "--origins", "2022-10-02:2022-10-30", "--out", "past.parquet"),
        ("explain change", "--out", "why.json"),
    ],
    ids=["run", "run_release", "forecast", "train", "backtest", "explain"],
)
def test_results_of_exact_counts_are_not_written_outside(wall: Path, command: tuple[str, ...]) -> None:
    before = set(wall.parent.rglob("*"))
    said = salus(*command[0].split(), "wall/count/1f0c/series.csv", "--model", "persistence", *command[1:])
    assert said.status == 2
    assert "holds exact counts, and what is made of them stays inside" in said.err
    assert {p for p in wall.parent.rglob("*") if p.is_file()} <= before


@pytest.mark.parametrize(
    "command",
    [
        "hub export wall/count/1f0c/series.csv --tasks tasks.json --team a --model b --out hubx",
        "override add wall/count/1f0c/series.csv --location Tokyo --horizon 1 --name me --reason x --log hubx/o.jsonl",
        "forecast wall/release/1f0c/series.csv --model-file wall/count/1f0c/series.csv --out next.parquet",
        "run wall/release/1f0c/series.csv --since wall/count/1f0c --no-pdf --out out",
        "run wall/release/1f0c/series.csv --overrides wall/count/1f0c/series.csv --no-pdf --out out",
        "explain change wall/release/1f0c/series.csv --earlier wall/count/1f0c/series.csv --out why.json",
        "hub score hub --truth wall/count/1f0c/series.csv --out board",
    ],
)
def test_nor_by_another_option(wall: Path, command: str) -> None:
    before = {p for p in wall.parent.rglob("*") if p.is_file()}
    said = salus(*command.split())
    assert said.status == 2
    assert "holds exact counts, and what is made of them stays inside" in said.err
    assert {p for p in wall.parent.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("data check wall/record/000001.parquet", "no further in than 'count'"),
        ("score wall/vault/x.parquet cases.csv", "no further in than 'count'"),
        ("hub check wall/record/x.csv --tasks tasks.json", "no further in than 'count'"),
        ("records ingest wall/record --format linelist --root other --key-file k.key", "these were taken in before"),
        ("records ingest wall/count/1f0c/series.csv --format linelist --root other", "these were taken in before"),
        ("records key wall/release/leak.key", "a key never lies where what it locks lies"),
        ("records combine wall/release/1f0c --public-key a --out wall/vault/x", "made outside"),
        ("forecast wall/release/1f0c/series.csv --out wall/release/1f0c/f.parquet", "`salus records` alone writes"),
        ("demo --out wall/vault/demo", "`salus records` alone writes"),
    ],
)
def test_no_command_reads_past_its_zone_or_writes_into_one_that_is_not_its_own(
    wall: Path, command: str, said: str
) -> None:
    before = {p for p in wall.parent.rglob("*") if p.is_file()}
    answer = salus(*command.split())
    assert answer.status == 2
    assert said in answer.err
    assert {p for p in wall.parent.rglob("*") if p.is_file()} == before


def test_exact_counts_that_were_copied_out_are_known_by_their_source(wall: Path) -> None:
    inner = (wall / "count/1f0c/series.csv").read_text().splitlines()
    exact = [inner[0] + ",source", *(f'{line},"wall of the office, {zones.EXACT}"' for line in inner[1:])]
    for place in ("copied.csv", "wall/count/1f0c/exact.csv"):
        Path(place).write_text("\n".join(exact))
    said = salus("run", "copied.csv", "--model", "persistence", "--no-pdf", "--out", "out")
    assert said.status == 2
    assert "holds exact counts of a wall, as its column 'source' says" in said.err
    inside = ("--model", "persistence", "--out", "wall/count/1f0c/next.parquet")
    assert salus("forecast", "wall/count/1f0c/exact.csv", *inside).status == 0


READ = {"series", "also", "driver", "overrides", "since", "places", "geometry", "model_file", "forecasts", "earlier",
        "file", "files", "tasks", "locations", "paths", "folder", "truth", "log"}  # fmt: skip
"""Parameters that are read; a new one is to be put here or in WRITTEN."""


def test_every_path_of_every_command_is_known_as_read_or_written() -> None:
    found: dict[str, set[str]] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, below in getattr(command, "commands", {}).items():
            walk(below, (*words, name))
        if not hasattr(command, "commands") and words[0] not in INSIDE:
            hints = get_type_hints(inspect.unwrap(command.callback))
            found[" ".join(words)] = {name for name, hint in hints.items() if "Path" in str(hint)}

    walk(everything(), ())
    assert len(found) > 15
    for command, names in found.items():
        assert names <= READ | {*WRITTEN[""], *WRITTEN.get(command, ())}, command


def test_inside_they_are_written_and_marked(wall: Path) -> None:
    out = "wall/count/1f0c/bulletin"
    said = salus("run", "wall/count/1f0c/series.csv", "--model", "persistence", "--no-pdf", "--out", out)
    assert said.status == 0
    assert '<p class="inside">' in (wall / "count/1f0c/bulletin/bulletin.html").read_text(encoding="utf-8")


def test_results_of_a_release_go_anywhere(wall: Path) -> None:
    said = salus("run", "wall/release/1f0c/series.csv", "--model", "persistence", "--no-pdf", "--out", "out")
    assert said.status == 0
    assert '<p class="inside">' not in (wall.parent / "out" / "bulletin.html").read_text(encoding="utf-8")


def test_exact_counts_are_not_imported_into_a_workspace_outside(wall: Path) -> None:
    said = salus("data", "import", "wall/count/1f0c/series.csv", "--workspace", "province", "--as-of", "2023-06-01")
    assert said.status == 2
    assert "holds exact counts" in said.err
    assert not (wall.parent / "province").exists()


def test_a_history_to_learn_from_counts_too(wall: Path) -> None:
    also = ("--also", "wall/count/1f0c/series.csv")
    said = salus("forecast", "wall/release/1f0c/series.csv", *also, "--model", "persistence", "--out", "next.parquet")
    assert said.status == 2


def test_records_are_read_by_no_such_command(tmp_path: Path) -> None:
    made = zones.create(tmp_path / "wall")
    with pytest.raises(WallError, match="no further in than 'count'"):
        zones.outlet([made.path("record") / "000001.parquet"], made.path("count") / "x")
    assert zones.outlet([tmp_path / "series.csv"], tmp_path / "out") is False
