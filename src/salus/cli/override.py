"""`salus override`: a person's word against a model's, with name and reason; both are kept and scored."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from salus.cli import options
from salus.errors import InputError
from salus.forecasting.overrides import read
from salus.tables.columns import parse_options
from salus.workflows import overrides

app = typer.Typer(
    name="override",
    help="Replace or widen a forecast, with a name and a reason; both are kept, shown with a mark, and scored.",
    no_args_is_help=True,
)

ForecastsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FORECASTS", help="Parquet file that forecast or run wrote; it stays as it is.", readable=False
    ),
]
LogOption = Annotated[
    Path | None,
    typer.Option(
        "--log",
        help="File of overrides; by default beside the forecasts, of a run beside its folder: NAME.overrides.jsonl.",
        readable=False,
    ),
]


@app.command("add", epilog="Example: salus override add weekly/forecasts.parquet --location North --horizon 1 "
             "--widen 1.5 --name 'Dr Ito' --reason 'schools closed on Friday'")  # fmt: skip
def add(
    forecasts: ForecastsArgument,
    location: Annotated[str, typer.Option(help="Place, as the file names it.", show_default=False)],
    horizon: Annotated[int, typer.Option(help="Periods ahead.", show_default=False)],
    name: Annotated[str, typer.Option(help="Who answers for it.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why the forecast is to be read otherwise.", show_default=False)],
    widen: Annotated[
        float | None, typer.Option(metavar="FACTOR", help="Make the ranges so many times wider, over 1 and up to 10.")
    ] = None,
    quantile: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVEL=VALUE",
            help="Replace the forecast: the median (0.5), one quantile below and one above at least; repeatable.",
        ),
    ] = None,
    log: LogOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Replace or widen the forecast of one place and horizon."""
    said, path = overrides.override(
        forecasts, location, horizon, name=name, reason=reason, widen=widen,
        quantiles=_quantiles(quantile) if quantile else None, log=log,
    )  # fmt: skip
    typer.echo(json.dumps(asdict(said), ensure_ascii=False) if as_json else said.line())
    if not as_json:
        typer.echo(f"Kept in {path}; the forecasts are as they were.")


@app.command("list", epilog="Example: salus override list weekly/forecasts.parquet")
def show(forecasts: ForecastsArgument, log: LogOption = None, as_json: options.JsonOption = False) -> None:
    """All overrides of a file of forecasts, the first one first."""
    for said in read(log or overrides.log_of(forecasts)):
        typer.echo(json.dumps(asdict(said), ensure_ascii=False) if as_json else said.line())


@app.command("score", epilog="Example: salus override score weekly/forecasts.parquet cases.csv")
def score(
    forecasts: ForecastsArgument,
    series: options.SeriesArgument,
    log: LogOption = None,
    column_map: options.MapOption = None,
    encoding: options.EncodingOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Each person's forecasts beside the model's in their place, against what happened."""
    rows = overrides.score_overrides(
        forecasts, series, log=log, mapping=parse_options(column_map) if column_map else None, encoding=encoding
    )
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("name", "overrides", "WIS", "model's WIS", "skill", "cover 95", "model's cover 95")
    for row in rows:
        values = (row[k] for k in ("wis", "model_wis", "skill", "inside95", "model_inside95"))
        table.add_row(row["name"], str(row["overrides"]), *("-" if v is None else f"{v:.3f}" for v in values))
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table)
    console.print("skill: the person's WIS over the model's on the same weeks, under 1 is better.", soft_wrap=True)


def _quantiles(texts: list[str]) -> dict[float, float]:
    found: dict[float, float] = {}
    for text in texts:
        level, sign, value = text.partition("=")
        try:
            number = float(level), float(value)
        except ValueError as error:
            raise InputError(f"--quantile '{text}' is no quantile. Write LEVEL=VALUE, such as 0.975=120.") from error
        if not sign or number[0] in found:
            raise InputError(f"--quantile {level} was given twice. Give each level once.")
        found[number[0]] = number[1]
    return found
