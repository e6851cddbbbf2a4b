"""`salus data check`: everything that is wrong with a series file, at once."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from salus.errors import Fault, InputError
from salus.surveillance.checks import Examination, examine
from salus.tables.columns import parse_options
from salus.tables.profiles import save_profile


def check(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet, Excel or JSON lines, also as gzip or zip.")],
    disease: Annotated[str | None, typer.Option(help="Look at this disease only; any of its names.")] = None,
    signal: Annotated[str | None, typer.Option(help="Look at this signal only, such as cases.")] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=NAME",
            help="Which column is what: --map Ort=location, --map 'Datum=date:day-first', --map '=Influenza=disease'. "
            "May be repeated; it is remembered for files with the same header.",
        ),
    ] = None,
    today: Annotated[str | None, typer.Option(metavar="DATE", help="Day from which late and future are told.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a text file, such as gb18030.")] = None,
    remember: Annotated[bool, typer.Option(help="Remember the --map for files with the same header.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Write the answer as JSON.")] = False,
) -> None:
    """Say everything that is wrong with FILE, by row and column, with the remedy.

    Row 1 is the first row of data. Exit status 0 when the file can be used, 1 when it has errors, 2 when it can't be
    read.

    Example: salus data check cases.csv --disease HFMD
    """
    chosen = parse_options(mapping) if mapping else None
    found = examine(file, disease=disease, signal=signal, today=_day(today), mapping=chosen, encoding=encoding)
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
        raise typer.Exit(1)


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--today {text!r} is no date. Write it as 2026-01-31.") from error


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
