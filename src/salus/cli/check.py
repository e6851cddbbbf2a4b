"""`salus data check`: everything that is wrong with a series file, at once."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from salus.cli import options
from salus.errors import Fault
from salus.surveillance.checks import Examination, examine
from salus.tables.columns import parse_options
from salus.tables.profiles import save_profile


def check(
    file: options.FileArgument,
    disease: options.OneDiseaseOption = None,
    signal: options.OneSignalOption = None,
    column_map: options.MapOption = None,
    today: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day from which late and future are told, by default today.")
    ] = None,
    encoding: options.EncodingOption = None,
    remember: options.RememberOption = True,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 where there are warnings.")] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Say everything that is wrong with a file of series, by row and column, with the remedy.

    Row 1 is the first row of data. Exit status 0 when the file can be used, 2 when it can't be: the other commands
    would refuse it as well. Warnings are worth a look and leave the status at 0, or make it 1 with --strict.
    """
    chosen = parse_options(column_map) if column_map else None
    day = options.day(today, "--today")
    found = examine(file, disease=disease, signal=signal, today=day, mapping=chosen, encoding=encoding)
    if chosen and remember and found.header:
        save_profile(found.header, "series", chosen)
    console = Console()
    if as_json:
        typer.echo(json.dumps(_as_dict(str(file), found), ensure_ascii=False, indent=1))
    elif console.is_terminal:
        _show(console, found)
    else:
        for line in _lines(found):
            typer.echo(line)
    if found.errors:
        raise typer.Exit(2)
    if strict and found.warnings:
        raise typer.Exit(1)


def _where(fault: Fault) -> str:
    rows = ", ".join(str(r) for r in fault.rows[:5])
    if len(fault.rows) > 5 or fault.count > len(fault.rows) > 0:
        rows += " ..."
    place = [f"column {fault.column}"] if fault.column else []
    return ", ".join([*place, *([f"row {rows}"] if rows else [])])


def _summary(found: Examination) -> str:
    errors, warnings = len(found.errors), len(found.warnings)
    verdict = "can be used" if not errors else "can't be used"
    size = ""
    if found.rows:
        place = "place" if found.places == 1 else "places"
        size = f": {found.rows:,} rows, {found.places:,} {place}, {found.first} to {found.last}"
        size += f", read as {found.encoding}" if found.encoding not in (None, "utf-8", "utf-8-sig") else ""
    return (
        f"{found.label} {verdict}{size}; "
        f"{errors} {'error' if errors == 1 else 'errors'}, {warnings} {'warning' if warnings == 1 else 'warnings'}"
    )


def _lines(found: Examination) -> list[str]:
    return [_summary(found), *(f"{f.severity}: {f.kind}: {f}" for f in found.faults)]


def _show(console: Console, found: Examination) -> None:
    console.print(escape(_summary(found)), style="bold red" if found.errors else "bold green", highlight=False)
    if not found.faults:
        return
    table = Table("", "What", "Where", "Found", "What to do", show_lines=True)
    for fault in found.faults:
        cells = (fault.severity, fault.kind, _where(fault), fault.message, fault.remedy)
        table.add_row(*(escape(c) for c in cells), style="red" if fault.severity == "error" else None)
    console.print(table)


def _as_dict(file: str, found: Examination) -> dict[str, object]:
    return {
        "file": file,
        "usable": not found.errors,
        "rows": found.rows,
        "places": found.places,
        "first": found.first.isoformat() if found.first else None,
        "last": found.last.isoformat() if found.last else None,
        "encoding": found.encoding,
        "errors": len(found.errors),
        "warnings": len(found.warnings),
        "faults": [
            {
                "kind": f.kind,
                "severity": f.severity,
                "column": f.column,
                "rows": list(f.rows),
                "count": f.count,
                "message": f.message,
                "remedy": f.remedy,
            }
            for f in found.faults
        ],
    }
