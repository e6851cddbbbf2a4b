"""How a command is run and judged that meets bad input."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from salus.cli import app

MESSAGES = Path(__file__).with_name("messages.txt")
SALUS = Path(sys.executable).with_name("salus")
HEADER = "location,disease,signal,date,value\n"
FIRST = dt.date(2024, 1, 1)
ORIGINS = "2024-06-02:2024-07-28"
ALL = ("run", "forecast", "backtest", "data import")
EARLIER = {"run": "out", "forecast": "next.parquet", "backtest": "past.parquet", "data import": "workspace"}
"""Where the tests have earlier good results, by the command that made them."""


def lines(
    places: Iterable[str] = "ABC",
    weeks: int = 30,
    disease: str = "Influenza",
    signal: str = "cases",
    value: Callable[[int, int], object] = lambda p, k: (k * 7 + p * 3) % 11 + p,
) -> str:
    """Rows of weekly series, without the header."""
    return "".join(
        f"{place},{disease},{signal},{FIRST + dt.timedelta(weeks=k)},{value(p, k)}\n"
        for p, place in enumerate(places)
        for k in range(weeks)
    )


GOOD = HEADER + lines()


def command(name: str, file: str, out: str, options: tuple[str, ...]) -> list[str]:
    """The arguments of a command."""
    if name == "data import":
        return ["data", "import", file, "--workspace", out, *options]
    own = [] if "--model" in options else ["--model", "persistence"]
    own += ["--no-pdf"] if name == "run" else []
    own += ["--origins", ORIGINS] if name == "backtest" and "--origins" not in options else []
    return [name, file, *own, "--out", out, *options]


def tree(*folders: Path) -> dict[str, tuple[str, int, int]]:
    """Every file and folder below, with hash, mode and, for files, the time of the last change."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            state = path.lstat()
            digest = (
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and os.access(path, os.R_OK) else ""
            )
            found[str(path)] = (digest, state.st_mode, state.st_mtime_ns if path.is_file() else 0)
    return found


_NO_PYTHON = re.compile(
    r"Traceback|Error\b|None\b|\bnan\b|datetime|dtype|<class|olars|os error|[Ee]rrno|\[\]|\{\}|\(\)|__"
)


class Said(NamedTuple):
    """What a command said."""

    status: int | str | None
    out: str
    err: str


def salus(*arguments: str) -> Said:
    """Run the command line in this process, as the executable does."""
    out, err = io.StringIO(), io.StringIO()
    status: int | str | None = 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["salus", *arguments])
        try:
            app.main()
        except SystemExit as end:
            status = end.code or 0
    return Said(status, out.getvalue(), err.getvalue())


def executable(*arguments: str, prefix: tuple[str, ...] = (), **environment: str) -> Said:
    """Run the real executable, in another process."""
    done = subprocess.run(
        [*prefix, str(SALUS), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def refused(said: Said, *parts: str) -> str:
    """The one message of a command that refused its input."""
    assert said.status == 2, said
    assert said.out == ""
    assert said.err.startswith("salus: ")
    assert said.err.count("salus: ") == 1
    head, *faults = said.err.splitlines()
    assert all(line.startswith("  - ") for line in faults), said.err
    assert head.endswith(":" if faults else (".", "?")), said.err
    assert not _NO_PYTHON.search(said.err), said.err
    for part in parts:
        assert part in said.err, said.err
    return said.err.replace(str(dt.datetime.now().astimezone().date()), "TODAY")


def compare_with_snapshot(name: str, text: str) -> None:
    """Compare with the section of messages.txt; SALUS_SNAPSHOTS=write rewrites it, to be read before it is kept."""
    kept = MESSAGES.read_text(encoding="utf-8") if MESSAGES.exists() else ""
    sections = dict(part.split("\n", 1) for part in kept.split("# ")[1:])
    if os.environ.get("SALUS_SNAPSHOTS") == "write":
        sections[name] = text + "\n"
        MESSAGES.write_text("".join(f"# {n}\n{t}" for n, t in sections.items()), encoding="utf-8")
    assert sections[name] == text + "\n"


def typed(arguments: Iterable[str]) -> str:
    """A command as it is typed."""
    return "$ salus " + " ".join(a if re.fullmatch(r"[\w./:=,-]+", a) else f"'{a}'" for a in arguments)
