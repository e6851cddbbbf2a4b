"""Results that can't be written: one clear message, exit status 2, and everything on the disk as it was."""

from __future__ import annotations

import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_bad_input import (
    ALL,
    EARLIER,
    GOOD,
    HEADER,
    command,
    compare_with_snapshot,
    executable,
    lines,
    refused,
    salus,
    tree,
    typed,
)

MORE = HEADER + lines("ABCDE", weeks=40)
"""A table whose results are larger than those of the good one."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and folders of its own for temporary files and settings; the input is in it."""
    for folder in ("place", "temp", "home"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SALUS_WORKSPACE", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    monkeypatch.chdir(tmp_path / "place")
    Path("cases.csv").write_text(GOOD)
    return tmp_path


def _strange(path: Path) -> None:
    path.mkdir()
    (path / "thesis.docx").write_text("years of work")


def _file(path: Path) -> None:
    path.write_text("somebody's")


@pytest.mark.parametrize(
    ("name", "make", "out", "said"),
    [
        ("run", _file, "results", ("it is a file, a folder was wanted", "Choose another name")),
        ("run", _strange, "results", ("holds files that Salus did not write", "Choose a new or empty folder")),
        ("run", _file, "results/out", ("a part of the path is a file", "choose another place")),
        ("forecast", _strange, "results", ("it is a folder, a file was wanted", "give a file name")),
        ("forecast", _file, "results/out.parquet", ("a part of the path is a file", "choose another place")),
        ("forecast", _file, "cases.csv", ("it is the input itself", "Choose another name")),
        ("backtest", _strange, "results", ("it is a folder, a file was wanted", "give a file name")),
        ("backtest", _file, "cases.csv", ("it is the input itself", "Choose another name")),
        ("data import", _file, "results", ("results is a file, a workspace is a folder", "Choose another name")),
        (
            "data import",
            _strange,
            "results",
            ("holds other files, such as thesis.docx", "Choose a new or empty folder"),
        ),
        ("data import", _file, "results/workspace", ("a part of the path is a file", "choose another place")),
    ],
)
def test_an_output_in_the_wrong_place(place: Path, name: str, make, out: str, said: tuple[str, ...]) -> None:
    make(Path("results"))
    before = tree(place)
    arguments = command(name, "cases.csv", out, ())
    message = refused(salus(*arguments), *said)
    assert tree(place) == before
    kind = "a file" if make is _file else "a folder of other files"
    compare_with_snapshot(f"{name} to {out}, where results is {kind}", f"{typed(arguments)}\n{message}")


@pytest.fixture
def locked(place: Path) -> Iterator[tuple[str, ...]]:
    """Earlier results in folders that may not be written; what stands before a command so that this binds root, too."""
    for name in ALL:
        assert salus(*command(name, "cases.csv", EARLIER[name], ())).status == 0
    Path("cases.csv").write_text(MORE)
    folders = [p for p in (place / "place", *(place / "place").rglob("*")) if p.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    yield ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    for folder in folders:
        folder.chmod(0o755)


def test_no_permission_to_write(place: Path, locked: tuple[str, ...]) -> None:
    before = tree(place)
    models = (("run", "out"), ("forecast", "next.parquet"), ("backtest", "new/new.parquet"))
    for name, out in (*models, ("data import", "workspace"), ("data import", "new/workspace")):
        arguments = command(name, "cases.csv", out, ())
        message = refused(executable(*arguments, prefix=locked), "no permission to write there", "another place")
        assert tree(place) == before
        compare_with_snapshot(f"no permission to write {out}, {name}", f"{typed(arguments)}\n{message}")


def test_no_permission_to_read(place: Path) -> None:
    Path("cases.csv").chmod(0)
    bound = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    for name in ("run", "data import"):
        said = executable(*command(name, "cases.csv", "new", ()), prefix=bound)
        message = refused(said, "cases.csv", "permission")
        compare_with_snapshot(
            f"no permission to read, {name}", f"{typed(command(name, 'cases.csv', 'new', ()))}\n{message}"
        )
    Path("cases.csv").chmod(0o644)
    assert [p.name for p in Path().iterdir()] == ["cases.csv"]


@pytest.fixture
def small_disk(place: Path) -> Iterator[int | None]:
    """A small file system `disk` and None; where none may be mounted, bytes to which files are to be limited."""
    disk = Path("disk")
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk.absolute())]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        yield 16_000
        return
    yield None
    os.chdir(place)
    subprocess.run(["umount", str(place / "place" / "disk")], check=True)


def _fill(disk: Path, free: int) -> None:
    """Leave so many bytes free."""
    state = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(max(state.f_bavail * state.f_frsize - free, 0)))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("earlier", [True, False], ids=["over-an-earlier-result", "new"])
def test_a_full_disk(place: Path, small_disk: int | None, name: str, earlier: bool) -> None:
    """Whether it fills at the first file or at a later one."""
    disk = Path("disk")
    out = f"disk/{EARLIER[name]}" if earlier else f"disk/new/{EARLIER[name]}"
    if earlier:
        assert salus(*command(name, "cases.csv", out, ())).status == 0
    Path("cases.csv").write_text(MORE)
    if small_disk is not None:
        before = tree(place)
        said = executable(*command(name, "cases.csv", out, ()), prefix=("prlimit", f"--fsize={small_disk}"))
        refused(
            said, f"can't write {out}: the file would be larger than is allowed there", "Nothing there was changed."
        )
        assert tree(place) == before
        return
    seen = set()
    for free in (0, 8_192, 70_000) if name == "run" else (0, 4_096):
        _fill(disk, free)
        before = tree(place)
        arguments = command(name, "cases.csv", out, ())
        said = (executable if (name, free, earlier) == ("run", 0, True) else salus)(*arguments)
        message = refused(said, f"can't write {out}: the disk is full", "make room")
        assert tree(place) == before
        (disk / "ballast").unlink()
        seen.add(message)
    assert len(seen) == 1
    compare_with_snapshot(f"full disk, {out}", f"{typed(command(name, 'cases.csv', out, ()))}\n{seen.pop()}")
    assert salus(*command(name, "cases.csv", out, ())).status == 0, "with room again, the same command works"


def test_a_full_disk_for_temporary_files(place: Path, small_disk: int | None) -> None:
    with zipfile.ZipFile("cases.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cases.csv", MORE)
    temporary = Path("disk/temp")
    temporary.mkdir()
    prefix: tuple[str, ...] = ()
    if small_disk is None:
        _fill(Path("disk"), 4_096)
    else:
        prefix = ("prlimit", f"--fsize={small_disk}")
    before = tree(place)
    arguments = command("forecast", "cases.zip", "new.parquet", ())
    message = refused(executable(*arguments, prefix=prefix, TMPDIR=str(temporary.absolute())), "cases.zip")
    assert tree(place) == before
    if small_disk is None:
        compare_with_snapshot("full disk for temporary files", f"{typed(arguments)}\n{message}")
