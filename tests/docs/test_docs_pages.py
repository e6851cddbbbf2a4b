"""README and docs are executed: Python, `salus` commands and their output, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs_pages import OFFLINE, PAGES, ROOT, Step, blocks, parse, reason_not_run, run_page, same, steps

SLOW = {"README.md", "around-a-forecast.md", "copd.md", "epidemiologist.md"}
LANGUAGES = {"python", "sh", "console", "text", "csv", "toml", "json", "yaml", "html", "tsv"}
IDS = [str(p.relative_to(ROOT)) for p in PAGES]


def _commands() -> list[tuple[str, Step]]:
    shell = [(p, b) for p in PAGES for b in blocks(p) if b.language in ("sh", "console")]
    return [(f"{p.relative_to(ROOT)}:{b.line}", step) for p, b in shell for step in steps(b)]


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=pytest.mark.slow if p.name in SLOW else (), id=i) for p, i in zip(PAGES, IDS, strict=True)],
)
def test_what_a_page_shows_happens(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("SALUS_WORKSPACE", "SALUS_KEY"):
        monkeypatch.delenv(name, raising=False)
    run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_blocks_are_closed_and_of_a_known_language(page: Path) -> None:
    fences = re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(blocks(page))
    assert {b.language for b in blocks(page)} <= LANGUAGES


def test_commands_not_run_have_a_reason_and_options_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = [(where, step) for where, step in _commands() if reason_not_run(step.command)]
    assert shown
    for where, step in shown:
        if step.command.startswith("salus "):
            parse(step.command)
        elif step.command.startswith("make "):
            target = step.command.split()[1]
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{where}: the Makefile has no {target}"
        elif step.command.startswith("python scripts/"):
            assert (ROOT / step.command.split()[1]).is_file(), where


def test_every_listed_reason_is_needed() -> None:
    shown = [step.command for _, step in _commands()]
    unused = [start for start in OFFLINE if not any(c.startswith(start) for c in shown)]
    assert not unused


def test_salus_commands_in_plain_text_parse_too() -> None:
    found = 0
    for page in PAGES:
        if page.parent.name == "reference":
            continue
        for block in blocks(page):
            lines = block.text.splitlines() if block.language == "text" else []
            for line in lines:
                if line.startswith("salus "):
                    parse(re.sub(r"\s+#\s.*$", "", line))
                    found += 1
    assert found


@pytest.mark.parametrize(
    ("command", "message"), [("salus run a.csv --no-such", "no-such"), ("salus nothing", "no command nothing")]
)
def test_a_command_that_does_not_exist_is_noticed(command: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        parse(command)


def test_another_output_is_noticed() -> None:
    assert same("3 rows in ...\ndone", "3 rows in 0.4 s\ndone\n")
    assert not same("3 rows in ...\ndone", "4 rows in 0.4 s\ndone\n")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=[*IDS, "CHANGELOG.md"])
def test_relative_links_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{target} is not there"
        if anchor:
            assert anchor in _anchors(goal), f"{target}: there is no such heading"


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [p.relative_to(ROOT / "docs").as_posix() for p in PAGES if (ROOT / "docs") in p.parents]
    missing = [p for p in pages if p != "index.md" and f"({p})" not in index]
    assert not missing


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("*")), ids=lambda p: p.name)
def test_pictures_are_small_and_used_with_alt_text(picture: Path) -> None:
    assert picture.stat().st_size < 300_000
    texts = [p.read_text(encoding="utf-8") for p in PAGES]
    assert any(re.search(rf"!\[[^\]]{{20,}}\]\([^)]*{re.escape(picture.name)}\)", t) for t in texts)
