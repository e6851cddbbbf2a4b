"""The engine answers questions to Parquet files, within its limits, and touches nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl
import pytest

from salus.data import engine as engines
from salus.data.engine import DuckEngine, Engine, EngineError, remove_stale_spill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "it's 数据"
    made.mkdir()
    pl.DataFrame({"x": [1, 2], "s": ["a", None]}).write_parquet(made / "one.parquet")
    pl.DataFrame({"x": [3], "s": ["手足口病"]}).write_parquet(made / "two.parquet")
    return made


def test_files_tables_and_parameters_meet_in_one_question(folder: Path) -> None:
    engine: Engine = DuckEngine(folder)
    answer = engine.query(
        "SELECT rows.x, rows.s, t.y FROM rows JOIN t ON rows.x = t.x WHERE rows.x >= $low ORDER BY rows.x",
        files={"rows": [folder / "one.parquet", folder / "two.parquet"]},
        tables={"t": pl.DataFrame({"x": [1, 2, 3], "y": ["p", "q", "r"]})},
        parameters={"low": 2},
    )
    assert answer.rows() == [(2, None, "q"), (3, "手足口病", "r")]


def test_a_relative_folder_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    answer = DuckEngine(Path(folder.name)).query("SELECT * FROM a", files={"a": [Path(folder.name) / "two.parquet"]})
    assert answer["x"].to_list() == [3]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM 'https://example.org/a.parquet'",
        "SELECT 1; INSTALL httpfs",
        "SELECT 1; ATTACH '/tmp/other.db'",
        "COPY (SELECT 1) TO '/tmp/salus-must-not-be-written.csv'",
        "SELECT 1; SET enable_external_access = true",
    ],
)
def test_nothing_outside_is_touched(folder: Path, sql: str) -> None:
    with pytest.raises(EngineError, match=r"disabled by configuration|configuration has been locked|Permission Error"):
        DuckEngine(folder).query(sql, files={"a": [folder / "one.parquet"]})
    assert not Path("/tmp/salus-must-not-be-written.csv").exists()  # noqa: S108 (the path that the statements name)


def test_a_file_that_is_no_parquet_is_told(folder: Path) -> None:
    (folder / "bad.parquet").write_text("not parquet")
    with pytest.raises(EngineError, match=r"bad\.parquet"):
        DuckEngine(folder).query("SELECT * FROM a", files={"a": [folder / "bad.parquet"]})


def test_what_does_not_fit_in_memory_goes_to_the_disk_and_is_gone_after(folder: Path) -> None:
    many = "SELECT count(*) AS n FROM (SELECT DISTINCT range::VARCHAR || 'abcdefghijklm' FROM range(2000000))"
    engine = DuckEngine(folder, memory_limit="40MB", threads=1)
    assert engine.query(many, files={"a": [folder / "one.parquet"]})["n"].item() == 2_000_000
    assert sorted(p.name for p in folder.iterdir()) == ["one.parquet", "two.parquet"]


def test_what_a_killed_question_left_goes_after_a_day(folder: Path) -> None:
    for name, age in (("old", 90_000), ("new", 60)):
        left = folder / f".spill-{name}"
        left.mkdir()
        (left / "block.tmp").write_text("x")
        os.utime(left, times=(time.time() - age,) * 2)
    remove_stale_spill(folder)
    assert [p.name for p in folder.iterdir() if p.is_dir()] == [".spill-new"]


def test_nothing_but_salus_writes_on_the_standard_output():
    with engines.connect() as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]
    source = Path(engines.__file__).parents[1]
    assert [f.name for f in source.rglob("*.py") if "duckdb.connect(" in f.read_text(encoding="utf-8")] == ["engine.py"]
