"""`salus data simulate`: a province that does not exist, to try everything on."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from salus.errors import InputError
from salus.sources.simulate import simulate as make


def simulate(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder to write.", show_default=False)],
    encounters: Annotated[int, typer.Option("--encounters", "-n", help="Expected rows of the line list.")] = 200_000,
    years: Annotated[float, typer.Option(help="Years with visits, rounded to whole weeks.")] = 6,
    seed: Annotated[int, typer.Option(help="Each number gives another history; the same one the same rows.")] = 1,
    form: Annotated[str, typer.Option("--format", "-f", help="parquet, csv or fhir.")] = "parquet",
    start: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day (YYYY-MM-DD); without it the last day is 2026-06-28."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for a machine.")] = False,
) -> None:
    """Simulate the case records of a province and write them with the truth. Nothing in it is real.

    Example: salus data simulate --out province --encounters 300000
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("Simulating"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("days", total=None)
        done = make(
            out,
            encounters,
            years,
            seed,
            format=form,
            start=None if start is None else _day(start),
            on_day=lambda day, days: bar.update(task, completed=day, total=days),
        )
    if as_json:
        typer.echo(json.dumps(done.manifest, ensure_ascii=False))
        return
    found = done.manifest
    typer.echo(
        f"Simulated {found['rows']:,} visits in {found['districts']} districts of {found['province']}, "
        f"{found['first_day']} to {found['last_day']} (seed {seed}). Nothing in it is real.\n"
        f"Line list: {done.line_list[0].parent if len(done.line_list) > 1 else done.line_list[0]}\n"
        f"Truth: {done.truth}"
    )


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--start is '{text}'; a date such as 2020-07-01 was wanted. Write it so.") from error
