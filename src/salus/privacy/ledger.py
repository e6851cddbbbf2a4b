"""The list of what came in: which files, under which key, how many rows, and where their records lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from salus.data import durable
from salus.data.output import output_error
from salus.errors import WallError, WorkspaceError
from salus.privacy import traces
from salus.privacy.keys import Key
from salus.privacy.zones import Zones

FORMAT = 2
_FORMAT_ROTATED = 3  # an older Salus would make surrogates of the first key again
_FORMAT_WEEKS = 4  # an older Salus would add days
_NAME = traces.LEDGER

_WHICH = {
    False: "Give the first key",
    True: "The key was changed by `salus records rotate`: give the one that it was changed for",
}

EXPORT = ".export"
"""In the name of a file of records that came as one export: of two exports the later stands, whatever was reported."""

SHARES = "shares"
"""Kind of an entry that is the sum of what several sites shared."""


@dataclass(frozen=True)
class Entry:
    """One ingest.

    Attributes
    ----------
    id : str
        Made of its files' hashes.
    number : int
        1, 2, 3 ... in the order of arrival.
    kind : str
        ``linelist``, ``fhir`` or ``omop``; :data:`SHARES` where several sites' counts were summed.
    inputs : tuple of dict
        ``name``, ``sha256`` and ``bytes`` of each file.
    part : str
        Name of its Parquet file in record/; of a sum of sites, of its folder in count/.
    simulated : bool
        Whether the rows are simulated.
    rows, kept : int
        Rows that came, and those that became records.
    left_out, set_aside : dict of str to int
        Rows dropped and rows in quarantine, by reason.
    persons, visits : int
        Different persons and visits among the records.
    first, last : str
        First and last day of a visit, ISO 8601.
    """

    id: str
    number: int
    kind: str
    inputs: tuple[dict[str, Any], ...]
    part: str
    simulated: bool
    rows: int
    kept: int
    left_out: dict[str, int]
    set_aside: dict[str, int]
    persons: int
    visits: int
    first: str
    last: str


@dataclass(frozen=True)
class Ledger:
    """All ingests of one wall, and what was released.

    Attributes
    ----------
    key_check : str
        Tells whether a key is the one that the surrogates were made with.
    entries : tuple of Entry
        In the order of arrival.
    released : dict of str to dict
        Syndrome that was ever released -> ``rules`` it was counted by, ``scheme`` (policy and places) and
        ``releases``, in their order.
    generation : int
        How often the key was changed.
    dates : str
        How exactly days are kept, one of :data:`salus.privacy.intake.DATES`; agreed on by the first ingest.
    log : dict
        End of the log when the list was last written; empty in a list of an earlier version.
    """

    key_check: str
    entries: tuple[Entry, ...] = ()
    released: dict[str, dict[str, Any]] = field(default_factory=dict)
    generation: int = 0
    dates: str = "day"
    log: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def of_sites(self) -> bool:
        """Whether the wall holds sums of several sites instead of records."""
        return any(e.kind == SHARES for e in self.entries)


def read(zones: Zones, key: Key) -> Ledger:
    """The list as it stands.

    Parameters
    ----------
    zones : Zones
        The wall.
    key : Key
        Must be the one that the wall was begun with.

    Raises
    ------
    WallError
        The key is another one, or the list is gone.
    WorkspaceError
        The list is damaged or of a newer format.
    """
    path = zones.path("vault") / _NAME
    if not path.exists():
        traces.check_list(zones)
        return Ledger(key.check)
    try:
        content = json.loads(path.read_bytes())
        if content["format"] not in (FORMAT, _FORMAT_ROTATED, _FORMAT_WEEKS):
            raise WorkspaceError(
                f"{path} is of format {content['format']}, this version reads {FORMAT} to {_FORMAT_WEEKS}. Use the "
                "version of Salus that wrote it, or begin a new wall."
            )
        entries = tuple(Entry(**(e | {"inputs": tuple(e["inputs"])})) for e in content["entries"])
        ledger = Ledger(content["key_check"], entries, content["released"], content.get("generation", 0))
        ledger = replace(ledger, dates=content.get("dates", "day"))
        ledger = replace(ledger, log=dict(content.get("log", {})))
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"{path} is damaged ({error}). Restore it from a copy; the records themselves were not touched."
        ) from error
    if ledger.key_check != key.check:
        raise WallError(
            f"this is not the key that the records in {zones.root} were made with, so the same person would get "
            f"another surrogate. {_WHICH[bool(ledger.generation)]}; if it is lost, begin a new wall in another folder."
        )
    return ledger


def write(zones: Zones, ledger: Ledger) -> None:
    """Put a new list in the place of the old one, in one step.

    Parameters
    ----------
    zones : Zones
        The wall.
    ledger : Ledger
        New list.

    Raises
    ------
    OutputError
        It can't be written; the old one stands.
    """
    path = zones.path("vault") / _NAME
    weeks = ledger.dates != "day"
    content = {
        "format": _FORMAT_WEEKS if weeks else _FORMAT_ROTATED if ledger.generation else FORMAT,
        "key_check": ledger.key_check,
        "entries": [asdict(e) for e in ledger.entries],
        "released": ledger.released,
    } | ({"generation": ledger.generation} if ledger.generation else {})
    content |= {"dates": ledger.dates} if weeks else {}
    try:
        content |= traces.remembered(zones)
        durable.replace(path, json.dumps(content, indent=1, ensure_ascii=False).encode())
    except OSError as error:
        raise output_error(path, error) from error


def parts(zones: Zones, ledger: Ledger) -> list[Path]:
    """Parquet files of all records, in the order of arrival.

    Parameters
    ----------
    zones : Zones
        The wall.
    ledger : Ledger
        Its list.

    Raises
    ------
    WallError
        The wall holds sums of several sites and no records, or a file of records is gone.
    """
    if ledger.of_sites:
        raise WallError(
            f"{zones.root} holds sums of what several sites shared and no records. Release them with "
            "`salus records combine`; for records give another wall."
        )
    found = [zones.path("record") / e.part for e in ledger.entries]
    gone = [p for p in found if not p.exists()]
    if gone:
        raise WallError(
            f"{gone[0]} is gone, though the wall's list has it. Restore the wall from its backup; nothing was changed."
        )
    return found


def check_weeks(zones: Zones, ledger: Ledger, week_start: str) -> None:
    """Refuse weeks that records can't be counted by, since their days are kept as weeks of the other kind.

    Parameters
    ----------
    zones : Zones
        The wall.
    ledger : Ledger
        Its list.
    week_start : {'monday', 'sunday'}
        First day of the weeks wanted.

    Raises
    ------
    WallError
        The wall keeps the other kind of week.
    """
    if ledger.dates not in ("day", f"week-{week_start}"):
        kept = ledger.dates.removeprefix("week-").title()
        raise WallError(
            f"the records in {zones.root} have their days as weeks that begin on {kept} (--dates {ledger.dates} at the "
            f"first ingest), so weeks that begin on {week_start.title()} can't be counted. Give a policy or rule with "
            f'week_start = "{kept.lower()}".'
        )


@contextmanager
def locked(zones: Zones) -> Iterator[None]:
    """Only one process changes a wall at a time.

    Parameters
    ----------
    zones : Zones
        The wall.

    Raises
    ------
    WorkspaceError
        Another process has been busy with it for a minute.
    OutputError
        It may not be written.
    """
    lock = FileLock(zones.path("vault") / ".lock", timeout=60)
    try:
        lock.acquire()
    except Timeout as error:
        raise WorkspaceError(
            f"another process is writing to {zones.root}. Wait until it is done, then try again."
        ) from error
    except OSError as error:
        raise output_error(zones.root, error) from error
    try:
        yield
    finally:
        lock.release()
