"""Results appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import filelock
import polars as pl
import pytest

from salus.data import output
from salus.data.output import output_error, replaced_file, replaced_folder
from salus.errors import OutputError

CHILD = Path(__file__).with_name("output_child.py")


def make(path: Path, text: str) -> None:
    with replaced_folder(path) as out:
        (out / "run.json").write_text(text)
        (out / "sub").mkdir()
        (out / "sub" / "a.csv").write_text(text)


def content(path: Path) -> dict[str, str]:
    return {p.relative_to(path).as_posix(): p.read_text() for p in sorted(path.rglob("*")) if p.is_file()}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on the way" / "手足口病.csv"
    for text in ("one", "two"):
        with replaced_file(path) as part:
            part.write_text(text)
            assert not path.exists() or path.read_text() == "one"
        assert path.read_text() == text
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    make(path, "one")
    (path / "left over.txt").write_text("old")
    make(path, "two")
    assert content(path) == {"run.json": "two", "sub/a.csv": "two"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_fault_in_the_block_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path / "out", "one")
    (tmp_path / "f.csv").write_text("one")

    def broken_folder() -> None:
        with replaced_folder(tmp_path / "out") as out:
            (out / "run.json").write_text("two")
            raise ZeroDivisionError

    def stopped_file() -> None:
        with replaced_file(tmp_path / "f.csv") as file:
            file.write_text("two")
            raise KeyboardInterrupt

    with pytest.raises(ZeroDivisionError):
        broken_folder()
    with pytest.raises(KeyboardInterrupt):
        stopped_file()
    assert content(tmp_path) == {"f.csv": "one", "out/run.json": "one", "out/sub/a.csv": "one"}


def test_a_missing_input_in_the_block_is_not_called_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replaced_folder(tmp_path / "out"):
        (tmp_path / "input.csv").read_text()
    with pytest.raises(FileNotFoundError), replaced_file(tmp_path / "out.csv"):
        pl.read_parquet(tmp_path / "input.parquet")
    with pytest.raises(pl.exceptions.ColumnNotFoundError), replaced_file(tmp_path / "out.csv"):
        pl.DataFrame({"a": [1]}).select("b")
    assert list(tmp_path.iterdir()) == []


def test_a_strange_folder_or_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.docx").write_text("x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="holds files that Salus did not write"):
        make(tmp_path / "thesis", "new")
    with pytest.raises(OutputError, match="it is a file, a folder was wanted"):
        make(tmp_path / "file", "new")
    with pytest.raises(OutputError, match="it is a folder, a file was wanted"), replaced_file(tmp_path / "thesis"):
        pass
    with pytest.raises(OutputError, match="a part of the path is a file"):
        make(tmp_path / "file" / "out", "new")
    with pytest.raises(OutputError, match="a part of the path is a file"), replaced_file(tmp_path / "file" / "a.csv"):
        pass
    assert content(tmp_path) == {"file": "x", "thesis/chapter.docx": "x"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "thesis"]


@pytest.mark.parametrize("writer", ["csv", "parquet", "python"])
def test_a_full_disk_leaves_what_was_there(small_disk: Path, writer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pl.DataFrame({"x": range(60_000)}).with_columns(pl.col("x").hash().alias("h"))

    def fill(path: Path) -> None:
        if writer == "csv":
            table.write_csv(path)
        elif writer == "parquet":
            table.write_parquet(path)
        else:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT)
            try:
                for _ in range(100):
                    os.write(handle, b"x" * 4096)
            finally:
                os.close(handle)

    if not os.path.ismount(small_disk):  # the disk's limit is imitated in os.write: let all writers use it

        def imitated(path: Path) -> None:
            path.write_bytes(b"")
            os.write(os.open(path, os.O_WRONLY), b"x" * 200_000)

        fill = imitated
    make(small_disk / "out", "one")
    (small_disk / "f").write_text("one")
    with (
        pytest.raises(OutputError, match=r"can't write .*f: the disk is full; make room"),
        replaced_file(small_disk / "f") as part,
    ):
        fill(part)
    with (
        pytest.raises(OutputError, match=r"can't write .*out: the disk is full; make room"),
        replaced_folder(small_disk / "out") as out,
    ):
        fill(out / "table")
    assert content(small_disk) == {"f": "one", "out/run.json": "one", "out/sub/a.csv": "one"}
    assert sorted(p.name for p in small_disk.iterdir()) == ["f", "out"]


def test_no_permission_is_told(locked_folder: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"can't write .*a\.csv: there is no permission to write there"),
        replaced_file(locked_folder / "a.csv"),
    ):
        pass
    with pytest.raises(OutputError, match=r"can't write .*out: there is no permission to write there"):
        make(locked_folder / "out", "one")
    with pytest.raises(OutputError, match=r"can't write .*c: there is no permission to write there"):
        make(locked_folder / "a" / "b" / "c", "one")
    assert list(locked_folder.iterdir()) == []


def test_a_place_where_nothing_can_be_made_is_told() -> None:
    with pytest.raises(OutputError, match="can't write /proc/salus/out: "):
        make(Path("/proc/salus/out"), "one")


def moments(kind: str, base: Path, begun: bool) -> list[Path]:
    """Where each of the killed runs, and the last that was not, wrote to."""
    command = [sys.executable, CHILD, kind, base, "begun" if begun else "new"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    assert [line.split()[1] for line in lines] == ["died"] * (len(lines) - 1) + ["done"]
    return [base / str(k + 1) / "out" for k in range(len(lines))]


@pytest.mark.parametrize("begun", [False, True], ids=["new folder", "existing folder"])
def test_a_kill_at_any_step_of_a_folder_is_recoverable(tmp_path: Path, begun: bool) -> None:
    old = {"run.json": "old", "sub/a.csv": "old"} if begun else {}
    new = {"bulletin.html": "new", "run.json": "new", "sub/a.csv": "new"}
    outcomes, vanished = [], 0
    for path in moments("folder", tmp_path, begun):
        found = content(path) if path.exists() else {}
        if begun and found == {}:  # between the two renames: the next run first puts the old folder back
            vanished += 1
            with replaced_folder(path) as out:
                found = content(path)
                (out / "run.json").write_text("not yet")
        assert found in (old, new), path
        outcomes.append(found == new)
        make(path, "next")
        assert content(path) == {"run.json": "next", "sub/a.csv": "next"}
        assert [p.name for p in path.parent.iterdir()] == ["out"], "leftovers"
    assert outcomes == sorted(outcomes)
    assert outcomes[-1]
    assert not outcomes[0]
    assert len(outcomes) > 8
    assert vanished == (1 if begun else 0)


def test_a_kill_at_any_step_of_a_file_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    outcomes = [path.read_text() for path in moments("file", tmp_path, begun=True)]
    assert outcomes[0] == "old"
    assert outcomes[-1] == "new"
    assert set(outcomes) == {"old", "new"}


def test_what_a_killed_run_left_beside_a_file_goes_after_a_day(tmp_path: Path) -> None:
    day_old, fresh, other = (tmp_path / n for n in (".f.txt.abc.part", ".f.txt.def.part", ".g.txt.abc.part"))
    for left in (day_old, fresh, other):
        left.write_text("half")
    os.utime(day_old, times=(time.time() - 90_000,) * 2)
    os.utime(other, times=(time.time() - 90_000,) * 2)
    with replaced_file(tmp_path / "f.txt") as part:
        part.write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".f.txt.def.part", ".g.txt.abc.part", "f.txt"]


def test_a_second_run_into_the_same_folder_is_told(tmp_path: Path) -> None:
    make(tmp_path / "out", "one")
    with filelock.FileLock(tmp_path / ".out.lock"), pytest.raises(OutputError, match="another run is writing it now"):
        make(tmp_path / "out", "two")
    assert content(tmp_path / "out")["run.json"] == "one"
    make(tmp_path / "out", "three")
    assert content(tmp_path / "out")["run.json"] == "three"


def test_a_failed_second_rename_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "out", "one")
    real = os.rename

    def rename(source: str, target: str) -> None:
        if str(source).endswith(".part"):
            raise OSError(errno.EIO, "Input/output error", str(source))
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OutputError, match="the system says: Input/output error"):
        make(tmp_path / "out", "two")
    assert content(tmp_path) == {"out/run.json": "one", "out/sub/a.csv": "one"}


def test_links_and_dots_lead_to_the_real_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "real", "one")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    make(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real")["run.json"] == "two"
    monkeypatch.chdir(tmp_path / "real" / "sub")
    make(Path("..") / "." / "new", "three")
    assert content(tmp_path / "real" / "new")["run.json"] == "three"


def test_long_names_keep_apart(tmp_path: Path) -> None:
    one, two = (tmp_path / ("手" * 80 + n) for n in "甲乙")
    make(one, "one")
    make(two, "two")
    with replaced_file(tmp_path / ("é" * 125)) as part:
        part.write_text("x")
    assert output._beside(one, "lock") != output._beside(two, "lock")
    assert content(one)["run.json"] == "one"
    with pytest.raises(OutputError, match="the name is too long"):
        make(tmp_path / ("x" * 300), "one")


def test_polars_text_is_understood() -> None:
    said = pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)")
    assert "the disk is full" in str(output_error("a.parquet", said))
    assert "the system says: strange" in str(output_error("a.parquet", OSError("strange")))
