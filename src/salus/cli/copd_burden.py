"""`salus copd burden`: prevalence and undiagnosed cases of small areas, from a survey and a census."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from salus.cli import options
from salus.copd.areas import TRAITS, Burden, guard_estimates, write_burden
from salus.copd.areas import burden as estimate


def burden(
    survey: Annotated[
        Path,
        typer.Argument(
            metavar="SURVEY", help="People with spirometry: location, traits, case (1 or 0).", readable=False
        ),
    ],
    census: Annotated[
        Path,
        typer.Argument(
            metavar="CENSUS",
            help="People of each area and combination of traits: location, traits, people.",
            readable=False,
        ),
    ],
    outcome: Annotated[str, typer.Option(help="Column of the survey that says who is a case.")] = "case",
    trait: Annotated[
        list[str] | None, typer.Option(help=f"Trait of both tables; repeatable, by default {', '.join(TRAITS)}.")
    ] = None,
    covariate: Annotated[
        list[str] | None, typer.Option(help="Column of the census that says something of the area; repeatable.")
    ] = None,
    weight: Annotated[str | None, typer.Option(help="Column of survey weights.")] = None,
    register: Annotated[
        Path | None,
        typer.Option(help="Table of location and registered: people with a diagnosis.", readable=False),
    ] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.99, help="Share that the intervals are to hold.")] = 0.9,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="CSV or Parquet to write.")] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Prevalence of airflow obstruction in each area, and how many cases nobody has diagnosed yet.

    Multilevel regression with post-stratification: what the survey says of people with given traits, added up over the
    people who live in each area. An area with few or no people in the survey has a wide interval, not none.
    """
    inputs = [path for path in (survey, census, register) if path is not None]
    if out is not None:
        guard_estimates(out, inputs, registered=register is not None)
    found = estimate(
        survey,
        census,
        outcome=outcome,
        traits=trait or TRAITS,
        covariates=covariate or (),
        weight=weight,
        register=register,
        level=level,
    )
    if out is not None:
        write_burden(found, out)
    if as_json:
        rows = {"people": found.people, "cases": found.cases, "spread": found.spread, "areas": found.table.to_dicts()}
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    _show(found, level)
    if out is not None:
        typer.echo(f"{out}: {found.table.height} areas.")


def _show(found: Burden, level: float) -> None:
    typer.echo(f"{found.cases:,} cases among {found.people:,} people of the survey; intervals of {level:.0%}.")
    gap = "undiagnosed" in found.table.columns
    head = ["area", "people", "in the survey", "prevalence", "interval", "cases"]
    table = Table(*head, *(["registered", "undiagnosed", "interval"] if gap else []), box=None, pad_edge=False)
    for row in found.table.iter_rows(named=True):
        cells = [
            row["location"],
            f"{row['population']:,.0f}",
            f"{row['surveyed']:,}",
            f"{row['prevalence']:.1%}",
            f"{row['lower']:.1%} to {row['upper']:.1%}",
            f"{row['cases']:,.0f}",
        ]
        if gap and row["undiagnosed"] is not None:
            bounds = f"{row['undiagnosed_lower']:,.0f} to {row['undiagnosed_upper']:,.0f}"
            cells += [f"{row['registered']:,.0f}", f"{row['undiagnosed']:,.0f}", bounds]
        table.add_row(*cells)
    Console().print(table)
