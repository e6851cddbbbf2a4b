"""The `salus` command: every group of commands, and the one place where errors become messages."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from salus.cli.later import MARKUP, Later
from salus.errors import SalusError


def _from(module: str, name: str) -> Callable[[], Any]:
    return lambda: getattr(import_module(f"salus.cli.{module}"), name)


@functools.cache
def _data() -> typer.Typer:
    from salus.cli import data
    from salus.cli.simulate import simulate
    from salus.cli.syndromes import browse

    data.app.command("simulate", epilog="Example: salus data simulate --out province --encounters 100000")(simulate)
    data.app.command("syndromes", epilog="Example: salus data syndromes hfmd")(browse)
    return data.app


@functools.cache
def _copd() -> typer.Typer:
    from salus.cli import copd, copd_assess, copd_burden, copd_spirometry

    assess = copd.app.command("assess", epilog="Example: salus copd assess people.parquet --out assessed.parquet")
    assess(copd_assess.assess)
    read = copd.app.command(
        "spirometry", epilog="Example: salus copd spirometry --age 62 --sex male --height 170 --fev1 1.8 --fvc 3.4"
    )
    read(copd_spirometry.spirometry)
    write = copd.app.command("questionnaire", epilog="Example: salus copd questionnaire --out questionnaire.json")
    write(copd_assess.write_questionnaire)
    areas = copd.app.command("burden", epilog="Example: salus copd burden survey.csv census.csv --out districts.csv")
    areas(copd_burden.burden)
    return copd.app


COMMANDS = (
    Later(
        "demo",
        "Simulate a province and take its case records all the way to a bulletin.",
        _from("demo", "demo"),
        "Example: salus demo --out demo-out",
    ),
    Later(
        "run",
        "Status now and ahead, forecasts, trust labels, alerts and a bulletin, from a table of series.",
        _from("run", "run"),
        "Example: salus run cases.csv --disease influenza --out bulletin",
    ),
    Later(
        "forecast",
        "Forecast once, from what was known on one day.",
        _from("forecasting", "forecast"),
        "Example: salus forecast cases.csv --as-of 2026-01-18 --out forecast.parquet",
    ),
    Later(
        "train",
        "Train a model and store it, to forecast on machines that never see the data.",
        _from("forecasting", "train"),
        "Example: salus train cases.csv --as-of 2026-01-18 --out model.json",
    ),
    Later(
        "backtest",
        "Forecast from many past days, each knowing only what was known then.",
        _from("forecasting", "backtest"),
        "Example: salus backtest cases.csv --origins 2025-01-05:2025-12-28 --out past.parquet",
    ),
    Later(
        "score",
        "WIS, coverage, skill over persistence, and status accuracy beside persistence's, by horizon.",
        _from("forecasting", "score"),
        "Example: salus score past.parquet cases.csv",
    ),
    Later(
        "override",
        "Replace or widen a forecast, with a name and a reason; both are kept, shown with a mark, and scored.",
        _from("override", "app"),
    ),
    Later("explain", "Why a forecast says what it says.", _from("explain", "app")),
    Later("data", "Import files, pull public sources, and see what the workspace holds.", _data),
    Later("records", "The wall: de-identify, count, release, certify.", _from("records", "app")),
    Later("hub", "Forecast hubs of the hubverse: submit, check, rank.", _from("hub", "app")),
    Later("copd", "Airflow obstruction: case-finding, never screening of everybody.", _copd),
)
"""Every command and group, in the order of the help; each is imported when it is called."""


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {str(command.name): command for command in COMMANDS}


app = typer.Typer(name="salus", pretty_exceptions_enable=False, rich_markup_mode=MARKUP)


@app.callback(
    cls=_Commands,
    help="Open public-health intelligence: from case records to a bulletin, on one laptop, without a network.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def _salus() -> None:
    """Hold the commands."""


def everything() -> TyperGroup:
    """The command line with every command imported, to be looked through.

    Examples
    --------
    >>> [command.name for command in everything().commands.values()][:2]
    ['demo', 'run']
    """
    whole: Any = typer.main.get_command(app)
    whole.commands = {str(command.name): command.real for command in COMMANDS}
    found: TyperGroup = whole
    return found


def main() -> None:
    """Run the command line; deliberate errors become one message and exit status 2."""
    try:
        app()
    except SalusError as error:
        print(f"salus: {error}", file=sys.stderr)
        sys.exit(2)
