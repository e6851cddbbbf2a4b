"""Make the generated pages of docs/reference from the program itself.

python scripts/reference.py           write the pages that are out of date
python scripts/reference.py --check   change nothing; exit status 1 when one is out of date
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from salus import registry
from salus.cli.app import everything
from salus.tables.contract import Column, Contract, column_rows
from salus.tables.contracts import ALL

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
NOTE = "<!-- Made by scripts/reference.py from the program: change the program, then run `make docs`. -->\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its full name, and the groups that hold them, in the order of the help.

    Yields
    ------
    tuple of (str, command)
        ``('salus data check', command)``; a group before its commands.
    """
    yield from _below("salus", everything())


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from _below(f"{name} {word}", inner)


def is_group(command: Any) -> bool:
    """Whether a command holds others."""
    return hasattr(command, "commands")


def told(command: Any) -> tuple[str, str | None]:
    """What a command's help says, and its example.

    Parameters
    ----------
    command : command
        From :func:`commands`.

    Returns
    -------
    text : str
        The help without the example.
    example : str or None
        One command line.
    """
    text = inspect.cleandoc(command.help or "").replace("\f", "")
    body, _, example = text.partition("Example:")
    example = example or (command.epilog or "").removeprefix("Example:")
    return body.strip(), example.strip().strip("`") or None


def arguments(command: Any) -> list[Any]:
    """Parameters without a dash."""
    return [p for p in command.params if p.param_type_name == "argument"]


def options(command: Any) -> list[Any]:
    """Parameters with a dash, without the ones that every program has."""
    general = {"help", "install_completion", "show_completion"}
    return [p for p in command.params if p.param_type_name == "option" and p.name not in general]


_WORDS = {"path": "PATH", "str": "TEXT", "int": "NUMBER", "float": "NUMBER"}


def _kind(parameter: Any, context: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    if parameter.metavar:
        return f" {parameter.metavar}"
    word = re.sub(r"^list\[(.*)\]$", r"\1", str(parameter.display_type(context)).strip("<>")).lower()
    return f" {_WORDS.get(word.removesuffix(' range'), word)}"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default is None or parameter.default == [] or parameter.default == ():
        return ""
    if isinstance(parameter.default, bool):
        if not parameter.secondary_opts:
            return ""
        return f"`{(parameter.opts if parameter.default else parameter.secondary_opts)[0]}`"
    return f"`{getattr(parameter.default, 'value', parameter.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _written(parameter: Any, context: Any) -> str:
    names = [*sorted(parameter.opts, key=len), *parameter.secondary_opts]
    text = ", ".join(f"`{name}{_kind(parameter, context) if name.startswith('--') else ''}`" for name in names)
    return text + (", repeatable" if parameter.multiple and "repeat" not in (parameter.help or "") else "")


def commands_page() -> str:
    """The page of every command and option."""
    lines = ["# Commands", "", NOTE]
    lines += [
        "Exit status: 0 done, 1 a finding that was asked for (`salus data check --strict`, `salus records verify`), 2 "
        "input that can't be used. Days are written `2026-01-31`. `--help` (`-h`) works everywhere.",
        "",
    ]
    for name, command in commands():
        if name == "salus":
            continue
        text, example = told(command)
        lines += [f"{'##' if name.count(' ') == 1 else '###'} {name}", "", text, ""]
        if is_group(command):
            continue
        words = [(p.metavar or p.name.upper()) if p.required else f"[{p.name.upper()}]" for p in arguments(command)]
        lines += ["```text", " ".join([name, *words, "[OPTIONS]"]), "```", ""]
        if arguments(command):
            lines += ["| argument | meaning |", "|---|---|"]
            lines += [f"| `{p.metavar or p.name.upper()}` | {_cell(p.help or '')} |" for p in arguments(command)] + [""]
        if options(command):
            context = typer.Context(command)
            lines += ["| option | meaning | default |", "|---|---|---|"]
            for p in options(command):
                variable = f" Environment variable `{p.envvar}`." if p.envvar else ""
                lines.append(f"| {_cell(_written(p, context))} | {_cell((p.help or '') + variable)} | {_default(p)} |")
            lines.append("")
        if example:
            lines += ["Example:", "", f"    {example}", ""]
    return _joined(lines)


def _bounds(column: Column) -> str:
    words = []
    if column.minimum is not None:
        words.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        words.append(f"at most {column.maximum:g}")
    if column.allowed is not None:
        words.append("one of " + ", ".join(f"`{word}`" for word in column.allowed))
    if column.nullable:
        words.append("may be blank")
    return "; ".join(words)


def _table(contract: Contract) -> list[str]:
    wall = " Only inside the wall." if contract.inside_wall else ""
    key = ", ".join(f"`{name}`" for name in contract.key)
    lines = [f"## {contract.name}", "", contract.doc + wall, "", f"One row for each {key}." if key else "", ""]
    lines += ["| column | type | | meaning | values |", "|---|---|---|---|---|"]
    for column, (name, dtype, need, meaning) in zip(contract.columns, column_rows(contract), strict=True):
        lines.append(f"| `{name}` | {dtype} | {need} | {_cell(meaning)} | {_bounds(column)} |")
    return [*lines, ""]


def tables_page() -> str:
    """The page of every table and column."""
    lines = ["# Tables", "", NOTE]
    lines += [
        "Every table that Salus reads or writes has a contract, checked once at the door. Other columns are dropped. A "
        "column that is absent from a file is left out of the key.",
        "",
    ]
    for contract in ALL:
        lines += _table(contract)
    return _joined(lines)


def _prose(thing: type) -> str:
    """The docstring without its numpydoc sections and without reST roles."""
    text = inspect.cleandoc(thing.__doc__ or "")
    text = re.split(r"\n\n?[A-Z][A-Za-z ]+\n-{3,}\n", text)[0]
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`").strip()


def models_page() -> str:
    """The page of every registered model and detector."""
    lines = ["# Models and detectors", "", NOTE]
    lines += [
        "`--model NAME` takes any of these; a model of your own joins them by one entry point "
        "([how](../add-a-model.md)). Every one passes the same contract tests, among them that nothing later than the "
        "reference date changes its answer.",
        "",
    ]
    for name in registry.names("model"):
        model = registry.load("model", name)
        lines += [f"## {name}", "", f"**{model.title}** · {model.title_zh}", "", _prose(model), ""]
    lines += ["## Detectors", "", "They read the forecast table, never a model, and write `alerts.csv`.", ""]
    for name in registry.names("detector"):
        lines += [f"### {name}", "", _prose(registry.load("detector", name)), ""]
    return _joined(lines)


def _joined(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


PAGES = {"commands.md": commands_page, "tables.md": tables_page, "models.md": models_page}


def main() -> None:
    """Write or check the pages."""
    stale = []
    for name, make in PAGES.items():
        path, text = FOLDER / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                FOLDER.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        sys.exit(f"out of date: {', '.join(stale)}. Run `make docs`.")
    print(f"{'out of date' if '--check' in sys.argv else 'written'}: {', '.join(stale) or 'nothing'}")


if __name__ == "__main__":
    main()
