"""Options that the commands of `salus records` share, and how they show a report."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import typer

ROOT = typer.Option(..., "--root", help="Folder of the wall, with its zones vault, record, count and release.")
KEY = typer.Option(None, "--key-file", help="File with the key; without it the environment variable SALUS_KEY.")
ENGINE = typer.Option(
    "duckdb", "--engine", help="duckdb, or a Spark master such as local[*] or spark://host:7077; the same numbers."
)
WHY = typer.Option("", "--why", help="Reason, for the log.")
JSON = typer.Option(False, "--json", help="For a machine to read.")


def show(report: Any, *, as_json: bool) -> None:
    """Show a report in words or as JSON.

    Parameters
    ----------
    report : dataclass
        With a method ``lines``.
    as_json : bool
        Whether for a machine.
    """
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report), ensure_ascii=False, indent=1, default=str))
    else:
        typer.echo("\n".join(report.lines()))
