"""`salus explain`: why a forecast says what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from salus.cli import options
from salus.surveillance.series import ALSO_LAG
from salus.tables.columns import parse_options
from salus.workflows import explain

app = typer.Typer(name="explain", help="Why a forecast says what it says.", no_args_is_help=True)


@app.callback()
def _explain() -> None:
    """Hold the commands."""


@app.command("change", epilog="Example: salus explain change cases.csv --disease influenza --as-of 2026-01-18 "
             "--out change.csv")  # fmt: skip
def change(
    series: options.SeriesArgument,
    out: Annotated[Path | None, typer.Option(help="Table to write, .csv or .json; replaced in one step.")] = None,
    disease: options.DiseaseOption = None,
    signal: options.SignalOption = None,
    also: options.AlsoOption = None,
    also_lag: options.AlsoLagOption = ALSO_LAG,
    driver: options.DriverOption = None,
    as_of: options.AsOfOption = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of the earlier forecast; one period before by default.")
    ] = None,
    earlier: Annotated[
        Path | None,
        typer.Option(help="The table as it stood then, where it doesn't say when values were known.", readable=False),
    ] = None,
    horizons: options.HorizonsOption = "1:4",
    model: options.ModelOption = "combination",
    model_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One model of `salus train` for both days.", readable=False)
    ] = None,
    nowcast: options.NowcastOption = "auto",
    lang: options.LangOption = None,
    column_map: options.MapOption = None,
    encoding: options.EncodingOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """What of the difference to last week's forecast is new data, revised data, and the model."""
    langs = options.languages(lang)
    found = explain.change(
        series, disease, signal, also=also or (), also_lag=also_lag, drivers=driver or (),
        as_of=options.day(as_of, "--as-of"),
        since=options.day(since, "--since"), earlier=earlier, horizons=options.horizons(horizons), model=model,
        model_file=model_file, nowcast=nowcast, mapping=parse_options(column_map) if column_map else None,
        encoding=encoding, out=out,
    )  # fmt: skip
    if as_json:
        typer.echo(found.json())
        return
    for code in langs:
        for sentence in found.words(code):
            typer.echo(sentence)
