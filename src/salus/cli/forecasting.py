"""`salus forecast`, `salus backtest`, `salus score`: models from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from salus.cli import options
from salus.surveillance.series import ALSO_LAG
from salus.surveillance.totals import count
from salus.tables.columns import parse_options
from salus.workflows import forecasting

OutOption = Annotated[
    Path, typer.Option(help="Parquet file in the hub format; replaced in one step.", show_default=False)
]


def forecast(
    series: options.SeriesArgument,
    out: OutOption,
    disease: options.DiseaseOption = None,
    signal: options.SignalOption = None,
    also: options.AlsoOption = None,
    also_lag: options.AlsoLagOption = ALSO_LAG,
    driver: options.DriverOption = None,
    as_of: options.AsOfOption = None,
    horizons: options.HorizonsOption = "1:4",
    model: options.ModelOption = "combination",
    model_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Forecast with this model of `salus train` instead of fitting one."),
    ] = None,
    nowcast: options.NowcastOption = "auto",
    coherent: options.CoherentOption = False,
    column_map: options.MapOption = None,
    encoding: options.EncodingOption = None,
) -> None:
    """Forecast once, from what was known on one day."""
    found = forecasting.forecast(
        series, disease, signal, also=also or (), also_lag=also_lag, drivers=driver or (),
        as_of=options.day(as_of, "--as-of"),
        horizons=options.horizons(horizons), model=model, model_file=model_file, nowcast=nowcast,
        coherent=coherent, mapping=parse_options(column_map) if column_map else None, encoding=encoding, out=out,
    )  # fmt: skip
    model = str(found.table["model"][0])
    for place in found.stands_in:
        typer.echo(f"Note: {place}: {model} has no answer, no change is assumed", err=True)
    for place in found.borrowed:
        typer.echo(f"Note: {place}: {forecasting.BORROWED}", err=True)
    for place, (reason, _) in found.unusable.items():
        typer.echo(f"Note: {place}: {reason}; not forecast", err=True)
    typer.echo(f"{count(found.table['location'])} forecast: {out}")


def train(
    series: options.SeriesArgument,
    out: Annotated[Path, typer.Option(help="JSON file of the model; replaced in one step.", show_default=False)],
    disease: options.DiseaseOption = None,
    signal: options.SignalOption = None,
    also: options.AlsoOption = None,
    also_lag: options.AlsoLagOption = ALSO_LAG,
    driver: options.DriverOption = None,
    as_of: options.AsOfOption = None,
    model: options.ModelOption = "combination",
    column_map: options.MapOption = None,
    encoding: options.EncodingOption = None,
) -> None:
    """Train a model and store it, to forecast on machines that never see the data."""
    told = forecasting.train(
        series, out, disease, signal, also=also or (), also_lag=also_lag, drivers=driver or (),
        as_of=options.day(as_of, "--as-of"),
        model=model, mapping=parse_options(column_map) if column_map else None, encoding=encoding,
    )  # fmt: skip
    typer.echo(
        f"{model} of {told.disease}, {told.signal}: {told.places:,} places, {told.first} to {told.last}, "
        f"as known on {told.as_of}: {out}"
    )


def backtest(
    series: options.SeriesArgument,
    out: OutOption,
    origins: Annotated[
        str, typer.Option(metavar="START:END", help="First and last reference date.", show_default=False)
    ],
    disease: options.DiseaseOption = None,
    signal: options.SignalOption = None,
    also: options.AlsoOption = None,
    also_lag: options.AlsoLagOption = ALSO_LAG,
    driver: options.DriverOption = None,
    horizons: options.HorizonsOption = "1:4",
    model: options.ModelOption = "combination",
    nowcast: options.NowcastOption = "auto",
    coherent: options.CoherentOption = False,
    train_before: Annotated[
        str | None, typer.Option(metavar="DATE", help="Fit once, on what was known before this day.")
    ] = None,
    refit_every: Annotated[
        int | None, typer.Option(min=1, help="Periods after which to fit anew; a year by default.")
    ] = None,
    column_map: options.MapOption = None,
    encoding: options.EncodingOption = None,
) -> None:
    """Forecast from many past days, each knowing only what was known then."""
    first, last = options.period(origins)
    with options.Stages() as stages:
        table = forecasting.backtest_file(
            series, disease, signal, first=first, last=last, also=also or (), also_lag=also_lag, drivers=driver or (),
            horizons=options.horizons(horizons), model=model, nowcast=nowcast, coherent=coherent,
            train_before=options.day(train_before, "--train-before"),
            refit_every=refit_every, mapping=parse_options(column_map) if column_map else None,
            encoding=encoding, out=out, progress=stages,
        )  # fmt: skip
    typer.echo(f"{table['reference_date'].n_unique():,} days, {count(table['location'])}: {out}")


def score(
    forecasts: Annotated[
        Path, typer.Argument(metavar="FORECASTS", help="Parquet file that backtest or forecast wrote.", readable=False)
    ],
    series: options.SeriesArgument,
    truth_as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Take the truth as it was known then.")
    ] = None,
    column_map: options.MapOption = None,
    encoding: options.EncodingOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """WIS, coverage, skill over persistence, and status accuracy beside persistence's, by horizon."""
    rows = forecasting.score_files(
        forecasts,
        series,
        truth_as_of=options.day(truth_as_of, "--truth-as-of"),
        mapping=parse_options(column_map) if column_map else None,
        encoding=encoding,
    )
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    console = Console(width=None if Console().is_terminal else 160)
    table = Table("horizon", "tasks", "WIS", "log WIS", "skill", "95 % bounds", "cover 50", "cover 95", "status",
                  "no change", "changes called")  # fmt: skip
    for row in rows:
        table.add_row(*(_shown(row[name]) for name in forecasting.SCORE_COLUMNS))
    console.print(table)
    console.print(
        "skill: WIS over persistence's, under 1 is better. cover 50, cover 95: share of the values in the interval, "
        "to be near 0.50 and 0.95. status: share of the levels called right; no change: had the last level been "
        "repeated; changes called: of the changes of level alone.",
        soft_wrap=True,
    )


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
