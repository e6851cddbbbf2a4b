"""What is made of a wall's exact counts stays in its count zone, marked; what is made of a release goes anywhere."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import pytest
from helpers_bad_input import salus

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
