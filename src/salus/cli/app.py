"""The `salus` command: every group of commands, and the one place where errors become messages."""

from __future__ import annotations

import sys

import typer

from salus.cli import copd, copd_assess, data, forecasting, hub, records, syndromes
from salus.cli.demo import demo
from salus.cli.run import run
from salus.cli.simulate import simulate
from salus.errors import SalusError

app = typer.Typer(
    name="salus",
    help="Open public-health intelligence: from case records to a bulletin, on one laptop, without a network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("demo", epilog="Example: salus demo --out demo-out")(demo)
app.command("run", epilog="Example: salus run cases.csv --disease influenza --out bulletin")(run)
app.command("forecast", epilog="Example: salus forecast cases.csv --as-of 2026-01-18 --out forecast.parquet")(
    forecasting.forecast
)
app.command("backtest", epilog="Example: salus backtest cases.csv --origins 2025-01-05:2025-12-28 --out past.parquet")(
    forecasting.backtest
)
app.command("score", epilog="Example: salus score past.parquet cases.csv")(forecasting.score)
data.app.command("simulate", epilog="Example: salus data simulate --out province --encounters 100000")(simulate)
data.app.command("syndromes", epilog="Example: salus data syndromes hfmd")(syndromes.browse)
app.add_typer(data.app, name="data")
app.add_typer(records.app, name="records")
app.add_typer(hub.app, name="hub")
copd.app.command("assess", epilog="Example: salus copd assess people.parquet --out assessed.parquet")(
    copd_assess.assess
)
copd.app.command("questionnaire", epilog="Example: salus copd questionnaire --out questionnaire.json")(
    copd_assess.write_questionnaire
)
app.add_typer(copd.app, name="copd")


def main() -> None:
    """Run the command line; deliberate errors become one message and exit status 2."""
    try:
        app()
    except SalusError as error:
        print(f"salus: {error}", file=sys.stderr)
        sys.exit(2)
