"""Options that several commands share, and how they are read."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from salus import registry
from salus.errors import InputError
from salus.reports.words import language

COLUMNS = "location, disease, signal, date and value (CSV, Parquet, Excel or JSON lines)"
"""What a file of series holds, for the help."""

FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help=f"Table with the columns {COLUMNS}, also as gzip or zip.", readable=False),
]
SeriesArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SERIES",
        help=f"Table with the columns {COLUMNS}; or the folder of a workspace.",
        readable=False,
    ),
]
DiseaseOption = Annotated[
    str | None, typer.Option("--disease", "-d", help="Disease; may be left out when there is one.")
]
SignalOption = Annotated[
    str | None, typer.Option("--signal", help="What is counted; may be left out when there is one.")
]
AlsoOption = Annotated[
    list[Path] | None,
    typer.Option("--also", help="History of other signals to learn from; repeatable.", readable=False),
]
AlsoLagOption = Annotated[int, typer.Option(min=0, help="Periods by which an --also without as_of is held back.")]
DriverOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--driver",
        help="What may drive the disease, such as weather: a table with location, driver, date and value, a series, or "
        "a calendar of closed schools with calendar, first and last; repeatable.",
        readable=False,
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="Day to stand on, by default the last day of the data; nothing later is looked at.",
    ),
]
HorizonsOption = Annotated[
    str, typer.Option(metavar="FIRST:LAST", help="Periods ahead: days, weeks or months, as the data has them.")
]
ModelOption = Annotated[str, typer.Option(help=f"One of {', '.join(registry.names('model'))}.")]
NowcastOption = Annotated[
    str,
    typer.Option(
        "--nowcast",
        help="Start from nowcasts of the last periods: auto (where first releases are far from what they become), on "
        "or off.",
    ),
]
CoherentOption = Annotated[bool, typer.Option(help="Let the forecasts of parts add up to that of their total.")]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=NAME",
        help="Which column is what, where its name does not tell: --map Ort=location, --map 'Datum=date:day-first', "
        "--map '=Influenza=disease' for one text in all rows; repeatable.",
    ),
]

EncodingOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Encoding of text files, such as gb18030; found out where left out. A byte-order mark goes before it.",
    ),
]
OneDiseaseOption = Annotated[
    str | None, typer.Option("--disease", "-d", help="Only the rows of this disease; any of its names.")
]
OneSignalOption = Annotated[str | None, typer.Option("--signal", help="Only the rows of this signal, such as cases.")]
RememberOption = Annotated[bool, typer.Option(help="Remember the --map for files with the same header.")]
LangOption = Annotated[
    list[str] | None,
    typer.Option("--lang", help="Language of the page: en (the default), zh, or both as en,zh."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for a machine.")]


def day(text: str | None, option: str) -> dt.date | None:
    """A day as typed.

    Parameters
    ----------
    text : str or None
        ``YYYY-MM-DD``.
    option : str
        Name of the option, for the message.

    Raises
    ------
    InputError
        It is not such a day.
    """
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(f"{option} '{text}' is no day. Write it as YYYY-MM-DD, such as 2026-01-18.") from error


def horizons(text: str) -> list[int]:
    """Horizons as typed: ``1:4``, or one number.

    Parameters
    ----------
    text : str
        ``FIRST:LAST``.

    Raises
    ------
    InputError
        It is not such a range, or does not start at 1 or later.
    """
    first, _, last = text.partition(":")
    try:
        found = list(range(int(first), int(last or first) + 1))
    except ValueError as error:
        raise InputError(f"--horizons '{text}' is no range. Write FIRST:LAST, such as 1:4.") from error
    if not found or found[0] < 1 or found[-1] > 52:
        raise InputError(f"--horizons '{text}' can't be forecast. Write FIRST:LAST within 1 and 52, such as 1:4.")
    return found


def languages(given: Sequence[str] | None) -> list[str]:
    """Languages as typed: ``en``, ``zh``, or both with a comma or one after the other; English where none is.

    Parameters
    ----------
    given : sequence of str or None
        Codes.

    Raises
    ------
    NameNotFoundError
        There is no such bulletin language.
    """
    found = list(dict.fromkeys(part.strip() for text in given or ["en"] for part in text.split(",")))
    for code in found:
        language(code)
    return found


def period(text: str, option: str = "--origins") -> tuple[dt.date, dt.date]:
    """First and last day as typed: ``START:END``.

    Parameters
    ----------
    text : str
        Two days.
    option : str
        Name of the option, for messages.

    Raises
    ------
    InputError
        It is not such a range.
    """
    first, colon, last = text.partition(":")
    start, end = day(first, option), day(last, option) if colon else None
    if start is None or end is None:
        raise InputError(f"{option} '{text}' is no range. Write START:END, such as 2022-01-02:2023-12-31.")
    return start, end


class Stages:
    """Progress on a terminal, nothing in a pipe."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            console=Console(file=sys.stderr),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Stages:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Show a stage.

        Parameters
        ----------
        stage : str
            What is being done.
        done, of : int
            Steps.
        """
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=of)
        self._bar.update(self._tasks[stage], completed=done, total=of)
