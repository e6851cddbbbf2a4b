"""`salus hub`: submit forecasts to a hubverse hub, look at submissions, rank the hub's models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from salus.cli import options
from salus.data.provenance import command_line
from salus.errors import InputError
from salus.hub.asked import Wishes
from salus.workflows import hub

app = typer.Typer(name="hub", help="Forecast hubs of the hubverse: submit, check, rank.", no_args_is_help=True)

TasksOption = Annotated[Path, typer.Option(help="The hub's tasks.json.", show_default=False, readable=False)]
LocationsOption = Annotated[
    Path | None,
    typer.Option(help="The hub's table of places: codes in 'location', other names, population.", readable=False),
]
HorizonZeroOption = Annotated[
    int, typer.Option(metavar="DAYS", help="Days from the round's date to the end of horizon 0.")
]
TargetOption = Annotated[str | None, typer.Option(help="The hub's name of the target; needed where it has several.")]


@app.command("export", epilog="Example: salus hub export forecast.parquet --tasks hub-config/tasks.json "
             "--team delta --model grove --out model-output")  # fmt: skip
def export(
    forecasts: Annotated[
        Path, typer.Argument(help="Forecasts in Parquet, as forecast and backtest write them.", readable=False)
    ],
    tasks: TasksOption,
    team: Annotated[str, typer.Option(help="Abbreviation of the team.", show_default=False)],
    model: Annotated[str, typer.Option(help="Abbreviation of the model, in the hub.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(help="The hub's model-output folder, or a file named as it wants.", show_default=False),
    ],
    target: TargetOption = None,
    round_date: Annotated[
        str | None, typer.Option("--round", metavar="DATE", help="The hub's round, where it is another day.")
    ] = None,
    locations: LocationsOption = None,
    series: Annotated[
        Path | None,
        typer.Option(help="The series that was forecast, for rate-change categories and samples.", readable=False),
    ] = None,
    paths: Annotated[
        Path | None,
        typer.Option(
            help="Sample paths that `salus run` wrote; those beside the forecasts by default.", readable=False
        ),
    ] = None,
    also: Annotated[
        Path | None, typer.Option(help="Rows of other targets in the hub's own columns.", readable=False)
    ] = None,
    set_value: Annotated[
        list[str] | None, typer.Option("--set", metavar="TASK_ID=VALUE", help="Value of another task id; repeatable.")
    ] = None,
    horizon_zero: HorizonZeroOption = 0,
    from_model: Annotated[str | None, typer.Option(help="Model in the file, where it holds several.")] = None,
    disease: options.DiseaseOption = None,
    signal: options.SignalOption = None,
    file_format: Annotated[str | None, typer.Option("--format", help="csv or parquet.")] = None,
) -> None:
    """Write forecasts as a hub wants them, by its own tasks.json, and check them by its rules."""
    choose = {"model": from_model, "disease": disease, "signal": signal}
    written = hub.export_files(
        forecasts, tasks, out, team=team, model=model,
        wishes=Wishes(target, options.day(round_date, "--round"), values=_pairs(set_value, "--set"),
                      horizon_zero=horizon_zero),
        choose={name: value for name, value in choose.items() if value is not None},
        locations=locations, series=series, paths=paths, also=also, file_format=file_format,
    )  # fmt: skip
    for path, submission in written.items():
        for note in submission.notes:
            typer.echo(f"Note: {note}", err=True)
        typer.echo(f"{submission.table.height:,} rows, round {submission.round_id}: {path}")


@app.command("check", epilog="Example: salus hub check 2024-01-06-delta-grove.csv --tasks tasks.json --draft")
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Submissions, CSV or Parquet.", readable=False)
    ],
    tasks: TasksOption,
    locations: LocationsOption = None,
    horizon_zero: HorizonZeroOption = 0,
    draft: Annotated[bool, typer.Option("--draft", help="The files need not lie in their model's folder.")] = False,
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of submission, to be compared with the window.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for a machine.")] = False,
) -> None:
    """Say every rule of the hub that a submission breaks; exit status 1 when one does."""
    found = hub.check_files(
        files, tasks, locations=locations, horizon_zero=horizon_zero, draft=draft, submitted=options.day(on, "--on")
    )
    if as_json:
        typer.echo(json.dumps([
            {"file": str(path), "passes": not faults,
             "faults": [{"rule": f.kind, "column": f.column, "rows": list(f.rows), "count": f.count,
                         "message": f.message, "remedy": f.remedy} for f in faults]}
            for path, faults in found.items()
        ], ensure_ascii=False, indent=1))  # fmt: skip
    else:
        for path, faults in found.items():
            broken = len({f.kind for f in faults})
            typer.echo(f"{path}: " + (f"{broken} {'rule' if broken == 1 else 'rules'} broken" if faults else "passes"))
            for fault in faults:
                typer.echo(f"  {fault.kind}: {fault}")
    if any(found.values()):
        raise typer.Exit(1)


@app.command("score", epilog="Example: salus hub score model-output --truth target-data/time-series.csv --out ranking")
def score(
    folder: Annotated[Path, typer.Argument(help="The hub's model-output folder: one folder a model.", readable=False)],
    truth: Annotated[
        Path, typer.Option(help="A series, or the hub's target data.", show_default=False, readable=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder for the leaderboard; replaced in one step.", show_default=False)],
    baseline: Annotated[str | None, typer.Option(help="Model that the others are measured by.")] = None,
    target: TargetOption = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Rows to keep, by a further column; repeatable.")
    ] = None,
    disease: options.DiseaseOption = None,
    signal: options.SignalOption = None,
    truth_as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Take the truth as it was known then.")
    ] = None,
    lang: options.LangOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for a machine.")] = False,
) -> None:
    """Rank every model of a hub: WIS, coverage, relative skill by pairwise comparison, share of tasks answered."""
    langs = options.languages(lang)
    with options.Stages() as stages:
        board = hub.rank_folder(
            folder, truth, out, baseline=baseline, target=target, only=_pairs(only, "--only"), disease=disease,
            signal=signal, truth_as_of=options.day(truth_as_of, "--truth-as-of"), langs=langs, typed=command_line(),
            progress=stages,
        )  # fmt: skip
    for why in board.left_out:
        typer.echo(f"Note: left out: {why}", err=True)
    if as_json:
        typer.echo(json.dumps(board.table.to_dicts(), ensure_ascii=False))
        return
    table = Table("rank", "model", "relative WIS", "relative log WIS", "WIS", "cover 50", "cover 95", "answered")
    for row in board.table.iter_rows(named=True):
        table.add_row(
            str(row["rank"]), row["model"], _number(row["relative_wis"]), _number(row["relative_log_wis"]),
            _number(row["wis"]), _number(row["coverage50"]), _number(row["coverage95"]), f"{100 * row['share']:.0f} %",
        )  # fmt: skip
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table)
    typer.echo(f"Leaderboard: {out / 'leaderboard.html'}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    found = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise InputError(f"{option} '{text}' can't be understood. Write NAME=VALUE, such as age_group=all.")
        found[name] = value
    return found
