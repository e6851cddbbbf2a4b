"""The reference is complete and as the program is: commands, options, columns, settings, dependencies."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import re
import sys
import tomllib
from importlib.metadata import files, metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from docs_pages import ROOT, parse

import salus
from salus import registry
from salus.tables.contracts import ALL, FORECASTS, STATUS, TRUST

DOCS = ROOT / "docs"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


reference = _script("reference")
COMMANDS = [(name, command) for name, command in reference.commands() if not reference.is_group(command)]
OPTIONS = [(f"{name} {p.opts[0]}", p) for name, command in COMMANDS for p in command.params if p.name != "help"]


def test_the_benchmark_page_is_made_from_the_results() -> None:
    written = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert written == _script("benchmark_page").benchmarks_page(), "docs/benchmarks.md is out of date; run `make docs`"


@pytest.mark.parametrize("name", reference.PAGES)
def test_generated_page_is_up_to_date(name: str) -> None:
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name](), f"docs/reference/{name} is out of date; run `make docs`"


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=[name for name, _ in OPTIONS])
def test_every_option_and_argument_has_help(name: str, option: Any) -> None:
    assert option.help, f"{name} has no help"
    assert option.help.rstrip().endswith((".", "!", "?")), f"{name}: the help is no sentence"


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_says_what_it_does_and_shows_an_example_that_parses(name: str, command: Any) -> None:
    text, example = reference.told(command)
    assert text
    assert example is not None, f"{name} has no example"
    assert example.startswith(name), f"the example of {name} is of another command: {example}"
    parse(example)


def test_every_column_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "tables.md").read_text(encoding="utf-8")
    for contract in ALL:
        section = page.split(f"\n## {contract.name}\n")[1].split("\n## ")[0]
        for column in contract.columns:
            assert f"| `{column.name}` |" in section
            assert column.doc in section.replace("\\|", "|")


def test_every_model_and_detector_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "models.md").read_text(encoding="utf-8")
    for name in registry.names("model"):
        assert f"\n## {name}\n" in page
    for name in registry.names("detector"):
        assert f"\n### {name}\n" in page


def test_every_column_of_what_a_run_writes_is_explained() -> None:
    page = (DOCS / "output-files.md").read_text(encoding="utf-8")
    for contract in (STATUS, TRUST, FORECASTS):
        for column in contract.names:
            group = "probability_0" if re.fullmatch(r"probability_\d", column) else column
            assert f"`{group}`" in page, f"{contract.name}: {column}"


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))
    read: set[str] = set()
    for folder in ("src", "tests", "scripts", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            read |= set(re.findall(r"\bSALUS_[A-Z_]+\b", text))
            if folder == "src":
                read |= set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", text))
    assert described == read


def _listed(section: str) -> dict[str, str]:
    page = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    part = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \[?`?([\w-]+)`?(?:\]\([^)]*\))? \| ([^|]+) \| ([^|]+) \|$", part, re.MULTILINE)
    listed = {name: (licence, why) for name, licence, why in rows if name != "package"}
    assert all(len(why) > 10 for _, why in listed.values())
    return {name: licence for name, (licence, _) in listed.items()}


@pytest.mark.parametrize("section", ["In every installation", "For Spark", "For development"])
def test_every_dependency_is_explained_with_its_licence(section: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {"For Spark": "spark", "For development": "dev"}
    wanted = project["optional-dependencies"][extras[section]] if section in extras else project["dependencies"]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in wanted}
    listed = _listed(section)
    assert set(listed) == names
    for name, licence in listed.items():
        about = metadata(name)
        words = " ".join(
            [about.get("License-Expression") or "", (about.get("License") or "")[:400]]
            + [c for c in about.get_all("Classifier") or [] if c.startswith("License")]
        )
        if not words.strip():
            kept = [file for file in files(name) or [] if file.name.startswith("LICEN")]
            words = kept[0].read_text(encoding="utf-8")[:100]
        first = licence.split()[0].split("-")[0]
        assert first.casefold() in words.casefold(), f"{name} says {words[:100]}, the page says {licence}"


def test_no_extra_is_left_out_of_the_dependencies_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["optional-dependencies"]) == {"dev", "spark", "all"}, "a new extra: give it a section and a test"


def test_changelog_keeps_the_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "https://keepachangelog.com/" in text
    assert "https://semver.org/" in text
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    for head in heads[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", head), head
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert f"[{salus_version()}]" in heads[1]


def salus_version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


MODULES = sorted(m.name for m in pkgutil.walk_packages(salus.__path__, "salus."))
WITH_EXAMPLES = [m for m in MODULES if ">>>" in Path(importlib.util.find_spec(m).origin).read_text("utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_happen(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert found.attempted > 0
    assert found.failed == 0


def test_the_layers_on_the_architecture_page_are_those_that_are_checked() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = page.split("| layer | owns |\n|---|---|\n")[1].split("\n\n")[0]
    written = [" | ".join(re.findall(r"`([\w.]+)`", line.split(" | ")[0])) for line in table.splitlines()]
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert written == linter["contracts"][0]["layers"]


def test_every_file_that_the_pages_name_exists() -> None:
    for page in ("architecture.md", "add-a-model.md", "add-a-source.md"):
        for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
            folders = [ROOT]
            for name in re.findall(r"`([\w./-]+(?:\.py|\.csv|\.toml|/))`", line):
                if "NAME" in name or "recent_mean" in name:
                    continue
                assert any((folder / name).exists() for folder in folders), f"{page}: {name}"
                folders += [(ROOT / name) if name.endswith("/") else (ROOT / name).parent]
