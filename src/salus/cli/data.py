"""`salus data`: files into the workspace, and what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table

from salus.cli import options
from salus.cli.check import check
from salus.cli.pull import pull
from salus.data.provenance import command_line
from salus.data.workspace import Workspace
from salus.errors import WorkspaceError
from salus.tables.columns import parse_options
from salus.workflows.importing import import_series

_WIDTH = 160
"""Width of a table that goes into a pipe or a file."""

app = typer.Typer(help="Import files, pull public sources, and see what the workspace holds.", no_args_is_help=True)

WorkspaceOption = Annotated[
    Path,
    typer.Option("--workspace", "-w", help="Folder of the workspace.", envvar="SALUS_WORKSPACE", show_default=False),
]
app.command("check", epilog="Example: salus data check cases.csv --disease HFMD")(check)
app.command("pull", epilog="Example: salus data pull rki --workspace germany")(pull)


@app.command("import", epilog="Example: salus data import cases.csv --workspace province --as-of 2026-01-18")
def import_file(
    file: options.FileArgument,
    workspace: WorkspaceOption,
    disease: options.OneDiseaseOption = None,
    signal: options.OneSignalOption = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day on which these values were what was known (YYYY-MM-DD).")
    ] = None,
    column_map: options.MapOption = None,
    remember: options.RememberOption = True,
    encoding: options.EncodingOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Import a file of series into the workspace. The same file a second time changes nothing."""
    day = options.day(as_of, "--as-of")
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )
    with bar:
        task = bar.add_task(f"Reading {file.name}", total=None)
        done = import_series(
            Workspace(workspace),
            file,
            disease=disease,
            signal=signal,
            as_of=day,
            mapping=parse_options(column_map) if column_map else None,
            remember=remember,
            encoding=encoding,
            command=command_line(),
            on_file=lambda n, total: bar.update(task, description="Writing", completed=n, total=total),
        )
    record = done.record
    for fault in done.warnings:
        typer.echo(f"Worth a look: {fault}", err=True)
    if as_json:
        answer = {"import": record.id, "added": done.added, "rows": record.rows, "source": record.source}
        answer["warnings"] = [str(fault) for fault in done.warnings]
        typer.echo(json.dumps(answer | {"imported_on": record.imported_on.isoformat()}, ensure_ascii=False))
    elif done.added:
        typer.echo(f"Imported {record.rows:,} rows of {record.source} into {workspace} (import {record.id}).")
    else:
        typer.echo(f"Already there: {record.source} was imported on {record.imported_on}. Nothing was changed.")


@app.command("list", epilog="Example: salus data list --workspace province --verify")
def list_contents(
    workspace: WorkspaceOption,
    verify: Annotated[bool, typer.Option("--verify", help="Compare every file with its hash first.")] = False,
    as_json: options.JsonOption = False,
) -> None:
    """List what the workspace holds: diseases, signals, periods, and the imports that they came from."""
    place = Workspace(workspace)
    damaged = place.verify() if verify else []
    if damaged:
        named = "\n".join(f"  - {d.path}: {d.problem}" for d in damaged)
        raise WorkspaceError(f"{workspace} is not as it was written:\n{named}\nPut these files back from a backup.")
    contents, imports = place.contents(), place.manifest().imports
    if as_json:
        answer = {
            "series": contents.to_dicts(),
            "imports": [
                {"import": i.id, "source": i.source, "sha256": i.sha256, "rows": i.rows, "imported_at": i.imported_at}
                | {"imported_on": i.imported_on, "as_of": i.as_of, "filters": i.filters, "mapping": i.mapping}
                for i in imports
            ],
        }
        typer.echo(json.dumps(answer, ensure_ascii=False, default=str))
        return
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    series = _table("Disease", "Signal", "Rows", "First period", "Last period", "Imports")
    for row in contents.iter_rows(named=True):
        series.add_row(
            escape(row["disease"]),
            escape(row["signal"]),
            f"{row['rows']:,}",
            str(row["first"]),
            str(row["last"]),
            str(row["imports"]),
        )
    console.print(series)
    console.print()
    made = _table("Import", "File", "Rows", "Imported on", "As of")
    for record in imports:
        made.add_row(
            record.id, escape(record.source), f"{record.rows:,}", str(record.imported_on), str(record.as_of or "-")
        )
    console.print(made)


def _table(*names: str) -> Table:
    return Table(*(Column(name, overflow="fold") for name in names), box=None)
