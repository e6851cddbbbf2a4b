"""`salus copd burden`: prevalence and undiagnosed cases of small areas, from a survey and a census."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

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
    diagnosed: Annotated[
        str | None,
        typer.Option(help="Column of the survey that says who was told of the disease before; 1 or 0."),
    ] = None,
    register: Annotated[
        Path | None,
        typer.Option(
            help="Table of location and registered: people with a diagnosis, of the same ages.", readable=False
        ),
    ] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.99, help="Share that the intervals are to hold.")] = 0.9,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="CSV or Parquet to write.")] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Prevalence of airflow obstruction in each area, and how many cases nobody has diagnosed yet.

    Multilevel regression with post-stratification: what the survey says of people with given traits, added up over the
    people who live in each area. An area with few or no people in the survey has a wide interval, not none.

    Undiagnosed cases need a survey that asked its people for a diagnosis (--diagnosed); a register then tells how areas
    differ in diagnosing. With a register alone there are only the cases less the registered, which is something else:
    many people on a register have no obstruction.
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
        diagnosed=diagnosed,
        register=register,
        level=level,
    )
    if out is not None:
        write_burden(found, out)
    for note in found.notes:
        typer.echo(f"Note: {note}.", err=True)
    if as_json:
        areas = found.table.to_dicts()
        rows = {"people": found.people, "cases": found.cases, "spread": found.spread, "notes": found.notes}
        typer.echo(json.dumps(rows | {"areas": areas}, ensure_ascii=False, indent=1))
        return
    _show(found, level)
    if out is not None:
        typer.echo(f"{out}: {found.table.height} areas.")


def _show(found: Burden, level: float) -> None:
    """Tables that fit 80 columns: prevalence, and below it what is known of diagnoses."""
    typer.echo(f"{found.cases:,} cases among {found.people:,} people of the survey; intervals of {level:.0%}.")
    typer.echo("")
    rows = found.table.to_dicts()
    _print(
        ["area", "people", "surveyed", "prevalence", "interval", "cases"],
        [
            (
                row["location"],
                f"{row['population']:,.0f}",
                f"{row['surveyed']:,}",
                f"{row['prevalence']:.1%}",
                f"{row['lower']:.1%} to {row['upper']:.1%}",
                f"{row['cases']:,.0f}",
            )
            for row in rows
        ],
    )
    columns = found.table.columns
    if "undiagnosed" in columns:
        more = ["diagnosed", "registered"] if "registered" in columns else []
        beside = "; then people with one, by survey and register" if more else ""
        typer.echo(f"\nCases without a diagnosis{beside}:")
        _print(
            ["area", "undiagnosed", "interval", *more],
            [(row["location"], *_counts(row, "undiagnosed"), *(_count(row[name]) for name in more)) for row in rows],
        )
    elif "registered" in columns:
        typer.echo("\nAs if everybody on the register were a case, so not the undiagnosed:")
        _print(
            ["area", "registered", "cases less registered", "interval"],
            [(row["location"], _count(row["registered"]), *_counts(row, "cases_less_registered")) for row in rows],
        )


def _count(people: float | None) -> str:
    return "" if people is None else f"{people:,.0f}"


def _counts(row: dict[str, Any], name: str) -> tuple[str, str]:
    """A number of people, and its interval."""
    if row[name] is None:
        return "", ""
    return _count(row[name]), f"{row[f'{name}_lower']:,.0f} to {row[f'{name}_upper']:,.0f}"


def _print(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(head[0], overflow="fold")
    for name in head[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
