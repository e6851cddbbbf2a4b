"""A run beside an earlier one: what that said of the period that is now known."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import InputError
from salus.reports.since import since
from salus.tables import door
from salus.tables.contracts import STATUS
from salus.workflows.run import Run

_NEEDED = {"disease", "signal", "as_of"}


@dataclass(frozen=True)
class Earlier:
    """What an earlier run left.

    Attributes
    ----------
    record : dict
        Its `run.json`.
    status : polars.DataFrame
        Its status table.
    """

    record: dict[str, Any]
    status: pl.DataFrame


def read(folder: str | Path) -> Earlier:
    """Read what an earlier run left.

    Parameters
    ----------
    folder : str or Path
        The folder that it wrote; `run.json` and `status.csv` are read.

    Raises
    ------
    InputError
        It is not a folder that `salus run` wrote.
    TableError
        Its status table breaks its contract.
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(_not_a_run(folder)) from error
    options = record.get("options") if isinstance(record, dict) else None
    if not isinstance(options, dict) or record.get("command") != "run" or _NEEDED - options.keys():
        raise InputError(_not_a_run(folder))
    return Earlier(record, door.read(folder / "status.csv", STATUS))


def beside(found: Run, earlier: Earlier) -> Run:
    """The run, with a bulletin that says what changed since an earlier one.

    Parameters
    ----------
    found : Run
        This run.
    earlier : Earlier
        The earlier one.

    Returns
    -------
    Run
        The same but for its bulletin.

    Raises
    ------
    InputError
        The runs can't be compared; see :func:`salus.reports.since.since`.
    """
    bulletin = found.bulletin
    changed = since(
        bulletin.overview.all_places, bulletin.scheme, bulletin.meta, earlier.status, earlier.record, found.record
    )
    return replace(found, bulletin=replace(bulletin, since=changed))


def _not_a_run(folder: Path) -> str:
    told = f"{folder} is not a folder that `salus run` wrote: it has no run.json of a run."
    return f"{told} Give the --out of an earlier run."
