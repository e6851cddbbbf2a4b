"""The `salus` command: every group of commands, and the one place where errors become messages."""

from __future__ import annotations

import sys

import typer

from salus.errors import SalusError

app = typer.Typer(
    name="salus",
    help="Open public-health intelligence: from case records to an epidemic bulletin, on one laptop, without a network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; deliberate errors become one message and exit status 2."""
    try:
        app()
    except SalusError as error:
        print(f"salus: {error}", file=sys.stderr)
        sys.exit(2)
