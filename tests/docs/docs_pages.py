"""Run what a page of the documentation shows: its Python, its `salus` commands, and compare what they print."""

from __future__ import annotations

import doctest
import io
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salus.cli.app import everything, main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
)

OFFLINE = {
    "make demo": "installs from the package index; `salus demo` has its own test",
    "make test": "is what runs this",
    "make test-fast": "runs the tests",
    "make lint": "`make test` runs it",
    "make docs": "tests/docs compares the pages with the program",
    ".venv/bin/": "a developer's command, run in the repository itself",
    "SALUS_": "renews snapshots",
    "python scripts/": "writes into the repository",
}
"""Commands that are shown and not run here, and why. Their options are still checked where they are ours."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which the text starts."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    pattern = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    text = page.read_text(encoding="utf-8")
    return [Block(m[2], m[3], text.count("\n", 0, m.start(3)) + 1) for m in pattern.finditer(text)]


@dataclass(frozen=True)
class Step:
    """A command of a shell block and the output that the page shows for it, None where it shows none."""

    command: str
    shown: str | None


def steps(block: Block) -> list[Step]:
    joined = re.sub(r"\\\n\s*", "", block.text)
    if block.language == "sh":
        lines = [re.sub(r"\s+#\s.*$", "", line).strip() for line in joined.splitlines()]
        return [Step(line, None) for line in lines if line and not line.startswith("#")]
    found = []
    for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        found.append(Step(command.strip(), shown.strip("\n")))
    return found


def reason_not_run(command: str) -> str | None:
    return next((why for start, why in OFFLINE.items() if command.startswith(start)), None)


def salus(command: str) -> tuple[int, str]:
    """Run `salus ...` as the installed command does; exit status and what it prints on both streams."""
    out, before = io.StringIO(), sys.argv
    sys.argv = shlex.split(command)
    status: Any = 0
    try:
        with redirect_stdout(out), redirect_stderr(out):
            main()
    except SystemExit as leaving:
        status = leaving.code or 0
    finally:
        sys.argv = before
    return int(status), out.getvalue()


def parse(command: str) -> None:
    """Fail when the command line has no such command, argument or option; nothing is run."""
    words = shlex.split(command)
    found: Any = everything()
    rest = words[1:]
    while rest and hasattr(found, "commands"):
        assert rest[0] in found.commands, f"{command}: there is no command {rest[0]}"
        found, rest = found.commands[rest[0]], rest[1:]
    if hasattr(found, "commands"):
        assert rest in ([], ["--help"]), command
        return
    if "--help" not in rest:
        found.make_context(found.name, rest)


def same(shown: str, printed: str) -> bool:
    """Whether the output is the one shown; `...` stands for anything, runs of blanks count as one."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    plain = printed.replace("\u00a0", " ")  # the space in `71 %` that does not break a line
    return doctest.OutputChecker().check_output(shown.strip() + "\n", plain.strip() + "\n", flags)


def run_page(page: Path) -> None:
    """Run the blocks of a page in order, in the current folder; Python in one namespace."""
    scope: dict[str, Any] = {"__name__": "__page__"}
    page_blocks = blocks(page)
    for number, block in enumerate(page_blocks):
        where = f"{page.relative_to(ROOT)}, line {block.line}"
        if block.language == "python" and ">>>" in block.text:
            run_examples(block.text, scope, where)
        elif block.language == "python":
            out = io.StringIO()
            with redirect_stdout(out):
                exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), scope)  # noqa: S102 (a page's own code)
            following = page_blocks[number + 1 : number + 2]
            if following and following[0].language == "text" and out.getvalue():
                expected = same(following[0].text, out.getvalue())
                assert expected, f"{where}: printed\n{out.getvalue()}\nthe page shows\n{following[0].text}"
        elif block.language in ("sh", "console"):
            for step in steps(block):
                if reason_not_run(step.command) is None:
                    assert step.command.startswith("salus "), f"{where}: `{step.command}` is neither run nor listed"
                    status, printed = salus(step.command)
                    refused = step.shown is not None and "can't be used" in step.shown
                    assert status == 2 if refused else status in (0, 1), (
                        f"{where}: `{step.command}` ended with {status}:\n{printed}"
                    )
                    expected = step.shown is None or same(step.shown, printed)
                    assert expected, f"{where}: `{step.command}` printed\n{printed}\nthe page shows\n{step.shown}"


def run_examples(text: str, scope: dict[str, Any], where: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, scope, where, None, 0)
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.write, clear_globs=False)
    scope.update(test.globs)
    assert runner.failures == 0, said.getvalue()
