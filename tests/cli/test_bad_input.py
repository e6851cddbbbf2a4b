"""Bad input at the command line: one clear message, exit status 2, and everything on the disk as it was."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_bad_input import (
    ALL,
    EARLIER,
    GOOD,
    command,
    compare_with_snapshot,
    executable,
    refused,
    salus,
    tree,
    typed,
)
from helpers_bad_input_files import FILE_CASES, Case
from helpers_bad_input_requests import REQUEST_CASES

CASES = [*FILE_CASES, *REQUEST_CASES]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with earlier good results, and folders of its own for temporary files and settings."""
    root = tmp_path_factory.mktemp("bad_input")
    for folder in ("place", "temp", "home"):
        (root / folder).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALUS_HOME", str(root / "home"))
        patch.delenv("SALUS_WORKSPACE", raising=False)
        patch.setenv("TMPDIR", str(root / "temp"))
        patch.setattr(tempfile, "tempdir", str(root / "temp"))
        patch.chdir(root / "place")
        Path("earlier.csv").write_text(GOOD)
        for name in ALL:
            assert salus(*command(name, "earlier.csv", EARLIER[name], ())).status == 0
        yield root


@pytest.mark.parametrize("case", CASES, ids=[c.name.replace(" ", "-") for c in CASES])
def test_every_command_refuses_and_leaves_all_as_it_was(case: Case, home: Path) -> None:
    files = [(case.file, case.make), *case.beside]
    for file, make in files:
        if make is not None:
            make(Path(file))
    before = tree(home)
    messages: list[str] = []
    try:
        for name in case.commands:
            arguments = command(name, case.file, EARLIER[name], case.options)
            message = refused(salus(*arguments), *case.said, *([] if case.asked else [case.file]))
            assert tree(home) == before, f"{name} over an earlier result"
            if not messages or not messages[-1].endswith(message):
                messages.append(f"{typed(arguments)}\n{message}")
            assert refused(salus(*command(name, case.file, "new", case.options))) == message
            assert tree(home) == before, f"{name} into a new place"
    finally:
        for file, _ in files:
            path = Path(file)
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
    compare_with_snapshot(case.name, "".join(messages))


@pytest.mark.parametrize("name", ALL)
def test_the_executable_itself(home: Path, name: str) -> None:
    bad = Path("cases.csv")
    bad.write_bytes(b"")
    before = tree(home)
    try:
        refused(executable(*command(name, "cases.csv", EARLIER[name], ())), "cases.csv is empty. Give a file")
        assert tree(home) == before
    finally:
        bad.unlink()
