"""`salus data syndromes [NAME]`: the case definitions, to browse."""

from __future__ import annotations

import dataclasses
import json

import typer
from rich.console import Console
from rich.table import Table

from salus.surveillance import syndromes


def browse(
    name: str | None = typer.Argument(None, help="Key or title, English or Chinese; without it all are listed."),
    as_json: bool = typer.Option(False, "--json", help="For a machine to read."),
) -> None:
    """Case definitions by ICD-10 and SNOMED CT codes.

    Example: `salus data syndromes hfmd`
    """
    if name is None:
        overview = syndromes.overview()
        if as_json:
            typer.echo(json.dumps(overview.to_dicts(), ensure_ascii=False, indent=1))
            return
        table = Table("key", "title", "标题", "ICD-10", "version", box=None, pad_edge=False)
        for row in overview.iter_rows():
            table.add_row(*row)
        Console().print(table)
        return
    one = syndromes.describe(name)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(one), ensure_ascii=False, indent=1))
        return
    typer.echo(f"{one.key}: {one.title} · {one.title_zh} (version {one.version})\n\n{one.definition}\n{one.notes}\n")
    for line in one.codes:
        below = " and below" if line.match == "prefix" else ""
        typer.echo(f"  {'ICD-10' if line.system == 'icd10' else 'SNOMED CT'} {line.code}{below}: {line.meaning}")
    if one.encounter_class:
        typer.echo(f"  only {one.encounter_class} visits count")
    typer.echo("\nSources")
    for source in one.sources:
        typer.echo(f"  {source['title']}. {source['publisher']}. {source['url']}")
